"""Memory that lies on disk, for what uploads hold beyond their budget (`files/blocks.py`)."""

import asyncio
import mmap
import os
import tempfile
from pathlib import Path

from crossdock.adapters.host.disk_errors import disk_errors
from crossdock.adapters.host.headroom import leave_headroom
from crossdock.core.errors import NotFound, Unavailable


class SpilledMemory:
    """Maps files without names in `directory`: a crash leaves none behind. Its `take` is a `files.blocks.Spill`."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def take(self, size: int) -> memoryview:
        """Raises OutOfSpace or Unavailable."""
        return await asyncio.to_thread(self._map, size)

    def _map(self, size: int) -> memoryview:
        try:
            with disk_errors("spilling an upload"), tempfile.TemporaryFile(dir=self._directory) as file:
                leave_headroom(file.fileno(), size)
                # All blocks are allocated now: a mapping that finds the disk full later ends the process with SIGBUS.
                os.posix_fallocate(file.fileno(), 0, size)
                return memoryview(mmap.mmap(file.fileno(), size))
        except NotFound as error:  # of the directory: what the client asked for is not missing
            raise Unavailable(str(error)) from error
