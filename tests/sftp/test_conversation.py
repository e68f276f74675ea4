"""A client and a conversation: what is said, what comes back, and what is in the bucket after that."""

import asyncio
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.filesystems import TREE, make_s3
from tests.fakes.object_store import MemoryS3
from tests.fakes.sftp_talk import CREAT, PUT, READ, WRITE, Answer, Talk, packet, sftp_talk, text, u32, u64

from crossdock.core.errors import Unavailable
from crossdock.sftp.packets import Kind

SOME = bytes(range(256)) * 4000
"""Just under a MiB."""
BOTH_KINDS_OF_STORE = pytest.mark.parametrize("stages", [True, False], ids=["staging", "remote"])


async def names(talk: Talk, path: str) -> list[str]:
    answer = await talk.ask(Kind.OPENDIR, text(path))
    handle = text(answer.data)
    found = []
    while (answer := await talk.ask(Kind.READDIR, handle)).kind is Kind.NAME:
        found += [name for name, _ in answer.names]
    assert answer.code == 1
    assert (await talk.close(handle)).code == 0
    return found


@BOTH_KINDS_OF_STORE
async def test_a_file_goes_up_and_comes_down(s3: MemoryS3, stages: bool):
    async with sftp_talk(s3, stages=stages) as talk:
        handle = await talk.opened("f", PUT)
        for at in range(0, len(SOME), 32768):
            assert (await talk.write(handle, at, SOME[at : at + 32768])).code == 0
        assert "home/f" not in s3.keys("bucket")
        assert (await talk.close(handle)).code == 0
        assert s3.content("bucket", "home/f") == SOME
        handle = await talk.opened("/bucket/home/f", READ)
        received = b""
        while (answer := await talk.read(handle, len(received), 32768)).kind is Kind.DATA:
            received += answer.data
        assert answer.code == 1
        assert received == SOME
        assert (await talk.close(handle)).code == 0
        assert talk.log.activities() == ["OPEN", "CLOSE", "OPEN", "CLOSE"]


@BOTH_KINDS_OF_STORE
async def test_an_empty_file_goes_up_and_comes_down(s3: MemoryS3, stages: bool):
    async with sftp_talk(s3, stages=stages) as talk:
        handle = await talk.opened("f", PUT)
        assert (await talk.close(handle)).code == 0
        assert s3.content("bucket", "home/f") == b""
        handle = await talk.opened("f", READ)
        assert (await talk.read(handle, 0, 100)).code == 1


async def test_requests_are_answered_in_the_order_of_their_file_without_waiting(s3: MemoryS3):
    async with sftp_talk(s3) as talk:
        made = talk.send(Kind.MKDIR, text("d"), u32(0))
        looked = talk.send(Kind.STAT, text("d"))
        gone = talk.send(Kind.RMDIR, text("d"))
        looked_again = talk.send(Kind.STAT, text("d"))
        assert (await talk.answer(made)).code == 0
        assert (await talk.answer(looked)).attributes["permissions"] == 0o040744
        assert (await talk.answer(gone)).code == 0
        assert (await talk.answer(looked_again)).code == 2


async def test_a_slow_request_keeps_nothing_waiting_that_is_about_something_else(s3: MemoryS3):
    s3.add("bucket", "home/f", SOME)
    gate = s3.hold("CopyObject")
    async with sftp_talk(s3) as talk:
        reader = await talk.opened("f", READ)
        slow = talk.send(Kind.RENAME, text("f"), text("g"))
        await gate.entered.wait()
        assert (await talk.read(reader, 0, 10)).data == SOME[:10]
        assert (await talk.ask(Kind.STAT, text("/second-bucket"))).kind is Kind.ATTRS
        gate.open.set()
        assert (await talk.answer(slow)).code == 0


