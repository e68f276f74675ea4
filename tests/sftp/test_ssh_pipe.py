"""The pipe by asyncssh's own means: answers wait for a client that does not read."""

import asyncio
from dataclasses import dataclass, field

import pytest

from crossdock.sftp.ssh_pipe import PlainPipe


@dataclass
class Channel:
    """Of `asyncssh.SSHServerChannel`, what a pipe calls."""

    written: list[bytes] = field(default_factory=list)
    limits: tuple[int, int] = (0, 0)
    status: int | None = None

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        self.limits = high, low

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def is_closing(self) -> bool:
        return self.status is not None

    def exit(self, status: int) -> None:
        self.status = status


def make_pipe(channel: Channel | None = None, *, socket_is_full: bool = False) -> PlainPipe:
    return PlainPipe(channel or Channel(), socket_is_full=socket_is_full)  # type: ignore[arg-type]


async def is_waited_for(pipe: PlainPipe) -> bool:
    """Whether `drained` does not come back for some turns of the loop."""
    waiting = asyncio.ensure_future(pipe.drained())
    for _ in range(5):
        await asyncio.sleep(0)
    is_waiting = not waiting.done()
    waiting.cancel()
    return is_waiting


async def test_a_pipe_with_room_is_drained() -> None:
    assert not await is_waited_for(make_pipe())


async def test_channel_and_socket_both_must_have_room() -> None:
    pipe = make_pipe()
    pipe.channel_is_full(True)
    pipe.socket_is_full(True)
    pipe.channel_is_full(False)
    assert await is_waited_for(pipe)
    pipe.socket_is_full(False)
    assert not await is_waited_for(pipe)


async def test_a_channel_that_opens_while_the_socket_is_full_begins_without_room() -> None:
    assert await is_waited_for(make_pipe(socket_is_full=True))


async def test_a_lost_channel_is_told_to_who_waits() -> None:
    pipe = make_pipe(socket_is_full=True)
    waiting = asyncio.ensure_future(pipe.drained())
    await asyncio.sleep(0)
    pipe.lost()
    with pytest.raises(ConnectionError):
        await waiting


async def test_after_its_end_a_pipe_sends_nothing_and_ends_once() -> None:
    channel = Channel()
    pipe = make_pipe(channel)
    pipe.send([b"a", memoryview(b"b")])
    pipe.close()
    pipe.close()
    pipe.send([b"c"])
    assert channel.written == [b"ab"]
    assert channel.status == 0
