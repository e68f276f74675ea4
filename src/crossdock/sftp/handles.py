"""What a client has open, under the numbers that it was given for it."""

import resource
import sys

from crossdock.sftp import status
from crossdock.sftp.directories import DirectoryHandle
from crossdock.sftp.reading import ReadHandle
from crossdock.sftp.status import Refused
from crossdock.sftp.writing import WriteHandle

Handle = ReadHandle | WriteHandle | DirectoryHandle


class OpenFiles:
    """Counts what is open in several conversations, at most so much; `above` counts it among more of them.

    Nearly all that is open holds a descriptor, of which the process has not many: one client must not have them all,
    and all clients not so many that nobody can connect.
    """

    __slots__ = ("_above", "_count", "_most")

    def __init__(self, most: int, *, above: "OpenFiles | None" = None) -> None:
        self._count = 0
        self._most = most
        self._above = above

    def take(self) -> bool:
        """Whether there may be one more, which is counted then."""
        if self._count >= self._most or not (self._above is None or self._above.take()):
            return False
        self._count += 1
        return True

    @property
    def of_all(self) -> int:
        """How many are open where most are counted together: in this process."""
        return self._count if self._above is None else self._above.of_all

    def give(self, count: int = 1) -> None:
        self._count -= count
        if self._above is not None:
            self._above.give(count)


def of_this_process() -> OpenFiles:
    """A quarter of its descriptors, which `app/descriptors.py` keeps free of connections."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return OpenFiles(sys.maxsize if most == resource.RLIM_INFINITY else most // 4)


class Handles:
    """`readers` and `writers` are asked at every READ and WRITE. A handle that is being closed is in neither."""

    def __init__(self, most: int, shared: OpenFiles) -> None:
        self.readers: dict[int, ReadHandle] = {}
        self.writers: dict[int, WriteHandle] = {}
        self._directories: dict[int, DirectoryHandle] = {}
        self._closing: set[Handle] = set()
        self._opening = 0
        self._most = most
        self._shared = shared
        self._last = 0

    def __len__(self) -> int:
        """All that is open, being opened or closed."""
        opened = len(self.readers) + len(self.writers) + len(self._directories)
        return opened + len(self._closing) + self._opening

    @property
    def files(self) -> int:
        """Open for reading or writing, or being closed."""
        closing = sum(1 for handle in self._closing if not isinstance(handle, DirectoryHandle))
        return len(self.readers) + len(self.writers) + closing

    def reserve(self) -> None:
        """Before something is opened; `add` or `give_back` follows. Raises Refused when too much is open."""
        if len(self) >= self._most or not self._shared.take():
            raise Refused(status.TOO_MANY_FILES)
        self._opening += 1

    def give_back(self) -> None:
        self._opening -= 1
        self._shared.give()

    def add(self, handle: Handle) -> int:
        """Its number, never 0 and not soon another's."""
        self._opening -= 1
        self._last = self._last % 0xFFFFFFFF + 1
        self._table_of(handle)[self._last] = handle
        return self._last

    def find(self, number: int) -> Handle:
        """Raises Refused."""
        handle = self.readers.get(number) or self.writers.get(number) or self._directories.get(number)
        if handle is None:
            raise Refused(status.UNKNOWN_HANDLE)
        return handle

    def directory(self, number: int) -> DirectoryHandle:
        """Raises Refused."""
        handle = self._directories.get(number)
        if handle is None:
            raise Refused(status.UNKNOWN_HANDLE)
        return handle

    def begin_closing(self, number: int) -> Handle:
        """Nobody finds it any longer. `closed` follows. Raises Refused."""
        handle = self.find(number)
        del self._table_of(handle)[number]
        self._closing.add(handle)
        return handle

    def closed(self, handle: Handle) -> None:
        if handle in self._closing:
            self._closing.remove(handle)
            self._shared.give()

    def being_written(self, path: str) -> WriteHandle | None:
        """What this conversation itself writes there, and nobody sees yet."""
        found = None
        for handle in (*self._closing, *self.writers.values()):
            if isinstance(handle, WriteHandle) and handle.path == path:
                found = handle
        return found

    def take_all(self) -> list[Handle]:
        """Everything, for the end: nothing is open after that."""
        everything = [*self.readers.values(), *self.writers.values(), *self._directories.values(), *self._closing]
        for table in (self.readers, self.writers, self._directories, self._closing):
            table.clear()
        self._shared.give(len(everything))
        return everything

    def _table_of(self, handle: Handle) -> dict[int, Handle]:
        table: dict[int, Handle] = {
            ReadHandle: self.readers,
            WriteHandle: self.writers,
            DirectoryHandle: self._directories,
        }[type(handle)]  # type: ignore[assignment]
        return table