async def test_paths_begin_at_home_and_are_made_absolute_whether_they_are_there_or_not(s3: MemoryS3):
    async with sftp_talk(s3) as talk:
        for asked, told in (
            (".", "/bucket/home"),
            ("", "/bucket/home"),
            ("a/../b//c/", "/bucket/home/b/c"),
            ("/x/../..", "/"),
            ("/no/such/bucket", "/no/such/bucket"),
        ):
            assert (await talk.ask(Kind.REALPATH, text(asked))).names == [(told, told)]
        for asked, told in (("~", "/bucket/home"), ("~/a", "/bucket/home/a"), ("~user", "/bucket/home/~user")):
            assert (await talk.extended("expand-path@openssh.com", text(asked))).names == [(told, told)]
    async with sftp_talk(s3, home=TREE) as talk:
        assert (await talk.ask(Kind.REALPATH, text("."))).names == [("/", "/")]


async def test_attributes_are_told_of_files_and_directories(s3: MemoryS3):
    info = s3.add("bucket", "home/d/f", b"content")
    async with sftp_talk(s3) as talk:
        for kind in (Kind.STAT, Kind.LSTAT):
            moment = int(info.modified_at.timestamp())
            file = {"size": 7, "permissions": 0o100744, "atime": moment, "mtime": moment}
            assert (await talk.ask(kind, text("d/f"))).attributes == file
            assert (await talk.ask(kind, text("d"))).attributes == {"size": 0, "permissions": 0o040744}
            assert (await talk.ask(kind, text("none"))).code == 2
        handle = await talk.opened("d/f", READ)
        assert (await talk.ask(Kind.FSTAT, handle)).attributes == file


async def test_a_listing_streams_with_dots_and_long_names(s3: MemoryS3):
    for number in range(2500):
        s3.add("bucket", f"home/f{number:05}", b"12345")
    s3.add("bucket", "home/ü/x")
    async with sftp_talk(s3) as talk:
        found = await names(talk, "/bucket/home")
        assert found == [".", "..", *(f"f{number:05}" for number in range(2500)), "ü"]
        handle = text((await talk.ask(Kind.OPENDIR, text("."))).data)
        seen = len([call for call in s3.calls if call.operation == "ListObjectsV2"])
        first = (await talk.ask(Kind.READDIR, handle)).names
        assert len(first) == 100
        assert len([call for call in s3.calls if call.operation == "ListObjectsV2"]) == seen
        assert first[0][1].startswith("drwxr--r--   1 - - ")
        assert first[2][1] == "-rwxr--r--   1 - -            5 Mar 15 00:47 f00000"


async def test_a_listing_tells_what_is_wrong_when_it_is_opened(s3: MemoryS3):
    s3.add("bucket", "home/f")
    async with sftp_talk(s3) as talk:
        for path, message in (("none", "No such file"), ("f", "Not a directory")):
            answer = await talk.ask(Kind.OPENDIR, text(path))
            assert (answer.code, answer.message) == (2, message)
    async with sftp_talk(s3, actions={"s3:PutObject"}) as talk:
        assert (await talk.ask(Kind.OPENDIR, text("."))).code == 3


async def test_directories_are_made_and_removed_when_empty(s3: MemoryS3):
    s3.add("bucket", "home/full/x")
    async with sftp_talk(s3) as talk:
        assert (await talk.ask(Kind.MKDIR, text("d"), u32(0))).code == 0
        assert "home/d/" in s3.keys("bucket")
        assert (await talk.ask(Kind.MKDIR, text("d"), u32(0))).message == "File already exists"
        assert (await talk.ask(Kind.RMDIR, text("full"))).message == "Directory not empty"
        assert (await talk.ask(Kind.RMDIR, text("d"))).code == 0
        assert (await talk.ask(Kind.RMDIR, text("d"))).code == 2


async def test_a_file_is_removed_and_a_missing_one_is_not(s3: MemoryS3):
    s3.add("bucket", "home/f")
    async with sftp_talk(s3) as talk:
        assert (await talk.ask(Kind.REMOVE, text("f"))).code == 0
        assert (await talk.ask(Kind.REMOVE, text("f"))).code == 2
        assert s3.keys("bucket") == []


