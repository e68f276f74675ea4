"""Uploads as clients really send them: in order or nearly, in place, resumed, appended, and what is refused."""

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.filesystems import make_s3
from tests.fakes.object_store import MemoryS3
from tests.fakes.sftp_talk import APPEND, CREAT, EXCL, PUT, READ, TRUNC, WRITE, Talk, packet, sftp_talk, text, u32, u64

from crossdock.core.errors import Unavailable
from crossdock.sftp.packets import Kind, OpenFlags
from crossdock.sftp.writing import MOST_HELD, WINDOW

OLD, NEW = b"what was there before", b"new"
BOTH_KINDS_OF_STORE = pytest.mark.parametrize("stages", [True, False], ids=["staging", "remote"])


async def ends_at(talk: Talk, handle: bytes, size: int) -> int:
    return (await talk.ask(Kind.FSETSTAT, handle, u32(1) + u64(size))).code


async def refused(talk: Talk, path: str, flags: OpenFlags) -> tuple[int, str]:
    answer = await talk.ask(Kind.OPEN, text(path), u32(flags), u32(0))
    return answer.code, answer.message


@settings(max_examples=40)
@given(st.integers(1, 400_000), st.integers(500, 70_000), st.integers(1, 12), st.randoms(use_true_random=False))
async def test_writes_that_come_nearly_in_order_make_the_file(size: int, step: int, near: int, rnd: random.Random):
    content = random.Random(size).randbytes(size)
    pieces = [(at, content[at : at + step]) for at in range(0, size, step)]
    for at in range(0, len(pieces), near):
        group = pieces[at : at + near]
        rnd.shuffle(group)
        pieces[at : at + near] = group
    s3 = make_s3()
    async with sftp_talk(s3, stages=bool(size % 2)) as talk:
        handle = await talk.opened("f", PUT)
        numbers = [talk.send(Kind.WRITE, handle, u64(at), text(piece)) for at, piece in pieces]
        closed = talk.send(Kind.CLOSE, handle)
        assert [(await talk.answer(number)).code for number in numbers] == [0] * len(numbers)
        assert (await talk.answer(closed)).code == 0
    assert s3.content("bucket", "home/f") == content


@pytest.mark.parametrize(
    "writes",
    [
        [(0, b"12345"), (2, b"x")],
        [(0, b"12345"), (5 + WINDOW, b"x")],
        [(10, bytes(WINDOW - 10)), (10, b"again")],
        [(5, b"12345"), (7, b"x"), (0, b"12345")],
    ],
)
async def test_random_access_is_refused_and_nothing_is_kept(s3: MemoryS3, writes: list[tuple[int, bytes]]):
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", PUT)
        codes = []
        for at, data in writes:
            for start in range(0, len(data), 200_000):
                answer = await talk.write(handle, at + start, data[start : start + 200_000])
                codes.append(answer.code)
        assert codes[-1] == 8
        assert "Random access writes" in answer.message
        assert (await talk.write(handle, 0, b"more")).code == 8
        assert (await talk.close(handle)).code == 8
        assert s3.content("bucket", "home/f") == OLD


async def test_only_so_many_writes_are_held(s3: MemoryS3):
    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", PUT)
        answers = [await talk.write(handle, at, b"x") for at in range(2, 3 * MOST_HELD, 2)]
        assert [answer.code for answer in answers] == [0] * MOST_HELD + [8] * (len(answers) - MOST_HELD)


async def test_writing_nothing_is_no_write(s3: MemoryS3):
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", WRITE)
        assert (await talk.write(handle, 100, b"")).code == 0
        assert (await talk.close(handle)).code == 0
        assert s3.content("bucket", "home/f") == OLD


async def test_the_rest_of_a_write_may_come_when_the_store_has_failed(s3: MemoryS3):
    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", PUT)
        s3.fail("(write)", Unavailable("disk"))
        for number, size in enumerate((200_000, 250_000)):
            said = packet(Kind.WRITE, u32(90 + number), handle, u64(number * 200_000), text(bytes(size)))
            for start in range(0, len(said), 40_000):
                talk.say(said[start : start + 40_000])
                for _ in range(5):
                    await asyncio.sleep(0)
        assert (await talk.answer(91)).code == 4
        assert (await talk.close(handle)).message == "The storage is unavailable, try again"
        assert not talk.pipe.is_closed


