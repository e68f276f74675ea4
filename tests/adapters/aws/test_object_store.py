"""What the contract cannot see of the store on real S3: large copies, aborts, whose credentials, what uploads leave."""

import asyncio
import hashlib
import os

import pytest
from tests.contract.object_stores import connect
from tests.fakes.blocks import make_pool
from tests.fakes.http_cloud import serve_cloud
from tests.fakes.object_store import MemoryS3
from tests.fakes.patience import eventually
from tests.fakes.stub_s3 import WHEN, error, hangs_up, ok, says_nothing, stub_s3

from crossdock.adapters.aws.answers import UNKNOWN
from crossdock.adapters.aws.copying import MAX_COPY, copied_parts
from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.cloud.s3.etags import multipart_etag
from crossdock.core.errors import Denied, NotFound, OutOfSpace, Unavailable, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.files.parts_sink import PartsSink
from crossdock.files.upload import Upload
from crossdock.ports.objects import ObjectInfo

MIB = 1 << 20
GIB = 1 << 30
PART = 5 * MIB
SOURCE = ObjectPlace(bucket="box", key="source")
TARGET = ObjectPlace(bucket="box", key="target")
BEGUN = ok(b"<InitiateMultipartUploadResult><UploadId>u 1</UploadId></InitiateMultipartUploadResult>")
HEAD = ok(headers={"ETag": '"x"', "Content-Length": "25", "Content-Type": "text/plain", "x-amz-meta-a": "b"})
COPIED = ok(b"<CopyPartResult><ETag>&quot;p&quot;</ETag></CopyPartResult>")
COMPLETED = ok(b"<CompleteMultipartUploadResult><ETag>&quot;t-3&quot;</ETag></CompleteMultipartUploadResult>")


async def uploads_in(cloud) -> int:
    return len((await cloud.s3("ListMultipartUploads", Bucket="box"))["Uploads"])


async def store_of(cloud, connection, *actions: str, name: str = "role", **how) -> AwsObjectStore:
    arn = await cloud.role(name, list(actions) or ["s3:*"], ["arn:aws:s3:::box", "arn:aws:s3:::box/*"])
    return AwsObjectStore(connection, await cloud.session_of(arn), **how)


# Copies.


async def test_a_copy_beyond_the_limit_goes_in_parts():
    content = os.urandom(12 * MIB)
    async with serve_cloud() as cloud, connect(cloud) as connection:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "source", content, Metadata={"a": "b"}, ContentType="text/plain")
        store = await store_of(cloud, connection, max_copy=PART)
        info = (await store.copy(SOURCE, TARGET)).target
        assert (info.place, info.size, dict(info.metadata)) == (TARGET, 12 * MIB, {"a": "b"})
        head = await cloud.s3("HeadObject", Bucket="box", Key="target")
        assert (head["ETag"].strip('"'), head["ContentType"], head["Metadata"]) == (info.etag, "text/plain", {"a": "b"})
        assert info.etag.endswith("-3")
        assert await cloud.s3.read("box", "target") == content
        assert await uploads_in(cloud) == 0


async def test_a_copy_in_parts_asks_for_ranges_of_one_version():
    async with stub_s3() as stub, stub.store(max_copy=10) as store:
        stub.then(HEAD, BEGUN, COPIED, COPIED, COPIED, COMPLETED)
        copied = await store.copy(SOURCE, TARGET)
    assert (copied.source.etag, copied.target.etag) == ("x", "t-3")
    parts = [seen for seen in stub.seen if "x-amz-copy-source-range" in seen.headers]
    asked = {seen.headers["x-amz-copy-source-range"] for seen in parts}
    assert asked == {"bytes=0-9", "bytes=10-19", "bytes=20-24"}
    assert {seen.headers["x-amz-copy-source-if-match"] for seen in parts} == {'"x"'}


def test_the_largest_object_is_copied_in_parts_that_s3_takes():
    for size in (5 * GIB + 1, 5000 * GIB, 48_000 * GIB):
        parts = copied_parts(size, MAX_COPY)
        assert sum(length for _, _, length in parts) == size
        assert [offset for _, offset, _ in parts] == [number * parts[0][2] for number in range(len(parts))]
        assert len(parts) <= 10_000
        assert max(length for _, _, length in parts) <= 5 * GIB


