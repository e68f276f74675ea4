"""Managed policies as a whole."""

import re

import pytest
from tests.fakes.cloud import HUB, PARTNER
from tests.fakes.documents import allowing, trusting
from tests.fakes.identity import Identities, make_identities

TRUST = trusting({"Service": "transfer.amazonaws.com"})
FILES = f"arn:aws:iam::{HUB}:policy/team/Files"
S3_READ = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


@pytest.fixture
async def house() -> Identities:
    return await make_identities()


async def create(house: Identities, name: str = "Files", **params: object) -> dict[str, object]:
    given = {"PolicyName": name, "Path": "/team/", "PolicyDocument": allowing("s3:*")} | params
    return dict((await house.iam("CreatePolicy", **given))["Policy"])


async def test_a_new_policy_is_answered_with_its_id_and_arn(house: Identities) -> None:
    policy = await create(house, Tags=[{"Key": "team", "Value": "blue"}])

    assert policy["Arn"] == FILES
    assert re.fullmatch(r"ANPA[A-Z2-7]{17}", str(policy["PolicyId"]))
    assert policy["DefaultVersionId"] == "v1"
    assert (policy["AttachmentCount"], policy["IsAttachable"]) == (0, True)
    assert policy["CreateDate"] == policy["UpdateDate"] == house.parts.clock.now()
    assert policy["Tags"] == [{"Key": "team", "Value": "blue"}]


async def test_a_policy_is_shown_with_description_tags_and_attachments(house: Identities) -> None:
    await create(house, Description="for files")
    await house.role("Upload", TRUST)
    await house.iam("AttachRolePolicy", RoleName="Upload", PolicyArn=FILES)

    policy = (await house.iam("GetPolicy", PolicyArn=FILES))["Policy"]

    assert (policy["Description"], policy["AttachmentCount"], policy["Tags"]) == ("for files", 1, [])


async def test_a_policy_of_aws_is_shown_and_cannot_be_changed(house: Identities) -> None:
    policy = (await house.iam("GetPolicy", PolicyArn=S3_READ))["Policy"]
    assert policy["PolicyName"] == "AmazonS3ReadOnlyAccess"
    assert policy["PolicyId"].startswith("ANPA")

    refusal = await house.refused("iam", "DeletePolicy", PolicyArn=S3_READ)
    assert (refusal.code, refusal.status) == ("AccessDenied", 403)
    assert refusal.message == "Policy is outside your own account."


@pytest.mark.parametrize("arn", [f"arn:aws:iam::{HUB}:policy/Files", "arn:aws:iam::aws:policy/PowerUserAccess"])
async def test_another_path_or_a_policy_that_is_not_shipped_is_not_found(house: Identities, arn: str) -> None:
    await create(house)

    refusal = await house.refused("iam", "GetPolicy", PolicyArn=arn)

    assert (refusal.code, refusal.status, refusal.message) == ("NoSuchEntity", 404, f"Policy {arn} was not found.")


async def test_another_account_s_policy_cannot_be_seen(house: Identities) -> None:
    await create(house)

    refusal = await house.refused("iam", "GetPolicy", by=house.partner, PolicyArn=FILES)

    assert refusal.code == "AccessDenied"
    assert f"is not authorized to perform: iam:GetPolicy on resource: {FILES}" in refusal.message


@pytest.mark.parametrize(
    ("params", "code", "sentence"),
    [
        ({"PolicyName": "a/b"}, "ValidationError", "The specified value for policyName is invalid."),
        ({"Path": "/a!/"}, "ValidationError", "The specified value for path is invalid."),
        ({"Description": "d" * 1001}, "ValidationError", "Member must have length less than or equal to 1000"),
        ({"PolicyDocument": "{"}, "MalformedPolicyDocument", "Syntax errors in policy."),
        (
            {"PolicyDocument": allowing("s3:*").replace("2012", "2008")},
            "MalformedPolicyDocument",
            "Policy document must be version 2012-10-17 or greater.",
        ),
        (
            {"PolicyDocument": allowing("s3:*", [f"arn:aws:s3:::{'b' * 60}{n:03}" for n in range(80)])},
            "LimitExceeded",
            "Cannot exceed quota for PolicySize: 6144",
        ),
    ],
)
async def test_what_aws_refuses_is_refused(
    house: Identities, params: dict[str, object], code: str, sentence: str
) -> None:
    given = {"PolicyName": "Files", "PolicyDocument": allowing("s3:*")} | params

    refusal = await house.refused("iam", "CreatePolicy", **given)

    assert refusal.code == code
    assert sentence in refusal.message


