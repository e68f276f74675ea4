"""Object Ownership: whose an object is that another account wrote, and who may read it, under each setting.

The hub writes, the partner has the bucket.
"""

from dataclasses import replace

import pytest
from tests.fakes.s3 import ANYBODY, HUB, PARTNER, EmbeddedS3, refusal

from crossdock.cloud.s3.bucket_directory import BUCKETS, Bucket, Ownership
from crossdock.cloud.s3.owners import canonical_id
from crossdock.cloud.s3.ownership import account_of, checked_ownership, owner_of_new
from crossdock.core.errors import ServiceError

BOX = "arn:aws:s3:::box"
FULL = "bucket-owner-full-control"
ENFORCED, PREFERRED, WRITER = "BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"


async def shared(s3: EmbeddedS3, ownership: str, *statements) -> None:
    """A bucket of the partner's into which the hub may write, and in which it may read."""
    await s3("CreateBucket", as_=s3.partner, Bucket="box", ObjectOwnership=ownership)
    hub = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"},
        "Action": ["s3:PutObject", "s3:PutObjectAcl", "s3:GetObject", "s3:AbortMultipartUpload"],
        "Resource": f"{BOX}/*",
    }
    await s3.policy("box", hub, *statements, as_=s3.partner)


def acl(params):
    return {"ACL": params} if params else {}


async def acl_of(s3: EmbeddedS3, caller, key: str = "k") -> tuple[str, dict[str, str]]:
    """The owner, and what each account is granted."""
    names = {canonical_id(HUB): "hub", canonical_id(PARTNER): "partner"}
    answer = await s3("GetObjectAcl", as_=caller, Bucket="box", Key=key)
    grants = {names[one["Grantee"]["ID"]]: one["Permission"] for one in answer["Grants"]}
    return names[answer["Owner"]["ID"]], grants


async def put(s3, key, asked):
    await s3.put("box", key, b"content", **acl(asked))


async def upload(s3, key, asked):
    upload_id = await s3.upload("box", key, **acl(asked))
    part = await s3.part("box", key, upload_id, 1, b"content")
    await s3.complete("box", key, upload_id, [part])


async def copy(s3, key, asked):
    await s3.bucket("source")
    await s3.put("source", "k", b"content")
    await s3("CopyObject", Bucket="box", Key=key, CopySource="source/k", **acl(asked))


CASES = [
    # ownership, canned ACL, the owner, what the bucket's owner is granted, whether it may read
    (ENFORCED, "", "partner", "FULL_CONTROL", True),
    (ENFORCED, FULL, "partner", "FULL_CONTROL", True),
    (PREFERRED, "", "hub", None, False),
    (PREFERRED, "private", "hub", None, False),
    (PREFERRED, "bucket-owner-read", "hub", "READ", True),
    (PREFERRED, FULL, "partner", "FULL_CONTROL", True),
    (WRITER, "", "hub", None, False),
    (WRITER, "bucket-owner-read", "hub", "READ", True),
    (WRITER, FULL, "hub", "FULL_CONTROL", True),
]


@pytest.mark.parametrize("write", [put, upload, copy])
@pytest.mark.parametrize(("ownership", "asked", "owner", "granted", "may_read"), CASES)
async def test_an_object_of_another_account_is_whose_the_setting_says(
    s3: EmbeddedS3, write, ownership, asked, owner, granted, may_read
):
    await shared(s3, ownership)
    await write(s3, "k", asked)
    if may_read:
        assert await s3.read("box", "k", as_=s3.partner) == b"content"
    else:
        assert (await refusal(s3("GetObject", as_=s3.partner, Bucket="box", Key="k"))).code == "AccessDenied"
        assert (await refusal(s3("HeadObject", as_=s3.partner, Bucket="box", Key="k"))).code == "AccessDenied"
    whole = {"hub": "FULL_CONTROL"} if owner == "hub" else {}
    expected = {**whole, **({"partner": granted} if granted else {})}
    if granted == "FULL_CONTROL":
        assert await acl_of(s3, s3.partner) == (owner, expected)
    else:
        assert (await refusal(s3("GetObjectAcl", as_=s3.partner, Bucket="box", Key="k"))).code == "AccessDenied"
        assert await acl_of(s3, s3.hub) == (owner, expected)
    # The bucket's owner may clear up in any case.
    await s3("DeleteObject", as_=s3.partner, Bucket="box", Key="k")
    assert (await s3("ListObjectsV2", as_=s3.partner, Bucket="box"))["KeyCount"] == 0


