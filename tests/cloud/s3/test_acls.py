"""ACLs that are read and put, and the setting that says whether they count."""

from dataclasses import replace

import pytest
from tests.cloud.s3.test_ownership import FULL, WRITER, acl_of, shared
from tests.fakes.s3 import HUB, PARTNER, EmbeddedS3, refusal

from crossdock.cloud.s3.bucket_directory import BUCKETS
from crossdock.cloud.s3.owners import canonical_id
from crossdock.core.backings import Backing


async def test_an_owner_gives_another_what_it_did_not_give_at_first(s3: EmbeddedS3):
    await shared(s3, WRITER)
    await s3.put("box", "k", b"content", Metadata={"a": "b"}, ContentType="text/plain")
    await s3("PutObjectAcl", Bucket="box", Key="k", ACL=FULL)
    answer = await s3("HeadObject", as_=s3.partner, Bucket="box", Key="k")
    assert (answer["Metadata"], answer["ContentType"]) == ({"a": "b"}, "text/plain")
    # It stays whose it was, also under BucketOwnerPreferred.
    assert await acl_of(s3, s3.partner) == ("hub", {"hub": "FULL_CONTROL", "partner": "FULL_CONTROL"})
    await s3("PutObjectAcl", Bucket="box", Key="k", ACL="private")
    assert (await refusal(s3("GetObject", as_=s3.partner, Bucket="box", Key="k"))).code == "AccessDenied"
    await s3.check_tidy()


async def test_nobody_changes_the_acl_of_anothers_object_unless_that_one_lets(s3: EmbeddedS3):
    await shared(s3, WRITER)
    await s3.put("box", "k", b"content", ACL="bucket-owner-read")
    call = s3("PutObjectAcl", as_=s3.partner, Bucket="box", Key="k", ACL=FULL)
    assert (await refusal(call)).code == "AccessDenied"
    await s3("PutObjectAcl", Bucket="box", Key="k", ACL=FULL)
    await s3("PutObjectAcl", as_=s3.partner, Bucket="box", Key="k", ACL="bucket-owner-read")


async def test_what_another_writes_meanwhile_stays_as_it_was_written_though_its_bytes_are_the_same(s3: EmbeddedS3):
    await shared(s3, WRITER)
    await s3.put("box", "k", b"", Metadata={"written": "first"})
    s3.steps.before("objects.link", lambda: s3.put("box", "k", b"", as_=s3.partner, Metadata={"written": "last"}))
    await s3("PutObjectAcl", Bucket="box", Key="k", ACL="private")
    assert s3.steps.all_reached
    assert (await s3("HeadObject", as_=s3.partner, Bucket="box", Key="k"))["Metadata"] == {"written": "last"}
    assert await acl_of(s3, s3.partner) == ("partner", {"partner": "FULL_CONTROL"})


@pytest.mark.parametrize("ownership", ["BucketOwnerEnforced", WRITER])
async def test_an_acl_that_is_none_is_refused_and_the_old_one_stays(s3: EmbeddedS3, ownership):
    await shared(s3, ownership)
    await s3.put("box", "k", b"content", ACL=FULL)
    before = await acl_of(s3, s3.partner)
    error = await refusal(s3("PutObjectAcl", Bucket="box", Key="k"))
    assert (error.code, error.status, error.members) == (
        "MissingSecurityHeader",
        400,
        {"MissingHeaderName": "x-amz-acl"},
    )
    assert await acl_of(s3, s3.partner) == before


@pytest.mark.parametrize(
    "grants",
    [
        [],
        [
            {
                "Grantee": {"Type": "Group", "URI": "http://acs.amazonaws.com/groups/global/AllUsers"},
                "Permission": "READ",
            }
        ],
        [{"Grantee": {"Type": "CanonicalUser", "ID": canonical_id(PARTNER)}, "Permission": "FULL_CONTROL"}],
        [{"Grantee": {"Type": "CanonicalUser", "ID": canonical_id(HUB)}, "Permission": "READ"}],
    ],
)
async def test_without_acls_a_list_of_grants_is_refused(s3: EmbeddedS3, grants):
    await s3.bucket("box")
    await s3.put("box", "k")
    call = s3("PutObjectAcl", Bucket="box", Key="k", AccessControlPolicy={"Grants": grants})
    assert (await refusal(call)).code == "AccessControlListNotSupported"


