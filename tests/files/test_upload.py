"""Three doors, one commit: what an upload promises whatever its sink."""

import asyncio
from collections.abc import Callable

import pytest
from tests.fakes.clock import START

from crossdock.core.errors import Denied, FileError, Interrupted, OutOfSpace, Unavailable, Unsupported, WrongSize
from crossdock.core.homes import ObjectPlace
from crossdock.core.servers import InterruptedUploads
from crossdock.files.upload import Chunk, Upload, UploadEnd
from crossdock.ports.objects import ObjectInfo

PLACE = ObjectPlace(bucket="bucket", key="key")


class ListSink:
    """Keeps what it gets; `before` runs in every call and may raise or wait."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.buffer = memoryview(bytearray(100))
        self.is_committed = False
        self.discards = 0
        self.resumable_at = 0
        self.before: Callable[[str], None] = lambda call: None
        self.gate: asyncio.Event | None = None

    async def write(self, chunk: Chunk) -> None:
        await self._enter("write")
        self.content += chunk

    async def reserve(self) -> memoryview:
        await self._enter("reserve")
        return self.buffer

    async def target(self) -> int | None:
        await self._enter("target")
        return None

    def advance(self, count: int) -> None:
        self.content += self.buffer[:count]

    async def commit(self) -> ObjectInfo:
        await self._enter("commit")
        self.is_committed = True
        return ObjectInfo(place=PLACE, size=len(self.content), etag="e", modified_at=START)

    async def discard(self) -> None:
        await self._enter("discard")
        self.discards += 1

    async def keep(self) -> int:
        await self._enter("keep")
        return self.resumable_at

    async def _enter(self, call: str) -> None:
        self.before(call)
        if self.gate is not None:
            await self.gate.wait()

    def fail(self, failing: str, error: Exception) -> None:
        def before(call: str) -> None:
            if call == failing:
                raise error

        self.before = before


class Bench:
    def __init__(
        self, *, expected_size: int | None = None, kept: InterruptedUploads = InterruptedUploads.DISCARD
    ) -> None:
        self.sink = ListSink()
        self.upload = Upload(self.sink, place=PLACE, expected_size=expected_size, kept=kept)
        self.ends: list[UploadEnd] = []
        self.upload.when_ended(self.ends.append)


async def test_all_doors_count_and_lead_to_one_commit():
    bench = Bench()
    await bench.upload.write(0, b"one ")
    view = await bench.upload.reserve()
    view[:4] = b"two "
    bench.upload.advance(4)
    await bench.upload.write(8, memoryview(b"three"))
    assert await bench.upload.target() is None
    assert bench.upload.size == 13
    info = await bench.upload.commit()
    assert bytes(bench.sink.content) == b"one two three"
    assert bench.ends == [UploadEnd(place=PLACE, size=13, info=info)]


@pytest.mark.parametrize("offset", [0, 2, 4, -1])
async def test_only_sequential_writes_are_taken_and_others_change_nothing(offset: int):
    bench = Bench()
    await bench.upload.write(0, b"abc")
    with pytest.raises(Unsupported, match="random access"):
        await bench.upload.write(offset, b"x")
    await bench.upload.write(3, b"d")
    await bench.upload.commit()
    assert bytes(bench.sink.content) == b"abcd"


async def test_an_announced_size_that_came_is_committed():
    bench = Bench(expected_size=3)
    await bench.upload.write(0, b"abc")
    await bench.upload.commit()
    assert bench.sink.is_committed


@pytest.mark.parametrize("content", [b"ab", b"abcd", b""])
async def test_another_size_than_announced_is_interrupted_and_discarded(content: bytes):
    bench = Bench(expected_size=3)
    await bench.upload.write(0, content)
    with pytest.raises(WrongSize, match=f"{len(content)} bytes came, 3 were announced"):
        await bench.upload.commit()
    assert (bench.sink.is_committed, bench.sink.discards) == (False, 1)
    (end,) = bench.ends
    assert isinstance(end.failure, WrongSize)
    assert end.info is None


@pytest.mark.parametrize("call", ["write", "reserve", "target"])
async def test_a_failure_breaks_the_upload_for_good(call: str):
    bench = Bench()
    await bench.upload.write(0, b"abc")
    bench.sink.fail(call, OutOfSpace("disk full"))
    with pytest.raises(OutOfSpace):
        await {
            "write": lambda: bench.upload.write(3, b"x"),
            "reserve": bench.upload.reserve,
            "target": bench.upload.target,
        }[call]()
    bench.sink.before = lambda call: None
    for again in (lambda: bench.upload.write(3, b"x"), bench.upload.reserve, bench.upload.target, bench.upload.commit):
        with pytest.raises(OutOfSpace):
            await again()
    assert (bench.sink.is_committed, bench.sink.discards) == (False, 1)
    (end,) = bench.ends
    assert isinstance(end.failure, OutOfSpace)


async def test_a_write_that_was_cancelled_cannot_be_committed():
    bench = Bench()
    bench.sink.gate = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(bench.upload.write(0, b"abc"))
        await asyncio.sleep(0)
        writer.cancel()
    bench.sink.gate = None
    with pytest.raises(Interrupted, match="cut short"):
        await bench.upload.commit()
    assert (bench.sink.is_committed, bench.sink.discards) == (False, 1)


async def test_a_commit_that_fails_discards():
    bench = Bench()
    await bench.upload.write(0, b"abc")
    bench.sink.fail("commit", Denied("the bucket policy"))
    with pytest.raises(Denied):
        await bench.upload.commit()
    assert bench.sink.discards == 1
    (end,) = bench.ends
    assert (end.info, end.size, str(end.failure)) == (None, 3, "the bucket policy")


async def test_a_commit_with_a_bug_discards_too():
    bench = Bench()
    bench.sink.fail("commit", ZeroDivisionError("a bug"))
    with pytest.raises(ZeroDivisionError):
        await bench.upload.commit()
    assert bench.sink.discards == 1
    assert bench.ends[0].info is None


async def test_a_discarded_upload_says_why():
    bench = Bench()
    await bench.upload.write(0, b"abc")
    await bench.upload.discard(interruption="the connection was reset")
    assert (bench.sink.is_committed, bench.sink.discards) == (False, 1)
    assert bench.ends == [UploadEnd(place=PLACE, size=3, interruption="the connection was reset")]


async def test_what_could_not_be_cleared_up_is_told_and_not_raised():
    bench = Bench()
    error = Unavailable("the store does not answer")
    bench.sink.fail("discard", error)
    await bench.upload.discard(interruption="ABOR")
    assert bench.ends == [UploadEnd(place=PLACE, size=0, interruption="ABOR", residue=error)]


@pytest.mark.parametrize("end", ["commit", "discard"])
async def test_a_second_discard_is_harmless_and_nothing_else_is(end: str):
    bench = Bench()
    await (bench.upload.commit() if end == "commit" else bench.upload.discard())
    await bench.upload.discard()
    assert bench.sink.discards == (0 if end == "commit" else 1)
    assert len(bench.ends) == 1
    for call in (lambda: bench.upload.write(0, b"x"), bench.upload.reserve, bench.upload.target, bench.upload.commit):
        with pytest.raises(RuntimeError, match="has ended"):
            await call()
    with pytest.raises(RuntimeError, match="has ended"):
        bench.upload.advance(1)


async def test_an_upload_that_nobody_watches_ends_as_well():
    sink = ListSink()
    await Upload(sink, place=PLACE).commit()
    assert sink.is_committed


@pytest.mark.parametrize("end", ["commit", "discard"])
async def test_an_end_that_is_cancelled_still_comes(end: str):
    bench = Bench()
    bench.sink.gate = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(bench.upload.commit() if end == "commit" else bench.upload.discard())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        bench.sink.gate.set()
    assert task.cancelled()
    assert (bench.sink.is_committed, bench.sink.discards) == ((True, 0) if end == "commit" else (False, 1))
    assert len(bench.ends) == 1


# What stays of an upload that did not come to its end.


async def interrupted(bench: Bench) -> UploadEnd:
    await bench.upload.write(0, b"abc")
    await bench.upload.interrupted(interruption="ABOR")
    (end,) = bench.ends
    return end


async def test_an_interrupted_upload_leaves_nothing_unless_somebody_says_so():
    bench = Bench()
    assert await interrupted(bench) == UploadEnd(place=PLACE, size=3, interruption="ABOR")
    assert (bench.sink.is_committed, bench.sink.discards) == (False, 1)


async def test_what_had_come_is_the_file_where_it_is_kept():
    bench = Bench(kept=InterruptedUploads.KEEP)
    end = await interrupted(bench)
    assert end.info is not None
    assert (end.info.size, end.interruption, end.failure) == (3, "ABOR", None)
    assert (bench.sink.is_committed, bench.sink.discards) == (True, 0)


async def test_what_had_come_can_be_gone_on_with_where_it_is_resumed():
    bench = Bench(kept=InterruptedUploads.RESUME)
    bench.sink.resumable_at = 2
    end = await interrupted(bench)
    assert (end.info, end.resumable_at, end.interruption) == (None, 2, "ABOR")
    assert (bench.sink.is_committed, bench.sink.discards) == (False, 0)


async def test_what_cannot_be_gone_on_with_is_discarded():
    bench = Bench(kept=InterruptedUploads.RESUME)
    assert (await interrupted(bench)).resumable_at == 0
    assert bench.sink.discards == 1


@pytest.mark.parametrize("call", ["commit", "keep"])
async def test_nothing_is_kept_that_may_not_be_or_cannot(call: str):
    bench = Bench(kept=InterruptedUploads.KEEP if call == "commit" else InterruptedUploads.RESUME)
    bench.sink.fail(call, Denied("the bucket policy"))
    end = await interrupted(bench)
    assert (end.info, end.resumable_at, str(end.failure)) == (None, 0, "the bucket policy")
    assert bench.sink.discards == 1


async def test_no_file_is_replaced_by_an_upload_of_which_nothing_came():
    bench = Bench(kept=InterruptedUploads.KEEP)
    await bench.upload.interrupted(interruption="no data connection came")
    assert (bench.sink.is_committed, bench.sink.discards) == (False, 1)


@pytest.mark.parametrize("kept", [InterruptedUploads.KEEP, InterruptedUploads.RESUME])
async def test_another_size_than_announced_is_an_interruption(kept: InterruptedUploads):
    bench = Bench(expected_size=5, kept=kept)
    bench.sink.resumable_at = 2
    await bench.upload.write(0, b"abc")
    with pytest.raises(WrongSize):
        await bench.upload.commit()
    (end,) = bench.ends
    assert isinstance(end.failure, WrongSize)
    assert (end.info is not None, end.resumable_at) == ((True, 0) if kept is InterruptedUploads.KEEP else (False, 2))
    assert bench.sink.discards == 0


@pytest.mark.parametrize("kept", list(InterruptedUploads))
async def test_what_a_client_did_wrong_leaves_nothing(kept: InterruptedUploads):
    bench = Bench(kept=kept)
    bench.sink.resumable_at = 2
    await bench.upload.write(0, b"abc")
    await bench.upload.discard(interruption="random access")
    assert (bench.sink.is_committed, bench.sink.discards) == (False, 1)


@pytest.mark.parametrize("error", [Unavailable("S3 is away"), OutOfSpace("spool"), Denied("the bucket policy")])
async def test_an_upload_goes_on_later_when_the_store_failed_and_not_when_it_refused(error: FileError):
    bench = Bench(kept=InterruptedUploads.RESUME)
    bench.sink.resumable_at = 2
    await bench.upload.write(0, b"abc")
    bench.sink.fail("reserve", error)
    with pytest.raises(type(error)):
        await bench.upload.reserve()
    await bench.upload.discard(interruption=str(error))
    assert bench.ends[0].resumable_at == (0 if isinstance(error, Denied) else 2)
    assert bench.ends[0].failure is error


@pytest.mark.parametrize("kept", [InterruptedUploads.KEEP, InterruptedUploads.RESUME])
async def test_no_write_is_cut_in_two_where_something_is_kept(kept: InterruptedUploads):
    bench = Bench(kept=kept)
    bench.sink.gate = asyncio.Event()
    bench.sink.resumable_at = 2
    async with asyncio.TaskGroup() as tasks:
        writer = tasks.create_task(bench.upload.write(0, b"abc"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        writer.cancel()
        await asyncio.sleep(0)
        assert not writer.done()
        bench.sink.gate.set()
    bench.sink.gate = None
    await bench.upload.interrupted(interruption="ABOR")
    assert bytes(bench.sink.content) == b"abc"
    assert bench.ends[0].size == 3
    assert bench.sink.discards == 0
