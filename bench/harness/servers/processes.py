"""Starts a server's process, waits until it answers, and ends it with all that it started."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from bench.harness.accounting import descendants
from bench.harness.servers.running import Unavailable, Workplace

START_S = 20.0
STOP_S = 10.0
PAUSE_S = 0.02


def libraries(peer: Path) -> Mapping[str, str]:
    """The environment in which an unpacked package finds the libraries unpacked beside it."""
    folders = [*peer.glob("usr/lib/*-linux-gnu"), *peer.glob("lib/*-linux-gnu")]
    return {"PATH": os.defpath, "LD_LIBRARY_PATH": ":".join(map(str, folders))}


@contextmanager
def process(
    command: Sequence[str],
    *,
    place: Workplace,
    name: str,
    environment: Mapping[str, str],
    port: int = 0,
    is_ready: Callable[[], bool] | None = None,
) -> Iterator[int]:
    """The process's id, once it is ready: its port answers, unless something else is what to look for.

    Raises Unavailable with its last words when it ends before that.
    """
    log = place.folder / f"{name}.log"
    with log.open("w") as output:
        started = subprocess.Popen(
            place.meter.launcher(command),
            cwd=place.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is for the harness, which then ends its servers in order
        )
    try:
        wait_until(started, is_ready or partial(answers, port), log)
        place.roots.append(started.pid)
        yield started.pid
    finally:
        if started.pid in place.roots:
            place.roots.remove(started.pid)
        stop(started)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def wait_until(started: "subprocess.Popen[Any]", is_ready: Callable[[], bool], log: Path) -> None:
    until = time.monotonic() + START_S
    while time.monotonic() < until:
        if started.poll() is not None:
            raise Unavailable(f"it ended at once: {log.read_text(errors='replace').strip()[-500:]}")
        if is_ready():
            return
        time.sleep(PAUSE_S)
    raise Unavailable(f"it was not ready within {START_S:g} s: {log.read_text(errors='replace').strip()[-500:]}")


def stop(started: "subprocess.Popen[Any]") -> None:
    """SIGTERM for the process; see `family_ended` for its children."""
    with family_ended(started.pid):
        started.terminate()
        try:
            started.wait(STOP_S)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


@contextmanager
def family_ended(root: int) -> Iterator[None]:
    """In the block a process is ended and waited for; what is left of its children then, SIGKILL, each by its id."""
    family = [stat.pid for stat in descendants(root)]
    yield
    for pid in family:
        if pid != root and os.path.exists(f"/proc/{pid}"):
            with suppress(ProcessLookupError):  # it ended meanwhile
                os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + STOP_S
    while any(os.path.exists(f"/proc/{pid}") for pid in family) and time.monotonic() < until:
        time.sleep(PAUSE_S)