async def test_a_bucket_policy_lets_nobody_read_what_another_account_owns_and_denies_all_the_same(s3: EmbeddedS3):
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{BOX}/*"}
    secret = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{BOX}/secret"}
    await shared(s3, WRITER, everybody, secret)  # statements 2 and 3
    await s3.put("box", "theirs", b"1")
    await s3.put("box", "secret", b"2", ACL=FULL)
    await s3.put("box", "own", b"3", as_=s3.partner)
    assert await s3.read("box", "own", as_=ANYBODY) == b"3"
    withheld = await refusal(s3("GetObject", as_=ANYBODY, Bucket="box", Key="theirs"))
    assert f"the ACL of the object, which is account {HUB}'s, does not allow s3:GetObject" in withheld.reason
    assert "let that account put it again with the ACL bucket-owner-full-control" in withheld.remedy()
    denied = await refusal(s3("GetObject", as_=s3.hub, Bucket="box", Key="secret"))
    assert f"denied explicitly by statement 3 of the bucket policy of box (account {PARTNER})" in denied.reason
    assert f"in account {PARTNER}, take statement 3 out of" in denied.remedy()
    assert (await refusal(s3("GetObject", as_=s3.partner, Bucket="box", Key="secret"))).code == "AccessDenied"


async def test_the_owner_of_an_object_hears_nothing_of_the_text_of_anothers_bucket_policy(s3: EmbeddedS3):
    secret = {"Sid": "Secret", "Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{BOX}/*"}
    await shared(s3, WRITER, secret)
    await s3.put("box", "k", b"content")
    denied = await refusal(s3("GetObject", as_=s3.hub, Bucket="box", Key="k"))
    assert denied.message.endswith("because no resource-based policy allows the s3:GetObject action")
    assert not [word for word in ("statement", "Secret", PARTNER) if word in denied.message]
    # Whoever sees to the service reads it all.
    assert f"statement Secret of the bucket policy of box (account {PARTNER})" in denied.reason


async def test_a_bucket_policy_that_cannot_be_read_is_no_statement_about_anothers_object_either(s3: EmbeddedS3):
    await shared(s3, WRITER)
    await s3.put("box", "k", b"content")
    async with s3.parts.state.transaction() as tx:
        record = await BUCKETS.get(tx, "box")
        assert record is not None
        await BUCKETS.put(tx, replace(record, policy="what another version wrote"), "box")
    s3.parts.epoch.advance()
    denied = await refusal(s3("GetObject", as_=s3.hub, Bucket="box", Key="k"))
    assert "also depends on what could not be read (resource-based policy)" in denied.reason
    assert "denied explicitly" not in denied.reason


@pytest.mark.parametrize("operation", ["ListObjects", "ListObjectsV2"])
async def test_a_listing_tells_the_owner_that_counts(s3: EmbeddedS3, operation):
    async def told() -> str:
        (listed,) = (await s3(operation, as_=s3.partner, Bucket="box", **asked))["Contents"]
        return str(listed["Owner"]["ID"])

    asked = {"FetchOwner": True} if operation == "ListObjectsV2" else {}
    await shared(s3, WRITER)
    await s3.put("box", "k", b"content")
    assert await told() == canonical_id(HUB)
    controls = {"Rules": [{"ObjectOwnership": ENFORCED}]}
    await s3("PutBucketOwnershipControls", as_=s3.partner, Bucket="box", OwnershipControls=controls)
    assert await told() == canonical_id(PARTNER)


async def test_its_owner_reads_an_object_by_its_own_policies_whatever_the_bucket_allows(s3: EmbeddedS3):
    await shared(s3, WRITER)
    await s3.put("box", "k", b"content")
    await s3.put("box", "own", b"x", as_=s3.partner)
    await s3("DeleteBucketPolicy", as_=s3.partner, Bucket="box")
    reader = await s3.role("reader", "s3:GetObject", f"{BOX}/*")
    assert await s3.read("box", "k", as_=reader) == b"content"
    assert (await refusal(s3("GetObject", as_=reader, Bucket="box", Key="own"))).code == "AccessDenied"
    nobody = await s3.role("nobody", "s3:ListBucket", BOX)
    assert (await refusal(s3("GetObject", as_=nobody, Bucket="box", Key="k"))).code == "AccessDenied"


async def test_what_the_acl_gives_the_owner_of_the_bucket_its_own_policies_pass_on(s3: EmbeddedS3):
    await shared(s3, WRITER)
    await s3.put("box", "k", b"content", ACL=FULL)
    reader = await s3.role("reader", "s3:GetObject", f"{BOX}/*", as_=s3.partner)
    nobody = await s3.role("nobody", "s3:ListBucket", BOX, as_=s3.partner)
    assert await s3.read("box", "k", as_=reader) == b"content"
    assert (await refusal(s3("GetObject", as_=nobody, Bucket="box", Key="k"))).code == "AccessDenied"


async def test_enforcing_makes_everything_the_bucket_owners_and_back(s3: EmbeddedS3):
    await shared(s3, WRITER)
    await s3.put("box", "k", b"content")
    controls = {"Rules": [{"ObjectOwnership": ENFORCED}]}
    await s3("PutBucketOwnershipControls", as_=s3.partner, Bucket="box", OwnershipControls=controls)
    assert await s3.read("box", "k", as_=s3.partner) == b"content"
    assert await acl_of(s3, s3.partner) == ("partner", {"partner": "FULL_CONTROL"})
    controls = {"Rules": [{"ObjectOwnership": WRITER}]}
    await s3("PutBucketOwnershipControls", as_=s3.partner, Bucket="box", OwnershipControls=controls)
    assert (await refusal(s3("GetObject", as_=s3.partner, Bucket="box", Key="k"))).code == "AccessDenied"


async def test_copying_reads_the_source_as_its_owner_lets(s3: EmbeddedS3):
    await shared(s3, WRITER)
    await s3.put("box", "closed", b"1")
    await s3.put("box", "open", b"2", ACL="bucket-owner-read")
    await s3("CopyObject", as_=s3.partner, Bucket="box", Key="copy", CopySource="box/open")
    assert await acl_of(s3, s3.partner, "copy") == ("partner", {"partner": "FULL_CONTROL"})
    call = s3("CopyObject", as_=s3.partner, Bucket="box", Key="copy", CopySource="box/closed")
    assert (await refusal(call)).code == "AccessDenied"
    upload_id = await s3.upload("box", "parts", as_=s3.partner)
    copied = {"Bucket": "box", "Key": "parts", "UploadId": upload_id, "PartNumber": 1}
    assert (await refusal(s3("UploadPartCopy", as_=s3.partner, CopySource="box/closed", **copied))).code == (
        "AccessDenied"
    )


async def test_an_object_that_another_account_puts_between_asking_and_reading_is_not_read(s3: EmbeddedS3):
    """The bucket's owner was let in to its own object; by the time of reading the key has another's."""
    await shared(s3, WRITER)
    await s3.put("box", "k", b"own", as_=s3.partner)
    operations = s3.operations
    call = operations.begin(
        "s3",
        "GetObject",
        {"Bucket": "box", "Key": "k"},
        caller=s3.partner,
        account_id=PARTNER,
        region="us-east-1",
        origin=s3.origin,
    )
    await operations.authorise(call)
    await s3.put("box", "k", b"theirs")
    with pytest.raises(ServiceError, match="AccessDenied"):
        await operations.services["s3"].operations["GetObject"].handler(call)


@pytest.mark.parametrize(
    ("ownership", "params", "code"),
    [
        (ENFORCED, {"ACL": "private"}, "AccessControlListNotSupported"),
        (ENFORCED, {"ACL": "bucket-owner-read"}, "AccessControlListNotSupported"),
        (ENFORCED, {"GrantRead": "id=abc"}, "AccessControlListNotSupported"),
        (WRITER, {"ACL": "public-read"}, "NotImplemented"),
        (PREFERRED, {"GrantFullControl": "id=abc"}, "NotImplemented"),
    ],
)
async def test_acls_that_crossdock_does_not_do_are_refused(s3: EmbeddedS3, ownership, params, code):
    await shared(s3, ownership)
    for operation in ("PutObject", "CreateMultipartUpload"):
        assert (await refusal(s3(operation, as_=s3.partner, Bucket="box", Key="k", **params))).code == code


def test_what_nobody_signed_is_the_bucket_owners():
    bucket = Bucket(name="b", account_id=PARTNER, region="r", bucket_id="i", ownership=Ownership.OBJECT_WRITER)
    assert owner_of_new(bucket, "", "") == PARTNER
    assert account_of("arn:aws:sts::111111111111:assumed-role/a/b") == HUB
    assert account_of("*") == ""


def test_there_are_three_settings():
    assert [checked_ownership(text).value for text in (ENFORCED, PREFERRED, WRITER)] == [ENFORCED, PREFERRED, WRITER]
    with pytest.raises(ServiceError, match="InvalidArgument"):
        checked_ownership("Anybody")
