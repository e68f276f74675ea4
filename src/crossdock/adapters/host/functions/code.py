"""Functions' code on disk: the archives, durable, and their unpacked form, which is made anew when it is needed."""

import asyncio
import os
import shutil
import stat
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TypeVar

from crossdock.adapters.host.disk_errors import disk_errors
from crossdock.core.archives import CodeArchive
from crossdock.core.ids import Entropy
from crossdock.operations.threads import Threads, in_thread
from crossdock.ports.functions import FunctionSpec

T = TypeVar("T")
_SUFFIX = ".zip"
_THREADS = Threads(4, name="functions")


class ArchiveFiles:
    """Implements `ports.functions.FunctionCode` in one directory, a file for each archive."""

    def __init__(self, directory: Path, *, entropy: Entropy) -> None:
        self._directory = directory
        self._entropy = entropy

    async def put(self, archive: bytes) -> str:
        archive_id = self._entropy(16).hex()
        await on_disk("keeping a function's code", lambda: self._write(archive_id, archive))
        return archive_id

    async def get(self, archive_id: str) -> bytes:
        return await on_disk("reading a function's code", lambda: self._path(archive_id).read_bytes())

    async def delete(self, archive_id: str) -> None:
        await on_disk("removing a function's code", lambda: self._path(archive_id).unlink(missing_ok=True))

    async def sweep(self, in_use: Collection[str]) -> int:
        return await on_disk("sweeping functions' code", lambda: self._sweep(in_use))

    def _path(self, archive_id: str) -> Path:
        return self._directory / f"{archive_id}{_SUFFIX}"

    def _write(self, archive_id: str, archive: bytes) -> None:
        """File, name, directory: only then is it durable."""
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        partial = self._directory / f"{archive_id}.part"
        try:
            with open(partial, "xb") as file:
                os.chmod(file.fileno(), 0o600)
                file.write(archive)
                file.flush()
                os.fsync(file.fileno())
            partial.rename(self._path(archive_id))
        except OSError:
            partial.unlink(missing_ok=True)
            raise
        directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _sweep(self, in_use: Collection[str]) -> int:
        kept = {f"{archive_id}{_SUFFIX}" for archive_id in in_use}
        count = 0
        for path in self._directory.iterdir() if self._directory.exists() else ():
            if path.name not in kept:
                path.unlink()
                count += 1
        return count


class UnpackedCode:
    """Directories of unpacked code, one for each revision while processes of it exist.

    Nobody but the service may write there; `gid` None leaves the reading to the service's own uid, too.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._users: Counter[Path] = Counter()
        self._unpacked: set[Path] = set()
        self._locks: dict[Path, asyncio.Lock] = {}

    async def acquire(self, function: FunctionSpec, *, gid: int | None) -> Path:
        """The directory with the function's code. Raises BadArchive, NotFound, OutOfSpace or Unavailable."""
        path = self._path(function)
        self._users[path] += 1
        try:
            async with self._locks.setdefault(path, asyncio.Lock()):
                if path not in self._unpacked:
                    archive = await function.code()
                    self._unpacked.add(path)
                    await on_disk("unpacking a function", lambda: _unpack(archive, path, gid))
        except BaseException:
            # Others that wait for the same directory begin anew.
            self._unpacked.discard(path)
            await self._leave(path)
            raise
        return path

    async def release(self, function: FunctionSpec) -> None:
        await self._leave(self._path(function))

    async def _leave(self, path: Path) -> None:
        self._users[path] -= 1
        if self._users[path]:
            return
        async with self._locks[path]:
            if not self._users[path]:
                self._unpacked.discard(path)
                await on_disk("removing an unpacked function", lambda: remove_tree(path))
        if not self._users[path]:
            self._users.pop(path, None)
            self._locks.pop(path, None)

    def _path(self, function: FunctionSpec) -> Path:
        return self._directory / f"{function.account_id}-{function.region}-{function.name}-{function.revision}"


def _unpack(archive: bytes, path: Path, gid: int | None) -> None:
    """Everything is made new, below a directory that nobody else may enter meanwhile."""
    remove_tree(path)
    path.mkdir(mode=0o700, parents=True)
    code = CodeArchive(archive)
    directories = [path, *(path / member.path for member in code.members if member.is_directory)]
    for directory in sorted(directories[1:]):
        directory.mkdir(mode=0o700)
    for member in code.members:
        if member.is_directory:
            continue
        target = path / member.path
        fd = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with open(fd, "wb") as file:
            for chunk in code.chunks(member):
                file.write(chunk)
            _hand_over(fd, gid, 0o550 if member.is_executable else 0o440)
    for directory in sorted(directories, reverse=True):
        _hand_over(directory, gid, 0o550)


def _hand_over(target: int | Path, gid: int | None, mode: int) -> None:
    if gid is not None:
        os.chown(target, -1, gid)
    os.chmod(target, mode)


def remove_tree(path: Path) -> None:
    """Remove a directory if there is one, whatever modes a function left in it; its processes have ended."""
    if not path.exists():
        return
    _open_up(path)
    for parent, directories, _files in os.walk(path):
        for name in directories:
            _open_up(Path(parent, name))
    shutil.rmtree(path)


def _open_up(directory: Path) -> None:
    if stat.S_ISDIR(directory.lstat().st_mode):
        directory.chmod(0o700)


async def on_disk(doing: str, work: Callable[[], T]) -> T:
    """Run in a thread, and stay until it has ended; a disk's errors become ours. `doing` begins their sentence."""
    with disk_errors(doing):
        return await in_thread(_THREADS, work)
