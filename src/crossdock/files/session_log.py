"""What a session tells the server's log group, in Transfer's JSON form."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SessionLog:
    """One session's stream of events."""

    def disconnected(self, reason: str = "") -> None: ...
