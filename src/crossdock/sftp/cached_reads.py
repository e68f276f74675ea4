"""Bytes of files that are in memory already, read at once.

To have a thread read them costs more than the reading does. What would wait for a disk is not read here.
"""

import os
from functools import cache
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})


def flags_for_memory(fd: int) -> int:
    """For `cached_read`s of this file, with which they wait for no disk."""
    # tmpfs refuses the flag, though its files are nowhere else, unless the machine swaps.
    return 0 if _is_in_memory(os.fstat(fd).st_dev) else os.RWF_NOWAIT


def cached_read(fd: int, offset: int, size: int, flags: int) -> bytearray | None:
    """Exactly these bytes, or None: they are not at hand, or cannot be read at all.

    Raises OSError for a file system that cannot tell (EOPNOTSUPP), and for failures.
    """
    data = bytearray(size)
    try:
        return data if os.preadv(fd, [data], offset, flags) == size else None
    except BlockingIOError:
        return None


@cache
def _is_in_memory(device: int) -> bool:
    """Whether the file system of this device is one of memory."""
    return in_memory(_MOUNTS.read_text(), device)


def in_memory(mounts: str, device: int) -> bool:
    """The same, by the text of /proc/PID/mountinfo (proc(5))."""
    number = f"{os.major(device)}:{os.minor(device)}"
    for line in mounts.splitlines():
        before, _, behind = line.partition(" - ")
        if before.split()[2] == number:
            return behind.split()[0] in _IN_MEMORY
    return False
