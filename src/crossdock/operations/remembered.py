"""What is read of the state again and again, and kept for as long as a new read would say the same."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from crossdock.core.errors import FileError
from crossdock.ports.state import State

MOST_KEPT = 1000
"""Answers; among the questions are names that strangers make up."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Remembered(Generic[K, V]):
    """Answers of `read`, which reads the state and nothing else, until anything is committed, by any process.

    So it says what is committed, as a read would, without one: those cost a login more than all its cryptography.
    """

    def __init__(self, state: State, read: Callable[[K], Awaitable[V]]) -> None:
        self._state = state
        self._read = read
        self._generation: int | None = None
        self._kept: dict[K, V] = {}

    async def get(self, key: K) -> V:
        """Raises what `read` raises, which is not kept."""
        try:
            generation = self._state.generation()
        except FileError:
            return await self._read(key)
        if generation != self._generation or len(self._kept) >= MOST_KEPT:
            self._generation, self._kept = generation, {}
        kept = self._kept
        if key not in kept:
            # Should somebody commit meanwhile, `kept` is given up at the next question.
            kept[key] = await self._read(key)
        return kept[key]
