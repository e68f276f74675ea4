"""What the disk and SQLite say, in the words of `core.errors`."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from crossdock.core.errors import FileError, NotFound, OutOfSpace, Unavailable

# EFBIG is what a limit on file sizes answers (`LimitFSIZE=` of a unit, `ulimit -f`).
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})

# The shared memory file of a WAL database could not grow; only a full disk does that.
_SQLITE_NO_ROOM = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})

_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

_OUR_MISTAKES = frozenset(
    {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_MISUSE, sqlite3.SQLITE_MISMATCH}
)


def from_os_error(error: OSError, doing: str) -> FileError:
    """`doing` begins the sentence: "writing a blob"."""
    reason = f"{doing}: {error.strerror or error}"
    if error.errno in _NO_ROOM:
        return OutOfSpace(reason)
    if error.errno == errno.ENOENT:
        return NotFound(reason)
    return Unavailable(reason)


def from_sqlite_error(error: BaseException | None, database: str) -> FileError | None:
    """None for a mistake in a statement or its use, which is ours and not the disk's."""
    # Mistakes that the sqlite3 module finds itself carry no code.
    code = getattr(error, "sqlite_errorcode", None)
    if not isinstance(error, sqlite3.Error) or not isinstance(code, int) or code & 0xFF in _OUR_MISTAKES:
        return None
    reason = f"{database}: {error}"
    return OutOfSpace(reason) if code in _SQLITE_NO_ROOM else Unavailable(reason)


def is_damage(error: FileError) -> bool:
    """Whether it is the translation of an error that trying again does not mend: the database's bytes are wrong."""
    cause = error.__cause__
    code = getattr(getattr(cause, "orig", cause), "sqlite_errorcode", None)
    return isinstance(code, int) and code & 0xFF in _DAMAGE


@contextmanager
def disk_errors(doing: str) -> Iterator[None]:
    """Translate the OSErrors of a block."""
    try:
        yield
    except OSError as error:
        raise from_os_error(error, doing) from error


@contextmanager
def sqlite_errors(database: str) -> Iterator[None]:
    """Translate the sqlite3 errors of a block that tell of the disk."""
    try:
        yield
    except sqlite3.Error as error:
        translation = from_sqlite_error(error, database)
        if translation is None:
            raise
        raise translation from error
