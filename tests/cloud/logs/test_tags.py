"""Tags of log groups."""

from tests.fakes.logs import GROUP, HUB, PARTNER

ARN = f"arn:aws:logs:us-east-1:{HUB}:log-group:{GROUP}"


async def tags(logs, arn=ARN):
    return (await logs("ListTagsForResource", resourceArn=arn))["tags"]


async def test_tags_come_with_the_group_are_added_changed_and_taken_away(logs):
    await logs("CreateLogGroup", logGroupName=GROUP, tags={"team": "a", "stage": "x"})
    await logs("TagResource", resourceArn=ARN, tags={"team": "b", "new": ""})
    assert await tags(logs) == {"team": "b", "stage": "x", "new": ""}
    await logs("UntagResource", resourceArn=ARN, tagKeys=["team", "none"])
    assert await tags(logs) == {"stage": "x", "new": ""}
    await logs("PutRetentionPolicy", logGroupName=GROUP, retentionInDays=1)
    assert await tags(logs) == {"stage": "x", "new": ""}


async def test_tags_that_aws_refuses_are_refused(logs):
    await logs.make()
    code, _ = await logs.refusal("TagResource", resourceArn=ARN, tags={"aws:x": "y"})
    assert code == "InvalidParameterException"
    await logs("TagResource", resourceArn=ARN, tags={f"k{number}": "v" for number in range(50)})
    assert (await logs.refusal("TagResource", resourceArn=ARN, tags={"one more": "v"}))[0] == "TooManyTagsException"


async def test_only_groups_that_are_there_have_tags(logs):
    for operation, params in (
        ("ListTagsForResource", {}),
        ("TagResource", {"tags": {"a": "b"}}),
        ("UntagResource", {"tagKeys": ["a"]}),
    ):
        assert (await logs.refusal(operation, resourceArn=ARN, **params))[0] == "ResourceNotFoundException"
        theirs = ARN.replace(HUB, PARTNER)
        assert (await logs.refusal(operation, resourceArn=theirs, **params))[0] == "ResourceNotFoundException"
        code, _ = await logs.refusal(operation, resourceArn=f"arn:aws:s3:::{GROUP}", **params)
        assert code == "InvalidParameterException"