async def test_a_gap_that_is_never_filled_keeps_the_file_from_being_kept(s3: MemoryS3):
    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", PUT)
        assert (await talk.write(handle, 5, b"12345")).code == 0
        closed = await talk.close(handle)
        assert (closed.code, closed.message) == (4, "Bytes are missing in the middle of the file, nothing was kept")
        assert s3.keys("bucket") == []


# Without TRUNC.


async def test_scp_replaces_a_file_without_truncating_it_first(s3: MemoryS3):
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3) as talk:
        for content in (NEW, b"", OLD + NEW):
            handle = await talk.opened("f", WRITE | CREAT)
            if content:
                assert (await talk.write(handle, 0, content)).code == 0
            assert await ends_at(talk, handle, len(content)) == 0
            assert (await talk.close(handle)).code == 0
            assert s3.content("bucket", "home/f") == content


async def test_a_new_file_needs_no_truncating(s3: MemoryS3):
    async with sftp_talk(s3) as talk:
        assert (await talk.put("f", NEW, WRITE | CREAT)).code == 0
        assert s3.content("bucket", "home/f") == NEW
        assert (await refused(talk, "none", WRITE))[0] == 2
        assert (await refused(talk, "none", WRITE | TRUNC))[0] == 2
        assert (await talk.put("f", OLD, WRITE | TRUNC)).code == 0
        assert s3.content("bucket", "home/f") == OLD


async def test_a_file_that_is_only_opened_and_closed_stays_as_it_was(s3: MemoryS3):
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", WRITE | CREAT)
        assert (await talk.ask(Kind.FSTAT, handle)).attributes["size"] == len(OLD)
        assert await ends_at(talk, handle, len(OLD)) == 0
        assert (await talk.close(handle)).code == 0
        assert s3.content("bucket", "home/f") == OLD
        assert talk.log.activities() == []


async def test_what_would_cut_off_the_rest_unasked_is_refused(s3: MemoryS3):
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", WRITE | READ)
        assert (await talk.write(handle, 0, NEW)).code == 0
        closed = await talk.close(handle)
        assert (closed.code, "stays as it was" in closed.message) == (8, True)
        assert s3.content("bucket", "home/f") == OLD
        longer = OLD + NEW
        assert (await talk.put("f", longer, WRITE)).code == 0
        assert s3.content("bucket", "home/f") == longer


@pytest.mark.parametrize(("allow_append", "offset"), [(False, 3), (False, len(OLD) + 1), (True, len(OLD) + 1)])
async def test_who_changes_a_file_in_the_middle_hears_it_at_once(s3: MemoryS3, allow_append: bool, offset: int):
    """Some clients do not look at how a CLOSE is answered."""
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3, allow_append=allow_append) as talk:
        handle = await talk.opened("f", WRITE)
        answer = await talk.write(handle, offset, NEW)
        assert (answer.code, "stays as it was" in answer.message) == (8, True)
        assert (await talk.close(handle)).code == 8
        assert s3.content("bucket", "home/f") == OLD


@pytest.mark.parametrize(("is_no_op", "code"), [(False, 8), (True, 0)])
async def test_a_size_that_is_not_what_was_written_is_refused_or_ignored_and_changes_nothing(is_no_op: bool, code: int):
    s3 = make_s3()
    async with sftp_talk(s3, is_no_op=is_no_op) as talk:
        handle = await talk.opened("f", PUT)
        answer = await talk.ask(Kind.FSETSTAT, handle, u32(1) + u64(9))
        assert (answer.code, "size cannot be set" in answer.message) == (code, not is_no_op)
        await talk.write(handle, 0, b"12345")
        assert await ends_at(talk, handle, 5) == 0
        assert await ends_at(talk, handle, 2) == code
        await talk.write(handle, 5, b"678")
        assert (await talk.close(handle)).code == 0
        assert s3.content("bucket", "home/f") == b"12345678"
        assert (await talk.ask(Kind.SETSTAT, text("f"), u32(1) + u64(2))).code == code
        assert s3.content("bucket", "home/f") == b"12345678"


async def test_a_size_that_is_ignored_does_not_cut_off_the_rest_of_a_file(s3: MemoryS3):
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3, is_no_op=True) as talk:
        handle = await talk.opened("f", WRITE)
        await talk.write(handle, 0, b"12345")
        assert await ends_at(talk, handle, 2) == 0
        assert (await talk.close(handle)).code == 8
        assert s3.content("bucket", "home/f") == OLD


