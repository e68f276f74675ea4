"""What a case may know of a server, whichever it is."""

import random
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench.ftp.accounting import Meter
from bench.ftp.client.jobs import Endpoint

PASSIVE_PORTS = 100
FIRST_PORT, LAST_PORT = 20_000, 32_000


class Unavailable(Exception):
    """This server, or a part of it, is not to be had here; the message is a sentence that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Self-signed, in PEM; `both` is the key and then the certificate in one file."""

    certificate: Path
    key: Path
    both: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """`folder` is the server's own, usually on tmpfs; `peers` is where scripts/install-peers has put them."""

    folder: Path
    peers: Path
    certificate: Certificate
    meter: Meter
    roots: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that accepts sessions. `content` is the folder that its user sees, if that is a folder."""

    name: str
    version: str
    plain: Endpoint
    tls: Endpoint | None
    meter: Meter
    roots: list[int]
    content: Path | None = None
    no_tls: str = ""


Adapter = Callable[[Workplace], AbstractContextManager[Running]]


def free_port() -> int:
    return free_range(1)[0]


def free_range(count: int = PASSIVE_PORTS) -> tuple[int, int]:
    """First and last of so many ports in a row, below those that the system hands out to clients.

    The search begins somewhere else each time, so that two harnesses beside each other seldom meet.
    """
    firsts = range(FIRST_PORT, LAST_PORT - count, count)
    start = random.randrange(len(firsts) or 1)
    for first in (*firsts[start:], *firsts[:start]):
        ports = range(first, first + count)
        if _given.isdisjoint(ports) and all(_is_free(port) for port in ports):
            _given.update(ports)
            return first, first + count - 1
    raise Unavailable(f"there are no {count} free ports in a row")


_given: set[int] = set()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
