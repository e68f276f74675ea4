"""The jobs of the light client; see `bench.harness.clients.working`."""

import selectors
import struct
import threading
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from bench.harness.clients.jobs import ClientFailed, Job
from bench.harness.clients.working import Done, Prepare, Work, main
from bench.sftp.client.session import (
    CLOSE,
    EOF,
    HANDLE,
    NAME,
    OPENDIR,
    READDIR,
    STATUS,
    WRITE,
    Session,
    check_ok,
    handle_of,
    opening,
)
from bench.sftp.client.transport import string

LOOK_S = 0.2
AT_ONCE = 32
"""Files that are uploaded side by side in one session, so that seeding takes less time."""


def logins(job: Job, stack: ExitStack) -> Work:
    """`count` sessions that log in, begin SFTP and leave, `concurrency` at a time."""

    def one(_number: int) -> None:
        Session(job.endpoint).close()

    def work() -> Done:
        with ThreadPoolExecutor(job.concurrency) as threads:
            list(threads.map(one, range(job.count)))
        return Done()

    return work


def sessions(job: Job, stack: ExitStack) -> Work:
    """`count` sessions that begin SFTP and stay, from the addresses `sources` in turn, `concurrency` at a time."""
    opened: list[Session] = []
    lost: list[ClientFailed] = []
    stack.callback(check_none_lost, lost)
    selector = stack.enter_context(selectors.DefaultSelector())
    stack.callback(close_all, opened)

    def one(number: int) -> None:
        session = Session(job.endpoint, source=job.sources[number % len(job.sources)] if job.sources else "")
        opened.append(session)
        selector.register(session.transport, selectors.EVENT_READ, session.transport)

    def work() -> Done:
        ending = threading.Event()
        answering = threading.Thread(target=answer_keepalives, args=(selector, lost, ending))
        stack.callback(answering.join)
        stack.callback(ending.set)
        answering.start()
        with ThreadPoolExecutor(job.concurrency) as threads:
            list(threads.map(one, range(job.count)))
        return Done()

    return work


def answer_keepalives(selector: selectors.BaseSelector, lost: list[ClientFailed], ending: threading.Event) -> None:
    """Until the end, or that of a session."""
    while not lost and not ending.is_set():
        for found, _ in selector.select(LOOK_S):
            try:
                found.data.take_what_is_there()
            except ClientFailed as error:
                lost.append(error)


def close_all(opened: Sequence[Session]) -> None:
    for session in opened:
        session.close()


def check_none_lost(lost: Sequence[ClientFailed]) -> None:
    if lost:
        raise ClientFailed(f"a session ended: {lost[0]}")


def small_up(job: Job, stack: ExitStack) -> Work:
    """`count` files of `size` bytes, named `path` and a number."""
    session = Session(job.endpoint)
    stack.callback(session.close)
    content = bytes(job.size)

    def some(first: int, count: int) -> None:
        session.request(*(opening(number, f"{job.path}{number:06}") for number in range(first, first + count)))
        handles = [handle_of(session.expect(HANDLE)) for _ in range(count)]
        for number, handle in enumerate(handles):
            named = struct.pack(">I", number) + string(handle)
            session.request((WRITE, named + bytes(8) + string(content)), (CLOSE, named))
        for _ in range(2 * count):
            check_ok(session.expect(STATUS))

    def work() -> Done:
        for first in range(0, job.count, AT_ONCE):
            some(first, min(AT_ONCE, job.count - first))
        return Done(nbytes=job.count * job.size)

    return work


def listing(job: Job, stack: ExitStack) -> Work:
    """The directory `path`, which has `count` entries, one READDIR after the other: seconds to the first names."""
    session = Session(job.endpoint)
    stack.callback(session.close)

    def work() -> Done:
        began = time.monotonic()
        session.request((OPENDIR, struct.pack(">I", 1) + string(job.path.encode())))
        handle = handle_of(session.expect(HANDLE))
        reading = (READDIR, struct.pack(">I", 2) + string(handle))
        first_s, names, nbytes = 0.0, 0, 0
        while True:
            session.request(reading)
            kind, body = session.answer()
            if kind != NAME:
                break
            first_s = first_s or time.monotonic() - began
            names, nbytes = names + int.from_bytes(body[4:8]), nbytes + len(body)
        if int.from_bytes(body[4:8]) != EOF:
            check_ok(body)
        if not job.count <= names <= job.count + 2:  # with "." and ".."
            raise ClientFailed(f"READDIR gave {names} names instead of {job.count}")
        return Done(nbytes=nbytes, figures={"first_s": first_s})

    return work


JOBS: Mapping[str, Prepare] = {"logins": logins, "sessions": sessions, "small-up": small_up, "listing": listing}


if __name__ == "__main__":
    main(JOBS)
