"""Who waits for a process, function by function, and whose turn it is."""

import asyncio
from collections import Counter, deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from crossdock.ports.functions import FunctionSpec

T = TypeVar("T")


@dataclass(eq=False, slots=True, kw_only=True)
class Waiter(Generic[T]):
    function: FunctionSpec
    number: int
    granted: asyncio.Future[T]


class WaitingLines(Generic[T]):
    """A line for each function. `share` is how many of one function may be at work."""

    def __init__(self, *, share: int) -> None:
        self._share = share
        self._lines: dict[str, deque[Waiter[T]]] = {}
        self._arrivals = 0

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def join(self, function: FunctionSpec) -> Waiter[T]:
        self._arrivals += 1
        granted: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        waiter = Waiter(function=function, number=self._arrivals, granted=granted)
        self._lines.setdefault(function.arn, deque()).append(waiter)
        return waiter

    def leave(self, waiter: Waiter[T]) -> None:
        line = self._lines.get(waiter.function.arn)
        if line is not None and waiter in line:
            line.remove(waiter)
            if not line:
                del self._lines[waiter.function.arn]

    def next(self, at_work: Counter[str]) -> Waiter[T] | None:
        """The function with the fewest at work, and among those the one whose caller has waited longest."""
        heads = [line[0] for arn, line in self._lines.items() if at_work[arn] < self._share]
        return min(heads, key=lambda head: (at_work[head.function.arn], head.number), default=None)

    def ready(self, at_work: Counter[str]) -> int:
        """How many could go on at once if there were room."""
        return sum(min(len(line), self._share - at_work[arn]) for arn, line in self._lines.items())

    def dismiss(self, error: Exception) -> None:
        """Tell everybody that it was in vain."""
        for line in self._lines.values():
            for waiter in line:
                if not waiter.granted.done():
                    waiter.granted.set_exception(error)
        self._lines.clear()
