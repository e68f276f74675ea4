"""What writes say of their objects at Ceph's S3, which is none of AWS's: by default nothing, else what is set."""

from collections.abc import AsyncIterator

import pytest
from tests.contract.rgw_stores import rgw_stores
from tests.contract.vendor_stores import VendorStores
from tests.fakes.ceph_rgw import CephRgw

from crossdock.adapters.aws.writing import AS_THE_BUCKET_SAYS
from crossdock.core.homes import ObjectPlace
from crossdock.core.object_writing import read_writings
from crossdock.ports.objects import ObjectStore

pytestmark = pytest.mark.s3


async def write_in_every_way(store: ObjectStore, bucket: str) -> AsyncIterator[str]:
    """The keys, one after another."""
    await store.put(ObjectPlace(bucket=bucket, key="put"), [b"content"], {})
    yield "put"
    upload = await store.start_multipart(ObjectPlace(bucket=bucket, key="parts"), {})
    await upload.upload_part(1, [b"content"])
    await upload.complete()
    yield "parts"
    await store.copy(ObjectPlace(bucket=bucket, key="put"), ObjectPlace(bucket=bucket, key="copy"))
    yield "copy"


async def grants_of(stores: VendorStores, bucket: str, key: str) -> list[str]:
    acl = await stores.s3.get_object_acl(Bucket=bucket, Key=key)
    return [grant["Permission"] for grant in acl["Grants"]]


@pytest.mark.parametrize("acl", ["", "off", "cross-account", "bucket-owner-full-control"])
async def test_every_way_of_writing_works_whatever_is_set(ceph_gateway: CephRgw, acl: str):
    writings = read_writings({"*": {"acl": acl}}) if acl else AS_THE_BUCKET_SAYS
    async with rgw_stores(ceph_gateway, writings=writings) as stores:
        bucket = await stores.add_bucket()
        caller = await stores.caller(bucket)
        async for key in write_in_every_way(caller.store, bucket):
            assert set(await grants_of(stores, bucket, key)) == {"FULL_CONTROL"}
            answer = await stores.s3.get_object(Bucket=bucket, Key=key)
            assert await answer["Body"].read() == b"content"
