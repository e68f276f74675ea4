"""The file system that FTP and SFTP serve: eight verbs on paths, with S3's truth behind them.

Paths are absolute and normalised (`core.homes.normalise`), as the client sees them. Every method raises `FileError`s
only. Names are exact: unicode is not normalised, case counts.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from crossdock.files.download import Download
from crossdock.files.prefix import UploadStart
from crossdock.files.upload import Upload


class FileKind(StrEnum):
    FILE = "FILE"
    DIRECTORY = "DIRECTORY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """What is known of a file or directory. `size` is in bytes, 0 for a directory.

    `is_fixed`: the home's layout has it, so that it can be neither renamed nor removed.
    `modified_at` is an aware UTC datetime, None where nobody knows it (a prefix has no date; AWS prints 1 Jan 1970).
    """

    kind: FileKind
    size: int = 0
    modified_at: datetime | None = None
    etag: str | None = None
    is_fixed: bool = False

    @property
    def is_directory(self) -> bool:
        return self.kind is FileKind.DIRECTORY


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of a directory. `name` is never empty, `.` or `..`, and holds no slash, CR, LF or NUL."""

    name: str
    attributes: Attributes


class FileSystem(Protocol):
    """One session's files."""

    async def stat(self, path: str, *, expecting: FileKind = FileKind.FILE) -> Attributes:
        """What lies at a path. `expecting` only decides what is looked for first, and so which permission is needed.

        FILE (SIZE, MDTM, MLST): HeadObject, then ListObjectsV2 when no file is there. DIRECTORY (CWD): ListObjectsV2
        alone, so that somebody who may only list can walk about. The caller compares the kind.

        Raises NotFound; Denied (also for what is missing, when the user may not list).
        """

    def list(self, path: str) -> AsyncIterator[Entry]:
        """A directory's entries, page by page as the store gives them; errors come with the first entry.

        A file and a directory may bear the same name (`a` and `a/b` are both keys); both are listed.

        Raises NotFound, NotADirectory, Denied.
        """

    async def open_read(self, path: str, offset: int = 0) -> Download:
        """Open a file at an offset; at or beyond its end there are no bytes. The download can `seek`.

        Raises NotFound, Denied.
        """

    async def open_write(
        self, path: str, *, expected_size: int | None = None, at: UploadStart = 0, is_new: bool = False
    ) -> Upload:
        """Begin to replace or create a file; nothing is visible before `commit`.

        `expected_size` is what the client announced (ALLO); another size is refused at commit as WrongSize. `at` says
        how many bytes of the file that is there stay before those that are written, and END that all do; at the END of
        no file a new one begins. What is written is counted without them. With `is_new` no file is replaced: where one
        is by the time of the commit, that fails as Exists; so it does at the END of no file.

        Whoever replaces or removes that file before the commit wins: the upload then fails as Unavailable or NotFound,
        which may be told by any of its calls.

        Raises NotFound in a virtual directory, and where a file that is not there should be continued; BeyondEnd,
        IsADirectory, Denied, OutOfSpace, InvalidName.
        """

    async def remove(self, path: str) -> None:
        """Delete a file. Raises NotFound (also for a directory), Denied."""

    async def make_directory(self, path: str) -> None:
        """Raises Exists, NotFound in a virtual directory, Denied."""

    async def remove_directory(self, path: str) -> None:
        """Delete an empty directory. Raises DirectoryNotEmpty, NotFound, NotADirectory, Denied."""

    async def rename(self, old: str, new: str, *, directories: bool = False, replace: bool = False) -> None:
        """Rename a file; `directories` also a directory, with all that lies below it, as `moving.py` tells.

        With `replace` a file of the new name is replaced at one stroke, as POSIX has it; without, nothing ever is, and
        a directory replaces nothing in any case.

        Raises NotFound, Exists (with `replace` only for or by a directory), Unsupported for a directory that is not to
        be renamed, Denied.
        """
