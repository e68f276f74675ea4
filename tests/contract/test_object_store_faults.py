"""An S3 that fails, at every call of an upload and of a download: success only when the object is whole.

What happens once is mended within the transfer: a part is sent again, a range is asked for again, not the file. What
goes on happening is an error, and leaves neither an object nor parts.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256

import pytest
from tests.contract.permissions import ALL, resources_of
from tests.contract.rgw_stores import rgw_stores
from tests.fakes.blocks import MemorySpill
from tests.fakes.ceph_rgw import CephRgw
from tests.fakes.http_cloud import serve_cloud
from tests.fakes.s3_fault_proxy import Deed, Fault, S3FaultProxy, s3_fault_proxy
from tests.fakes.stub_s3 import connect

from crossdock.adapters.aws.download import open_reader
from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.adapters.aws.retrying import Patience
from crossdock.core.arns import parse_arn
from crossdock.core.errors import FileError, NotFound, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.core.principals import AssumedRole
from crossdock.files.blocks import BlockPool
from crossdock.files.parts_sink import PartsSink
from crossdock.files.upload import Upload
from crossdock.ports.objects import ObjectInfo

MIB = 1 << 20
PART = 5 * MIB
CONTENT = os.urandom(2 * PART + 12345)
SMALL = CONTENT[: MIB // 2]
UPLOAD_CALLS = ("CreateMultipartUpload", "UploadPart", "UploadPart", "UploadPart", "CompleteMultipartUpload")
RANGE = 4 * MIB
DOWNLOAD_CALLS = 3
STALL_S = 0.7
AT_ONCE = Patience(attempts=4, throttled_s=0, failed_s=0)
MAY = (*ALL, "s3:ListBucketMultipartUploads")
"""To see what was begun unheard."""


ONCE = tuple(deed for deed in Deed if deed is not Deed.ANSWER)
LASTING = (Deed.ERROR, Deed.SLOW_DOWN, Deed.RESET, Deed.STALL, Deed.CUT_BODY, Deed.CUT_ANSWER)
HEARD = ("CreateMultipartUpload", "UploadPart")
UNHEARD = (Deed.RESET_AFTER, Deed.CUT_ANSWER)
"""S3 has done it, and its answer does not arrive."""
BEGUN_UNHEARD = (*UNHEARD, Deed.CUT_BODY)
"""The same of a request without a body, of which nothing can be cut off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failing:
    """A bucket behind a proxy; `count_uploads` looks past it.

    `tells_sessions` says whether this S3 tells which session began an upload: if not, one that was begun unheard stays.
    """

    proxy: S3FaultProxy
    place: ObjectPlace
    store: AwsObjectStore
    count_uploads: Callable[[], Awaitable[int]]
    tells_sessions: bool

    async def upload(self, content: bytes) -> None:
        """As a file protocol does, which does not know how much comes."""
        pool = BlockPool(budget=8 * PART, spill=MemorySpill(), block_size=PART)
        upload = Upload(PartsSink(self.store, self.place, {}, blocks=pool), place=self.place)
        try:
            for start in range(0, len(content), MIB):
                await upload.write(start, memoryview(content)[start : start + MIB])
            await upload.commit()
        finally:
            await upload.discard()

    async def download(self) -> bytes:
        reader = await open_reader(self.store.bound_s3, self.place, 0, range_bytes=RANGE)
        try:
            return b"".join([chunk async for chunk in reader.chunks()])
        finally:
            await reader.close()

    async def left_behind(self, kind: str, deed: Deed) -> bool:
        """Whether there are uploads that nobody ended and that this S3 would let be found."""
        is_untold = not self.tells_sessions and kind == "CreateMultipartUpload" and deed in BEGUN_UNHEARD
        return not is_untold and await self.count_uploads() > 0

    async def found(self) -> bytes | None:
        """What is there, when all is well again."""
        self.proxy.begin(None)
        try:
            return await self.download()
        except NotFound:
            return None


@asynccontextmanager
async def embedded(_: pytest.FixtureRequest) -> AsyncIterator[Failing]:
    async with serve_cloud() as cloud, s3_fault_proxy("127.0.0.1", cloud.port) as proxy:
        bucket = await cloud.s3.bucket("box")
        role = await cloud.role("role", MAY, resources_of([bucket]))

        async def count_uploads() -> int:
            return len((await cloud.s3("ListMultipartUploads", Bucket=bucket))["Uploads"])

        # As whom S3 lists uploads: `session_of` names its sessions so.
        principal = AssumedRole(role_arn=parse_arn(role), role_id="", session_name="session")
        credentials = await cloud.session_of(role)
        connecting = connect(
            proxy.url, credentials=credentials, principal=principal, attempts=4, read_timeout_s=STALL_S
        )
        async with connecting as store:
            yield Failing(
                proxy=proxy,
                place=ObjectPlace(bucket=bucket, key="in/file"),
                store=store,
                count_uploads=count_uploads,
                tells_sessions=True,
            )


@asynccontextmanager
async def ceph(request: pytest.FixtureRequest) -> AsyncIterator[Failing]:
    rgw: CephRgw = request.getfixturevalue("ceph_gateway")
    async with (
        s3_fault_proxy(rgw.host, rgw.port) as proxy,
        rgw_stores(rgw, url=proxy.url, patience=AT_ONCE, read_timeout_s=STALL_S) as stores,
    ):
        bucket = await stores.add_bucket()

        async def count_uploads() -> int:
            return len((await stores.s3.list_multipart_uploads(Bucket=bucket)).get("Uploads", ()))

        store = (await stores.caller(bucket, actions=MAY)).store
        assert isinstance(store, AwsObjectStore)
        yield Failing(
            proxy=proxy,
            place=ObjectPlace(bucket=bucket, key="in/file"),
            store=store,
            count_uploads=count_uploads,
            # Pacific names the role's account, and no session.
            tells_sessions=False,
        )