async def test_without_acls_full_control_of_the_buckets_owner_is_taken_as_a_list_too(s3: EmbeddedS3):
    await s3.bucket("box")
    await s3.put("box", "k")
    told = await s3("GetObjectAcl", Bucket="box", Key="k")
    await s3("PutObjectAcl", Bucket="box", Key="k", AccessControlPolicy=told)
    assert await s3("GetObjectAcl", Bucket="box", Key="k") == told


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"ACL": "public-read"}, "NotImplemented"),
        ({"AccessControlPolicy": {"Grants": []}}, "NotImplemented"),
        ({"ACL": FULL, "Key": "none"}, "NoSuchKey"),
        ({"ACL": FULL, "VersionId": "3"}, "NoSuchVersion"),
    ],
)
async def test_what_cannot_be_put_is_refused(s3: EmbeddedS3, params, code):
    await s3("CreateBucket", Bucket="box", ObjectOwnership=WRITER)
    await s3.put("box", "k")
    assert (await refusal(s3("PutObjectAcl", **{"Bucket": "box", "Key": "k", **params}))).code == code


async def test_without_acls_one_changes_nothing_or_is_refused(s3: EmbeddedS3):
    await s3.bucket("box")
    await s3.put("box", "k")
    await s3("PutObjectAcl", Bucket="box", Key="k", ACL=FULL)
    error = await refusal(s3("PutObjectAcl", Bucket="box", Key="k", ACL="private"))
    assert (error.code, error.status) == ("AccessControlListNotSupported", 400)
    assert (await s3("GetObjectAcl", Bucket="box", Key="k", VersionId="null"))["Owner"]["ID"] == canonical_id(
        "111111111111"
    )


async def test_a_buckets_own_acl_is_its_owners_alone(s3: EmbeddedS3):
    await s3.bucket("box", as_=s3.partner)
    (grant,) = (await s3("GetBucketAcl", as_=s3.partner, Bucket="box"))["Grants"]
    assert (grant["Grantee"]["ID"], grant["Permission"]) == (canonical_id(PARTNER), "FULL_CONTROL")


async def test_the_setting_is_told_changed_and_deleted(s3: EmbeddedS3):
    async def told() -> str:
        (rule,) = (await s3("GetBucketOwnershipControls", Bucket="box"))["OwnershipControls"]["Rules"]
        return str(rule["ObjectOwnership"])

    await s3.bucket("box")
    assert await told() == "BucketOwnerEnforced"
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    await s3("PutBucketOwnershipControls", Bucket="box", OwnershipControls=controls)
    assert await told() == "BucketOwnerPreferred"
    await s3("DeleteBucketOwnershipControls", Bucket="box")
    error = await refusal(told())
    assert (error.code, error.status) == ("OwnershipControlsNotFoundError", 404)
    # Then ACLs count.
    await s3.put("box", "k", ACL="private")


@pytest.mark.parametrize("rules", [[], [{"ObjectOwnership": WRITER}] * 2])
async def test_a_bucket_has_one_setting(s3: EmbeddedS3, rules):
    await s3.bucket("box")
    call = s3("PutBucketOwnershipControls", Bucket="box", OwnershipControls={"Rules": rules})
    assert (await refusal(call)).code == "MalformedXML"


async def test_only_who_may_changes_the_setting(s3: EmbeddedS3):
    await shared(s3, WRITER)
    controls = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    call = s3("PutBucketOwnershipControls", Bucket="box", OwnershipControls=controls)
    assert (await refusal(call)).code == "AccessDenied"
    assert (await refusal(s3("DeleteBucketOwnershipControls", Bucket="box"))).code == "AccessDenied"


async def test_a_bucket_that_lies_in_another_s3_has_no_acls(s3: EmbeddedS3):
    await s3.bucket("box")
    async with s3.parts.state.transaction() as tx:
        record = await BUCKETS.get(tx, "box")
        assert record is not None
        await BUCKETS.put(tx, replace(record, backing=Backing(bucket="behind")), "box")
    controls = {"Rules": [{"ObjectOwnership": WRITER}]}
    s3.parts.epoch.advance()
    call = s3("PutBucketOwnershipControls", Bucket="box", OwnershipControls=controls)
    assert (await refusal(call)).code == "NotImplemented"
