"""Taking a body in."""

import asyncio
from threading import Event

import pytest
from tests.fakes.s3 import EmbeddedS3, PiecewiseBody, refusal

from crossdock.cloud.s3.checksums import ALGORITHMS, Claims
from crossdock.cloud.s3.receiving import BATCH_BYTES, read_all, receive
from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.operations.streams import BytesBody

CRC32, SHA256 = ALGORITHMS["CRC32"], ALGORITHMS["SHA256"]


async def content(s3: EmbeddedS3, received) -> bytes:
    """What was received, which is then given up."""
    reader = await s3.storage.blobs.open(received.segments)
    found = b"".join([chunk async for chunk in read_all(reader)])
    reader.close()
    s3.storage.blobs.delete(received.segments)
    return found


async def test_no_body_is_an_empty_one(s3: EmbeddedS3):
    received = await receive(s3.storage, None, Claims())
    assert (received.size, received.segment, received.segments) == (0, None, ())
    kept = await receive(s3.storage, None, Claims(), as_segment=True)
    assert kept.segment is not None
    assert await content(s3, kept) == b""


@pytest.mark.parametrize("size", [1, BATCH_BYTES - 1, BATCH_BYTES, BATCH_BYTES + 1, 3 * BATCH_BYTES])
async def test_what_is_received_is_what_was_sent(s3: EmbeddedS3, size):
    sent = bytes(range(256)) * (size // 256 + 1)
    received = await receive(s3.storage, BytesBody(content=sent[:size]), Claims())
    assert received.size == size
    assert await content(s3, received) == sent[:size]


async def test_what_is_asked_for_is_computed_besides_what_is_claimed(s3: EmbeddedS3):
    claims = Claims(algorithm=CRC32, value="y/Q5Jg==")
    received = await receive(s3.storage, BytesBody(content=b"123456789"), claims, also=SHA256)
    assert set(received.checksums) == {"CRC32", "SHA256"}
    assert await content(s3, received) == b"123456789"


async def test_a_body_that_grows_beyond_the_largest_is_stopped(s3: EmbeddedS3):
    pieces = [b"x" * BATCH_BYTES] * 3
    error = await refusal(receive(s3.storage, PiecewiseBody(pieces), Claims(), limit=2 * BATCH_BYTES))
    assert error.code == "EntityTooLarge"
    assert error.members == {"ProposedSize": str(3 * BATCH_BYTES), "MaxSizeAllowed": str(2 * BATCH_BYTES)}
    whole = await receive(s3.storage, PiecewiseBody(pieces), Claims(), limit=3 * BATCH_BYTES)
    assert whole.size == 3 * BATCH_BYTES
    s3.storage.blobs.delete(whole.segments)


async def test_when_writing_fails_nobody_hashes_the_batch_any_more(s3: EmbeddedS3):
    """The batch and the digests belong to the request: a pool job that outlived it would work on what is gone."""
    started, may_go_on = Event(), Event()

    class Body:
        length = -1
        trailers: dict[str, str] = {}

        async def __aiter__(self):
            # The pool is busy, so that hashing waits in its queue while writing fails.
            loop = asyncio.get_running_loop()
            busy = [loop.run_in_executor(s3.storage.executor, may_go_on.wait) for _ in range(2)]
            s3.steps.fail("blobs.write", OutOfSpace("full"))
            loop.call_later(0.01, may_go_on.set)
            yield b"x" * BATCH_BYTES
            started.set()
            await asyncio.gather(*busy)

    with pytest.raises(OutOfSpace):
        await receive(s3.storage, Body(), Claims())
    assert may_go_on.is_set()
    assert not started.is_set()


async def test_bytes_that_are_missing_are_no_end(s3: EmbeddedS3):
    reader = await s3.storage.blobs.open([await s3.storage.blobs.store([b"short"])])
    with pytest.raises(Unavailable, match="3 bytes early"):
        _ = [chunk async for chunk in read_all(reader, offset=2, size=6)]
    reader.close()
    for blob_id in s3.blobs.blob_ids:
        s3.blobs.forget(blob_id)
