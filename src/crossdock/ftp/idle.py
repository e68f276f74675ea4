"""Notices a client that has been silent for too long."""

import asyncio
from collections.abc import Callable


class IdleWatch:
    """Calls `expired` when nothing was heard for `limit()` seconds, and again after as long.

    One timer per connection, moved only when it fires: hearing something costs no more than noting the time.
    """

    def __init__(self, limit: Callable[[], float], expired: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._limit = limit
        self._expired = expired
        self._heard_at = self._loop.time()
        self._timer = self._loop.call_at(self._heard_at + limit(), self._look)

    def heard(self) -> None:
        self._heard_at = self._loop.time()

    def stop(self) -> None:
        self._timer.cancel()

    def _look(self) -> None:
        is_expired = self._heard_at + self._limit() <= self._loop.time()
        if is_expired:
            self.heard()
        self._timer = self._loop.call_at(self._heard_at + self._limit(), self._look)
        if is_expired:
            self._expired()