TARGETS = {"aws": embedded, "rgw": ceph}


@pytest.fixture(params=[pytest.param(name, marks=pytest.mark.s3) for name in TARGETS])
async def failing(request: pytest.FixtureRequest) -> AsyncIterator[Failing]:
    async with TARGETS[request.param](request) as failing:
        yield failing


def digest(content: bytes | None) -> str:
    return "" if content is None else sha256(content).hexdigest()


@pytest.mark.parametrize("deed", ONCE)
@pytest.mark.parametrize("call", range(1, len(UPLOAD_CALLS) + 1))
async def test_an_upload_survives_what_befalls_one_call(failing: Failing, call: int, deed: Deed):
    failing.proxy.begin(Fault(deed, call=call))
    await failing.upload(CONTENT)
    assert failing.proxy.has_struck
    assert digest(await failing.found()) == digest(CONTENT)
    assert not await failing.left_behind(UPLOAD_CALLS[call - 1], deed)


@pytest.mark.parametrize("deed", ONCE)
async def test_a_small_upload_survives_what_befalls_its_call(failing: Failing, deed: Deed):
    failing.proxy.begin(Fault(deed, call=1))
    await failing.upload(SMALL)
    assert failing.proxy.has_struck
    assert digest(await failing.found()) == digest(SMALL)


@pytest.mark.parametrize("deed", ONCE)
@pytest.mark.parametrize("call", range(1, DOWNLOAD_CALLS + 1))
async def test_a_download_survives_what_befalls_one_call(failing: Failing, call: int, deed: Deed):
    await failing.upload(CONTENT)
    failing.proxy.begin(Fault(deed, call=call))
    assert digest(await failing.download()) == digest(CONTENT)
    assert failing.proxy.has_struck


@pytest.mark.parametrize(
    ("kind", "deed"),
    [(kind, deed) for kind in HEARD for deed in LASTING]
    + [("CompleteMultipartUpload", deed) for deed in LASTING if deed not in UNHEARD],
)
async def test_an_upload_that_cannot_be_made_is_an_error_and_leaves_nothing(failing: Failing, kind: str, deed: Deed):
    failing.proxy.begin(Fault(deed, kind=kind))
    with pytest.raises(FileError):
        await failing.upload(CONTENT)
    assert failing.proxy.has_struck
    assert await failing.found() is None
    assert not await failing.left_behind(kind, deed)


@pytest.mark.parametrize("deed", UNHEARD)
async def test_an_upload_that_is_complete_without_an_answer_is_found_to_be_there(failing: Failing, deed: Deed):
    failing.proxy.begin(Fault(deed, kind="CompleteMultipartUpload"))
    await failing.upload(CONTENT)
    assert failing.proxy.has_struck
    assert digest(await failing.found()) == digest(CONTENT)
    assert await failing.count_uploads() == 0


@pytest.mark.parametrize("deed", LASTING)
async def test_a_small_upload_that_cannot_be_made_is_an_error(failing: Failing, deed: Deed):
    failing.proxy.begin(Fault(deed, kind="PutObject"))
    with pytest.raises(FileError):
        await failing.upload(SMALL)
    # Where only the answer was cut, the object is there: whole, as whoever looks will see.
    assert digest(await failing.found()) in ("", digest(SMALL))


@pytest.mark.parametrize("deed", [*LASTING, Deed.RESET_AFTER])
async def test_a_download_that_cannot_go_on_is_an_error_and_never_other_bytes(failing: Failing, deed: Deed):
    await failing.upload(CONTENT)
    failing.proxy.begin(Fault(deed, kind="GetObject"))
    with pytest.raises(FileError):
        await failing.download()
    assert digest(await failing.found()) == digest(CONTENT)


@pytest.mark.s3
@pytest.mark.parametrize("comes_back", [True, False])
async def test_a_gateway_that_is_killed_during_an_upload_costs_no_more_than_time(
    ceph_gateway: CephRgw, comes_back: bool
):
    """Where it comes back in time, the upload goes on; where it does not, the client is told."""
    patience = Patience(attempts=8 if comes_back else 2, failed_s=0.2)
    async with rgw_stores(ceph_gateway, patience=patience) as stores:
        bucket = await stores.add_bucket()
        store = (await stores.caller(bucket)).store
        place = ObjectPlace(bucket=bucket, key="in/file")
        pool = BlockPool(budget=8 * PART, spill=MemorySpill(), block_size=PART)
        upload = Upload(PartsSink(store, place, {}, blocks=pool), place=place)
        await upload.write(0, CONTENT[: PART + 1])
        ceph_gateway.kill()
        if comes_back:
            ceph_gateway.start()
            info = await end(upload)
            assert info.size == len(CONTENT)
        else:
            with pytest.raises(Unavailable, match="nobody listens at"):
                await end(upload)
            ceph_gateway.start()
        await asyncio.to_thread(ceph_gateway.wait)
        if comes_back:
            reader = await store.read(place)
            assert digest(b"".join([chunk async for chunk in reader.chunks()])) == digest(CONTENT)
        else:
            with pytest.raises(NotFound):
                await store.head(place)


async def end(upload: Upload) -> ObjectInfo:
    await upload.write(PART + 1, CONTENT[PART + 1 :])
    return await upload.commit()
