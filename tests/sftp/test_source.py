"""Bytes from wherever they are asked for; without a thread where they lie in memory already."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryFile

import pytest
from tests.fakes.clock import START

from crossdock.core.homes import ObjectPlace
from crossdock.files.download import Download
from crossdock.operations.threads import Threads
from crossdock.ports.objects import FileRegion, ObjectInfo
from crossdock.sftp.exchange import Exchange, Load
from crossdock.sftp.pipe import Chunk
from crossdock.sftp.reading import CORES, MAX_READ, ReadHandle
from crossdock.sftp.source import Source

MEMORY = Path("/dev/shm")
CONTENT = random.Random(2).randbytes(500_000)
BEFORE = b"of another object"


class RegionReader:
    """Implements `ports.objects.ObjectReader`: one region, and what remains of `info.size` by chunks."""

    def __init__(self, fd: int, size: int, *, content: bytes = CONTENT) -> None:
        self.info = ObjectInfo(
            place=ObjectPlace(bucket="bucket", key="f"), size=len(content), etag="1", modified_at=START
        )
        self._region: FileRegion | None = FileRegion(fd=fd, offset=len(BEFORE), size=size)
        self._rest = content[size:]

    async def region(self) -> FileRegion | None:
        region, self._region = self._region, None
        return region

    async def chunks(self) -> AsyncIterator[bytes]:
        yield self._rest

    async def close(self) -> None: ...


class CountingThreads(Threads):
    jobs = 0

    def _queue(self, job: Callable[[], None]) -> None:
        self.jobs += 1
        super()._queue(job)


@pytest.fixture
def pool() -> Iterator[CountingThreads]:
    with CountingThreads(1, name="test") as threads:
        yield threads


async def test_bytes_in_memory_are_had_without_a_thread(pool: CountingThreads):
    with TemporaryFile(dir=MEMORY) as file:
        file.write(BEFORE + CONTENT)
        file.flush()
        source = Source(Download(RegionReader(file.fileno(), len(CONTENT))), pool)
        for offset, size in ((0, 10), (10, 300_000), (499_990, 10), (5, 1)):
            assert await source.cached(offset, size) == CONTENT[offset : offset + size]
        assert pool.jobs == 0
        assert await source.fetch(5, 20) == CONTENT[5:25]
        assert pool.jobs == 1
        await source.close()


async def test_bytes_behind_the_region_are_fetched(pool: CountingThreads):
    with TemporaryFile(dir=MEMORY) as file:
        file.write(BEFORE + CONTENT)
        file.flush()
        source = Source(Download(RegionReader(file.fileno(), 1000)), pool)
        assert await source.cached(0, 20) == CONTENT[:20]
        assert await source.cached(990, 20) is None
        assert await source.fetch(990, 2000) == CONTENT[990:1000]
        assert await source.cached(1000, 20) is None
        assert await source.fetch(1000, 2000) == CONTENT[1000:]
        await source.close()


async def test_where_nothing_can_be_said_about_memory_a_thread_reads(pool: CountingThreads):
    fd = os.open("/proc/self/status", os.O_RDONLY)
    try:
        source = Source(Download(RegionReader(fd, 100)), pool)
        assert [await source.cached(0, 5) for _ in range(2)] == [None, None]
        assert pool.jobs == 0
        assert len(await source.fetch(0, 10)) == 10
        assert pool.jobs == 1
        await source.close()
    finally:
        os.close(fd)


class Line:
    """What a ReadHandle needs of its conversation. Nobody reads while it is not `flowing`."""

    def __init__(self, pool: Threads, *, all_open_files: int = 1) -> None:
        self.sent = bytearray()
        self.changed = asyncio.Event()
        self.flowing = asyncio.Event()
        self.flowing.set()
        self.exchange = Exchange(
            pool=pool,
            load=Load(lambda: None),
            start=self.start,
            start_now=self.start,
            send=self.send,
            drained=self.flowing.wait,
            open_files=lambda: 1,
            all_open_files=lambda: all_open_files,
        )

    def start(self, work: Coroutine[None, None, None], *, name: str) -> "asyncio.Task[None]":
        return asyncio.get_running_loop().create_task(work, name=name)

    def send(self, chunks: Sequence[Chunk]) -> None:
        self.sent += b"".join(chunks)
        self.changed.set()

    async def until_sent(self, size: int) -> None:
        async with asyncio.timeout(10):
            while len(self.sent) < size:
                self.changed.clear()
                await self.changed.wait()


async def test_a_file_in_memory_is_read_without_a_thread_and_not_ahead_of_a_client_that_does_not_read(
    pool: CountingThreads,
):
    with TemporaryFile(dir=MEMORY) as file:
        file.write(BEFORE + CONTENT)
        file.flush()
        line = Line(pool)
        source = Source(Download(RegionReader(file.fileno(), len(CONTENT))), pool)
        handle = ReadHandle("/f", source, line.exchange)
        line.flowing.clear()
        offsets = range(0, len(CONTENT), 50_000)
        for number, offset in enumerate(offsets):
            handle.read(number, offset, 50_000)
        await asyncio.sleep(0)
        assert not line.sent
        assert pool.jobs == 0
        line.flowing.set()
        await handle.close()
        answers = [line.sent[at + 13 : at + 50_013] for at in range(0, len(line.sent), 50_013)]
        assert b"".join(answers) == CONTENT
        assert pool.jobs == 0
        assert MAX_READ > 50_000  # or the answers would be shorter


async def test_others_have_their_turn_between_many_answers_from_memory(pool: CountingThreads):
    with TemporaryFile(dir=MEMORY) as file:
        file.write(BEFORE + CONTENT)
        file.flush()
        line = Line(pool)
        source = Source(Download(RegionReader(file.fileno(), len(CONTENT))), pool)
        handle = ReadHandle("/f", source, line.exchange)
        for number in range(50):
            handle.read(number, 100_000 * (number % 2), 200_000)
        turns = 0
        while len(line.sent) < 50 * 200_013:
            turns += 1
            await asyncio.sleep(0)
        assert turns >= 50 * 200_000 >> 20
        await handle.close()


async def test_a_read_far_ahead_of_one_that_waits_for_the_client_fetches_no_more_than_it_asks_for(
    pool: CountingThreads,
):
    """The way to there is not read, and not on the loop."""
    with TemporaryFile(dir=MEMORY) as file:
        size = 64 << 20
        file.truncate(len(BEFORE) + size)
        line = Line(pool, all_open_files=CORES)
        source = Source(Download(RegionReader(file.fileno(), size)), pool)
        handle = ReadHandle("/f", source, line.exchange)
        handle.read(1, 0, 32_768)
        await line.until_sent(32_781)
        line.flowing.clear()
        while handle._task is None:
            handle.read(2, handle._next, 32_768)
        handle.read(3, size - 32_768, 32_768)
        line.flowing.set()
        await handle.close()
        assert sum(len(run.view) for run in handle._runs) < 4 << 20


@pytest.mark.parametrize(("open_files", "jobs"), [(CORES - 1, 2), (CORES, 0)])
async def test_a_large_file_is_read_ahead_by_a_thread_while_fewer_are_open_than_there_are_cores(
    pool: CountingThreads, open_files: int, jobs: int
):
    content = CONTENT * 3
    with TemporaryFile(dir=MEMORY) as file:
        file.write(BEFORE + content)
        file.flush()
        line = Line(pool, all_open_files=open_files)
        source = Source(Download(RegionReader(file.fileno(), len(content), content=content)), pool)
        handle = ReadHandle("/f", source, line.exchange)
        for number, offset in enumerate(range(0, len(content), 100_000)):
            handle.read(number, offset, 100_000)
        await line.until_sent(15 * 100_013)
        assert b"".join(line.sent[at + 13 : at + 100_013] for at in range(0, len(line.sent), 100_013)) == content
        assert pool.jobs == jobs
        await handle.close()
