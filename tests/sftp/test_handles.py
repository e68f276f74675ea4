"""What clients have open is counted: of a channel, of a connection, of the process."""

import resource
from collections.abc import Callable

import asyncssh
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.object_store import MemoryS3
from tests.fakes.sftp_house import eventually, sftp_house
from tests.fakes.sftp_talk import PUT, READ, sftp_talk, text

from crossdock.sftp.handles import OpenFiles, of_this_process
from crossdock.sftp.packets import Kind
from crossdock.sftp.ssh_channel import MOST_OPEN


@given(st.lists(st.tuples(st.integers(0, 1), st.booleans())))
def test_nobody_has_more_than_their_own_and_all_together_no_more_than_there_is(steps: list[tuple[int, bool]]) -> None:
    above = OpenFiles(5)
    below = [OpenFiles(3, above=above), OpenFiles(4, above=above)]
    held = [0, 0]
    for who, takes in steps:
        if takes:
            is_room = held[who] < (3, 4)[who] and sum(held) < 5
            assert below[who].take() is is_room
            held[who] += is_room
        elif held[who]:
            below[who].give()
            held[who] -= 1
        assert {each.of_all for each in (above, *below)} == {sum(held)}


def test_a_quarter_of_the_descriptors_is_for_files() -> None:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = of_this_process()
    asked = most // 4 + 1 if most != resource.RLIM_INFINITY else 10_000
    assert sum(files.take() for _ in range(asked)) == asked - (most != resource.RLIM_INFINITY)


async def test_a_connection_has_less_than_its_channels_could(s3: MemoryS3) -> None:
    async with sftp_house() as house, house.client() as conn:
        house.s3.add("bucket", "home/f", b"content")
        opened: list[asyncssh.SFTPClientFile] = []
        for _ in range(MOST_OPEN):
            sftp = await conn.start_sftp_client()
            opened += [await sftp.open("f", "rb") for _ in range(100)]
        third = await conn.start_sftp_client()
        with pytest.raises(asyncssh.SFTPFailure, match="Too many open files"):
            await third.open("f", "rb")
        await opened.pop().close()
        await third.open("f", "rb")
        async with house.client() as other, other.start_sftp_client() as sftp:
            await sftp.open("f", "rb")
        conn.abort()
        await house.everybody_left()


async def test_whatever_ends_gives_back(s3: MemoryS3) -> None:
    s3.add("bucket", "home/f", b"content")
    async with sftp_talk(s3, max_handles=3) as talk:
        shared = talk.conversation._handles._shared

        def is_counted(count: int) -> Callable[[], bool]:
            return lambda: shared._count == count

        handle = await talk.opened("f", READ)
        await talk.opened("new", PUT)
        assert (await talk.ask(Kind.OPENDIR, text("/bucket/home"))).kind is Kind.HANDLE
        assert shared._count == 3
        assert (await talk.ask(Kind.OPENDIR, text("/bucket/home"))).message == "Too many open files"
        assert (await talk.close(handle)).code == 0
        assert (await talk.close(handle)).code != 0
        await eventually(is_counted(2))
        assert (await talk.ask(Kind.OPENDIR, text("nowhere"))).code == 2
        assert shared._count == 2
        await talk.lose()
        assert shared._count == 0
