"""This computer: time, secrets at rest, the number that tells every process that a policy changed."""

from datetime import datetime
from typing import Protocol

from crossdock.core.errors import CrossdockError


class Clock(Protocol):
    def now(self) -> datetime:
        """The time as an aware datetime in UTC."""

    def monotonic(self) -> float:
        """Seconds that never go back."""


class Sealer(Protocol):
    """Encrypts what must not lie readable on disk. `context` names the row; unsealing under another one fails."""

    def seal(self, plaintext: bytes, *, context: str) -> str: ...

    def unseal(self, sealed: str, *, context: str) -> bytes:
        """Raises `SealBroken` when the text was changed, or sealed under another key or context."""


class SealBroken(CrossdockError):
    """A sealed text that does not open: changed, moved to another row, or sealed under another key."""


class Epoch(Protocol):
    """A number that rises whenever a policy, role or bucket changes, seen by every process of this host at once."""

    def current(self) -> int: ...

    def advance(self) -> None: ...
