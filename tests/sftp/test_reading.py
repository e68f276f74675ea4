"""Downloads as clients really ask for them: front to back, nearly so, or anywhere, always of one version."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.filesystems import make_s3
from tests.fakes.object_store import MemoryS3
from tests.fakes.sftp_talk import READ, sftp_talk, u32, u64

from crossdock.core.errors import Unavailable
from crossdock.sftp.packets import Kind
from crossdock.sftp.reading import MAX_READ

CONTENT = random.Random(1).randbytes(3_000_000)
BOTH_KINDS_OF_STORE = pytest.mark.parametrize("stages", [True, False], ids=["staging", "remote"])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 3_100_000), st.integers(0, 400_000)), min_size=1, max_size=25),
    st.booleans(),
    st.booleans(),
)
async def test_any_reads_give_the_bytes_of_the_file(reads: list[tuple[int, int]], stages: bool, waits: bool):
    s3 = make_s3()
    s3.add("bucket", "home/f", CONTENT)
    async with sftp_talk(s3, stages=stages) as talk:
        handle = await talk.opened("f", READ)
        numbers = []
        for offset, size in reads:
            numbers.append(talk.send(Kind.READ, handle, u64(offset), u32(size)))
            if waits:
                talk.stray[numbers[-1]] = await talk.answer(numbers[-1])
        closed = talk.send(Kind.CLOSE, handle)
        for number, (offset, size) in zip(numbers, reads, strict=True):
            expected = CONTENT[offset : offset + min(size, MAX_READ)]
            answer = await talk.answer(number)
            assert answer.data == expected if expected else answer.code == 1
        assert (await talk.answer(closed)).code == 0


@BOTH_KINDS_OF_STORE
async def test_dozens_of_reads_under_way_front_to_back_open_the_file_once(s3: MemoryS3, stages: bool):
    s3.add("bucket", "home/f", CONTENT)
    async with sftp_talk(s3, stages=stages) as talk:
        handle = await talk.opened("f", READ)
        order = list(range(0, len(CONTENT), 32768))
        for at in range(0, len(order), 8):  # as paramiko's and sshfs's come
            order[at : at + 8] = order[at : at + 8][::-1]
        numbers = {at: talk.send(Kind.READ, handle, u64(at), u32(32768)) for at in order}
        for at, number in numbers.items():
            assert (await talk.answer(number)).data == CONTENT[at : at + 32768]
        assert [call.operation for call in s3.calls].count("GetObject") <= 2
        await talk.close(handle)
        assert talk.log.activities() == ["OPEN", "CLOSE"]
        assert talk.log.events[-1][1]["bytes-out"] == str(len(CONTENT))


@BOTH_KINDS_OF_STORE
async def test_a_file_that_is_replaced_while_it_is_read_is_never_mixed(s3: MemoryS3, stages: bool):
    s3.add("bucket", "home/f", CONTENT)
    async with sftp_talk(s3, stages=stages) as talk:
        handle = await talk.opened("f", READ)
        assert (await talk.read(handle, 0, 100)).data == CONTENT[:100]
        s3.add("bucket", "home/f", CONTENT[::-1])
        answers = [await talk.read(handle, offset, 100) for offset in (200, 2_900_000, 2_000_000, 100, 2_500_000)]
        for offset, answer in zip((200, 2_900_000, 2_000_000, 100, 2_500_000), answers, strict=True):
            assert answer.code == 4 or answer.data == CONTENT[offset : offset + 100]
        assert answers[0].kind is Kind.DATA
        assert 4 in [answer.code for answer in answers]


async def test_a_read_that_fails_can_be_tried_again(s3: MemoryS3):
    s3.add("bucket", "home/f", CONTENT)
    async with sftp_talk(s3, stages=False) as talk:
        handle = await talk.opened("f", READ)
        s3.fail("GetObject", Unavailable("503"))
        assert (await talk.read(handle, 2_000_000, 100)).code == 4
        assert (await talk.read(handle, 2_000_000, 100)).data == CONTENT[2_000_000:2_000_100]


async def test_a_download_whose_channel_is_lost_is_told_so(s3: MemoryS3):
    s3.add("bucket", "home/f", CONTENT)
    async with sftp_talk(s3) as talk:
        handle = await talk.opened("f", READ)
        await talk.read(handle, 0, 100)
        talk.pipe.flowing.clear()
        talk.send(Kind.READ, handle, u64(2_000_000), u32(100))
        await talk.lose("reset by peer")
        assert talk.log.activities() == ["OPEN", "PARTIAL_CLOSE"]


async def test_what_may_not_be_read_is_denied(s3: MemoryS3):
    s3.add("bucket", "home/f", CONTENT)
    async with sftp_talk(s3, actions={"s3:ListBucket"}) as talk:
        answer = await talk.ask(Kind.OPEN, u32(1) + b"f", u32(READ), u32(0))
        assert answer.code == 3


async def test_a_small_file_that_came_with_its_opening_is_not_asked_for_again(s3: MemoryS3):
    s3.ready_bytes = 1000
    s3.add("bucket", "home/f", CONTENT[:1000])
    async with sftp_talk(s3, stages=True) as talk:
        handle = await talk.opened("f", READ)
        s3.fail("GetObject", Unavailable("503"))
        assert (await talk.read(handle, 0, 600)).data == CONTENT[:600]
        assert (await talk.read(handle, 600, 32768)).data == CONTENT[600:1000]
        assert (await talk.read(handle, 1000, 32768)).code == 1
        await talk.close(handle)
        assert talk.log.activities() == ["OPEN", "CLOSE"]
        assert talk.log.events[-1][1]["bytes-out"] == "1000"


async def test_a_small_file_can_be_read_again_and_anywhere(s3: MemoryS3):
    s3.ready_bytes = 1000
    s3.add("bucket", "home/f", CONTENT[:1000])
    async with sftp_talk(s3, stages=True) as talk:
        handle = await talk.opened("f", READ)
        for offset, size in ((900, 100), (0, 1000), (0, 1000), (10, 5)):
            assert (await talk.read(handle, offset, size)).data == CONTENT[offset : offset + size]
        s3.add("bucket", "home/f", CONTENT[1000:2000])
        answer = await talk.read(handle, 0, 1000)
        assert answer.code == 4 or answer.data == CONTENT[:1000]  # never the other version's
