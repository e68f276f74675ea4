"""Tags of functions, and policies that look at them."""

import json

from tests.fakes.lambda_ import EmbeddedLambda, function_arn


async def test_tags_are_added_replaced_and_removed(cloud: EmbeddedLambda):
    await cloud.make("f", Tags={"team": "files", "stage": "test"})
    await cloud("TagResource", Resource=function_arn("f"), Tags={"stage": "live", "cost": "1"})
    assert (await cloud("ListTags", Resource=function_arn("f")))["Tags"] == {
        "team": "files",
        "stage": "live",
        "cost": "1",
    }
    await cloud("UntagResource", Resource=function_arn("f"), TagKeys=["team", "absent"])
    assert (await cloud("ListTags", Resource=function_arn("f")))["Tags"] == {"stage": "live", "cost": "1"}
    assert cloud.runner.retired == []


async def test_tags_have_their_limits(cloud: EmbeddedLambda):
    await cloud.make("f", Tags={f"k{number}": "" for number in range(50)})
    code, message = await cloud.refusal("TagResource", Resource=function_arn("f"), Tags={"one": "more"})
    assert (code, message) == ("InvalidParameterValueException", "Number of tags exceeds resource tag limit of 50.")


async def test_tags_belong_to_a_function_that_is_there(cloud: EmbeddedLambda):
    arn = function_arn("f")
    expected = ("ResourceNotFoundException", f"Function not found: {arn}")
    assert await cloud.refusal("ListTags", Resource=arn) == expected
    assert await cloud.refusal("TagResource", Resource=arn, Tags={"a": "b"}) == expected
    assert await cloud.refusal("UntagResource", Resource=arn, TagKeys=["a"]) == expected
    code, message = await cloud.refusal("ListTags", Resource=f"{arn}:live")
    assert code == "InvalidParameterValueException"
    assert "aliases and versions are not supported" in message


async def test_a_policy_may_look_at_the_tags_of_function_and_request(cloud: EmbeddedLambda):
    await cloud.make("mine", Tags={"team": "files"})
    await cloud.make("other", Tags={"team": "money"})
    visitor = await cloud.role_session("visitor", "lambda:GetFunction", "*")
    statements = [
        {
            "Effect": "Allow",
            "Action": ["lambda:InvokeFunction", "lambda:TagResource", "lambda:CreateFunction"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:ResourceTag/team": "files"}},
        },
        {
            "Effect": "Deny",
            "Action": "lambda:TagResource",
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestTag/stage": "live"}},
        },
    ]
    document = json.dumps({"Version": "2012-10-17", "Statement": statements})
    await cloud.call("iam", "PutRolePolicy", RoleName="visitor", PolicyName="tags", PolicyDocument=document)
    assert (await cloud("Invoke", as_=visitor, FunctionName="mine"))["StatusCode"] == 200
    assert (await cloud.refusal("Invoke", as_=visitor, FunctionName="other"))[0] == "AccessDeniedException"
    await cloud("TagResource", as_=visitor, Resource=function_arn("mine"), Tags={"stage": "test"})
    code, _ = await cloud.refusal("TagResource", as_=visitor, Resource=function_arn("mine"), Tags={"stage": "live"})
    assert code == "AccessDeniedException"
