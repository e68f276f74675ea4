"""Values that stay good until a policy changes."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

from crossdock.ports.host import Epoch

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    epoch: int
    value: T


class EpochCache(Generic[T]):
    """At most `capacity` values by name; a hit costs no I/O, the least used goes first."""

    def __init__(self, epoch: Epoch, *, capacity: int) -> None:
        self._epoch = epoch
        self._capacity = capacity
        self._entries: OrderedDict[str, _Entry[T]] = OrderedDict()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def get(self, name: str, load: Callable[[], Awaitable[T]]) -> T:
        """The value for `name`; `load` is called when there is none of the present epoch, once for all who wait."""
        if (entry := self._present(name)) is not None:
            return entry.value
        lock = self._locks.setdefault(name, asyncio.Lock())
        async with lock:
            if (entry := self._present(name)) is not None:
                return entry.value
            # The epoch of before the load: should a policy change meanwhile, the value counts as old.
            epoch = self._epoch.current()
            value = await load()
            self._entries[name] = _Entry(epoch, value)
            self._entries.move_to_end(name)
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
            return value

    def _present(self, name: str) -> _Entry[T] | None:
        entry = self._entries.get(name)
        if entry is None or entry.epoch != self._epoch.current():
            return None
        self._entries.move_to_end(name)
        return entry
