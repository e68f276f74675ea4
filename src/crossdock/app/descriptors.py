"""How many descriptors the process may have open, and what it does where that is too few for its clients."""

import asyncio
import logging
import resource
from dataclasses import replace
from typing import Any

from crossdock.settings import Settings

_log = logging.getLogger(__name__)

APART = 256
"""For databases, listeners, functions and whatever else runs besides sessions."""
MOST = 1 << 20
"""What Linux lets a process have unless `fs.nr_open` says otherwise."""
OUT_OF_RESOURCES = "socket.accept() out of system resource"
"""How asyncio begins to tell its exception handler of a connection for which there was no descriptor, every second and
for every listener. Source: asyncio/selector_events.py, `_accept_connection`."""
EPISODE_S = 10.0
"""After so long without one more, the next such error is another episode."""


def make_room(settings: Settings) -> Settings:
    """Have as many descriptors as the process may, and let in no more connections than leave some for their data."""
    limit = _raised_limit()
    room = connections_that_fit(limit)
    if settings.login.connections <= room:
        return settings
    _log.warning(
        "too few files may be open for login.connections, so fewer connections are let in: raise the hard limit of "
        "open files (LimitNOFILE of a systemd unit, ulimit -n)",
        extra={"open_files": limit, "connections": room, "login.connections": settings.login.connections},
    )
    return replace(settings, login=replace(settings.login, connections=room))


def connections_that_fit(limit: int) -> int:
    """A quarter of what there is stays free for data connections and files."""
    return max(1, (limit - APART) * 3 // 4)


def _raised_limit() -> int:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST if hard == resource.RLIM_INFINITY else hard
    if soft == resource.RLIM_INFINITY or soft >= most:
        return most if soft == resource.RLIM_INFINITY else soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    except (ValueError, OSError) as error:
        _log.warning("the limit of open files cannot be raised", extra={"reason": str(error), "open_files": soft})
        return soft
    return most


class AcceptTroubles:
    """An exception handler of a loop that tells of connections that cannot be accepted once, until that has ended."""

    def __init__(self) -> None:
        self._last_at = -EPISODE_S

    def __call__(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if not str(context.get("message", "")).startswith(OUT_OF_RESOURCES):
            loop.default_exception_handler(context)
            return
        if self._last_at + EPISODE_S <= loop.time():
            _log.error("connections cannot be accepted", extra={"reason": str(context.get("exception", ""))})
        self._last_at = loop.time()
