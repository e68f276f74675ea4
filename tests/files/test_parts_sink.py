"""Uploads to a store behind a network: parts, how many at once, and that nothing stays behind."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.blocks import MemorySpill
from tests.fakes.object_store import MemoryS3

from crossdock.core.errors import Denied, FileError, Interrupted, OutOfSpace, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.files.blocks import BLOCK_SIZE, BlockPool
from crossdock.files.part_plan import plan_parts
from crossdock.files.parts import SMALL_FILE
from crossdock.files.parts_in_flight import IN_FLIGHT
from crossdock.files.parts_sink import PartsSink
from crossdock.files.upload import Upload

PLACE = ObjectPlace(bucket="bucket", key="key")
AGENT = {"user-agent": "AWSTransfer"}
SMALL = 64
"""Bytes in a block of the tests that need many."""


class Bench:
    """A sink on a store, with a pool that can be asked what is out."""

    def __init__(self, *, block_size: int = SMALL, blocks: int = 64, actions: set[str] | None = None) -> None:
        self.s3 = MemoryS3(min_part=block_size)
        self.s3.add_bucket("bucket")
        self.spill = MemorySpill()
        self.blocks = blocks
        self.pool = BlockPool(budget=blocks * block_size, spill=self.spill, block_size=block_size)
        self.upload = Upload(PartsSink(self.s3.store(actions=actions), PLACE, AGENT, blocks=self.pool), place=PLACE)

    def operations(self) -> list[str]:
        return [call.operation for call in self.s3.calls]

    async def free_blocks(self) -> int:
        """How many blocks of memory can be taken. The pool is empty then."""
        count, before = -1, self.spill.given
        while self.spill.given == before:
            await self.pool.take()
            count += 1
        return count

    async def is_clean(self) -> bool:
        """Whether no multipart upload is left, and every block has come back."""
        return not self.s3.uploads and await self.free_blocks() == self.blocks


async def let_all_go_on() -> None:
    """Turns enough for everybody to come to where they wait."""
    for _ in range(200):
        await asyncio.sleep(0)


async def receive(upload: Upload, content: bytes, step: int) -> None:
    """As a socket would: through `reserve`, at most `step` bytes at a time."""
    while content:
        view = await upload.reserve()
        count = min(len(view), step, len(content))
        view[:count] = content[:count]
        upload.advance(count)
        content = content[count:]


def pattern(size: int) -> bytes:
    return bytes(number * 7 % 251 for number in range(size))


@pytest.mark.parametrize("size", [0, 1, SMALL_FILE, SMALL_FILE + 1, BLOCK_SIZE - 1, BLOCK_SIZE])
async def test_up_to_one_part_is_a_single_put(size: int):
    bench = Bench(block_size=BLOCK_SIZE)
    content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    await receive(bench.upload, content, 1 << 20)
    await bench.upload.reserve()  # an edge asks for room before it hears of the end
    await bench.upload.commit()
    assert bench.operations() == ["PutObject"]
    assert bench.s3.content("bucket", "key") == content
    assert await bench.is_clean()


async def test_a_small_file_takes_no_block():
    bench = Bench(block_size=BLOCK_SIZE, blocks=1)
    await bench.upload.write(0, bytes(SMALL_FILE))
    assert await bench.free_blocks() == 1
    await bench.upload.discard()


async def test_one_byte_more_than_a_part_is_a_multipart_upload():
    bench = Bench(block_size=BLOCK_SIZE)
    content = b"x" * BLOCK_SIZE + b"y"
    await bench.upload.write(0, content)
    info = await bench.upload.commit()
    assert bench.operations() == ["CreateMultipartUpload", "UploadPart", "UploadPart", "CompleteMultipartUpload"]
    assert bench.s3.content("bucket", "key") == content
    assert info.size == BLOCK_SIZE + 1
    assert bench.s3.buckets["bucket"]["key"].info.metadata == AGENT
    assert await bench.is_clean()


@settings(deadline=None)
@given(
    size=st.integers(0, 6 * SMALL + 1),
    step=st.integers(1, 3 * SMALL),
    door=st.sampled_from(["write", "reserve"]),
    asks_at_the_end=st.booleans(),
)
async def test_any_length_in_any_steps_arrives_whole(size: int, step: int, door: str, asks_at_the_end: bool):
    bench = Bench()
    content = pattern(size)
    if door == "reserve":
        await receive(bench.upload, content, step)
    else:
        for offset in range(0, size, step):
            await bench.upload.write(offset, memoryview(content)[offset : offset + step])
    if asks_at_the_end:
        await bench.upload.reserve()
        await bench.upload.reserve()
    await bench.upload.commit()
    assert bench.s3.content("bucket", "key") == content
    parts = bench.operations().count("UploadPart")
    assert parts == (0 if size <= SMALL else -(-size // SMALL))
    assert await bench.is_clean()


async def test_an_upload_may_commit_long_after_its_last_part_arrived():
    bench = Bench()
    await bench.upload.write(0, pattern(3 * SMALL))
    await bench.upload.reserve()
    await let_all_go_on()
    assert bench.operations().count("UploadPart") == 3
    await bench.upload.commit()
    assert bench.s3.content("bucket", "key") == pattern(3 * SMALL)
    assert await bench.is_clean()


async def test_parts_grow_so_that_ten_thousand_suffice():
    bench = Bench(block_size=16)
    content = pattern(16 * (1060 + 2 * 3) + 5)
    await bench.upload.write(0, content)
    await bench.upload.commit()
    assert bench.s3.content("bucket", "key") == content
    # 1,060 parts of one block, 3 of two and the end.
    assert bench.operations().count("UploadPart") == 1064
    assert await bench.is_clean()


async def test_more_parts_than_s3_takes_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("crossdock.files.parts_sink.MAX_PARTS", 3)
    bench = Bench()
    await bench.upload.write(0, bytes(3 * SMALL))
    with pytest.raises(OutOfSpace, match="larger than an object may be"):
        await bench.upload.write(3 * SMALL, b"x")
    await bench.upload.discard()
    assert await bench.is_clean()


async def test_several_parts_are_on_their_way_but_not_all():
    bench = Bench()
    gate = bench.s3.hold("UploadPart")
    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(bench.upload.write(0, bytes(20 * SMALL)))
        await let_all_go_on()  # the writer waits: the client is held back
        assert bench.operations().count("UploadPart") == IN_FLIGHT
        assert not writer.done()
        gate.open.set()
    assert bench.upload.size == 20 * SMALL
    await bench.upload.commit()
    assert await bench.is_clean()


async def test_what_an_upload_holds_is_bounded():
    bench = Bench()
    bench.s3.hold("UploadPart")
    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(bench.upload.write(0, bytes(100 * SMALL)))
        await let_all_go_on()
        # Those on their way, one full that waits for its turn, and at most one begun.
        assert bench.blocks - await bench.free_blocks() <= IN_FLIGHT + 2
        writer.cancel()
    await bench.upload.discard()
    assert bench.s3.uploads == {}


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"])
@pytest.mark.parametrize("error", [Denied("no"), OutOfSpace("full"), Unavailable("503")])
async def test_a_failure_of_any_call_is_told_and_leaves_nothing(operation: str, error: FileError):
    bench = Bench()
    bench.s3.fail(operation, error)

    async def send() -> None:
        await receive(bench.upload, pattern(10 * SMALL), 50)
        await bench.upload.commit()

    with pytest.raises(type(error), match=str(error)):
        await send()
    await bench.upload.discard()
    assert bench.s3.keys("bucket") == []
    assert await bench.is_clean()


async def test_a_failed_single_put_leaves_nothing():
    bench = Bench(actions=set())
    await bench.upload.write(0, b"content")
    with pytest.raises(Denied):
        await bench.upload.commit()
    assert bench.s3.keys("bucket") == []
    assert await bench.is_clean()


async def test_a_part_that_breaks_unforeseen_spoils_the_upload(caplog: pytest.LogCaptureFixture):
    bench = Bench()
    bench.s3.fail("UploadPart", RuntimeError("a bug"))  # type: ignore[arg-type]
    await bench.upload.write(0, bytes(2 * SMALL))
    with pytest.raises(Unavailable, match="part 1"):
        await bench.upload.commit()
    assert "a bug" in caplog.text
    assert bench.s3.keys("bucket") == []
    assert await bench.is_clean()


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload", "PutObject"])
async def test_a_commit_runs_to_its_end_when_it_is_cancelled(operation: str):
    bench = Bench()
    size = SMALL if operation == "PutObject" else SMALL + 1
    await bench.upload.write(0, pattern(size))
    gate = bench.s3.hold(operation)
    async with asyncio.TaskGroup() as tasks:
        committer = tasks.create_task(bench.upload.commit())
        await gate.entered.wait()
        committer.cancel()
        await asyncio.sleep(0)
        gate.open.set()
    assert committer.cancelled()
    assert bench.s3.content("bucket", "key") == pattern(size)
    await bench.upload.discard()
    assert await bench.is_clean()


@settings(deadline=None)
@given(
    size=st.integers(1, 12 * SMALL),
    step=st.integers(1, 2 * SMALL),
    turns=st.integers(0, 60),
    again=st.integers(0, 5),
)
async def test_a_cancelled_upload_leaves_nothing_wherever_it_is_hit(size: int, step: int, turns: int, again: int):
    """The writer is cancelled after some turns of the loop, and the one who discards, too."""
    bench = Bench()
    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(receive(bench.upload, pattern(size), step))
        for _ in range(turns):
            await asyncio.sleep(0)
        writer.cancel()
        await asyncio.wait([writer])
        discarder = tasks.create_task(bench.upload.discard(interruption="reset by peer"))
        for _ in range(again):
            await asyncio.sleep(0)
        discarder.cancel()
    # A discard that was cancelled before its first step has not begun.
    await bench.upload.discard()
    assert bench.s3.keys("bucket") == []
    assert await bench.is_clean()


@pytest.mark.parametrize("operation", ["CreateMultipartUpload", "UploadPart"])
async def test_discarding_while_somebody_still_writes_leaves_nothing(operation: str):
    bench = Bench()
    gate = bench.s3.hold(operation)

    async def write() -> None:
        with pytest.raises(Interrupted):
            await bench.upload.write(0, bytes(10 * SMALL))

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(write())
        await gate.entered.wait()
        await let_all_go_on()
        await bench.upload.discard()
        gate.open.set()
    assert bench.s3.uploads == {}
    assert bench.s3.keys("bucket") == []


async def test_parts_that_may_not_be_aborted_are_told_of():
    bench = Bench(actions={"s3:PutObject"})
    ends = []
    bench.upload.when_ended(ends.append)
    await bench.upload.write(0, bytes(3 * SMALL))
    await bench.upload.discard(interruption="reset by peer")
    (end,) = ends
    assert (end.info, end.failure, end.interruption) == (None, None, "reset by peer")
    assert "s3:AbortMultipartUpload" in str(end.residue)


async def test_a_full_disk_behind_the_budget_is_out_of_space():
    bench = Bench(blocks=0)
    bench.spill.failure = OutOfSpace("No space left on device")
    await bench.upload.write(0, bytes(SMALL))
    with pytest.raises(OutOfSpace):
        await bench.upload.write(SMALL, b"x")
    with pytest.raises(OutOfSpace):
        await bench.upload.commit()
    assert bench.s3.keys("bucket") == []


async def test_there_is_no_kernel_path_to_a_remote_store():
    assert await Bench().upload.target() is None


@pytest.mark.parametrize(("size", "is_kept"), [(100, True), (101, False)])
async def test_an_object_that_is_larger_than_the_setting_is_refused(size: int, is_kept: bool):
    bench = Bench()
    bench.pool.plan = plan_parts(100)
    upload = bench.upload
    await upload.write(0, pattern(size))
    if is_kept:
        await upload.reserve()
        assert (await upload.commit()).size == size
    else:
        with pytest.raises(OutOfSpace, match="100 bytes"):
            await upload.reserve()
        await upload.discard()
    assert await bench.is_clean()


async def test_uploads_that_wait_for_a_block_do_not_hold_one_back_for_each_other():
    """Each has a full first part, which might be its last, and all blocks are out."""
    size = 2 * SMALL_FILE
    bench = Bench(block_size=size)
    pool = BlockPool(budget=2 * size, spill=bench.spill, block_size=size, spool_budget=0)
    places = [ObjectPlace(bucket="bucket", key=key) for key in ("one", "two")]
    uploads = [Upload(PartsSink(bench.s3.store(), place, AGENT, blocks=pool), place=place) for place in places]
    for upload in uploads:
        await upload.write(0, pattern(size))
    assert not pool.has_room
    async with asyncio.timeout(10):
        await asyncio.gather(*(receive(upload, pattern(3 * size), size) for upload in uploads))
        for upload in uploads:
            await upload.commit()
    for place in places:
        assert bench.s3.content("bucket", place.key) == pattern(size) + pattern(3 * size)


async def test_a_client_is_told_when_no_block_comes_back():
    bench = Bench()
    pool = BlockPool(budget=SMALL, spill=bench.spill, block_size=SMALL, spool_budget=0, patience_s=0.01)
    held = await pool.take()
    upload = Upload(PartsSink(bench.s3.store(), PLACE, AGENT, blocks=pool), place=PLACE)
    with pytest.raises(OutOfSpace, match="spool"):
        await upload.write(0, pattern(2 * SMALL))
    await upload.discard()
    held.release()
    assert pool.has_room


async def test_a_store_that_does_not_let_go_of_an_upload_holds_no_blocks():
    bench = Bench(blocks=4)
    await bench.upload.write(0, pattern(2 * SMALL + 1))
    gate = bench.s3.hold("AbortMultipartUpload")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(bench.upload.discard())
        await gate.entered.wait()
        assert await bench.free_blocks() == bench.blocks
        gate.open.set()
