"""What a function prints: taken in as it comes, cut into lines, its end kept for the caller, all in bounded memory.

The pipe is always emptied, so a function never waits for a reader that waits for the function. Only one that has
printed `BURST` faster than `RATE` is made to wait, so that it cannot keep the service's loop to itself; its log says so
once an invocation.
"""

import asyncio
import os
from collections.abc import Callable, Iterator, Sequence

TAIL = 4096
"""How much of an invocation's log `LogType=Tail` returns. Source: Lambda API reference, Invoke, LogResult."""

MAX_LINE = 256 * 1024
RATE = 512 * 1024
"""Bytes a second that a function may print for good."""
BURST = 4 << 20
"""Bytes that it may print as fast as it can; they come back at `RATE`."""
PAUSE_S = 0.1
_CHUNK = 64 * 1024
_DRAIN = 1 << 20

SLOWED_DOWN = (
    f"Crossdock: output beyond {BURST >> 20} MiB is taken in at {RATE >> 10} KiB a second; "
    "from here on this function waits as it prints"
)

Lines = Sequence[tuple[int, str]]


class OutputPipe:
    """The reading end of a process's standard output and error; `write_fd` is the other end until it is handed on."""

    def __init__(self, *, now_ms: Callable[[], int], sink: Callable[[Lines], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._now_ms = now_ms
        self._sink = sink
        self._partial = bytearray()
        self._tail = bytearray()
        self._allowance = float(BURST)
        self._counted_at = self._loop.time()
        self._has_said_slow = False
        self._pause: asyncio.TimerHandle | None = None
        self._fd, self.write_fd = os.pipe()
        os.set_blocking(self._fd, False)
        self._is_open = True
        self._loop.add_reader(self._fd, self._on_readable)

    def close_write(self) -> None:
        """Once the process holds the writing end."""
        os.close(self.write_fd)

    def note(self, text: str) -> None:
        """A line of the platform's own, such as START and REPORT, in its place among what the function prints."""
        self.flush()
        is_amid_line = self._tail and not self._tail.endswith(b"\n")
        self._keep_tail((b"\n" if is_amid_line else b"") + text.encode() + b"\n")
        self._sink([(self._now_ms(), text)])

    def begin_tail(self) -> None:
        """At the beginning of an invocation, which is also told anew when it is slowed down."""
        self._tail.clear()
        self._has_said_slow = False

    def tail(self) -> bytes:
        return bytes(self._tail).replace(b"\r", b"\n")

    def drain(self) -> None:
        """Take in what lies in the pipe: all that a process printed before it said something elsewhere."""
        taken = 0
        while self._is_open and taken < _DRAIN and (chunk := self._read()):
            taken += len(chunk)
            self._feed(chunk)

    def flush(self) -> None:
        """Let go of a line that has no end yet."""
        self.drain()
        if self._partial:
            self._sink([(self._now_ms(), _text(self._partial))])
            self._partial.clear()

    def close(self) -> None:
        if self._is_open:
            self.flush()
        self._stop()

    def _on_readable(self) -> None:
        chunk = self._read()
        if chunk is None:
            return
        if not chunk:
            self.close()
            return
        self._feed(chunk)
        now = self._loop.time()
        self._allowance = min(BURST, self._allowance + RATE * (now - self._counted_at)) - len(chunk)
        self._counted_at = now
        if self._allowance < 0:
            self._slow_down()

    def _slow_down(self) -> None:
        if not self._has_said_slow:
            self._has_said_slow = True
            # Not `note`: a line that has no end yet must not be cut.
            self._sink([(self._now_ms(), SLOWED_DOWN)])
        self._loop.remove_reader(self._fd)
        self._pause = self._loop.call_later(max(PAUSE_S, -self._allowance / RATE), self._go_on)

    def _go_on(self) -> None:
        self._pause = None
        self._loop.add_reader(self._fd, self._on_readable)

    def _read(self) -> bytes | None:
        """Empty at the end of the output, None when there is nothing now."""
        try:
            return os.read(self._fd, _CHUNK)
        except BlockingIOError:
            return None

    def _feed(self, chunk: bytes) -> None:
        self._keep_tail(chunk)
        now = self._now_ms()
        *whole, rest = chunk.split(b"\n")
        lines: list[tuple[int, str]] = []
        for line in whole:
            self._partial += line
            lines += [(now, text) for text in _cut_off(self._partial)]
            lines.append((now, _text(self._partial)))
            self._partial.clear()
        self._partial += rest
        lines += [(now, text) for text in _cut_off(self._partial)]
        if lines:
            self._sink(lines)

    def _keep_tail(self, chunk: bytes) -> None:
        self._tail += chunk
        del self._tail[:-TAIL]

    def _stop(self) -> None:
        if self._pause is not None:
            self._pause.cancel()
            self._pause = None
        if self._is_open:
            self._is_open = False
            self._loop.remove_reader(self._fd)
            os.close(self._fd)


def _cut_off(partial: bytearray) -> Iterator[str]:
    """What is too much for one line, whether its end has come or not; it is taken away."""
    while len(partial) > MAX_LINE:
        yield _text(partial[:MAX_LINE])
        del partial[:MAX_LINE]


def _text(line: bytes | bytearray) -> str:
    """AWS's runtime client joins the lines of a traceback with carriage returns, to keep them one event."""
    return line.decode(errors="replace").replace("\r", "\n")
