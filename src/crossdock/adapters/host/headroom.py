"""Room on the disk that objects and log events leave to what is small, so that a full disk can be emptied.

Deleting an object writes to a database first. Uploads that took the last byte could never be deleted again.
"""

import errno
import os
from pathlib import Path

MOST_BYTES = 64 << 20
"""More than the write-ahead logs of all databases grow to before they begin again."""

SHARE = 50
"""Of a small disk one part in so many."""


def leave_headroom(place: int | Path, size: int = 0) -> None:
    """Whether `size` more bytes may be written where the open file or the path lies.

    Raises:
        OSError: ENOSPC, as the disk itself would; or what the disk says when asked.
    """
    disk = os.statvfs(place)
    reserved = min(MOST_BYTES, disk.f_blocks * disk.f_frsize // SHARE)
    if disk.f_bavail * disk.f_frsize - size < reserved:
        raise OSError(errno.ENOSPC, "No space left on device but what deleting needs")
