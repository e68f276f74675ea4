"""Policies of roles: embedded and attached."""

import json
from urllib.parse import unquote

import pytest
from tests.fakes.cloud import HUB, PARTNER
from tests.fakes.documents import allowing, document, statement, trusting
from tests.fakes.identity import Identities, make_identities

TRUST = trusting({"Service": "transfer.amazonaws.com"})
S3_FULL = "arn:aws:iam::aws:policy/AmazonS3FullAccess"
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


@pytest.fixture
async def house() -> Identities:
    house = await make_identities()
    await house.role("Upload", TRUST)
    return house


async def put(house: Identities, name: str, text: str) -> None:
    await house.iam("PutRolePolicy", RoleName="Upload", PolicyName=name, PolicyDocument=text)


async def test_an_inline_policy_is_kept_as_it_was_written(house: Identities) -> None:
    text = json.dumps(json.loads(allowing("s3:*", "arn:aws:s3:::bucket/*")), indent=4)
    await put(house, "files", text)

    shown = await house.iam("GetRolePolicy", RoleName="Upload", PolicyName="files")

    assert (shown["RoleName"], shown["PolicyName"]) == ("Upload", "files")
    assert "%2A" in shown["PolicyDocument"]
    assert unquote(shown["PolicyDocument"]) == text


async def test_putting_an_inline_policy_again_replaces_it(house: Identities) -> None:
    await put(house, "files", allowing("s3:GetObject"))
    await put(house, "files", allowing("s3:PutObject"))

    shown = await house.iam("GetRolePolicy", RoleName="Upload", PolicyName="files")
    assert unquote(shown["PolicyDocument"]) == allowing("s3:PutObject")
    assert (await house.iam("ListRolePolicies", RoleName="Upload"))["PolicyNames"] == ["files"]


async def test_inline_policies_are_listed_in_pages(house: Identities) -> None:
    for name in ("c", "a", "b"):
        await put(house, name, allowing("s3:*"))

    first = await house.iam("ListRolePolicies", RoleName="Upload", MaxItems=2)
    second = await house.iam("ListRolePolicies", RoleName="Upload", MaxItems=2, Marker=first["Marker"])

    assert (first["PolicyNames"], first["IsTruncated"]) == (["a", "b"], True)
    assert (second["PolicyNames"], second["IsTruncated"]) == (["c"], False)


async def test_an_inline_policy_is_deleted_alone(house: Identities) -> None:
    await put(house, "a", allowing("s3:*"))
    await put(house, "b", allowing("s3:*"))

    await house.iam("DeleteRolePolicy", RoleName="Upload", PolicyName="a")

    assert (await house.iam("ListRolePolicies", RoleName="Upload"))["PolicyNames"] == ["b"]
    for operation in ("GetRolePolicy", "DeleteRolePolicy"):
        refusal = await house.refused("iam", operation, RoleName="Upload", PolicyName="a")
        assert (refusal.code, refusal.status) == ("NoSuchEntity", 404)
        assert refusal.message == "The role policy with name a cannot be found."


@pytest.mark.parametrize(
    ("name", "text", "code", "sentence"),
    [
        ("a b", allowing("s3:*"), "ValidationError", "The specified value for policyName is invalid."),
        ("p" * 129, allowing("s3:*"), "ValidationError", "Member must have length less than or equal to 128"),
        ("p", "not json", "MalformedPolicyDocument", "Syntax errors in policy."),
        (
            "p",
            document(statement("Allow", "s3:*", "*", principal="*")),
            "MalformedPolicyDocument",
            "Policy document should not specify a principal.",
        ),
        (
            "p",
            allowing("s3:*", "bucket"),
            "MalformedPolicyDocument",
            'Resource bucket must be in ARN format or "*".',
        ),
        (
            "p",
            allowing("s3:*", "arn:aws:s3:::x").replace("x", "日本"),
            "ValidationError",
            "must contain only printable ASCII",
        ),
    ],
)
async def test_a_bad_inline_policy_is_refused(
    house: Identities, name: str, text: str, code: str, sentence: str
) -> None:
    refusal = await house.refused("iam", "PutRolePolicy", RoleName="Upload", PolicyName=name, PolicyDocument=text)

    assert refusal.code == code
    assert sentence in refusal.message


async def test_all_inline_policies_of_a_role_share_one_quota(house: Identities) -> None:
    buckets = [f"arn:aws:s3:::{'b' * 60}{number:03}" for number in range(70)]
    await put(house, "first", allowing("s3:*", buckets))

    refusal = await house.refused(
        "iam", "PutRolePolicy", RoleName="Upload", PolicyName="second", PolicyDocument=allowing("s3:*", buckets * 2)
    )
    assert (refusal.code, refusal.status) == ("LimitExceeded", 409)
    assert refusal.message == "Maximum policy size of 10240 bytes exceeded for role Upload"

    await put(house, "first", allowing("s3:*", buckets))
    await put(house, "second", allowing("s3:*", buckets[:50]))
    assert (await house.iam("ListRolePolicies", RoleName="Upload"))["PolicyNames"] == ["first", "second"]


