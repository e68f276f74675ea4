"""What carries a conversation: the SSH channel of one `sftp` subsystem, as the file transfer protocol meets it."""

from collections.abc import Sequence
from typing import Protocol

Chunk = bytes | bytearray | memoryview


class Pipe(Protocol):
    """The channel, outwards. Calls come from the event loop only."""

    def send(self, chunks: Sequence[Chunk]) -> None:
        """Send these bytes in order, as one run, cut anywhere. Taken at once: a chunk must not change later.

        Nothing limits what piles up: whoever sends much awaits `drained`. After the end it does nothing.
        """

    async def drained(self) -> None:
        """Wait until little is left to send. Raises ConnectionError once the channel is gone."""

    def pause(self) -> None:
        """Read no more of the client, before long, until `resume`. What is on its way already still comes."""

    def resume(self) -> None: ...

    def close(self) -> None:
        """End the channel after what was sent; again is harmless."""


class Conversation(Protocol):
    """The file transfer protocol, as the channel meets it."""

    def received(self, data: memoryview) -> None:
        """Bytes of the client, cut anywhere. The view is good during this call only."""

    def ended(self) -> None:
        """The client sends nothing more."""

    def lost(self, reason: str) -> None:
        """The channel is gone: whatever is under way is to be given up. Called once, last."""
