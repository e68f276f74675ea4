"""Roles: made, shown, changed, deleted."""

import json
import re
from urllib.parse import unquote

import pytest
from tests.fakes.cloud import HUB
from tests.fakes.documents import allowing, document, statement, trusting
from tests.fakes.identity import Identities, make_identities

ARTICLE_TRUST = """{
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {
                "Service": [
                    "transfer.amazonaws.com"
                ]
            },
            "Action": "sts:AssumeRole"
        }
    ]
}"""
BOUNDARY = "arn:aws:iam::aws:policy/AmazonS3FullAccess"


@pytest.fixture
async def house() -> Identities:
    return await make_identities()


async def test_a_new_role_is_answered_with_its_id_and_arn(house: Identities) -> None:
    role = await house.role("Upload", ARTICLE_TRUST, Path="/team/", Description="for files")

    assert role["Arn"] == "arn:aws:iam::111111111111:role/team/Upload"
    assert re.fullmatch(r"AROA[A-Z2-7]{17}", role["RoleId"])
    assert role["CreateDate"] == house.parts.clock.now()
    assert role["Description"] == "for files"
    assert role["MaxSessionDuration"] == 3600


async def test_a_trust_policy_is_shown_as_it_was_written_and_url_encoded(house: Identities) -> None:
    await house.role("Upload", ARTICLE_TRUST)

    shown = (await house.iam("GetRole", RoleName="Upload"))["Role"]["AssumeRolePolicyDocument"]

    assert shown.startswith("%7B%0A%20%20%20%20%22Version%22%3A%20%222012-10-17%22")
    assert unquote(shown) == ARTICLE_TRUST


async def test_a_role_made_anew_has_another_id(house: Identities) -> None:
    first = await house.role("Upload", ARTICLE_TRUST)
    await house.iam("DeleteRole", RoleName="Upload")
    second = await house.role("Upload", ARTICLE_TRUST)

    assert first["Arn"] == second["Arn"]
    assert first["RoleId"] != second["RoleId"]


async def test_roles_of_two_accounts_do_not_meet(house: Identities) -> None:
    await house.role("Upload", ARTICLE_TRUST)

    refusal = await house.refused("iam", "GetRole", by=house.partner, RoleName="Upload")

    assert (refusal.code, refusal.status) == ("NoSuchEntity", 404)
    assert refusal.message == "The role with name Upload cannot be found."
    assert (await house.iam("ListRoles", by=house.partner))["Roles"] == []


async def test_names_are_unique_without_regard_to_case(house: Identities) -> None:
    await house.role("Upload", ARTICLE_TRUST)

    refusal = await house.refused("iam", "CreateRole", RoleName="upload", AssumeRolePolicyDocument=ARTICLE_TRUST)

    assert (refusal.code, refusal.status) == ("EntityAlreadyExists", 409)
    assert refusal.message == "Role with name upload already exists."
    assert (await house.refused("iam", "GetRole", RoleName="upload")).code == "NoSuchEntity"