@pytest.mark.parametrize("failing", ["UploadPartCopy", "CompleteMultipartUpload"])
async def test_a_copy_in_parts_that_fails_leaves_nothing(failing):
    async with stub_s3() as stub, stub.store(max_copy=10) as store:
        refused = error(412, "PreconditionFailed")
        # Three parts are copied at once; of a completion it is looked whether it was one after all.
        scripts = {
            "UploadPartCopy": [COPIED, refused, COPIED],
            "CompleteMultipartUpload": [COPIED, COPIED, COPIED, refused, ok(status=404)],
        }
        stub.then(HEAD, BEGUN, *scripts[failing], ok(status=204))
        with pytest.raises(Unavailable, match="PreconditionFailed"):
            await store.copy(SOURCE, TARGET)
    assert (stub.seen[-1].method, stub.seen[-1].target) == ("DELETE", "/box/target?uploadId=u%201")


async def test_a_copy_whose_parts_stay_behind_says_so_beside_what_failed():
    async with stub_s3() as stub, stub.store(max_copy=10) as store:
        stub.then(HEAD, BEGUN, *[error(403, "AccessDenied")] * 3, error(503, "SlowDown"))
        with pytest.raises(Denied) as caught:
            await store.copy(SOURCE, TARGET)
    assert "SlowDown" in caught.value.__notes__[0]


async def test_a_copy_that_is_cancelled_leaves_nothing():
    async with stub_s3() as stub, stub.store(max_copy=10) as store:
        arrived = asyncio.Event()

        async def never(request):
            arrived.set()
            return await says_nothing(request)

        stub.then(HEAD, BEGUN, never, COPIED, COPIED, ok(status=204))
        task = asyncio.get_running_loop().create_task(store.copy(SOURCE, TARGET))
        async with asyncio.timeout(10):
            await arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert stub.seen[-1].method == "DELETE"


@pytest.mark.parametrize("body", [b"", b"<no end", b"<InitiateMultipartUploadResult/>"])
async def test_an_upload_without_a_name_was_not_begun(body):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(ok(body))
        with pytest.raises(Unavailable, match="names no upload"):
            await store.start_multipart(TARGET, {})


async def test_an_upload_that_nobody_waits_for_any_more_is_not_begun():
    async with stub_s3() as stub, stub.store() as store:
        arrived, answer = asyncio.Event(), asyncio.Event()

        async def slowly(request):
            arrived.set()
            await answer.wait()
            return await BEGUN(request)

        stub.then(slowly, ok(status=204))
        task = asyncio.get_running_loop().create_task(store.start_multipart(TARGET, {}))
        async with asyncio.timeout(10):
            await arrived.wait()
            task.cancel()
            await asyncio.sleep(0)
            answer.set()
            with pytest.raises(asyncio.CancelledError):
                await task
    assert (stub.seen[-1].method, stub.seen[-1].target) == ("DELETE", "/box/target?uploadId=u%201")


async def test_a_copy_onto_itself_is_refused_before_anything_is_asked():
    async with stub_s3() as stub, stub.store() as store:
        with pytest.raises(Unsupported):
            await store.copy(SOURCE, SOURCE)
    assert stub.seen == []


# Multipart uploads.


async def test_an_abort_runs_to_its_end_though_its_caller_is_cancelled():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(BEGUN)
        upload = await store.start_multipart(TARGET, {})
        arrived, answer = asyncio.Event(), asyncio.Event()

        async def slowly(request):
            arrived.set()
            await answer.wait()
            return await ok(status=204)(request)

        stub.then(slowly)
        task = asyncio.get_running_loop().create_task(upload.abort())
        async with asyncio.timeout(10):
            await arrived.wait()
            task.cancel()
            await asyncio.sleep(0)
            assert not task.done()
            answer.set()
            with pytest.raises(asyncio.CancelledError):
                await task


