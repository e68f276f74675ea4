"""The table of S3's operations against botocore's model of S3."""

import pytest
from tests.fakes.aws_models import model_of
from tests.fakes.house import AllowEverything, make_house
from tests.fakes.s3 import ANYBODY, EmbeddedS3, refusal

from crossdock.cloud.s3.action_levels import BUCKET_ACTIONS, OBJECT_ACTIONS
from crossdock.cloud.s3.table import s3_operations
from crossdock.operations.call import Operations
from crossdock.operations.streams import BytesBody

SERVICE_ACTIONS = {"s3:listallmybuckets"}
PARAMS = {
    "Bucket": "box",
    "Key": "key",
    "UploadId": "upload",
    "PartNumber": 1,
    "Policy": "{}",
    "CopySource": "box/key",
    "Delete": {"Objects": [{"Key": "key"}]},
    "ObjectAttributes": ["ETag"],
    "OwnershipControls": {"Rules": [{"ObjectOwnership": "ObjectWriter"}]},
    "Body": BytesBody(content=b""),
}
DATA_EVENTS = {
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateMultipartUpload",
    "DeleteObject",
    "DeleteObjects",
    "GetObject",
    "GetObjectAcl",
    "GetObjectAttributes",
    "HeadObject",
    "ListMultipartUploads",
    "ListObjects",
    "ListObjectsV2",
    "ListParts",
    "PutObject",
    "PutObjectAcl",
    "UploadPart",
    "UploadPartCopy",
}
"""CloudTrail User Guide, "Amazon S3 data events"; listings besides, which are as frequent."""


def params_of(operation: str) -> dict[str, object]:
    members = model_of("s3").operation_model(operation).input_shape.members
    return {name: value for name, value in PARAMS.items() if name in members}


def test_every_operation_is_one_of_s3(s3: EmbeddedS3):
    table = s3_operations(s3.storage)
    assert set(table.operations) <= set(model_of("s3").operation_names)
    assert {name for name, row in table.operations.items() if row.is_data} == DATA_EVENTS


async def test_every_operation_asks_for_actions_of_s3_on_resources_of_its_level(s3: EmbeddedS3):
    await s3.bucket("box")
    for operation in s3_operations(s3.storage).operations:
        authorizer = AllowEverything()
        house = make_house(state=s3.parts.state)
        operations = Operations([s3_operations(s3.storage)], house=house, authorizer=authorizer)
        call = operations.begin(
            "s3",
            operation,
            params_of(operation),
            caller=s3.hub,
            account_id="111111111111",
            region="us-east-1",
            origin=s3.origin,
        )
        await operations.authorise(call)
        assert authorizer.asked or operation == "DeleteObjects"
        for permission in authorizer.asked:
            if "/" in permission.resource:
                assert permission.action.lower() in OBJECT_ACTIONS
            else:
                assert permission.action.lower() in BUCKET_ACTIONS | SERVICE_ACTIONS


async def test_what_is_not_in_the_table_is_not_implemented_for_anybody(s3: EmbeddedS3):
    await s3.bucket("box")
    absent = set(model_of("s3").operation_names) - set(s3_operations(s3.storage).operations)
    assert {"PutBucketAcl", "GetBucketVersioning", "PutObjectTagging", "PutBucketWebsite"} <= absent
    for operation in sorted(absent):
        for caller in (s3.hub, ANYBODY):
            error = await refusal(s3(operation, as_=caller, Bucket="box"))
            assert (error.code, error.status) == ("NotImplemented", 501)


@pytest.mark.parametrize("operation", sorted(DATA_EVENTS | {"HeadBucket", "DeleteBucket", "GetBucketPolicy"}))
async def test_nobody_without_a_permission_does_anything(s3: EmbeddedS3, operation):
    await s3.bucket("box")
    await s3.put("box", "key", b"as before")
    for caller in (await s3.user("111111111111", "nobody"), s3.partner, ANYBODY):
        if operation == "DeleteObjects":
            (error,) = (await s3(operation, as_=caller, **params_of(operation)))["Errors"]
            assert error["Code"] == "AccessDenied"
        else:
            refused = await refusal(s3(operation, as_=caller, **params_of(operation)))
            assert (refused.code, refused.status) == ("AccessDenied", 403)
    assert await s3.read("box", "key") == b"as before"