async def test_a_rename_overwrites_nothing_and_a_posix_rename_replaces_files(s3: MemoryS3):
    s3.add("bucket", "home/a", b"a")
    s3.add("bucket", "home/b", b"b")
    s3.add("bucket", "home/d/x")
    async with sftp_talk(s3) as talk:
        refused = await talk.ask(Kind.RENAME, text("a"), text("b"))
        assert (refused.code, refused.message) == (4, "File already exists")
        assert (await talk.ask(Kind.RENAME, text("d"), text("e"))).code == 8
        assert (await talk.extended("posix-rename@openssh.com", text("a"), text("a"))).code == 0
        assert (await talk.extended("posix-rename@openssh.com", text("a"), text("d"))).code == 4
        assert (await talk.extended("posix-rename@openssh.com", text("a"), text("b"))).code == 0
        assert s3.content("bucket", "home/b") == b"a"
        assert (await talk.ask(Kind.RENAME, text("b"), text("c"))).code == 0
        assert s3.keys("bucket") == ["home/c", "home/d/x"]


async def test_attributes_are_refused_or_ignored_as_the_server_says(s3: MemoryS3):
    s3.add("bucket", "home/f", b"content")
    times = u32(8) + u32(1) + u32(1)
    for is_no_op, code in ((False, 8), (True, 0)):
        async with sftp_talk(s3, is_no_op=is_no_op) as talk:
            assert (await talk.ask(Kind.SETSTAT, text("f"), times)).code == code
            assert (await talk.extended("lsetstat@openssh.com", text("f"), times)).code == code
            assert (await talk.ask(Kind.SETSTAT, text("f"), u32(0))).code == 0
            handle = await talk.opened("f", READ)
            assert (await talk.ask(Kind.FSETSTAT, handle, times)).code == code
            assert (await talk.ask(Kind.FSETSTAT, handle, u32(1) + u64(7))).code == code
            told = [event["path"] for _, event in talk.log.events if event["activity-type"] == "SETSTAT"]
            assert told == ["/bucket/home/f"] * 4 * is_no_op


async def test_limits_and_room_are_told(s3: MemoryS3):
    s3.add("bucket", "home/f", b"content")
    async with sftp_talk(s3, max_handles=50) as talk:
        limits = await talk.extended("limits@openssh.com")
        assert struct.unpack(">4Q", limits.body) == (263168, 261120, 261120, 50)
        room = await talk.extended("statvfs@openssh.com", text("."))
        size, _, blocks, free, *_ = struct.unpack(">11Q", room.body)
        assert size * blocks == size * free == 1 << 50
        handle = await talk.opened("f", READ)
        assert (await talk.extended("fstatvfs@openssh.com", handle)).body == room.body
        assert (await talk.extended("statvfs@openssh.com", text("none"))).code == 2
        assert (await talk.extended("fstatvfs@openssh.com", text(u32(9)))).code == 4


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Kind.READLINK, text("f")),
        (Kind.SYMLINK, text("f") + text("g")),
        (Kind.EXTENDED, text("hardlink@openssh.com") + text("f") + text("g")),
        (Kind.EXTENDED, text("fsync@openssh.com") + text(u32(1))),
        (77, b""),
    ],
)
async def test_what_is_not_served_is_unsupported(s3: MemoryS3, kind: int, body: bytes):
    async with sftp_talk(s3) as talk:
        assert (await talk.ask(kind, body)).code == 8


