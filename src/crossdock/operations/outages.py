"""What others run and Crossdock needs, as the operator hears of it: once when it fails, once when it works again."""

import asyncio
import logging
from collections.abc import Callable

_log = logging.getLogger(__name__)

PAUSE_S = 60.0
"""For which nothing more is told of something that fails now and then."""
MAX_KNOWN = 1000


def _loop_time() -> float:
    return asyncio.get_running_loop().time()


class Outages:
    """Knows of each thing, by whatever name, whether it fails. A process tells of what itself has met.

    Args:
        failing: what the log says of one that fails.
        working: what it says of one that works again.
    """

    def __init__(
        self, failing: str, working: str, *, pause_s: float = PAUSE_S, now: Callable[[], float] = _loop_time
    ) -> None:
        self._failing = failing
        self._working = working
        self._pause_s = pause_s
        self._now = now
        self._told: dict[str, float] = {}
        self._down: dict[str, dict[str, str]] = {}

    def failed(self, name: str, *, reason: str, **more: str) -> None:
        """`more` is what the log names, both times."""
        if name in self._down:
            return
        told_at = self._told.get(name)
        if told_at is not None and self._now() - told_at < self._pause_s:
            return
        if len(self._told) >= MAX_KNOWN:
            self._told.clear()
            self._down.clear()
        self._told[name] = self._now()
        self._down[name] = more
        _log.warning(self._failing, extra={**more, "reason": reason})

    def worked(self, name: str) -> None:
        more = self._down.pop(name, None) if self._down else None
        if more is not None:
            _log.warning(self._working, extra=more)
