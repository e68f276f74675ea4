"""The organization's policies: made, changed, deleted, shown."""

import json
import re

import pytest
from tests.fakes.cloud import HUB
from tests.fakes.documents import allowing, denying, document, statement
from tests.fakes.organization import FULL, RCP, SCP, Organization

DENY = denying("s3:PutObject")


async def test_a_policy_is_kept_as_it_was_written(house: Organization) -> None:
    made = await house("CreatePolicy", Name="no-uploads", Description="until Monday", Type=SCP, Content=DENY)

    policy = made["Policy"]["PolicySummary"]
    assert re.fullmatch(r"p-[a-z0-9]{10}", policy["Id"])
    organization = (await house("DescribeOrganization"))["Organization"]["Id"]
    assert policy == {
        "Id": policy["Id"],
        "Arn": f"arn:aws:organizations::000000000000:policy/{organization}/service_control_policy/{policy['Id']}",
        "Name": "no-uploads",
        "Description": "until Monday",
        "Type": SCP,
        "AwsManaged": False,
    }
    assert made["Policy"]["Content"] == DENY
    assert await house("DescribePolicy", PolicyId=policy["Id"]) == made
    assert policy in (await house("ListPolicies", Filter=SCP))["Policies"]


async def test_aws_s_own_policy_allows_everything_and_cannot_be_changed(house: Organization) -> None:
    found = (await house("DescribePolicy", PolicyId=FULL))["Policy"]

    assert found["PolicySummary"] == {
        "Id": FULL,
        "Arn": "arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess",
        "Name": "FullAWSAccess",
        "Description": "Allows access to every operation",
        "Type": SCP,
        "AwsManaged": True,
    }
    assert json.loads(found["Content"])["Statement"] == [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    for operation in ("UpdatePolicy", "DeletePolicy"):
        assert await house.refusal(operation, PolicyId=FULL) == ("InvalidInputException", "IMMUTABLE_POLICY")


async def test_an_update_changes_what_it_names(house: Organization) -> None:
    policy_id = await house.policy("no-uploads", DENY)

    await house("UpdatePolicy", PolicyId=policy_id, Name="no-downloads")
    await house("UpdatePolicy", PolicyId=policy_id, Description="until Tuesday")
    answer = await house("UpdatePolicy", PolicyId=policy_id, Content=denying("s3:GetObject"))

    assert answer == await house("DescribePolicy", PolicyId=policy_id)
    summary = answer["Policy"]["PolicySummary"]
    assert (summary["Name"], summary["Description"]) == ("no-downloads", "until Tuesday")
    assert answer["Policy"]["Content"] == denying("s3:GetObject")


async def test_names_are_taken_once_a_type(house: Organization) -> None:
    await house.policy("one", DENY)
    policy_id = await house.policy("two", DENY)

    new = {"Description": "", "Type": SCP, "Content": DENY}
    assert (await house.refusal("CreatePolicy", Name="one", **new))[0] == "DuplicatePolicyException"
    assert (await house.refusal("CreatePolicy", Name="FullAWSAccess", **new))[0] == "DuplicatePolicyException"
    assert (await house.refusal("UpdatePolicy", PolicyId=policy_id, Name="one"))[0] == "DuplicatePolicyException"
    await house("UpdatePolicy", PolicyId=policy_id, Name="two")


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("{", "("),
        (
            document(statement("Deny", "s3:*", "*", principal="*")),
            "(Policy document should not specify a principal.",
        ),
        ('{"Version": "2012-10-17"}', "it has no Statement)"),
    ],
)
async def test_a_document_that_is_no_such_policy_is_refused_with_what_is_wrong(
    house: Organization, content, what
) -> None:
    code, message = await house.refusal("CreatePolicy", Name="x", Description="", Type=SCP, Content=content)
    assert code == "MalformedPolicyDocumentException"
    assert message.startswith("The provided policy document does not meet the requirements")
    assert what in message
    policy_id = await house.policy("good", DENY)
    assert (await house.refusal("UpdatePolicy", PolicyId=policy_id, Content=content))[0] == code


@pytest.mark.parametrize("effect", ["Allow", "Deny"])
async def test_a_resource_control_policy_can_only_deny(house: Organization, effect) -> None:
    content = document(statement(effect, "*" if effect == "Allow" else "s3:*", "*", principal="*"))
    new = {"Name": "x", "Description": "", "Type": RCP, "Content": content}
    if effect == "Deny":
        summary = (await house("CreatePolicy", **new))["Policy"]["PolicySummary"]
        assert "/resource_control_policy/p-" in summary["Arn"]
    else:
        assert (await house.refusal("CreatePolicy", **new))[0] == "MalformedPolicyDocumentException"


async def test_a_document_may_have_5120_bytes_white_space_included(house: Organization) -> None:
    fitting = DENY + " " * (5120 - len(DENY))
    await house.policy("fits", fitting)

    refusal = await house.refusal("CreatePolicy", Name="x", Description="", Type=SCP, Content=fitting + " ")

    assert refusal == ("ConstraintViolationException", "POLICY_CONTENT_LIMIT_EXCEEDED")


async def test_a_policy_that_is_attached_is_not_deleted(house: Organization) -> None:
    policy_id = await house.bind(HUB, DENY)

    assert (await house.refusal("DeletePolicy", PolicyId=policy_id))[0] == "PolicyInUseException"
    await house("DetachPolicy", PolicyId=policy_id, TargetId=HUB)
    await house("DeletePolicy", PolicyId=policy_id)

    assert (await house.refusal("DescribePolicy", PolicyId=policy_id))[0] == "PolicyNotFoundException"


async def test_types_that_are_not_here_cannot_be_made_and_have_no_policies(house: Organization) -> None:
    code, _ = await house.refusal("CreatePolicy", Name="x", Description="", Type="TAG_POLICY", Content="{}")
    assert code == "PolicyTypeNotAvailableForOrganizationException"
    assert (await house("ListPolicies", Filter="TAG_POLICY"))["Policies"] == []
    assert (await house("ListPoliciesForTarget", TargetId=HUB, Filter="TAG_POLICY"))["Policies"] == []


async def test_tags_are_refused_not_ignored(house: Organization) -> None:
    tags = [{"Key": "team", "Value": "files"}]
    code, _ = await house.refusal("CreatePolicy", Name="x", Description="", Type=SCP, Content=DENY, Tags=tags)
    assert code == "InvalidInputException"


async def test_a_member_may_not_touch_policies(house: Organization) -> None:
    policy_id = await house.policy("no-uploads", DENY)
    for operation, params in (
        ("CreatePolicy", {"Name": "x", "Description": "", "Type": SCP, "Content": allowing("*")}),
        ("ListPolicies", {"Filter": SCP}),
        ("DescribePolicy", {"PolicyId": FULL}),
        ("DescribePolicy", {"PolicyId": policy_id}),
        ("DeletePolicy", {"PolicyId": policy_id}),
        ("AttachPolicy", {"PolicyId": FULL, "TargetId": HUB}),
        ("ListPoliciesForTarget", {"TargetId": HUB, "Filter": SCP}),
    ):
        assert (await house.refusal(operation, by=house.hub, **params))[0] == "AccessDeniedException"