async def test_handles_are_limited_and_each_is_what_it_was_opened_as(s3: MemoryS3):
    s3.add("bucket", "home/f", b"content")
    async with sftp_talk(s3, max_handles=3) as talk:
        reader, writer = await talk.opened("f", READ), await talk.opened("g", PUT)
        directory = text((await talk.ask(Kind.OPENDIR, text("."))).data)
        refused = await talk.ask(Kind.OPEN, text("f"), u32(READ), u32(0))
        assert (refused.code, refused.message) == (4, "Too many open files")
        assert (await talk.write(reader, 0, b"x")).code == 3
        assert (await talk.read(writer, 0, 1)).code == 8
        assert (await talk.ask(Kind.READDIR, reader)).code == 4
        assert (await talk.read(directory, 0, 1)).code == 4
        assert (await talk.write(directory, 0, b"x")).code == 4
        assert (await talk.ask(Kind.FSTAT, directory)).attributes["permissions"] == 0o040744
        assert (await talk.close(reader)).code == 0
        assert (await talk.read(reader, 0, 1)).message == "Invalid handle"
        assert (await talk.close(reader)).code == 4
        again = await talk.opened("f", READ)
        assert again != reader


async def test_a_failed_open_takes_no_handle(s3: MemoryS3):
    async with sftp_talk(s3, max_handles=1) as talk:
        for _ in range(3):
            assert (await talk.ask(Kind.OPEN, text("none"), u32(READ), u32(0))).code == 2
        await talk.opened("g", PUT)


async def test_a_file_that_is_being_written_is_seen_by_its_own_client(s3: MemoryS3):
    async with sftp_talk(s3) as talk:
        opened = talk.send(Kind.OPEN, text("f"), u32(PUT), u32(0))
        looked = talk.send(Kind.LSTAT, text("f"))
        assert (await talk.answer(looked)).attributes["size"] == 0
        handle = text((await talk.answer(opened)).data)
        assert (await talk.write(handle, 0, b"12345")).code == 0
        assert (await talk.ask(Kind.FSTAT, handle)).attributes["size"] == 5
        assert (await talk.ask(Kind.STAT, text("f"))).attributes["size"] == 5
        closed, looked = talk.send(Kind.CLOSE, handle), talk.send(Kind.STAT, text("f"))
        assert (await talk.answer(looked)).attributes["size"] == 5
        assert (await talk.answer(closed)).code == 0


async def test_a_close_that_fails_says_so_and_keeps_nothing(s3: MemoryS3):
    async with sftp_talk(s3, stages=False) as talk:
        handle = await talk.opened("f", PUT)
        assert (await talk.write(handle, 0, b"12345")).code == 0
        s3.fail("PutObject", Unavailable("503"))
        closed = await talk.close(handle)
        assert (closed.code, closed.message) == (4, "The storage is unavailable, try again")
        assert s3.keys("bucket") == []


async def test_a_store_that_fails_is_told_by_the_next_write_and_by_close(s3: MemoryS3):
    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", PUT)
        s3.fail("(write)", Unavailable("disk"))
        at = 0
        while (answer := await talk.write(handle, at, SOME[:32768])).code == 0:
            at += 32768
            await asyncio.sleep(0)
        assert answer.message == "The storage is unavailable, try again"
        assert (await talk.close(handle)).code == 4
        assert s3.keys("bucket") == []
        assert not s3.staged


# The end.


@BOTH_KINDS_OF_STORE
async def test_an_upload_whose_channel_is_lost_leaves_nothing(s3: MemoryS3, stages: bool):
    async with sftp_talk(s3, stages=stages) as talk:
        handle = await talk.opened("f", PUT)
        for at in range(0, 8 * len(SOME), len(SOME)):
            for start in range(0, len(SOME), 200_000):
                talk.send(Kind.WRITE, handle, u64(at + start), text(SOME[start : start + 200_000]))
        await talk.lose("reset by peer")
        assert s3.keys("bucket") == []
        assert not s3.staged
        assert not s3.uploads
        assert talk.log.events[-1][1]["activity-type"] == "PARTIAL_CLOSE"
        assert talk.log.events[-1][1]["message"] == "reset by peer"


