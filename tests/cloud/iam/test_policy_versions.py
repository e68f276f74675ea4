"""Versions of managed policies."""

from urllib.parse import unquote

import pytest
from tests.fakes.cloud import HUB
from tests.fakes.documents import allowing
from tests.fakes.identity import Identities, make_identities

FILES = f"arn:aws:iam::{HUB}:policy/Files"
S3_READ = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


@pytest.fixture
async def house() -> Identities:
    house = await make_identities()
    await house.iam("CreatePolicy", PolicyName="Files", PolicyDocument=allowing("s3:Get*"))
    return house


async def versions(house: Identities) -> list[tuple[str, bool]]:
    listed = await house.iam("ListPolicyVersions", PolicyArn=FILES)
    return [(version["VersionId"], version["IsDefaultVersion"]) for version in listed["Versions"]]


async def test_the_first_version_is_v1_with_the_document_as_it_was_written(house: Identities) -> None:
    version = (await house.iam("GetPolicyVersion", PolicyArn=FILES, VersionId="v1"))["PolicyVersion"]

    assert unquote(version["Document"]) == allowing("s3:Get*")
    assert (version["VersionId"], version["IsDefaultVersion"]) == ("v1", True)


async def test_a_policy_of_aws_has_its_current_version_only(house: Identities) -> None:
    listed = (await house.iam("ListPolicyVersions", PolicyArn=S3_READ))["Versions"]
    assert [version["IsDefaultVersion"] for version in listed] == [True]

    current = listed[0]["VersionId"]
    shown = await house.iam("GetPolicyVersion", PolicyArn=S3_READ, VersionId=current)
    assert "s3:Get*" in unquote(shown["PolicyVersion"]["Document"])

    refusal = await house.refused("iam", "GetPolicyVersion", PolicyArn=S3_READ, VersionId="v1")
    assert (refusal.code, refusal.status) == ("NoSuchEntity", 404)


async def test_a_new_version_counts_only_when_it_is_made_the_default(house: Identities) -> None:
    await house.iam("CreatePolicyVersion", PolicyArn=FILES, PolicyDocument=allowing("s3:Put*"))
    assert await versions(house) == [("v2", False), ("v1", True)]

    await house.iam("SetDefaultPolicyVersion", PolicyArn=FILES, VersionId="v2")
    assert await versions(house) == [("v2", True), ("v1", False)]

    answer = await house.iam("CreatePolicyVersion", PolicyArn=FILES, PolicyDocument=allowing("s3:*"), SetAsDefault=True)
    assert answer["PolicyVersion"]["VersionId"] == "v3"
    assert (await house.iam("GetPolicy", PolicyArn=FILES))["Policy"]["DefaultVersionId"] == "v3"


async def test_a_version_number_is_not_used_again(house: Identities) -> None:
    await house.iam("CreatePolicyVersion", PolicyArn=FILES, PolicyDocument=allowing("s3:Put*"))
    await house.iam("DeletePolicyVersion", PolicyArn=FILES, VersionId="v2")
    await house.iam("CreatePolicyVersion", PolicyArn=FILES, PolicyDocument=allowing("s3:Put*"))

    assert await versions(house) == [("v3", False), ("v1", True)]


async def test_the_default_version_cannot_be_deleted(house: Identities) -> None:
    refusal = await house.refused("iam", "DeletePolicyVersion", PolicyArn=FILES, VersionId="v1")

    assert (refusal.code, refusal.message) == ("DeleteConflict", "Cannot delete the default version of a policy.")


async def test_five_versions_are_the_most(house: Identities) -> None:
    for _ in range(4):
        await house.iam("CreatePolicyVersion", PolicyArn=FILES, PolicyDocument=allowing("s3:*"))

    refusal = await house.refused("iam", "CreatePolicyVersion", PolicyArn=FILES, PolicyDocument=allowing("s3:*"))

    assert refusal.code == "LimitExceeded"
    assert len(await versions(house)) == 5


async def test_versions_that_are_not_there_and_documents_that_cannot_be_are_refused(house: Identities) -> None:
    for operation in ("GetPolicyVersion", "DeletePolicyVersion", "SetDefaultPolicyVersion"):
        assert (await house.refused("iam", operation, PolicyArn=FILES, VersionId="v9")).code == "NoSuchEntity"
    refusal = await house.refused("iam", "CreatePolicyVersion", PolicyArn=FILES, PolicyDocument="[]")
    assert refusal.code == "MalformedPolicyDocument"