async def test_an_upload_for_one_object_that_was_completed_unheard_is_there():
    part = hashlib.md5(b"new").hexdigest()
    head = ok(headers={"ETag": f'"{multipart_etag([part])}"', "Content-Length": "3"})
    async with stub_s3() as stub, stub.store() as store:
        stub.then(BEGUN, ok(headers={"ETag": f'"{part}"'}), error(412, "PreconditionFailed"), head)
        stub.then(ok(status=204))
        upload = await store.start_multipart(TARGET, {}, if_match="old")
        await upload.upload_part(1, [b"new"])
        assert (await upload.complete()).etag == multipart_etag([part])
    assert stub.seen[2].headers["if-match"] == '"old"'


async def test_a_copied_part_is_a_range_of_one_version():
    source = ObjectInfo(place=SOURCE, size=25, etag="x", modified_at=UNKNOWN)
    async with stub_s3() as stub, stub.store() as store:
        stub.then(BEGUN, COPIED, COMPLETED)
        upload = await store.start_multipart(TARGET, {})
        await upload.copy_part(7, source, offset=10, size=5)
        assert (await upload.complete()).size == 5
    copied, completed = stub.seen[1:]
    assert copied.headers["x-amz-copy-source"] == "box/source"
    assert copied.headers["x-amz-copy-source-range"] == "bytes=10-14"
    assert copied.headers["x-amz-copy-source-if-match"] == '"x"'
    assert "partNumber=7" in copied.target
    assert "if-match" not in completed.headers


async def test_an_upload_that_is_gone_was_aborted():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(BEGUN, error(404, "NoSuchUpload"))
        await (await store.start_multipart(TARGET, {})).abort()
    assert stub.is_done


PART_TAG = "9dd4e461268c8034f5c8564e155c67a6"


@pytest.mark.parametrize("lost", [error(404, "NoSuchUpload"), hangs_up])
@pytest.mark.parametrize(
    ("there", "is_there"),
    [
        (ok(headers={"ETag": f'"{multipart_etag([PART_TAG])}"'}), True),
        (ok(headers={"ETag": '"another"'}), False),
        (ok(status=404), False),
        (ok(status=403), False),
    ],
)
async def test_an_object_that_is_there_was_completed_though_the_answer_was_lost(lost, there, is_there):
    async with stub_s3() as stub, stub.store() as store:
        stub.then(BEGUN, ok(headers={"ETag": f'"{PART_TAG}"'}), lost, there)
        if is_there and lost is hangs_up:
            stub.then(error(404, "NoSuchUpload"))
        upload = await store.start_multipart(TARGET, {})
        await upload.upload_part(1, [b"x"])
        if is_there:
            assert (await upload.complete()).etag == multipart_etag([PART_TAG])
        else:
            with pytest.raises((NotFound, Unavailable), match="CompleteMultipartUpload"):
                await upload.complete()
    assert stub.is_done


async def test_an_object_of_parts_without_digests_cannot_be_known_again():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(BEGUN, ok(headers={"ETag": '"no digest"'}), error(404, "NoSuchUpload"), ok(headers={"ETag": '""'}))
        upload = await store.start_multipart(TARGET, {})
        await upload.upload_part(1, [b"x"])
        with pytest.raises(NotFound):
            await upload.complete()


async def test_a_completion_that_fails_after_its_200_is_a_failure():
    """S3 sends the status before it knows: the error stands in the body."""
    async with stub_s3() as stub, stub.store() as store:
        failure = ok(b"<Error><Code>InternalError</Code><Message>no</Message></Error>")
        stub.then(BEGUN, ok(headers={"ETag": '"p"'}), failure, ok(status=404))
        upload = await store.start_multipart(TARGET, {})
        await upload.upload_part(1, [b"x"])
        with pytest.raises(Unavailable, match="InternalError"):
            await upload.complete()


async def test_an_upload_goes_on_only_in_a_store_of_its_kind():
    memory = MemoryS3()
    async with stub_s3() as stub, stub.store() as store:
        stub.then(BEGUN)
        upload = await store.start_multipart(TARGET, {})
        with pytest.raises(TypeError):
            upload.under(memory.store())


