"""The jobs of the fast FTP client; see `bench.harness.clients.working`."""

import statistics
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from bench.ftp.client.control import Control, UnexpectedReply
from bench.harness.clients.jobs import Job
from bench.harness.clients.working import Done, Prepare, Work, main


def _session(job: Job, stack: ExitStack, *, source: str = "") -> Control:
    control = Control(job.endpoint, source=source)
    stack.callback(control.close)
    control.login()
    return control


def down(job: Job, stack: ExitStack) -> Work:
    """The file `path`, thrown away."""
    control = _session(job, stack)
    waiting = control.passive()

    def work() -> Done:
        data = control.begin(f"RETR {job.path}", waiting)
        nbytes = 0
        while received := data.receive():
            nbytes += received
        data.close()
        control.finished()
        if nbytes != job.size:
            raise UnexpectedReply(f"RETR: {nbytes} bytes instead of {job.size}")
        return Done(nbytes=nbytes, cipher=control.cipher)

    return work


def up(job: Job, stack: ExitStack) -> Work:
    """`size` bytes into the file `path`; whether they arrived is asked once the clock has stopped."""
    control = _session(job, stack)
    waiting = control.passive()

    def work() -> Done:
        data = control.begin(f"STOR {job.path}", waiting)
        data.send(job.size)
        data.close()
        control.finished()
        return Done(nbytes=job.size, cipher=control.cipher)

    stack.callback(lambda: check_size(control, job))
    return work


def stored(job: Job, stack: ExitStack) -> Work:
    """As `up`, until the server answers the next command too: some put a file away only after its 226."""
    control = _session(job, stack)
    waiting = control.passive()

    def work() -> Done:
        data = control.begin(f"STOR {job.path}", waiting)
        data.send(job.size)
        data.close()
        control.finished()
        check_size(control, job)
        return Done(nbytes=job.size, cipher=control.cipher)

    return work


def check_size(control: Control, job: Job) -> None:
    reply = control.ask(f"SIZE {job.path}", "213")
    if int(reply.split()[1]) != job.size:
        raise UnexpectedReply(f"SIZE: {reply} after STOR of {job.size} bytes")


def small_up(job: Job, stack: ExitStack) -> Work:
    """`count` files of `size` bytes, named `path` and a number, one after the other."""
    control = _session(job, stack)

    def work() -> Done:
        for number in range(job.count):
            data = control.open(f"STOR {job.path}{number:06}")
            data.send(job.size)
            data.close()
            control.finished()
        return Done(nbytes=job.count * job.size, cipher=control.cipher)

    return work


def small_down(job: Job, stack: ExitStack) -> Work:
    control = _session(job, stack)

    def work() -> Done:
        nbytes = 0
        for number in range(job.count):
            data = control.open(f"RETR {job.path}{number:06}")
            while received := data.receive():
                nbytes += received
            data.close()
            control.finished()
        if nbytes != job.count * job.size:
            raise UnexpectedReply(f"RETR: {nbytes} bytes instead of {job.count * job.size}")
        return Done(nbytes=nbytes, cipher=control.cipher)

    return work


def logins(job: Job, stack: ExitStack) -> Work:
    """`count` sessions that log in and leave, `concurrency` at a time."""

    def one(_number: int) -> None:
        control = Control(job.endpoint)
        try:
            control.login()
            control.quit()
        finally:
            control.close()

    def work() -> Done:
        with ThreadPoolExecutor(job.concurrency) as threads:
            list(threads.map(one, range(job.count)))
        return Done()

    return work


def sessions(job: Job, stack: ExitStack) -> Work:
    """`count` sessions that log in and stay, from the addresses `sources` in turn, `concurrency` at a time."""

    def one(number: int) -> None:
        _session(job, stack, source=job.sources[number % len(job.sources)] if job.sources else "")

    def work() -> Done:
        with ThreadPoolExecutor(job.concurrency) as threads:
            list(threads.map(one, range(job.count)))
        return Done()

    return work


def listing(job: Job, stack: ExitStack) -> Work:
    """LIST of the directory `path`, which has `count` entries: seconds to the first line."""
    control = _session(job, stack)
    control.ask(f"CWD {job.path}", "250")
    waiting = control.passive()

    def work() -> Done:
        began = time.monotonic()
        control.send("LIST")
        # The reply may say 150 late or early: what counts is the data.
        parts, first_s = [], 0.0
        while received := waiting.recv(1 << 18):
            if not first_s and b"\n" in received:
                first_s = time.monotonic() - began
            parts.append(received)
        waiting.close()
        control.expect("LIST", "150", "125")
        control.finished()
        content = b"".join(parts)
        lines = content.count(b"\n") - content.startswith(b"total ")
        if lines != job.count:
            raise UnexpectedReply(f"LIST: {lines} lines instead of {job.count}")
        return Done(nbytes=len(content), figures={"first_s": first_s})

    return work


def first_byte(job: Job, stack: ExitStack) -> Work:
    """`count` times: how long from PASV until the first byte of the file `path` is there."""
    control = _session(job, stack)

    def work() -> Done:
        found = []
        for _ in range(job.count):
            began = time.monotonic()
            data = control.open(f"RETR {job.path}")
            if not data.receive():
                raise UnexpectedReply("RETR: no byte")
            found.append(time.monotonic() - began)
            while data.receive():
                pass
            data.close()
            control.finished()
        return Done(figures={"median_s": statistics.median(found)}, cipher=control.cipher)

    return work


JOBS: Mapping[str, Prepare] = {
    "down": down,
    "up": up,
    "stored": stored,
    "small-up": small_up,
    "small-down": small_down,
    "logins": logins,
    "sessions": sessions,
    "listing": listing,
    "first-byte": first_byte,
}


if __name__ == "__main__":
    main(JOBS)