async def test_a_commit_under_way_comes_to_its_end_when_the_channel_is_lost(s3: MemoryS3):
    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", PUT)
        await talk.write(handle, 0, b"12345")
        gate = s3.hold("PutObject")
        talk.send(Kind.CLOSE, handle)
        await gate.entered.wait()
        talk.conversation.lost("reset")
        await asyncio.sleep(0)
        gate.open.set()
        await talk.conversation.closed()
        assert s3.content("bucket", "home/f") == b"12345"
        assert talk.log.activities() == ["OPEN", "CLOSE"]


@pytest.mark.parametrize(
    ("call", "kind", "named", "activity"),
    [
        ("CopyObject", Kind.RENAME, (text("f"), text("g")), "RENAME"),
        ("DeleteObject", Kind.REMOVE, (text("f"),), "DELETE"),
        ("DeleteObject", Kind.RMDIR, (text("d"),), "RMDIR"),
        ("PutObject", Kind.MKDIR, (text("e"), u32(0)), "MKDIR"),
    ],
)
async def test_what_the_store_does_when_the_channel_is_lost_is_logged(
    s3: MemoryS3, call: str, kind: Kind, named: tuple[bytes, ...], activity: str
):
    for name in ("f", "d/"):
        s3.add("bucket", f"home/{name}")
    async with sftp_talk(s3) as talk:
        gate = s3.hold(call)
        talk.send(kind, *named)
        await gate.entered.wait()
        talk.conversation.lost("reset")
        await asyncio.sleep(0)
        gate.open.set()
        await talk.conversation.closed()
        assert talk.log.activities() == [activity]


async def test_a_close_that_had_not_begun_when_the_channel_was_lost_commits_nothing(s3: MemoryS3):
    """It waits for its turn: the request before it is about the same path."""
    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", PUT)
        await talk.write(handle, 0, b"12345")
        gate = s3.hold("HeadObject")
        talk.send(Kind.REMOVE, text("f"))
        await gate.entered.wait()
        talk.send(Kind.CLOSE, handle)
        await talk.lose()
        assert s3.keys("bucket") == []
        assert "PARTIAL_CLOSE" in talk.log.activities()


async def test_the_end_of_the_stream_answers_what_was_asked_and_gives_up_what_is_open(s3: MemoryS3):
    s3.add("bucket", "home/f", SOME)
    gate = s3.hold("HeadObject")
    async with sftp_talk(s3) as talk:
        await talk.opened("g", PUT)
        reader = await talk.opened("f", READ)
        read, looked = talk.send(Kind.READ, reader, u64(0), u32(9)), talk.send(Kind.STAT, text("f"))
        talk.conversation.ended()
        await gate.entered.wait()
        assert not talk.pipe.is_closed
        gate.open.set()
        assert (await talk.answer(read)).data == SOME[:9]
        assert (await talk.answer(looked)).kind is Kind.ATTRS
        await talk.pipe.until(lambda: talk.pipe.is_closed)
        await talk.lose("closed")
        assert "home/g" not in s3.keys("bucket")


async def test_it_is_busy_while_a_file_is_open_or_an_answer_is_owed(s3: MemoryS3):
    gate = s3.hold("HeadObject")
    async with sftp_talk(s3) as talk:
        conversation = talk.conversation
        assert not conversation.is_busy
        looked = talk.send(Kind.STAT, text("f"))
        assert conversation.is_busy
        assert not conversation.is_transferring
        gate.open.set()
        await talk.answer(looked)
        assert not conversation.is_busy
        handle = await talk.opened("f", PUT)
        assert conversation.is_transferring
        assert conversation.is_busy
        await talk.close(handle)
        assert not conversation.is_busy
        assert conversation.last_active <= asyncio.get_running_loop().time()


