"""A file on its way to a client."""

import os
from collections.abc import AsyncIterator

import pytest
from tests.fakes.clock import START
from tests.fakes.filesystems import files
from tests.fakes.object_store import MemoryS3

from crossdock.core.errors import FileError, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.files.download import Download, DownloadEnd
from crossdock.ports.objects import FileRegion, ObjectInfo

PLACE = ObjectPlace(bucket="bucket", key="home/f")
INFO = ObjectInfo(place=PLACE, size=10, etag="e", modified_at=START)


class ScriptedReader:
    """Gives these chunks, then raises if told so."""

    def __init__(self, *chunks: bytes, error: FileError | None = None) -> None:
        self._chunks = chunks
        self._error = error
        self.closes = 0

    @property
    def info(self) -> ObjectInfo:
        return INFO

    async def region(self) -> FileRegion | None:
        if self._error is not None:
            raise self._error
        return None

    async def chunks(self) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk
        if self._error is not None:
            raise self._error

    async def close(self) -> None:
        self.closes += 1


async def test_what_is_sent_is_counted(s3: MemoryS3):
    s3.add("bucket", "home/f", b"0123456789")
    download = Download(await s3.store().read(PLACE, offset=3), offset=3)
    assert (download.info.size, download.remaining, download.size) == (10, 7, 0)
    assert await download.region() is None
    assert [chunk async for chunk in download.chunks()] == [b"3456789"]
    download.advance(4)
    assert (download.remaining, download.size) == (3, 4)
    download.advance(3)
    assert (download.remaining, download.size) == (0, 7)
    await download.close()


async def test_regions_go_to_sendfile_and_are_counted_as_they_go(s3: MemoryS3):
    s3.add("bucket", "home/f", b"0123456789")
    download = Download(await s3.store(stages=True).read(PLACE))
    received = b""
    while (region := await download.region()) is not None:
        received += os.pread(region.fd, region.size, region.offset)
        download.advance(region.size)
    assert [chunk async for chunk in download.chunks()] == []
    assert (received, download.size, download.remaining) == (b"0123456789", 10, 0)
    await download.close()


async def test_an_offset_beyond_the_end_leaves_nothing(s3: MemoryS3):
    s3.add("bucket", "home/f", b"0123456789")
    download = Download(await s3.store().read(PLACE, offset=99), offset=99)
    assert download.remaining == 0
    assert [chunk async for chunk in download.chunks()] == []


async def test_a_store_that_stops_short_is_unavailable():
    download = Download(ScriptedReader(b"0123", b"456"))
    ends: list[DownloadEnd] = []
    download.when_ended(ends.append)
    received = []

    async def receive() -> None:
        async for chunk in download.chunks():
            received.append(chunk)

    with pytest.raises(Unavailable, match="3 bytes early"):
        await receive()
    assert received == [b"0123", b"456"]
    await download.close()
    assert isinstance(ends[0].failure, Unavailable)


@pytest.mark.parametrize("way", ["region", "chunks"])
async def test_a_failure_is_raised_and_remembered(way: str):
    error = Unavailable("503")
    download = Download(ScriptedReader(error=error))
    ends: list[DownloadEnd] = []
    download.when_ended(ends.append)
    with pytest.raises(Unavailable):
        await (download.region() if way == "region" else anext(aiter(download.chunks())))
    await download.close(interruption="the store failed")
    assert ends == [DownloadEnd(info=INFO, size=0, failure=error, interruption="the store failed")]


async def test_closing_lets_go_once_and_tells_once():
    reader = ScriptedReader(b"0123456789")
    download = Download(reader)
    ends: list[DownloadEnd] = []
    download.when_ended(ends.append)
    assert [chunk async for chunk in download.chunks()] == [b"0123456789"]
    download.advance(10)
    await download.close()
    await download.close(interruption="too late")
    assert reader.closes == 1
    assert ends == [DownloadEnd(info=INFO, size=10)]


async def test_a_download_that_nobody_watches_closes_as_well():
    reader = ScriptedReader()
    await Download(reader).close()
    assert reader.closes == 1


async def test_a_download_goes_on_elsewhere_in_the_same_version(s3: MemoryS3):
    s3.add("bucket", "home/f", b"0123456789")
    download = await files(s3).open_read("/bucket/home/f")
    assert [chunk async for chunk in download.chunks()] == [b"0123456789"]
    await download.seek(7)
    assert await download.region() is None
    assert [chunk async for chunk in download.chunks()] == [b"789"]
    await download.close()


async def test_a_download_does_not_go_on_in_another_version(s3: MemoryS3):
    s3.add("bucket", "home/f", b"0123456789")
    download = await files(s3).open_read("/bucket/home/f")
    ends: list[DownloadEnd] = []
    download.when_ended(ends.append)
    s3.add("bucket", "home/f", b"9876543210")
    with pytest.raises(Unavailable, match="replaced"):
        await download.seek(7)
    await download.close()
    assert isinstance(ends[0].failure, Unavailable)


async def test_what_cannot_be_opened_again_cannot_seek():
    with pytest.raises(RuntimeError):
        await Download(ScriptedReader()).seek(1)


async def test_what_is_in_memory_already_comes_at_once_and_whole(s3: MemoryS3):
    s3.ready_bytes = 10
    s3.add("bucket", "home/f", b"0123456789")
    download = Download(await s3.store(stages=True).read(PLACE, offset=3), offset=3)
    assert download.take_ready() == b"3456789"
    assert await download.region() is None
    assert [chunk async for chunk in download.chunks()] == []
    download.advance(7)
    assert (download.remaining, download.size) == (0, 7)
    await download.close()


async def test_what_lies_elsewhere_is_not_ready(s3: MemoryS3):
    s3.add("bucket", "home/f", b"0123456789")
    for stages in (True, False):
        download = Download(await s3.store(stages=stages).read(PLACE))
        assert download.take_ready() is None
        await download.close()
