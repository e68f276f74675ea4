"""Memory that lies on disk, for what uploads hold beyond their budget (`files/blocks.py`)."""

import asyncio
import mmap
import os
import tempfile
import weakref
from collections.abc import Callable
from pathlib import Path

from crossdock.adapters.host.disk_errors import disk_errors
from crossdock.adapters.host.headroom import leave_headroom
from crossdock.core.errors import NotFound, Unavailable
from crossdock.operations.threads import settle


class SpilledMemory:
    """Maps files without names in `directory`: a crash leaves none behind. Its `take` is a `files.blocks.Spill`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def take(self, size: int) -> "SpilledBytes":
        """Raises OutOfSpace or Unavailable. Who is cancelled hears of it when no room is held any more."""
        mapping = asyncio.get_running_loop().run_in_executor(None, self._map, size)
        if await settle(mapping):
            if mapping.exception() is None:
                mapping.result().close()
            raise asyncio.CancelledError
        return SpilledBytes(mapping.result())

    def _map(self, size: int) -> mmap.mmap:
        try:
            with disk_errors("spilling an upload"), tempfile.TemporaryFile(dir=self._directory) as file:
                leave_headroom(file.fileno(), size)
                # All blocks are allocated now: a mapping that finds the disk full later ends the process with SIGBUS.
                os.posix_fallocate(file.fileno(), 0, size)
                return mmap.mmap(file.fileno(), size)
        except NotFound as error:  # of the directory: what the client asked for is not missing
            raise Unavailable(str(error)) from error


class SpilledBytes:
    """See `files.blocks.Spilled`."""

    def __init__(self, mapping: mmap.mmap) -> None:
        self._mapping = mapping
        self.view = memoryview(mapping)

    def free(self, freed: Callable[[], None]) -> None:
        """See `files.blocks.Spilled`. Once, and from the loop."""
        mapping = self._mapping
        try:
            self.view.release()
            mapping.close()
        except BufferError:  # somebody refers to a piece of it
            try:
                # A hole in the file: the room is there again, and the mapping stays a sound one, but for reading it
                # while the disk is full.
                mapping.madvise(mmap.MADV_REMOVE)
            except OSError:
                # Not every file system can. Wherever the last reference goes, in whichever thread.
                weakref.finalize(mapping, _tell, asyncio.get_running_loop(), freed).atexit = False
                return
        freed()


def _tell(loop: asyncio.AbstractEventLoop, freed: Callable[[], None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(freed)
