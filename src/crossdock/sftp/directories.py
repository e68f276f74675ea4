"""A directory that is open: its names, some at a time, as the store gives its pages."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from datetime import datetime

from crossdock.core.errors import FileError
from crossdock.files.filesystem import Attributes, Entry, FileKind, FileSystem
from crossdock.files.long_line import FILE_MODE, long_line
from crossdock.sftp import packets

NAMES_PER_PACKET = 100
MAX_NAMES_BYTES = 96 << 10
"""A packet with names ends with the one that reaches this; a name has at most 1,024 bytes, and stands in it twice."""

_DIRECTORY = Attributes(kind=FileKind.DIRECTORY)
_DIRECTORY_BIT, _FILE_BIT = 0o040000, 0o100000
_LATEST = 0xFFFFFFFF


def packed_attributes(attributes: Attributes) -> bytes:
    """As version 3 has them; owners are nobody's business here, and a time that nobody knows is not told."""
    moment = attributes.modified_at
    return packets.attributes(
        size=attributes.size,
        permissions=FILE_MODE | (_DIRECTORY_BIT if attributes.is_directory else _FILE_BIT),
        modified=None if moment is None else min(max(int(moment.timestamp()), 0), _LATEST),
    )


class DirectoryHandle:
    """Made by `open_directory`. READDIRs that come together are answered one after the other, in order."""

    def __init__(self, path: str, entries: AsyncIterator[Entry]) -> None:
        self.path = path
        self._entries = entries
        self._ready: list[Entry] = [Entry(name=".", attributes=_DIRECTORY), Entry(name="..", attributes=_DIRECTORY)]
        self._one_reads = asyncio.Lock()
        self._is_at_end = False

    @property
    def size(self) -> int:
        return 0

    async def begin(self) -> None:
        """See what comes first, with which every error comes. Raises FileError."""
        await self._fetch()

    async def read(self, now: datetime) -> list[bytes]:
        """The next names as `packets.names` wants them, none at the end. Raises FileError."""
        async with self._one_reads:
            names: list[bytes] = []
            size = 0
            while len(names) < NAMES_PER_PACKET and size < MAX_NAMES_BYTES:
                if not self._ready and not await self._fetch():
                    break
                entry = self._ready.pop(0)
                longname = long_line(entry.name, entry.attributes, now)
                packed = packets.name(entry.name, longname, packed_attributes(entry.attributes))
                names.append(packed)
                size += len(packed)
            return names

    async def close(self) -> None:
        async with self._one_reads:
            await self._stop()

    async def discard(self, reason: str) -> None:
        await self._stop()

    async def _fetch(self) -> bool:
        """One more entry; False when there is none."""
        if self._is_at_end:
            return False
        try:
            entry = await anext(self._entries, None)
        except FileError:
            self._is_at_end = True
            raise
        if entry is None:
            self._is_at_end = True
            return False
        self._ready.append(entry)
        return True

    async def _stop(self) -> None:
        self._is_at_end = True
        if isinstance(self._entries, AsyncGenerator):
            await self._entries.aclose()


async def open_directory(filesystem: FileSystem, path: str) -> DirectoryHandle:
    """Raises NotFound, NotADirectory, Denied."""
    directory = DirectoryHandle(path, aiter(filesystem.list(path)))
    await directory.begin()
    return directory
