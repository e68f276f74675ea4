"""Which permissions S3's operations ask for, with which condition keys."""

import pytest
from tests.fakes.house import AllowEverything, make_house
from tests.fakes.s3 import HUB, PARTNER, EmbeddedS3

from crossdock.cloud.s3.table import s3_operations
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Operations
from crossdock.operations.streams import BytesBody

BOX, KISTE = "arn:aws:s3:::box", "arn:aws:s3:::kiste"


async def asked(s3: EmbeddedS3, operation: str, **params):
    """The permissions that a call needs, as (action, resource, context without the owner)."""
    authorizer = AllowEverything()
    operations = Operations([s3_operations(s3.storage)], house=make_house(state=s3.parts.state), authorizer=authorizer)
    call = operations.begin(
        "s3", operation, params, caller=s3.hub, account_id=HUB, region="us-east-1", origin=s3.origin
    )
    await operations.authorise(call)
    return [
        (one.action, one.resource, {k: v for k, v in one.context.items() if not k.endswith("ResourceAccount")})
        for one in authorizer.asked
    ]


@pytest.mark.parametrize(
    ("operation", "params", "expected"),
    [
        ("CreateBucket", {"Bucket": "new"}, [("s3:CreateBucket", "arn:aws:s3:::new", {})]),
        (
            "CreateBucket",
            {"Bucket": "new", "ACL": "private", "CreateBucketConfiguration": {"LocationConstraint": "eu-west-1"}},
            [
                (
                    "s3:CreateBucket",
                    "arn:aws:s3:::new",
                    {"s3:locationconstraint": ("eu-west-1",), "s3:x-amz-acl": ("private",)},
                )
            ],
        ),
        (
            "CreateBucket",
            {"Bucket": "new", "ObjectOwnership": "ObjectWriter"},
            [
                ("s3:CreateBucket", "arn:aws:s3:::new", {"s3:x-amz-object-ownership": ("ObjectWriter",)}),
                ("s3:PutBucketOwnershipControls", "arn:aws:s3:::new", {}),
            ],
        ),
        ("GetBucketAcl", {"Bucket": "box"}, [("s3:GetBucketAcl", BOX, {})]),
        ("DeleteBucketOwnershipControls", {"Bucket": "box"}, [("s3:PutBucketOwnershipControls", BOX, {})]),
        ("GetObjectAcl", {"Bucket": "box", "Key": "k"}, [("s3:GetObjectAcl", f"{BOX}/k", {})]),
        (
            "PutObjectAcl",
            {"Bucket": "box", "Key": "k", "ACL": "private", "VersionId": "null"},
            [("s3:PutObjectVersionAcl", f"{BOX}/k", {"s3:x-amz-acl": ("private",)})],
        ),
        ("HeadBucket", {"Bucket": "box"}, [("s3:ListBucket", BOX, {})]),
        ("ListBuckets", {}, [("s3:ListAllMyBuckets", "arn:aws:s3:::*", {})]),
        ("DeleteBucket", {"Bucket": "box"}, [("s3:DeleteBucket", BOX, {})]),
        ("GetBucketLocation", {"Bucket": "box"}, [("s3:GetBucketLocation", BOX, {})]),
        ("PutBucketPolicy", {"Bucket": "box", "Policy": ""}, [("s3:PutBucketPolicy", BOX, {})]),
        ("GetBucketPolicy", {"Bucket": "box"}, [("s3:GetBucketPolicy", BOX, {})]),
        ("DeleteBucketPolicy", {"Bucket": "box"}, [("s3:DeleteBucketPolicy", BOX, {})]),
        ("ListObjectsV2", {"Bucket": "box"}, [("s3:ListBucket", BOX, {})]),
        (
            "ListObjectsV2",
            {"Bucket": "box", "Prefix": "a/", "Delimiter": "/", "MaxKeys": 5},
            [("s3:ListBucket", BOX, {"s3:prefix": ("a/",), "s3:delimiter": ("/",), "s3:max-keys": ("5",)})],
        ),
        ("ListObjects", {"Bucket": "box", "Prefix": ""}, [("s3:ListBucket", BOX, {"s3:prefix": ("",)})]),
        ("GetObject", {"Bucket": "box", "Key": "a//b"}, [("s3:GetObject", f"{BOX}/a//b", {})]),
        (
            "GetObject",
            {"Bucket": "box", "Key": "k", "VersionId": "null"},
            [("s3:GetObjectVersion", f"{BOX}/k", {})],
        ),
        ("HeadObject", {"Bucket": "box", "Key": "k"}, [("s3:GetObject", f"{BOX}/k", {})]),
        (
            "GetObjectAttributes",
            {"Bucket": "box", "Key": "k", "ObjectAttributes": ["ETag"]},
            [("s3:GetObject", f"{BOX}/k", {}), ("s3:GetObjectAttributes", f"{BOX}/k", {})],
        ),
        ("PutObject", {"Bucket": "box", "Key": "k"}, [("s3:PutObject", f"{BOX}/k", {})]),
        (
            "PutObject",
            {"Bucket": "box", "Key": "k", "ACL": "bucket-owner-full-control"},
            [
                ("s3:PutObject", f"{BOX}/k", {"s3:x-amz-acl": ("bucket-owner-full-control",)}),
                ("s3:PutObjectAcl", f"{BOX}/k", {"s3:x-amz-acl": ("bucket-owner-full-control",)}),
            ],
        ),
        (
            "PutObject",
            {"Bucket": "box", "Key": "k", "IfMatch": "x"},
            [("s3:PutObject", f"{BOX}/k", {"s3:if-match": ("x",)}), ("s3:GetObject", f"{BOX}/k", {})],
        ),
        (
            "PutObject",
            {"Bucket": "box", "Key": "k", "IfNoneMatch": "*"},
            [("s3:PutObject", f"{BOX}/k", {"s3:if-none-match": ("*",)})],
        ),
        (
            "CopyObject",
            {"Bucket": "box", "Key": "k", "CopySource": "/kiste/from%20here", "MetadataDirective": "COPY"},
            [
                ("s3:GetObject", f"{KISTE}/from here", {}),
                (
                    "s3:PutObject",
                    f"{BOX}/k",
                    {"s3:x-amz-copy-source": ("kiste/from here",), "s3:x-amz-metadata-directive": ("COPY",)},
                ),
            ],
        ),
        ("DeleteObject", {"Bucket": "box", "Key": "k"}, [("s3:DeleteObject", f"{BOX}/k", {})]),
        (
            "DeleteObject",
            {"Bucket": "box", "Key": "k", "IfMatch": "x"},
            [("s3:DeleteObject", f"{BOX}/k", {"s3:if-match": ("x",)}), ("s3:GetObject", f"{BOX}/k", {})],
        ),
        ("DeleteObjects", {"Bucket": "box", "Delete": {"Objects": [{"Key": "k"}]}}, []),
        ("CreateMultipartUpload", {"Bucket": "box", "Key": "k"}, [("s3:PutObject", f"{BOX}/k", {})]),
        (
            "UploadPart",
            {"Bucket": "box", "Key": "k", "UploadId": "u", "PartNumber": 1, "Body": BytesBody(content=b"")},
            [("s3:PutObject", f"{BOX}/k", {})],
        ),
        (
            "UploadPartCopy",
            {"Bucket": "box", "Key": "k", "UploadId": "u", "PartNumber": 1, "CopySource": "kiste/k"},
            [
                ("s3:GetObject", f"{KISTE}/k", {}),
                ("s3:PutObject", f"{BOX}/k", {"s3:x-amz-copy-source": ("kiste/k",)}),
            ],
        ),
        (
            "CompleteMultipartUpload",
            {"Bucket": "box", "Key": "k", "UploadId": "u"},
            [("s3:PutObject", f"{BOX}/k", {})],
        ),
        (
            "AbortMultipartUpload",
            {"Bucket": "box", "Key": "k", "UploadId": "u"},
            [("s3:AbortMultipartUpload", f"{BOX}/k", {})],
        ),
        (
            "ListParts",
            {"Bucket": "box", "Key": "k", "UploadId": "u"},
            [("s3:ListMultipartUploadParts", f"{BOX}/k", {})],
        ),
        ("ListMultipartUploads", {"Bucket": "box"}, [("s3:ListBucketMultipartUploads", BOX, {})]),
    ],
)
async def test_an_operation_needs_what_s3_documents(s3: EmbeddedS3, operation, params, expected):
    await s3.bucket("box")
    await s3.bucket("kiste", as_=s3.partner)
    assert await asked(s3, operation, **params) == expected


