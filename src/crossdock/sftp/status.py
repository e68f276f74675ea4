"""How errors are told to an SFTP client: one table, and the few refusals that are SFTP's own.

The words are OpenSSH's where it has any, and say nothing of policies or of the store: those go to the log.

Source: draft-ietf-secsh-filexfer-02 §7; OpenSSH's sftp-server, `errno_to_portable`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

from crossdock.core.errors import (
    BeyondEnd,
    CannotCopy,
    CrossdockError,
    Denied,
    DirectoryNotEmpty,
    Exists,
    FileError,
    Interrupted,
    InvalidName,
    IsADirectory,
    NameTooLong,
    NotADirectory,
    NotFound,
    OutOfSpace,
    Unavailable,
    Unsupported,
    WrongSize,
)


class Code(IntEnum):
    """SSH_FX_*: all that version 3 has."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    NO_CONNECTION = 6
    CONNECTION_LOST = 7
    OP_UNSUPPORTED = 8


@dataclass(frozen=True, slots=True)
class Status:
    code: Code
    message: str


class Refused(CrossdockError):
    """A request that is refused before any file is touched, or because of how SFTP is used."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.message)
        self.status = status


STATUS_FOR: Mapping[type[FileError], Status] = {
    NotFound: Status(Code.NO_SUCH_FILE, "No such file"),
    Denied: Status(Code.PERMISSION_DENIED, "Permission denied"),
    Exists: Status(Code.FAILURE, "File already exists"),
    # As OpenSSH answers ENOTDIR.
    NotADirectory: Status(Code.NO_SUCH_FILE, "Not a directory"),
    IsADirectory: Status(Code.FAILURE, "Is a directory"),
    DirectoryNotEmpty: Status(Code.FAILURE, "Directory not empty"),
    # BAD_MESSAGE, with which OpenSSH answers EINVAL, ends some clients' sessions.
    InvalidName: Status(Code.FAILURE, "Invalid file name"),
    NameTooLong: Status(Code.FAILURE, "File name too long"),
    BeyondEnd: Status(Code.FAILURE, "Beyond the end of the file"),
    Unsupported: Status(Code.OP_UNSUPPORTED, "Operation unsupported"),
    CannotCopy: Status(Code.OP_UNSUPPORTED, "Operation unsupported"),
    OutOfSpace: Status(Code.FAILURE, "No space left"),
    WrongSize: Status(Code.FAILURE, "The upload has another size than was announced, nothing was kept"),
    Interrupted: Status(Code.FAILURE, "The upload was interrupted, nothing was kept"),
    Unavailable: Status(Code.FAILURE, "The storage is unavailable, try again"),
}

OK = Status(Code.OK, "Success")
EOF = Status(Code.EOF, "End of file")
UNKNOWN_HANDLE = Status(Code.FAILURE, "Invalid handle")
TOO_MANY_FILES = Status(Code.FAILURE, "Too many open files")
NO_SUCH_OPERATION = Status(Code.OP_UNSUPPORTED, "Operation unsupported")
# Transfer's own words, User Guide, "Troubleshoot file upload issues".
RANDOM_WRITE = Status(Code.OP_UNSUPPORTED, "Random access writes to S3 objects are not supported: write front to back")
GAP = Status(Code.FAILURE, "Bytes are missing in the middle of the file, nothing was kept")
NO_APPEND = Status(Code.OP_UNSUPPORTED, "Appending to files and resuming uploads are not supported")
IN_PLACE = Status(
    Code.OP_UNSUPPORTED, "Changing part of a file is not supported: the file stays as it was. Write it as a whole"
)
HIDDEN = Status(
    Code.PERMISSION_DENIED, "Whether a file is there cannot be seen: only a whole file can be put (CREAT and TRUNC)"
)
NOT_READABLE = Status(Code.OP_UNSUPPORTED, "A file cannot be read while it is being written")
NOT_WRITABLE = Status(Code.PERMISSION_DENIED, "The file was opened for reading")
NO_RESIZE = Status(Code.OP_UNSUPPORTED, "A file's size cannot be set: it is what is written, from front to back")
NO_ATTRIBUTES = Status(Code.OP_UNSUPPORTED, "Attributes cannot be set: SetStatOption ENABLE_NO_OP ignores this")


def status_of(error: FileError | Refused) -> Status:
    """What the client hears."""
    if isinstance(error, Refused):
        return error.status
    return STATUS_FOR[type(error)]
