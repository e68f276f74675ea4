"""Blobs as files: `blobs/<2 hex>/<id>`, and `blobs/staged/<id>` until they are durable.

This is what `DiskBlobs` does in threads. A blob id is 32 hex digits, the first two of which name its directory. Blobs
made one after the other share one, so that those sealed at the same time can share the wait for it.
"""

import errno
import os
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from threading import Condition

from crossdock.adapters.host.disk_errors import disk_errors
from crossdock.adapters.host.headroom import leave_headroom
from crossdock.adapters.host.whole_files import sync_directory
from crossdock.core.errors import Unavailable
from crossdock.core.ids import Entropy
from crossdock.ports.objects import FileRegion
from crossdock.ports.storage import Buffer

DIRECTORIES = tuple(f"{number:02x}" for number in range(256))
BLOBS_IN_A_ROW = 1024
ID_BYTES = 16


_CANNOT_SHARE = frozenset({errno.ENOSYS, errno.EXDEV, errno.EOPNOTSUPP, errno.EINVAL})

CopyRange = Callable[[int, int, int, int], int]
"""`os.copy_file_range`: from, to, count and the offset in the former; returns how many."""


class BlobFiles:
    """Every method blocks, and raises OutOfSpace, NotFound or Unavailable."""

    def __init__(self, root: Path, *, entropy: Entropy, mark: bytes = b"") -> None:
        """`mark` is in every id that is made here, so that what this process staged can be told from others'."""
        self._root = root
        self._mark = mark
        self._staged = root / "staged"
        self._entropy = entropy
        self._made = count(entropy(1)[0] * BLOBS_IN_A_ROW)
        self._syncs = {name: DirectorySync(root / name) for name in DIRECTORIES}

    def prepare(self) -> None:
        """Make the directories."""
        with disk_errors("making the blob directories"):
            self._staged.mkdir(parents=True, exist_ok=True, mode=0o700)
            for name in DIRECTORIES:
                (self._root / name).mkdir(exist_ok=True, mode=0o700)
            sync_directory(self._root)
            sync_directory(self._root.parent)

    def new_id(self) -> str:
        number = next(self._made) // BLOBS_IN_A_ROW
        chance = self._entropy(ID_BYTES - 1 - len(self._mark))
        return DIRECTORIES[number % len(DIRECTORIES)] + (self._mark + chance).hex()

    def create(self, blob_id: str) -> int:
        """A descriptor of a new staged file, to read and write."""
        # Without O_APPEND: splice(2) refuses a target that has it.
        with disk_errors("staging a blob"):
            return os.open(self._staged / blob_id, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)

    def seal(self, blob_id: str, fd: int, *, size: int) -> None:
        """Make a staged file durable under its own name: its bytes first, then the name."""
        with disk_errors("sealing a blob"):
            written = os.fstat(fd).st_size
            if written != size:
                raise Unavailable(f"sealing a blob: {written} bytes were written, {size} are accounted for")
            # Bytes that the kernel moved were not asked about.
            leave_headroom(fd)
            os.fsync(fd)
            os.rename(self._staged / blob_id, self._path(blob_id))
            self._syncs[blob_id[:2]].sync()

    def open(self, blob_id: str) -> int:
        with disk_errors("opening a blob"):
            return os.open(self._path(blob_id), os.O_RDONLY | os.O_CLOEXEC)

    def remove(self, blob_id: str) -> None:
        """Staged or sealed; removing what is not there succeeds."""
        with disk_errors("removing a blob"):
            for path in (self._staged / blob_id, self._path(blob_id)):
                path.unlink(missing_ok=True)

    def sweep_staged(self, is_kept: Callable[[str], bool]) -> int:
        return self._sweep(self._staged, is_kept)

    def sweep_sealed(self, directory: str, is_kept: Callable[[str], bool]) -> int:
        return self._sweep(self._root / directory, is_kept)

    def _sweep(self, directory: Path, is_kept: Callable[[str], bool]) -> int:
        removed = 0
        with disk_errors("sweeping blobs"):
            for name in _blob_ids(directory):
                if not is_kept(name):
                    (directory / name).unlink(missing_ok=True)
                    removed += 1
        return removed

    def _path(self, blob_id: str) -> Path:
        return self._root / blob_id[:2] / blob_id


class DirectorySync:
    """fsync of a directory, one for all who ask while another is under way."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._condition = Condition()
        self._asked = 0
        self._done = 0
        self._is_running = False

    def sync(self) -> None:
        """Returns when a sync that began after this call has ended well. Raises OSError."""
        with self._condition:
            self._asked += 1
            mine = self._asked
            while self._is_running and self._done < mine:
                self._condition.wait()
            if self._done >= mine:
                return
            self._is_running = True
            covers = self._asked
        is_done = False
        try:
            sync_directory(self._directory)
            is_done = True
        finally:
            with self._condition:
                self._is_running = False
                if is_done:
                    self._done = covers
                self._condition.notify_all()


def write_all(fd: int, chunk: Buffer) -> int:
    """Write at the descriptor's position; returns how many bytes, which is all of them."""
    view = memoryview(chunk).cast("B")
    size = len(view)
    with disk_errors("writing a blob"):
        leave_headroom(fd, size)
        while view:
            view = view[os.write(fd, view) :]
    return size


def copy_some(fd: int, source: FileRegion, *, copy_range: CopyRange = os.copy_file_range) -> int:
    """Copy bytes of another file to the descriptor's position; returns how many, at least one.

    Inside the kernel, which shares the blocks where the file system can (Btrfs, XFS) instead of copying them.
    """
    with disk_errors("copying a blob"):
        leave_headroom(fd, source.size)
        try:
            count = copy_range(source.fd, fd, source.size, source.offset)
        except OSError as error:
            if error.errno not in _CANNOT_SHARE:
                raise
            count = os.sendfile(fd, source.fd, source.offset, source.size)
    if not count:
        raise Unavailable("a blob is shorter than its segment")
    return count


def _blob_ids(directory: Path) -> Iterator[str]:
    """Names of files that are ours; what somebody else put there stays."""
    with os.scandir(directory) as entries:
        for entry in entries:
            if len(entry.name) == 2 * ID_BYTES and set(entry.name) <= set("0123456789abcdef"):
                yield entry.name
