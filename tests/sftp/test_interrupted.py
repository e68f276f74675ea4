"""What an SFTP server leaves of a file whose client is gone before CLOSE, and how clients go on with it."""

import asyncio
import os
from typing import Any, cast

import pytest
from tests.fakes.filesystems import make_s3
from tests.fakes.object_store import MemoryS3
from tests.fakes.patience import eventually
from tests.fakes.resumable_uploads import resumable_uploads
from tests.fakes.sftp_house import sftp_house, sftp_server
from tests.fakes.sftp_talk import APPEND, CREAT, PUT, WRITE, Talk, sftp_talk, text, u32

from crossdock.core.errors import Denied
from crossdock.core.homes import ObjectPlace
from crossdock.core.servers import InterruptedUploads
from crossdock.files.blocks import BLOCK_SIZE
from crossdock.files.resumable_uploads import StateResumableUploads
from crossdock.files.upload import Upload
from crossdock.operations.threads import Threads
from crossdock.sftp.exchange import Exchange, Load
from crossdock.sftp.packets import Kind, OpenFlags
from crossdock.sftp.pipe import Chunk
from crossdock.sftp.writing import WriteHandle

KEEP = InterruptedUploads.KEEP
CONTENT = os.urandom(3 * BLOCK_SIZE + 1000)
STEP = 200_000
both_stores = pytest.mark.parametrize("stages", [True, False], ids=["staging", "remote"])


async def write(talk: Talk, handle: bytes, content: bytes, *, at: int = 0) -> None:
    for start in range(0, len(content), STEP):
        assert (await talk.write(handle, at + start, content[start : start + STEP])).code == 0


async def send_and_vanish(s3: MemoryS3, content: bytes, *, stages: bool, **how: object) -> None:
    async with sftp_talk(s3, stages=stages, **how) as talk:  # type: ignore[arg-type]
        await write(talk, await talk.opened("f", PUT), content)
        await talk.lose()


@both_stores
@pytest.mark.parametrize("size", [1, STEP, 3_000_000])
async def test_what_had_arrived_is_the_file_where_it_is_kept(stages: bool, size: int):
    s3 = make_s3()
    await send_and_vanish(s3, CONTENT[:size], stages=stages, kept=KEEP)
    assert s3.content("bucket", "home/f") == CONTENT[:size]


@both_stores
async def test_what_waits_for_bytes_before_it_is_none_of_the_file(stages: bool):
    s3 = make_s3()
    async with sftp_talk(s3, stages=stages, kept=KEEP) as talk:
        handle = await talk.opened("f", PUT)
        await write(talk, handle, b"12345")
        await write(talk, handle, b"more", at=10)
        await talk.lose()
    assert s3.content("bucket", "home/f") == b"12345"


@both_stores
async def test_of_a_file_that_was_written_wrongly_nothing_is_kept(stages: bool):
    s3 = make_s3()
    async with sftp_talk(s3, stages=stages, kept=KEEP) as talk:
        handle = await talk.opened("f", PUT)
        await write(talk, handle, b"12345")
        assert (await talk.write(handle, 2, b"x")).code == 8
        await talk.lose()
    assert s3.keys("bucket") == []


@both_stores
async def test_nothing_is_kept_that_is_denied_by_then(stages: bool):
    s3 = make_s3()
    async with sftp_talk(s3, stages=stages, kept=KEEP) as talk:
        await write(talk, await talk.opened("f", PUT), b"12345")
        s3.fail("PutObject", Denied("the bucket policy"))
        await talk.lose()
    assert s3.keys("bucket") == []


@both_stores
async def test_part_of_a_file_that_was_there_does_not_take_its_place(stages: bool):
    """As CLOSE would refuse it, which ends no file unasked."""
    s3 = make_s3()
    s3.add("bucket", "home/f", CONTENT[: 2 * STEP])
    async with sftp_talk(s3, stages=stages, kept=KEEP) as talk:
        await write(talk, await talk.opened("f", WRITE | CREAT), b"1" * STEP)
        await talk.lose()
    assert s3.content("bucket", "home/f") == CONTENT[: 2 * STEP]


@pytest.fixture
def uploads() -> StateResumableUploads:
    return resumable_uploads()


async def size_of(talk: Talk) -> int:
    return (await talk.ask(Kind.STAT, text("f"))).attributes["size"]


@both_stores
@pytest.mark.parametrize("flags", [WRITE | CREAT | APPEND, WRITE | APPEND, WRITE | CREAT, WRITE])
async def test_an_upload_goes_on_where_stat_says(uploads: StateResumableUploads, stages: bool, flags: OpenFlags):
    """APPEND as OpenSSH's reput, without it as curl and WinSCP."""
    s3 = make_s3()
    await send_and_vanish(s3, CONTENT, stages=stages, resumable=uploads)
    assert s3.keys("bucket") == []
    async with sftp_talk(s3, stages=stages, resumable=uploads) as talk:
        at = await size_of(talk)
        assert at == 3 * BLOCK_SIZE
        handle = await talk.opened("f", flags)
        assert (await talk.ask(Kind.FSTAT, handle)).attributes["size"] == at
        await write(talk, handle, CONTENT[at:], at=at)
        assert (await talk.close(handle)).code == 0
    assert s3.content("bucket", "home/f") == CONTENT
    assert not s3.uploads