async def test_what_is_written_is_dated_by_the_store_and_by_nobody_when_it_has_no_clock():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(ok(headers={"ETag": '"x"'}), ok(headers={"ETag": '"x"', "Date": "no date"}))
        assert (await store.put(TARGET, [b"x"], {})).modified_at.strftime("%a, %d %b %Y %H:%M:%S GMT") == WHEN
        assert (await store.put(TARGET, [b"x"], {})).modified_at == UNKNOWN


# Whose credentials.


async def test_sessions_share_connections_and_never_credentials():
    async with serve_cloud() as cloud, connect(cloud) as connection:
        await cloud.s3.bucket("box")
        await cloud.s3.put("box", "key", b"content")
        reader = await store_of(cloud, connection, "s3:GetObject", name="reader")
        writer = await store_of(cloud, connection, "s3:PutObject", name="writer")
        place = ObjectPlace(bucket="box", key="key")

        async def outcome(step):
            try:
                return type(await step)
            except Denied:
                return Denied

        def steps():
            return (
                (reader.head(place), False),
                (writer.head(place), True),
                (reader.put(place, [b"x"], {}), True),
                (writer.put(place, [b"x"], {}), False),
            )

        for _ in range(5):
            tried = [step for _ in range(4) for step in steps()]
            found = await asyncio.gather(*(outcome(step) for step, _ in tried))
            assert [kind is Denied for kind in found] == [is_denied for _, is_denied in tried]


async def test_a_session_that_has_ended_is_denied():
    async with serve_cloud() as cloud, connect(cloud) as connection:
        await cloud.s3.bucket("box")
        # Clients sign by this computer's clock, so the session is one of an hour ago.
        cloud.s3.parts.clock.advance(-3700)
        store = await store_of(cloud, connection)
        cloud.s3.parts.clock.advance(3700)
        with pytest.raises(Denied):
            await store.list("box", "")


# Uploads of unknown length, as file protocols make them.


def upload_to(store: AwsObjectStore) -> Upload:
    return Upload(PartsSink(store, TARGET, {}, blocks=make_pool()), place=TARGET)


@pytest.mark.parametrize(
    ("size", "parts"), [(0, 1), (5, 1), (3 * MIB, 1), (8 * MIB, 1), (8 * MIB + 1, 2), (20 * MIB, 3)]
)
async def test_an_upload_of_unknown_length_is_a_put_when_it_is_small(size, parts):
    content = os.urandom(size)
    async with serve_cloud() as cloud, connect(cloud) as connection:
        await cloud.s3.bucket("box")
        upload = upload_to(await store_of(cloud, connection))
        for start in range(0, size, 700_000):
            await upload.write(start, content[start : start + 700_000])
        with pytest.raises(NotFound):
            await (await store_of(cloud, connection, name="other")).head(TARGET)
        info = await upload.commit()
        assert info.size == size
        assert info.etag.endswith(f"-{parts}") == (parts > 1)
        assert await cloud.s3.read("box", "target") == content
        assert await uploads_in(cloud) == 0


@pytest.mark.parametrize("how", ["discarded", "cancelled"])
async def test_an_upload_that_is_not_completed_leaves_nothing(how):
    async with serve_cloud() as cloud, connect(cloud) as connection:
        await cloud.s3.bucket("box")
        upload = upload_to(await store_of(cloud, connection))
        for start in range(0, 20 * MIB, MIB):
            await upload.write(start, bytes(MIB))
        assert await uploads_in(cloud) == 1
        if how == "cancelled":
            task = asyncio.get_running_loop().create_task(upload.discard())
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        else:
            await upload.discard()
        assert await uploads_in(cloud) == 0
        assert await cloud.s3.keys("box") == []
        # The server hears of the parts that were cut off a moment later.
        await eventually(lambda: not cloud.s3.blobs.being_staged)
        await cloud.s3.check_tidy()


async def test_a_disk_that_fills_up_behind_the_store_is_told():
    async with serve_cloud() as cloud, connect(cloud) as connection:
        await cloud.s3.bucket("box")
        store = await store_of(cloud, connection)
        cloud.s3.steps.fail("objects.put", OutOfSpace("full"))
        with pytest.raises(Unavailable, match="disk is full"):
            await store.put(TARGET, [b"content"], {})
        await store.put(TARGET, [b"content"], {})
        assert await cloud.s3.read("box", "target") == b"content"