async def test_managed_policies_are_attached_listed_and_detached(house: Identities) -> None:
    for arn in (S3_FULL, BASIC, BASIC):
        await house.iam("AttachRolePolicy", RoleName="Upload", PolicyArn=arn)

    listed = await house.iam("ListAttachedRolePolicies", RoleName="Upload")
    assert listed["AttachedPolicies"] == [
        {"PolicyName": "AmazonS3FullAccess", "PolicyArn": S3_FULL},
        {"PolicyName": "AWSLambdaBasicExecutionRole", "PolicyArn": BASIC},
    ]
    only = await house.iam("ListAttachedRolePolicies", RoleName="Upload", PathPrefix="/service-role/")
    assert [policy["PolicyArn"] for policy in only["AttachedPolicies"]] == [BASIC]

    await house.iam("DetachRolePolicy", RoleName="Upload", PolicyArn=BASIC)
    refusal = await house.refused("iam", "DetachRolePolicy", RoleName="Upload", PolicyArn=BASIC)
    assert (refusal.code, refusal.message) == ("NoSuchEntity", f"Policy {BASIC} was not found.")


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:iam::aws:policy/NotShipped",
        f"arn:aws:iam::{HUB}:policy/Ghost",
        f"arn:aws:iam::{PARTNER}:policy/Theirs",
        "arn:aws:s3:::policy/not-iam-at-all",
        "not an arn but long enough",
    ],
)
async def test_a_policy_that_this_account_does_not_have_cannot_be_attached(house: Identities, arn: str) -> None:
    await house.iam("CreatePolicy", by=house.partner, PolicyName="Theirs", PolicyDocument=allowing("s3:*"))

    refusal = await house.refused("iam", "AttachRolePolicy", RoleName="Upload", PolicyArn=arn)

    assert refusal.code == "NoSuchEntity"
    assert refusal.message == f"Policy {arn} does not exist or is not attachable."


async def test_ten_managed_policies_are_the_most(house: Identities) -> None:
    arns = []
    for number in range(11):
        answer = await house.iam("CreatePolicy", PolicyName=f"p{number}", PolicyDocument=allowing("s3:*"))
        arns.append(answer["Policy"]["Arn"])
    for arn in arns[:10]:
        await house.iam("AttachRolePolicy", RoleName="Upload", PolicyArn=arn)

    refusal = await house.refused("iam", "AttachRolePolicy", RoleName="Upload", PolicyArn=arns[10])

    assert (refusal.code, refusal.message) == ("LimitExceeded", "Cannot exceed quota for PoliciesPerRole: 10")


async def test_the_administrator_shows_its_policy(house: Identities) -> None:
    listed = await house.iam("ListAttachedUserPolicies", UserName="crossdock-admin")

    assert [policy["PolicyName"] for policy in listed["AttachedPolicies"]] == ["AdministratorAccess"]
    assert (await house.refused("iam", "ListAttachedUserPolicies", UserName="nobody")).code == "NoSuchEntity"


async def test_who_uses_a_policy_is_told_by_entity_and_by_usage(house: Identities) -> None:
    admin = "arn:aws:iam::aws:policy/AdministratorAccess"
    await house.iam("AttachRolePolicy", RoleName="Upload", PolicyArn=admin)
    await house.role("Limited", TRUST, PermissionsBoundary=admin)

    async def names(**params: str) -> tuple[list[str], list[str]]:
        found = await house.iam("ListEntitiesForPolicy", PolicyArn=admin, **params)
        assert found["PolicyGroups"] == []
        roles = [role["RoleName"] for role in found["PolicyRoles"]]
        return sorted(roles), [user["UserName"] for user in found["PolicyUsers"]]

    assert await names() == (["Limited", "Upload"], ["crossdock-admin"])
    assert await names(EntityFilter="Role") == (["Limited", "Upload"], [])
    assert await names(EntityFilter="User") == ([], ["crossdock-admin"])
    assert await names(PolicyUsageFilter="PermissionsBoundary") == (["Limited"], [])
    assert await names(PolicyUsageFilter="PermissionsPolicy") == (["Upload"], ["crossdock-admin"])
    refusal = await house.refused("iam", "ListEntitiesForPolicy", PolicyArn=f"arn:aws:iam::{HUB}:policy/Ghost")
    assert refusal.code == "NoSuchEntity"
