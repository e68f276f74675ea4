"""What a case may know of a server, whichever it is."""

import random
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from bench.harness.accounting import Meter
from bench.harness.clients.jobs import Endpoint

PASSIVE_PORTS = 100
FIRST_PORT, LAST_PORT = 20_000, 32_000


class Unavailable(Exception):
    """This server, or a part of it, is not to be had here; the message is a sentence that says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """`folder` is the server's own, usually on tmpfs; `peers` is where scripts/install-peers has put them.

    `shared` holds what all servers of a run have in common: certificates or keys.
    """

    folder: Path
    peers: Path
    shared: Path
    meter: Meter
    roots: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A server that accepts sessions, by one or more ways: plain or under TLS, with this or that cipher.

    `missing` says in a sentence why there is no such way. `content` is what its user sees, if that is a folder.
    `beside` counts what works for it without being part of it, as the S3 behind a gateway does.
    """

    name: str
    version: str
    ways: Mapping[str, Endpoint]
    meter: Meter
    roots: list[int]
    content: Path | None = None
    missing: Mapping[str, str] = field(default_factory=dict)
    beside: Meter | None = None

    def by(self, way: str) -> Endpoint:
        """Raises Unavailable."""
        if way not in self.ways:
            raise Unavailable(self.missing.get(way, f"it has no {way}"))
        return self.ways[way]


Adapter = Callable[[Workplace], AbstractContextManager[Running]]


class CrossdockAdapter(Protocol):
    def __call__(
        self, place: Workplace, *, serve_args: Sequence[str] = (), wrapper: Sequence[str] = ()
    ) -> AbstractContextManager[Running]:
        """`crossdock serve` with further arguments; `wrapper` is a command that it is started under."""


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