@pytest.mark.parametrize(
    "garbage",
    [
        packet(Kind.STAT, u32(1), u32(99), b"short"),
        u32(1 << 30) + b"\x11",
        u32(0) + b"\x11",
        u32(0),
        u32(2**32 - 1),
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_garbage_ends_the_session_after_what_was_asked_before(s3: MemoryS3, garbage: bytes):
    async with sftp_talk(s3) as talk:
        await talk.opened("f", PUT)
        talk.say(packet(Kind.REALPATH, u32(1), text(".")) + garbage)
        assert (await talk.next()).kind is Kind.NAME
        assert talk.pipe.is_closed
        talk.say(packet(Kind.REALPATH, u32(2), text(".")))
        await talk.conversation.closed()
        assert not s3.staged
        assert not talk.pipe.sent


async def test_nothing_is_asked_before_init(s3: MemoryS3):
    async with sftp_talk(s3, begins=False) as talk:
        talk.say(packet(Kind.REALPATH, u32(1), text(".")))
        assert talk.pipe.is_closed
        assert not talk.pipe.sent


async def test_a_mistake_of_ours_ends_the_session(s3: MemoryS3, caplog: pytest.LogCaptureFixture):
    async with sftp_talk(s3) as talk:
        s3.fail("HeadObject", ZeroDivisionError("a mistake"))  # type: ignore[arg-type]
        talk.send(Kind.STAT, text("f"))
        await talk.pipe.until(lambda: talk.pipe.is_closed)
    assert "background task failed" in caplog.text


# Bounds.


async def test_many_requests_are_carried_out_some_at_a_time_and_the_client_is_told_to_wait(s3: MemoryS3):
    gate = s3.hold("HeadObject")
    async with sftp_talk(s3) as talk:
        numbers = [talk.send(Kind.STAT, text(f"f{number}")) for number in range(500)]
        await gate.entered.wait()
        assert talk.pipe.is_paused
        assert sum(1 for call in s3.calls if call.operation == "HeadObject") <= 64
        gate.open.set()
        for number in numbers:
            assert (await talk.answer(number)).code == 2
        assert not talk.pipe.is_paused


async def test_a_client_that_reads_nothing_gets_nothing_more(s3: MemoryS3):
    s3.add("bucket", "home/f", SOME)
    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", READ)
        talk.pipe.flowing.clear()
        numbers = [talk.send(Kind.READ, handle, u64(at % 900_000), u32(32768)) for at in range(0, 40_000_000, 32768)]
        for _ in range(10):
            await asyncio.sleep(0)
        assert talk.pipe.is_paused
        assert not talk.pipe.sent
        talk.pipe.flowing.set()
        answers = [await talk.answer(number) for number in numbers]
        for at, answer in zip(range(0, 40_000_000, 32768), answers, strict=True):
            assert answer.data == SOME[at % 900_000 :][:32768]
        await talk.pipe.until(lambda: not talk.pipe.is_paused)


def answers_in(sent: bytearray) -> int:
    at = count = 0
    while at < len(sent):
        at += 4 + int.from_bytes(sent[at : at + 4])
        count += 1
    return count


@pytest.mark.parametrize("stream", ["paths", "the same bytes", "beyond the end", "no such handle"])
async def test_answers_do_not_pile_up_before_a_client_that_reads_none(s3: MemoryS3, stream: str):
    """Neither those that are given at once, nor those whose bytes are here already; then all are given."""
    s3.add("bucket", "home/f", SOME[:200_000])
    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", READ)
        assert (await talk.read(handle, 0, 200_000)).data == SOME[:200_000]
        talk.pipe.flowing.clear()
        request, count = {
            "paths": ((Kind.REALPATH, text("x" * 20_000)), 1000),
            "the same bytes": ((Kind.READ, handle, u64(0), u32(20_000)), 2000),
            "beyond the end": ((Kind.READ, handle, u64(200_000), u32(1)), 300_000),
            "no such handle": ((Kind.READ, text("none"), u64(0), u32(1)), 300_000),
        }[stream]
        kind, *parts = request
        run = b"".join(packet(kind, u32(number), *parts) for number in range(1000))
        for _ in range(count // 1000):
            talk.say(run)
            await asyncio.sleep(0)
        assert len(talk.pipe.sent) < 6 << 20
        assert talk.pipe.is_paused
        talk.pipe.flowing.set()
        await talk.pipe.until(lambda: answers_in(talk.pipe.sent) == count)
        await talk.pipe.until(lambda: not talk.pipe.is_paused)


async def test_a_slow_store_makes_the_client_wait(s3: MemoryS3):
    gate = s3.hold("(write)")
    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", PUT)
        at = 0
        while not talk.pipe.is_paused:
            assert (await talk.write(handle, at, SOME[:200_000])).code == 0
            at += 200_000
        assert at <= 8 << 20
        gate.open.set()
        await talk.pipe.until(lambda: not talk.pipe.is_paused)
        assert (await talk.close(handle)).code == 0
        assert len(s3.content("bucket", "home/f")) == at


# However it is said.


async def _say_all(stream: bytes, cuts: list[int], count: int) -> tuple[dict[int, Answer], MemoryS3]:
    s3 = make_s3()
    s3.add("bucket", "home/there", SOME[:5000])
    async with sftp_talk(s3) as talk:
        start = 0
        for end in [*sorted({cut for cut in cuts if cut < len(stream)}), len(stream)]:
            talk.say(stream[start:end])
            start = end
        return {number: await talk.answer(number) for number in range(1, count + 1)}, s3


@settings(max_examples=30)
@given(st.lists(st.integers(1, 3000), max_size=60))
async def test_the_answers_are_the_same_however_the_stream_is_cut(cuts: list[int]):
    one, two = text(u32(1)), text(u32(2))
    said = [
        (Kind.OPEN, text("f") + u32(PUT) + u32(0)),
        (Kind.STAT, text("there")),
        (Kind.REALPATH, text("x/..")),
        (Kind.MKDIR, text("d") + u32(0)),
        (Kind.RENAME, text("there") + text("here")),
    ]
    first = b"".join(packet(kind, u32(number), body) for number, (kind, body) in enumerate(said, start=1))
    answers, _ = await _say_all(first, cuts, len(said))
    assert answers[1].data == one[4:]
    assert answers[2].attributes["size"] == 5000
    assert [answers[number].code for number in (4, 5)] == [0, 0]
    s3 = make_s3()
    s3.add("bucket", "home/there", SOME[:5000])
    async with sftp_talk(s3) as talk:
        await talk.opened("f", PUT)
        await talk.opened("there", READ)
        talk.stray.clear()
        requests = [
            packet(Kind.WRITE, u32(11), one, u64(0), text(SOME[:1000])),
            packet(Kind.READ, u32(12), two, u64(10), u32(600)),
            packet(Kind.WRITE, u32(13), one, u64(1000), text(SOME[1000:1900]), b"behind"),
            packet(Kind.READ, u32(14), two, u64(4990), u32(600)),
            packet(Kind.CLOSE, u32(15), one),
            packet(Kind.CLOSE, u32(16), two),
        ]
        stream, start = b"".join(requests), 0
        for end in [*sorted({cut for cut in cuts if cut < len(stream)}), len(stream)]:
            talk.say(stream[start:end])
            start = end
        assert [(await talk.answer(number)).code for number in (11, 13, 15, 16)] == [0, 0, 0, 0]
        assert (await talk.answer(12)).data == SOME[10:610]
        assert (await talk.answer(14)).data == SOME[4990:5000]
    assert s3.content("bucket", "home/f") == SOME[:1900]


@settings(max_examples=60)
@given(st.lists(st.binary(max_size=60) | st.tuples(st.integers(3, 21), st.binary(max_size=40)), max_size=10))
async def test_garbage_leaks_nothing(said: list[bytes | tuple[int, bytes]]):
    async with sftp_talk(make_s3()) as talk:
        await talk.opened("f", PUT)
        await talk.opened("g", WRITE | CREAT)
        for piece in said:
            talk.say(piece if isinstance(piece, bytes) else packet(piece[0], u32(1), piece[1]))
            await asyncio.sleep(0)
    assert talk.conversation.is_busy is False
