"""What goes back to a client: gathered while its requests are read, and no more of it than the client reads."""

from collections.abc import Callable, Sequence
from contextlib import suppress

from crossdock.sftp.exchange import Load
from crossdock.sftp.pipe import Chunk, Pipe

MOST_UNREAD = 4 << 20
"""Bytes that are sent before it is seen to it that the client has read them; no request is begun meanwhile. A page of
requests of thirty bytes each, about paths or about what lies ready, would otherwise make gigabytes wait."""
MOST_HELD = 256 << 10
"""Bytes that are held back for one run. With more than that the pipe gets them, so that its `drained` counts them."""


class Outbox:
    """`is_held`: what is sent waits for `flush`, so that many answers go in one run. `start` begins background work."""

    def __init__(self, pipe: Pipe, load: Load, start: Callable[..., object]) -> None:
        self.is_held = False
        self._pipe = pipe
        self._load = load
        self._start = start
        self._waiting: list[Chunk] = []
        self._held = 0  # bytes that wait
        self._unread = 0  # bytes that were sent since the client was last known to read

    def send(self, chunks: Sequence[Chunk]) -> None:
        size = sum(map(len, chunks))
        self._waiting += chunks
        self._held += size
        self._unread += size
        if not self.is_held or self._held > MOST_HELD or self._unread > MOST_UNREAD:
            self.flush()

    def flush(self) -> None:
        if self._waiting:
            waiting, self._waiting, self._held = self._waiting, [], 0
            self._pipe.send(waiting)
        if self._unread > MOST_UNREAD and not self._load.is_unread:
            self._load.set_unread(True)
            self._start(self._until_read(), name="sftp unread answers")

    async def _until_read(self) -> None:
        with suppress(ConnectionError):  # the channel is gone, and whoever lost it ends this
            await self._pipe.drained()
        self._unread = 0
        self._load.set_unread(False)