async def test_policy_names_are_unique_without_regard_to_case_or_path(house: Identities) -> None:
    await create(house)

    refusal = await house.refused("iam", "CreatePolicy", PolicyName="FILES", PolicyDocument=allowing("s3:*"))

    assert (refusal.code, refusal.status) == ("EntityAlreadyExists", 409)
    assert refusal.message == "A policy called FILES already exists. Duplicate names are not allowed."


async def test_a_policy_in_use_cannot_be_deleted(house: Identities) -> None:
    await create(house)
    await house.role("Upload", TRUST, PermissionsBoundary=FILES)

    refusal = await house.refused("iam", "DeletePolicy", PolicyArn=FILES)
    assert (refusal.code, refusal.message) == ("DeleteConflict", "Cannot delete a policy attached to entities.")

    await house.iam("DeleteRole", RoleName="Upload")
    await house.iam("DeletePolicy", PolicyArn=FILES)
    assert (await house.refused("iam", "GetPolicy", PolicyArn=FILES)).code == "NoSuchEntity"


async def test_a_policy_with_several_versions_cannot_be_deleted(house: Identities) -> None:
    await create(house)
    await house.iam("CreatePolicyVersion", PolicyArn=FILES, PolicyDocument=allowing("s3:Get*"))

    refusal = await house.refused("iam", "DeletePolicy", PolicyArn=FILES)

    assert refusal.code == "DeleteConflict"
    assert refusal.message.startswith("This policy has more than one version.")


async def listed(house: Identities, **params: object) -> list[str]:
    answer = await house.iam("ListPolicies", **params)
    return [policy["PolicyName"] for policy in answer["Policies"]]


async def test_policies_are_listed_by_scope_path_and_use(house: Identities) -> None:
    await create(house)
    await create(house, "Other", Path="/")
    await house.role("Upload", TRUST, PermissionsBoundary=S3_READ)
    await house.iam("AttachRolePolicy", RoleName="Upload", PolicyArn=FILES)

    assert await listed(house, Scope="Local") == ["Other", "Files"]
    assert len(await listed(house, Scope="AWS")) == 8
    assert len(await listed(house)) == 10
    assert await listed(house, PathPrefix="/team/") == ["Files"]
    assert await listed(house, Scope="Local", OnlyAttached=True) == ["Files"]
    assert await listed(house, PolicyUsageFilter="PermissionsBoundary") == ["AmazonS3ReadOnlyAccess"]
    assert await listed(house, PolicyUsageFilter="PermissionsPolicy") == ["Files", "AdministratorAccess"]


async def test_policies_are_listed_in_pages(house: Identities) -> None:
    await create(house)
    names: list[str] = []
    marker: dict[str, str] = {}
    while True:
        page = await house.iam("ListPolicies", MaxItems=4, **marker)
        names += [policy["PolicyName"] for policy in page["Policies"]]
        if not page["IsTruncated"]:
            break
        marker = {"Marker": page["Marker"]}

    assert len(names) == len(set(names)) == 9


async def test_two_accounts_may_have_a_policy_of_the_same_name(house: Identities) -> None:
    await create(house)
    theirs = await house.iam("CreatePolicy", by=house.partner, PolicyName="Files", PolicyDocument=allowing("s3:*"))

    assert theirs["Policy"]["Arn"] == f"arn:aws:iam::{PARTNER}:policy/Files"
