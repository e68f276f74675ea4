"""Answers go in runs, and wait for a client that does not read."""

import asyncio
from collections.abc import Coroutine

import pytest
from tests.fakes.sftp_talk import FakePipe

from crossdock.sftp.exchange import Load
from crossdock.sftp.outbox import MOST_HELD, MOST_UNREAD, Outbox


class Work:
    """Begins background work, and knows what has begun."""

    def __init__(self) -> None:
        self.begun: list[asyncio.Task[None]] = []

    def __call__(self, work: Coroutine[None, None, None], *, name: str) -> None:
        self.begun.append(asyncio.ensure_future(work))


def make(pipe: FakePipe) -> tuple[Outbox, Load, Work]:
    load, work = Load(lambda: None), Work()
    return Outbox(pipe, load, work), load, work


async def test_what_is_held_goes_in_one_run() -> None:
    pipe = FakePipe()
    outbox, load, work = make(pipe)
    outbox.is_held = True
    outbox.send([b"a", b"b"])
    outbox.send([b"c"])
    assert not pipe.sent
    outbox.is_held = False
    outbox.flush()
    assert pipe.sent == b"abc"
    assert not load.is_full
    assert not work.begun


async def test_no_more_is_held_than_a_pipe_takes_at_once() -> None:
    pipe = FakePipe()
    outbox, load, work = make(pipe)
    outbox.is_held = True
    outbox.send([bytes(MOST_HELD)])
    assert not pipe.sent
    outbox.send([b"x"])
    assert len(pipe.sent) == MOST_HELD + 1
    outbox.send([b"y"])
    assert len(pipe.sent) == MOST_HELD + 1
    assert not load.is_full
    assert not work.begun


@pytest.mark.parametrize("is_lost", [False, True])
@pytest.mark.parametrize("is_held", [False, True])
async def test_who_has_not_read_so_much_is_to_read_first(is_held: bool, is_lost: bool) -> None:
    pipe = FakePipe()
    outbox, load, work = make(pipe)
    pipe.flowing.clear()
    outbox.is_held = is_held
    outbox.send([bytes(MOST_UNREAD)])
    assert not load.is_full
    outbox.send([b"x"])
    assert load.is_full
    assert load.is_heavy
    assert len(pipe.sent) == MOST_UNREAD + 1  # nothing more is held back either
    outbox.send([b"y"])
    pipe.is_lost = is_lost
    pipe.flowing.set()
    await asyncio.gather(*work.begun)
    assert len(work.begun) == 1
    assert not load.is_full
