"""In which order requests may be carried out. Pure but for the loop's futures.

Requests are carried out side by side unless they are about the same path, or one above the other, and one of them
changes something. So what a client sends without waiting comes out as if it had waited, and nobody waits for a slow
request about something else.

Source: draft-ietf-secsh-filexfer-02 §3: requests relating to the same file are processed in the order received.
"""

import asyncio
from collections.abc import Sequence


class Turn:
    """A request's place in the order. Await `come`, and `leave` in any case."""

    __slots__ = ("_came", "_changes", "_paths", "_turns")

    def __init__(self, turns: "Turns", paths: Sequence[str], *, changes: bool) -> None:
        self._turns = turns
        self._paths = paths
        self._changes = changes
        self._came: asyncio.Future[None] | None = None

    def conflicts(self, earlier: "Turn") -> bool:
        if not (self._changes or earlier._changes):
            return False
        return any(_is_related(mine, other) for mine in self._paths for other in earlier._paths)

    async def come(self) -> None:
        """Wait until everything earlier has left that must come first."""
        while self._turns.is_blocked(self):
            self._came = asyncio.get_running_loop().create_future()
            await self._came

    def leave(self) -> None:
        self._turns.leave(self)

    def look_again(self) -> None:
        if self._came is not None and not self._came.done():
            self._came.set_result(None)


class Turns:
    """The requests under way, in the order in which they came."""

    __slots__ = ("_order",)

    def __init__(self) -> None:
        self._order: list[Turn] = []

    def enter(self, paths: Sequence[str], *, changes: bool) -> Turn:
        """`paths` are normalised and absolute."""
        turn = Turn(self, paths, changes=changes)
        self._order.append(turn)
        return turn

    def is_blocked(self, turn: Turn) -> bool:
        for earlier in self._order:
            if earlier is turn:
                return False
            if turn.conflicts(earlier):
                return True
        return False

    def leave(self, turn: Turn) -> None:
        self._order.remove(turn)
        for waiting in self._order:
            waiting.look_again()


def _is_related(one: str, other: str) -> bool:
    """The same path, or one is a directory above the other."""
    if len(one) > len(other):
        one, other = other, one
    return other.startswith(one) and (len(one) == len(other) or one == "/" or other[len(one)] == "/")
