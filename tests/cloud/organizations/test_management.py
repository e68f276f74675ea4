"""The management account holds nothing but the organization."""

import pytest
from tests.fakes.cloud import HUB, admin_of, call
from tests.fakes.documents import allowing, trusting
from tests.fakes.organization import Organization
from tests.fakes.s3 import make_s3

from crossdock.core.errors import ServiceError

TRUST = trusting({"AWS": f"arn:aws:iam::{HUB}:root"})


async def test_nothing_is_made_in_it(house: Organization) -> None:
    for operation, params in (
        ("CreateRole", {"RoleName": "x", "AssumeRolePolicyDocument": TRUST}),
        ("CreatePolicy", {"PolicyName": "x", "PolicyDocument": allowing("s3:*")}),
    ):
        with pytest.raises(ServiceError) as refused:
            await call(house.operations, house.management, "iam", operation, **params)
        assert (refused.value.code, refused.value.status) == ("AccessDenied", 403)
        assert refused.value.message == (
            "The management account 000000000000 holds nothing but the organization and its policies: call "
            f"{operation} with the keys of a member account."
        )
        await call(house.operations, house.hub, "iam", operation, **params)


async def test_it_reads_and_it_may_use_what_others_have() -> None:
    s3 = await make_s3()
    management = await admin_of(s3.parts, "management")
    box = await s3.bucket("box")
    everybody = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::box/*"]}
    await s3.policy(box, everybody)

    assert (await s3("ListBuckets", as_=management))["Buckets"] == []
    with pytest.raises(ServiceError, match="holds nothing but the organization"):
        await s3("CreateBucket", as_=management, Bucket="mine")
    upload = await s3("CreateMultipartUpload", as_=management, Bucket=box, Key="a")
    assert upload["UploadId"]
    await s3("PutObject", as_=management, Bucket=box, Key="b", Body=b"content")
    assert await s3.read(box, "b") == b"content"
    s3.close()