# EXCL.


@BOTH_KINDS_OF_STORE
async def test_a_file_of_its_own_replaces_none_also_when_that_came_meanwhile(s3: MemoryS3, stages: bool):
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3, stages=stages) as talk:
        assert await refused(talk, "f", WRITE | CREAT | EXCL) == (4, "File already exists")
        assert (await talk.put("g", NEW, WRITE | CREAT | EXCL)).code == 0
        handle = await talk.opened("h", WRITE | CREAT | EXCL)
        await talk.write(handle, 0, NEW)
        s3.add("bucket", "home/h", OLD)
        closed = await talk.close(handle)
        assert (closed.code, closed.message) == (4, "File already exists")
        assert s3.content("bucket", "home/h") == OLD


# Appending and resuming.


async def test_appending_is_refused_unless_it_is_allowed(s3: MemoryS3):
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3) as talk:
        code, message = await refused(talk, "f", WRITE | APPEND)
        assert (code, "Appending" in message) == (8, True)
        handle = await talk.opened("f", WRITE | CREAT)
        answer = await talk.write(handle, len(OLD), NEW)
        assert (answer.code, answer.message) == (8, message)
        assert (await talk.close(handle)).code == 8
        assert s3.content("bucket", "home/f") == OLD


@BOTH_KINDS_OF_STORE
async def test_an_upload_is_resumed_where_that_is_allowed(s3: MemoryS3, stages: bool):
    async with sftp_talk(s3, stages=stages, allow_append=True) as talk:
        for flags, offset in ((WRITE | CREAT | APPEND, len(OLD)), (WRITE | APPEND, 0), (WRITE | CREAT, len(OLD))):
            s3.add("bucket", "home/f", OLD)
            handle = await talk.opened("f", flags)
            assert (await talk.write(handle, offset, NEW)).code == 0
            assert (await talk.ask(Kind.FSTAT, handle)).attributes["size"] == len(OLD + NEW)
            assert await ends_at(talk, handle, len(OLD + NEW)) == 0
            assert (await talk.close(handle)).code == 0
            assert s3.content("bucket", "home/f") == OLD + NEW
        s3.add("bucket", "home/f", OLD)
        handle = await talk.opened("f", WRITE | CREAT)
        assert (await talk.write(handle, 4, NEW)).code == 0
        assert await ends_at(talk, handle, 4 + len(NEW)) == 0
        assert (await talk.close(handle)).code == 0
        assert s3.content("bucket", "home/f") == OLD[:4] + NEW


async def test_appending_to_nothing_begins_a_file_and_appending_nothing_changes_none(s3: MemoryS3):
    info = s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3, allow_append=True) as talk:
        assert (await talk.put("g", NEW, WRITE | CREAT | APPEND)).code == 0
        assert s3.content("bucket", "home/g") == NEW
        assert (await refused(talk, "none", WRITE | APPEND))[0] == 2
        handle = await talk.opened("f", WRITE | APPEND)
        assert (await talk.close(handle)).code == 0
        assert s3.buckets["bucket"]["home/f"].info.etag == info.etag


async def test_a_denied_upload_is_told_when_it_is_opened(s3: MemoryS3):
    async with sftp_talk(s3, actions={"s3:GetObject"}) as talk:
        assert await refused(talk, "f", PUT) == (3, "Permission denied")
        assert talk.log.activities() == ["ERROR"]


async def test_many_uploads_at_once_do_not_mix(s3: MemoryS3):
    contents = {f"f{number}": random.Random(number).randbytes(150_000) for number in range(20)}
    async with sftp_talk(s3) as talk:
        handles = {name: await talk.opened(name, PUT) for name in contents}
        for at in range(0, 150_000, 30_000):
            for name, handle in handles.items():
                talk.send(Kind.WRITE, handle, u64(at), text(contents[name][at : at + 30_000]))
        closes = [talk.send(Kind.CLOSE, handle) for handle in handles.values()]
        assert [(await talk.answer(number)).code for number in closes] == [0] * 20
        await asyncio.sleep(0)
        for name, content in contents.items():
            assert s3.content("bucket", f"home/{name}") == content
