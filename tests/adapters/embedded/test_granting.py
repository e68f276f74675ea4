"""File sessions give the owner of another account's bucket full control where ACLs count, as Transfer does."""

import pytest
from tests.fakes.s3 import HUB, EmbeddedS3

from crossdock.adapters.embedded.granting import acl_in
from crossdock.adapters.embedded.object_store import EmbeddedObjectStore
from crossdock.adapters.embedded.s3_client import S3Client
from crossdock.core.errors import Denied
from crossdock.core.homes import ObjectPlace

FULL = "bucket-owner-full-control"


def client_of(s3: EmbeddedS3, caller) -> S3Client:
    return S3Client(operations=s3.operations, storage=s3.storage, caller=caller, region="us-east-1", origin=s3.origin)


async def foreign_bucket(s3: EmbeddedS3, ownership: str, *actions: str) -> None:
    await s3("CreateBucket", as_=s3.partner, Bucket="theirs", ObjectOwnership=ownership)
    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Resource": "arn:aws:s3:::theirs/*"}
    await s3.policy("theirs", {**root, "Action": ["s3:PutObject", "s3:GetObject", *actions]}, as_=s3.partner)


@pytest.mark.parametrize(
    ("ownership", "acl"),
    [("BucketOwnerEnforced", ""), ("BucketOwnerPreferred", FULL), ("ObjectWriter", FULL)],
)
async def test_it_is_said_in_other_accounts_buckets_alone(s3: EmbeddedS3, ownership, acl):
    await foreign_bucket(s3, ownership)
    assert await acl_in(client_of(s3, s3.hub), "theirs") == acl
    assert await acl_in(client_of(s3, s3.partner), "theirs") == ""
    assert await acl_in(client_of(s3, s3.hub), "none") == ""


@pytest.mark.parametrize("ownership", ["BucketOwnerPreferred", "ObjectWriter"])
async def test_its_owner_reads_whatever_way_a_file_came(s3: EmbeddedS3, ownership):
    await foreign_bucket(s3, ownership, "s3:PutObjectAcl")
    store = EmbeddedObjectStore(client_of(s3, s3.hub))

    def at(key: str) -> ObjectPlace:
        return ObjectPlace(bucket="theirs", key=key)

    await store.put(at("put"), [b"content"], {})
    staged = await store.stage(at("staged"), {})
    assert staged is not None
    await staged.commit(b"content")
    upload = await store.start_multipart(at("parts"), {})
    await upload.upload_part(1, [b"content"])
    await upload.complete()
    await store.copy(at("put"), at("copy"))
    for key in ("put", "staged", "parts", "copy"):
        assert await s3.read("theirs", key, as_=s3.partner) == b"content"


async def test_it_takes_the_permission_for_acls(s3: EmbeddedS3):
    await foreign_bucket(s3, "ObjectWriter")
    store = EmbeddedObjectStore(client_of(s3, s3.hub))
    with pytest.raises(Denied, match="s3:PutObjectAcl"):
        await store.put(ObjectPlace(bucket="theirs", key="k"), [b"content"], {})