async def test_a_client_that_only_looks_at_it_changes_nothing(uploads: StateResumableUploads):
    s3 = make_s3()
    await send_and_vanish(s3, CONTENT, stages=False, resumable=uploads)
    for flags in (WRITE, WRITE | CREAT, WRITE | APPEND, WRITE | CREAT | APPEND):
        async with sftp_talk(s3, stages=False, resumable=uploads) as talk:
            at = await size_of(talk)
            assert (await talk.close(await talk.opened("f", flags))).code == 0
            assert await size_of(talk) == at
            await talk.opened("f", flags)
            await talk.lose()
        async with sftp_talk(s3, stages=False, resumable=uploads) as talk:
            assert await size_of(talk) == at


async def test_a_client_that_begins_anew_gives_it_up(uploads: StateResumableUploads):
    s3 = make_s3()
    await send_and_vanish(s3, CONTENT, stages=False, resumable=uploads)
    async with sftp_talk(s3, stages=False, resumable=uploads) as talk:
        assert (await talk.put("f", b"new")).code == 0
        assert await size_of(talk) == 3
    assert s3.content("bucket", "home/f") == b"new"


async def test_it_goes_on_nowhere_else(uploads: StateResumableUploads):
    s3 = make_s3()
    await send_and_vanish(s3, CONTENT, stages=False, resumable=uploads)
    async with sftp_talk(s3, stages=False, resumable=uploads) as talk:
        handle = await talk.opened("f", WRITE)
        assert (await talk.write(handle, 5, b"new")).code == 0
        assert (await talk.close(handle)).code == 8
        assert await size_of(talk) == 3 * BLOCK_SIZE


async def test_what_was_left_to_be_sent_when_the_client_vanished_is_sent_first(uploads: StateResumableUploads):
    """The store is slow, the client is gone."""
    s3 = make_s3()
    gate = s3.hold("UploadPart")
    async with sftp_talk(s3, stages=False, resumable=uploads) as talk:
        await write(talk, await talk.opened("f", PUT), CONTENT)
        await eventually(gate.entered.is_set)
        talk.pipe.close()
        gate.open.set()
        await talk.lose()
        await eventually(lambda: s3.parts() == 3)
    async with sftp_talk(s3, stages=False, resumable=uploads) as talk:
        assert await size_of(talk) == 3 * BLOCK_SIZE
        assert (await talk.ask(Kind.REMOVE, text("f"))).code == 0
        assert (await talk.ask(Kind.OPEN, text("f"), u32(WRITE), u32(0))).code == 2


class HeldSink:
    """Takes what it is given at once, and says so when it may."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.has_taken = asyncio.Event()
        self.may_go_on = asyncio.Event()

    async def write(self, chunk: Chunk) -> None:
        self.content += chunk
        self.has_taken.set()
        await self.may_go_on.wait()

    async def commit(self) -> object:
        return object()

    async def keep(self) -> int:
        return len(self.content)

    async def discard(self) -> None:
        self.content.clear()


@pytest.mark.parametrize("kept", [KEEP, InterruptedUploads.RESUME])
async def test_a_close_that_is_cut_while_its_rest_is_written_keeps_each_byte_once(kept: InterruptedUploads):
    sink, loop = HeldSink(), asyncio.get_running_loop()
    exchange = Exchange(
        pool=Threads(1, name="test"),
        load=Load(lambda: None),
        start=lambda work, *, name: loop.create_task(work, name=name),
        start_now=lambda work, *, name: loop.create_task(work, name=name),
        send=lambda _: None,
        drained=asyncio.Event().wait,
        open_files=lambda: 1,
        all_open_files=lambda: 1,
    )

    async def nobody_asks() -> Upload:
        raise AssertionError("there is an upload")

    upload = Upload(cast(Any, sink), place=ObjectPlace(bucket="bucket", key="f"), kept=kept)
    handle = WriteHandle("/f", exchange, begin=nobody_asks, upload=upload)
    handle.begin_write(0, 5)(memoryview(b"12345"))
    handle.end_write()
    closing = loop.create_task(handle.close())
    await sink.has_taken.wait()
    closing.cancel()
    sink.may_go_on.set()
    await asyncio.wait([closing])
    assert closing.cancelled()
    await handle.discard("the client is gone")
    assert sink.content == b"12345"


async def test_a_channel_that_is_closed_in_order_before_its_file_leaves_a_partial_one_in_the_log():
    """As when the sftp process alone is killed: its ssh lives to end the channel."""
    async with sftp_house(server=sftp_server(interrupted_uploads=KEEP)) as house:
        async with house.client() as conn:
            sftp = await conn.start_sftp_client()
            file = await sftp.open("f", "wb")
            await file.write(b"half of it")
            sftp.exit()
            await eventually(lambda: "PARTIAL_CLOSE" in house.log.activities() or "CLOSE" in house.log.activities())
        (told,) = [event for _, event in house.log.events if str(event["activity-type"]).endswith("CLOSE")]
    assert (told["activity-type"], told["bytes-in"]) == ("PARTIAL_CLOSE", "10")
    assert told["message"] == "the channel was closed; what had arrived is the file, of 10 bytes"