@pytest.mark.parametrize(
    ("params", "code", "sentence"),
    [
        ({"RoleName": "a b"}, "ValidationError", "The specified value for roleName is invalid. It must contain only "),
        ({"RoleName": "é"}, "ValidationError", "The specified value for roleName is invalid."),
        ({"RoleName": "r" * 65}, "ValidationError", "Member must have length less than or equal to 64"),
        ({"Path": "team"}, "ValidationError", "The specified value for path is invalid. It must begin and end with /"),
        ({"Path": "/a b/"}, "ValidationError", "The specified value for path is invalid."),
        ({"Path": "/" + "p" * 511 + "/"}, "ValidationError", "The specified value for path is invalid."),
        ({"Description": "d" * 1001}, "ValidationError", "Member must have length less than or equal to 1000"),
        ({"MaxSessionDuration": 3599}, "ValidationError", "Member must have value greater than or equal to 3600"),
        ({"MaxSessionDuration": 43201}, "ValidationError", "Member must have value less than or equal to 43200"),
        ({"AssumeRolePolicyDocument": "{"}, "MalformedPolicyDocument", "Syntax errors in policy."),
        (
            {"AssumeRolePolicyDocument": trusting({"AWS": HUB}, condition={"StringLikes": {"aws:userid": "x"}})},
            "MalformedPolicyDocument",
            "Syntax errors in policy. (statement 1: the condition operator StringLikes is not known)",
        ),
        (
            {"AssumeRolePolicyDocument": allowing("sts:AssumeRole")},
            "MalformedPolicyDocument",
            "Has prohibited field Resource",
        ),
        (
            {"AssumeRolePolicyDocument": trusting({"Service": "transfer.amazonaws.com"}, action="s3:GetObject")},
            "MalformedPolicyDocument",
            "AssumeRole policy may only specify STS AssumeRole actions.",
        ),
        (
            {"AssumeRolePolicyDocument": ARTICLE_TRUST.replace("2012", "２０１２")},
            "ValidationError",
            "The specified value for assumeRolePolicyDocument is invalid. It must contain only printable ASCII",
        ),
        (
            {"AssumeRolePolicyDocument": trusting({"AWS": [f"{number:012}" for number in range(140)]})},
            "LimitExceeded",
            "Cannot exceed quota for ACLSizePerRole: 2048",
        ),
        (
            {"PermissionsBoundary": "arn:aws:iam::aws:policy/Imaginary"},
            "NoSuchEntity",
            "Scope ARN: arn:aws:iam::aws:policy/Imaginary does not exist or is not attachable.",
        ),
        (
            {"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]},
            "InvalidInput",
            "Duplicate tag keys found.",
        ),
    ],
)
async def test_what_aws_refuses_is_refused(
    house: Identities, params: dict[str, object], code: str, sentence: str
) -> None:
    given = {"RoleName": "Upload", "AssumeRolePolicyDocument": ARTICLE_TRUST} | params

    refusal = await house.refused("iam", "CreateRole", **given)

    assert refusal.code == code
    assert sentence in refusal.message
    assert (await house.iam("ListRoles"))["Roles"] == []


async def test_white_space_does_not_count_towards_the_size_of_a_trust_policy(house: Identities) -> None:
    await house.role("Upload", ARTICLE_TRUST.replace("{", "{" + " " * 2048))


async def test_a_trust_policy_names_only_users_and_roles_that_exist(house: Identities) -> None:
    refusal = await house.refused(
        "iam",
        "CreateRole",
        RoleName="Upload",
        AssumeRolePolicyDocument=trusting({"AWS": f"arn:aws:iam::{HUB}:role/Ghost"}),
    )

    assert refusal.code == "MalformedPolicyDocument"
    assert refusal.message == f'Invalid principal in policy: "AWS":"arn:aws:iam::{HUB}:role/Ghost"'


async def test_a_trusted_role_that_was_deleted_is_shown_by_its_id(house: Identities) -> None:
    worker = await house.role("Worker", ARTICLE_TRUST)
    trust = trusting({"AWS": [worker["Arn"], f"arn:aws:iam::{HUB}:root"]})
    await house.role("Upload", trust)
    assert await trusted(house, "Upload") == [worker["Arn"], f"arn:aws:iam::{HUB}:root"]

    await house.iam("DeleteRole", RoleName="Worker")
    assert await trusted(house, "Upload") == [worker["RoleId"], f"arn:aws:iam::{HUB}:root"]

    await house.role("Worker", ARTICLE_TRUST)
    assert await trusted(house, "Upload") == [worker["RoleId"], f"arn:aws:iam::{HUB}:root"]

    await house.iam("UpdateAssumeRolePolicy", RoleName="Upload", PolicyDocument=trust)
    assert await trusted(house, "Upload") == [worker["Arn"], f"arn:aws:iam::{HUB}:root"]


async def trusted(house: Identities, name: str) -> list[str]:
    shown = (await house.iam("GetRole", RoleName=name))["Role"]["AssumeRolePolicyDocument"]
    found: list[str] = json.loads(unquote(shown))["Statement"][0]["Principal"]["AWS"]
    return found


async def test_the_trust_policy_is_replaced_and_checked_again(house: Identities) -> None:
    await house.role("Upload", ARTICLE_TRUST)
    other = trusting({"Service": "lambda.amazonaws.com"})

    await house.iam("UpdateAssumeRolePolicy", RoleName="Upload", PolicyDocument=other)

    shown = (await house.iam("GetRole", RoleName="Upload"))["Role"]["AssumeRolePolicyDocument"]
    assert unquote(shown) == other
    for bad in (allowing("*"), trusting({"AWS": f"arn:aws:iam::{HUB}:user/nobody"})):
        refusal = await house.refused("iam", "UpdateAssumeRolePolicy", RoleName="Upload", PolicyDocument=bad)
        assert refusal.code == "MalformedPolicyDocument"


async def test_roles_are_listed_in_pages_and_by_path(house: Identities) -> None:
    for number in range(5):
        await house.role(f"r{number}", ARTICLE_TRUST, Path="/even/" if number % 2 == 0 else "/odd/")

    first = await house.iam("ListRoles", MaxItems=2)
    second = await house.iam("ListRoles", MaxItems=2, Marker=first["Marker"])
    third = await house.iam("ListRoles", MaxItems=2, Marker=second["Marker"])
    even = await house.iam("ListRoles", PathPrefix="/even/", MaxItems=2)
    last = await house.iam("ListRoles", PathPrefix="/even/", MaxItems=2, Marker=even["Marker"])

    names = [[role["RoleName"] for role in page["Roles"]] for page in (first, second, third, even, last)]
    assert names == [["r0", "r1"], ["r2", "r3"], ["r4"], ["r0", "r2"], ["r4"]]
    assert [page["IsTruncated"] for page in (first, second, third, even, last)] == [True, True, False, True, False]


async def test_a_role_with_policies_cannot_be_deleted(house: Identities) -> None:
    await house.role("Upload", ARTICLE_TRUST)
    await house.iam("PutRolePolicy", RoleName="Upload", PolicyName="p", PolicyDocument=allowing("s3:*"))
    await house.iam("AttachRolePolicy", RoleName="Upload", PolicyArn=BOUNDARY)

    refusal = await house.refused("iam", "DeleteRole", RoleName="Upload")
    assert (refusal.code, refusal.status) == ("DeleteConflict", 409)
    assert refusal.message == "Cannot delete entity, must detach all policies first."

    await house.iam("DetachRolePolicy", RoleName="Upload", PolicyArn=BOUNDARY)
    refusal = await house.refused("iam", "DeleteRole", RoleName="Upload")
    assert refusal.message == "Cannot delete entity, must delete policies first."

    await house.iam("DeleteRolePolicy", RoleName="Upload", PolicyName="p")
    await house.iam("DeleteRole", RoleName="Upload")
    assert (await house.refused("iam", "DeleteRole", RoleName="Upload")).code == "NoSuchEntity"


async def test_a_role_can_be_updated(house: Identities) -> None:
    await house.role("Upload", ARTICLE_TRUST, Description="old")

    await house.iam("UpdateRole", RoleName="Upload", MaxSessionDuration=7200)
    await house.iam("UpdateRole", RoleName="Upload", Description="new")

    role = (await house.iam("GetRole", RoleName="Upload"))["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("new", 7200)


async def test_tags_are_kept_merged_removed_and_listed(house: Identities) -> None:
    await house.role("Upload", ARTICLE_TRUST, Tags=[{"Key": "Team", "Value": "blue"}, {"Key": "cost", "Value": ""}])

    await house.iam("TagRole", RoleName="Upload", Tags=[{"Key": "team", "Value": "red"}])
    await house.iam("UntagRole", RoleName="Upload", TagKeys=["COST"])

    tags = await house.iam("ListRoleTags", RoleName="Upload")
    assert tags["Tags"] == [{"Key": "team", "Value": "red"}]
    assert (await house.iam("GetRole", RoleName="Upload"))["Role"]["Tags"] == tags["Tags"]


async def test_a_boundary_is_set_shown_and_removed(house: Identities) -> None:
    await house.role("Upload", ARTICLE_TRUST, PermissionsBoundary=BOUNDARY)
    shown = (await house.iam("GetRole", RoleName="Upload"))["Role"]["PermissionsBoundary"]
    assert shown == {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": BOUNDARY}

    other = "arn:aws:iam::aws:policy/ReadOnlyAccess"
    await house.iam("PutRolePermissionsBoundary", RoleName="Upload", PermissionsBoundary=other)
    assert (await house.iam("GetPolicy", PolicyArn=BOUNDARY))["Policy"]["PermissionsBoundaryUsageCount"] == 0
    assert (await house.iam("GetPolicy", PolicyArn=other))["Policy"]["PermissionsBoundaryUsageCount"] == 1

    await house.iam("DeleteRolePermissionsBoundary", RoleName="Upload")
    assert "PermissionsBoundary" not in (await house.iam("GetRole", RoleName="Upload"))["Role"]
    refusal = await house.refused("iam", "DeleteRolePermissionsBoundary", RoleName="Upload")
    assert refusal.code == "NoSuchEntity"

    await house.iam("PutRolePermissionsBoundary", RoleName="Upload", PermissionsBoundary=other)
    await house.iam("DeleteRole", RoleName="Upload")
    assert (await house.iam("GetPolicy", PolicyArn=other))["Policy"]["PermissionsBoundaryUsageCount"] == 0


async def test_there_are_no_instance_profiles(house: Identities) -> None:
    await house.role("Upload", ARTICLE_TRUST)

    assert (await house.iam("ListInstanceProfilesForRole", RoleName="Upload"))["InstanceProfiles"] == []
    assert (await house.refused("iam", "ListInstanceProfilesForRole", RoleName="Ghost")).code == "NoSuchEntity"


async def test_a_statement_with_a_single_principal_is_read_like_a_list(house: Identities) -> None:
    worker = await house.role("Worker", ARTICLE_TRUST)
    single = document(statement("Allow", "sts:AssumeRole", principal={"AWS": worker["Arn"]}))
    await house.role("Upload", json.dumps(json.loads(single) | {"Statement": json.loads(single)["Statement"][0]}))

    await house.iam("DeleteRole", RoleName="Worker")

    shown = unquote((await house.iam("GetRole", RoleName="Upload"))["Role"]["AssumeRolePolicyDocument"])
    assert json.loads(shown)["Statement"]["Principal"]["AWS"] == worker["RoleId"]
