"""Who has not logged in is heard one at a time, each in a turn of the loop of its own.

A key exchange takes up to 15 ms of computing, which the client chooses (`diffie-hellman-group18-sha512`), and a crowd
may ask for a hundred at the same moment. So between two strangers the loop serves everybody else: who has logged in
waits for one of them, not for all. While nobody else has anything to do the turns follow one another at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable


class Turnstile:
    """For the connections of one event loop."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()

    def enter(self, go: Callable[[], None]) -> None:
        """Have `go` called, which raises nothing, after those who came before."""
        self._waiting.append(go)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._let_one_through)

    def _let_one_through(self) -> None:
        try:
            self._waiting[0]()
        finally:
            self._waiting.popleft()
            if self._waiting:
                asyncio.get_running_loop().call_soon(self._let_one_through)