async def test_a_policy_can_ask_whose_bucket_it_is(s3: EmbeddedS3):
    await s3.bucket("box")
    allowed = await s3.role("own", "s3:PutObject", "*")
    await s3.iam(
        "PutRolePolicy",
        RoleName="own",
        PolicyName="what",
        PolicyDocument=(
            '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:PutObject","Resource":"*",'
            '"Condition":{"StringEquals":{"aws:ResourceAccount":"' + PARTNER + '"}}}}'
        ),
    )
    with pytest.raises(ServiceError, match="AccessDenied"):
        await s3.put("box", "k", as_=allowed)


async def test_a_policy_can_limit_a_listing_to_a_prefix(s3: EmbeddedS3):
    await s3.bucket("box")
    await s3.put("box", "home/a")
    own = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{PARTNER}:root"},
        "Action": "s3:ListBucket",
        "Resource": BOX,
        "Condition": {"StringLike": {"s3:prefix": "home/*"}},
    }
    await s3.policy("box", own)
    assert (await s3("ListObjectsV2", as_=s3.partner, Bucket="box", Prefix="home/"))["KeyCount"] == 1
    for params in ({}, {"Prefix": ""}, {"Prefix": "else/"}):
        with pytest.raises(ServiceError, match="AccessDenied"):
            await s3("ListObjectsV2", as_=s3.partner, Bucket="box", **params)


async def test_an_acl_needs_permission_to_put_one(s3: EmbeddedS3):
    await s3.bucket("box")
    writer = await s3.role("writer", "s3:PutObject", f"{BOX}/*")
    await s3.put("box", "k", as_=writer)
    with pytest.raises(ServiceError, match="s3:PutObjectAcl"):
        await s3.put("box", "k", as_=writer, ACL="bucket-owner-full-control")
    owner = await s3.role("owner", ["s3:PutObject", "s3:PutObjectAcl"], f"{BOX}/*")
    await s3.put("box", "k", as_=owner, ACL="bucket-owner-full-control")


async def test_a_key_is_checked_before_anybody_is_asked(s3: EmbeddedS3):
    await s3.bucket("box")
    with pytest.raises(ServiceError, match="KeyTooLongError"):
        await s3("GetObject", as_=await s3.user(HUB, "nobody"), Bucket="box", Key="x" * 1025)
