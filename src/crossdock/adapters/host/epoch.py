"""The epoch in eight bytes of shared memory, so that asking costs no system call.

`current` is one load of eight aligned bytes and `advance` one such store (a memoryview item of C type `unsigned long
long`), which x86-64 and AArch64 never tear, so no reader sees half a number. Raising it takes a lock on the file: two
processes that both read 7 and both stored 8 would let a reader that saw the first 8 miss the second change. A process
that dies gives its lock back. Each process opens the file itself: a descriptor got by fork shares its parent's lock.
"""

import fcntl
import mmap
import os
from pathlib import Path

from crossdock.adapters.host.disk_errors import disk_errors

_SIZE = 8


class MmapEpoch:
    """See `ports.host.Epoch`. Raises OutOfSpace or Unavailable when the file cannot be made."""

    def __init__(self, path: Path) -> None:
        with disk_errors("opening the epoch"):
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                # The disk must hold the bytes now: a page that it cannot take later would be a SIGBUS.
                os.posix_fallocate(self._fd, 0, _SIZE)
                self._map = mmap.mmap(self._fd, _SIZE)
            except BaseException:
                os.close(self._fd)
                raise
        self._number = memoryview(self._map).cast("Q")

    def current(self) -> int:
        return self._number[0]

    def advance(self) -> None:
        # Held for one addition, so this does not make the event loop wait.
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            self._number[0] += 1
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def close(self) -> None:
        self._number.release()
        self._map.close()
        os.close(self._fd)
