"""Whose a bucket is, and what guards it, as far as profiles may tell."""

from typing import Any

import pytest
from tests.fakes.aws_documents import HUB, PARTNER, ScriptedAws, accounts
from tests.fakes.s3 import document

from crossdock.adapters.aws.documents.buckets import BucketDocuments, BucketReader
from crossdock.core.errors import NotFound
from crossdock.core.object_writing import ObjectWriting
from crossdock.policy.evaluate import Layer

NARROW = document(
    {"Effect": "Allow", "Principal": {"AWS": HUB}, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::inbox/*"}
)
PUBLIC = document({"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::inbox/*"})
POLICY, LISTED = ("s3", "GetBucketPolicy"), ("s3", "ListBuckets")
QUIET: dict[tuple[str, str], Any] = {
    ("s3", "GetBucketLocation"): {"LocationConstraint": "eu-west-2"},
    ("s3", "GetBucketEncryption"): "ServerSideEncryptionConfigurationNotFoundError",
    ("s3", "GetPublicAccessBlock"): "NoSuchPublicAccessBlockConfiguration",
    ("s3control", "GetPublicAccessBlock"): "NoSuchPublicAccessBlockConfiguration",
}
FOREIGN = {POLICY: "AccessDenied", LISTED: {"Buckets": [{"Name": "inbox-2"}]}}


async def find(hub: dict[tuple[str, str], Any], partner: dict[tuple[str, str], Any] | None = None) -> BucketDocuments:
    listed = [ScriptedAws({**QUIET, **hub}).account(HUB)]
    if partner is not None:
        listed.append(ScriptedAws({**QUIET, **partner}).account(PARTNER))
    return await BucketReader(accounts(*listed)).find("inbox")


async def test_who_is_answered_is_the_owner() -> None:
    found = await find(FOREIGN, {POLICY: {"Policy": NARROW}})
    assert (found.owner, found.region, found.unread, found.public_access) == (PARTNER, "eu-west-2", (), None)
    assert found.policy is not None
    assert found.policy.name == "bucket policy of inbox"


@pytest.mark.parametrize("hub", [FOREIGN, {POLICY: "MethodNotAllowed"}])
async def test_a_bucket_without_a_policy_has_an_owner_too(hub) -> None:
    found = await find(hub, {POLICY: "NoSuchBucketPolicy"})
    assert (found.owner, found.policy, found.unread) == (PARTNER, None, ())


async def test_each_bucket_is_read_once() -> None:
    aws = ScriptedAws({**QUIET, POLICY: {"Policy": NARROW}})
    reader = BucketReader(accounts(aws.account()))
    found = await reader.find("inbox")
    calls = len(aws.asked)
    assert await reader.find("inbox") is found
    assert len(aws.asked) == calls


async def test_a_bucket_that_does_not_exist_is_not_found() -> None:
    with pytest.raises(NotFound, match="there is no bucket inbox"):
        await find({POLICY: "NoSuchBucket"})


async def test_the_owner_who_may_not_read_the_policy_is_told_which_permission() -> None:
    found = await find({POLICY: "AccessDenied", LISTED: {"Buckets": [{"Name": "inbox"}]}})
    assert (found.owner, found.policy) == (HUB, None)
    (unread,) = found.unread
    assert (unread.layer, unread.why) == (
        Layer.RESOURCE,
        f"profile reads-1 of account {HUB} may not s3:GetBucketPolicy on inbox",
    )
    assert unread.remedy.startswith("allow s3:GetBucketPolicy to ")


async def test_without_the_owners_profile_it_is_asked_for() -> None:
    found = await find(FOREIGN)
    assert (found.owner, found.may_be_of) == ("", frozenset())
    (unread,) = found.unread
    assert unread.why == "no profile is given for the account whose bucket inbox is"
    assert unread.remedy.startswith("give --profile ACCOUNT=PROFILE")


async def test_where_nobody_may_say_whose_it_is_each_account_may_be_it() -> None:
    found = await find({}, FOREIGN)
    assert (found.owner, found.may_be_of) == ("", {HUB})
    (unread,) = found.unread
    assert unread.why.startswith("it is not known whose bucket inbox is, and profile reads-1")
    assert "allow s3:ListAllMyBuckets" in unread.remedy
    assert "allow s3:GetBucketPolicy" in unread.remedy


async def test_a_policy_that_our_engine_does_not_know_is_unknown() -> None:
    found = await find({POLICY: {"Policy": "{}"}})
    assert (found.owner, found.policy, [one.layer for one in found.unread]) == (HUB, None, [Layer.RESOURCE])


RESTRICTS = {"PublicAccessBlockConfiguration": {"RestrictPublicBuckets": True}}
BLOCKS = {"PublicAccessBlockConfiguration": {"BlockPublicPolicy": True}}


async def test_public_access_is_blocked_by_the_bucket_or_its_account() -> None:
    for row in (("s3", "GetPublicAccessBlock"), ("s3control", "GetPublicAccessBlock")):
        found = await find({POLICY: {"Policy": PUBLIC}, row: RESTRICTS})
        assert found.public_access is not None
        assert (found.public_access.restrict_public_buckets, found.public_access.block_public_policy) == (True, False)
    found = await find(
        {
            POLICY: {"Policy": PUBLIC},
            ("s3", "GetPublicAccessBlock"): RESTRICTS,
            ("s3control", "GetPublicAccessBlock"): BLOCKS,
        }
    )
    assert found.public_access is not None
    assert (found.public_access.restrict_public_buckets, found.public_access.block_public_policy) == (True, True)
    assert (await find({POLICY: {"Policy": PUBLIC}})).public_access is None


async def test_of_a_policy_that_is_not_public_no_block_is_read() -> None:
    found = await find({POLICY: {"Policy": NARROW}, ("s3", "GetPublicAccessBlock"): "AccessDenied"})
    assert found.unread == ()


async def test_a_block_that_may_not_be_read_is_unknown() -> None:
    found = await find({POLICY: {"Policy": PUBLIC}, ("s3control", "GetPublicAccessBlock"): "AccessDenied"})
    (unread,) = found.unread
    assert unread.layer is Layer.PUBLIC_ACCESS
    assert "may not s3:GetAccountPublicAccessBlock" in unread.why


async def test_another_vendors_s3_has_no_block_of_accounts() -> None:
    aws = ScriptedAws(
        {**QUIET, POLICY: {"Policy": PUBLIC}, ("s3", "GetPublicAccessBlock"): "NotImplemented"},
        endpoint_url="http://127.0.0.1:4566",
    )
    found = await BucketReader(accounts(aws.account())).find("inbox")
    assert (found.public_access, found.unread) == (None, ())
    assert "s3control" not in {service for service, _, _ in aws.asked}


@pytest.mark.parametrize(
    ("told", "region"),
    [({"LocationConstraint": None}, "us-east-1"), ({}, "us-east-1"), ({"LocationConstraint": "EU"}, "eu-west-1")],
)
async def test_old_names_of_regions(told, region) -> None:
    found = await find({POLICY: {"Policy": NARROW}, ("s3", "GetBucketLocation"): told})
    assert found.region == region


async def test_a_region_that_may_not_be_read_is_not_known() -> None:
    assert (await find({POLICY: {"Policy": NARROW}, ("s3", "GetBucketLocation"): "AccessDenied"})).region == ""


def encrypted(*, bucket_key: bool = False, **default: str) -> dict[str, Any]:
    rules = [{"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key}]
    return {"ServerSideEncryptionConfiguration": {"Rules": rules}}


@pytest.mark.parametrize(
    ("told", "found"),
    [
        (encrypted(SSEAlgorithm="AES256"), ObjectWriting(bucket_key=False)),
        # It counts for what is written with a key of KMS that the write names.
        (encrypted(SSEAlgorithm="AES256", bucket_key=True), ObjectWriting(bucket_key=True)),
        ({"ServerSideEncryptionConfiguration": {}}, ObjectWriting()),
        ("NotImplemented", ObjectWriting()),
        (
            encrypted(SSEAlgorithm="aws:kms", KMSMasterKeyID="arn:key", bucket_key=True),
            ObjectWriting(sse="aws:kms", kms_key_id="arn:key", bucket_key=True),
        ),
        (encrypted(SSEAlgorithm="aws:kms:dsse"), ObjectWriting(sse="aws:kms:dsse", bucket_key=False)),
    ],
)
async def test_how_a_bucket_encrypts_by_default(told, found) -> None:
    bucket = await find({POLICY: {"Policy": NARROW}, ("s3", "GetBucketEncryption"): told})
    assert (bucket.encryption, bucket.encryption_unread) == (found, None)


async def test_a_default_encryption_that_may_not_be_read_is_unknown() -> None:
    denied = await find({POLICY: {"Policy": NARROW}, ("s3", "GetBucketEncryption"): "AccessDenied"})
    assert denied.encryption is None
    assert "may not s3:GetEncryptionConfiguration" in str(denied.encryption_unread)
    nobodys = await find(FOREIGN)
    assert nobodys.encryption is None
    assert "no profile is given for the account whose bucket inbox is" in str(nobodys.encryption_unread)
