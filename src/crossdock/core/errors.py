"""The two families of errors, and the few that belong to neither.

    CrossdockError
    ├── InvalidArn                a text that is no ARN
    ├── ServiceError              an AWS operation failed: code, message, HTTP status, whose fault
    └── FileError                 a file operation failed, in words that every file protocol can translate
        ├── NotFound              no such file or directory
        ├── Denied                the caller may not do that
        ├── Exists                the name is taken
        ├── NotADirectory
        ├── IsADirectory
        ├── DirectoryNotEmpty
        ├── InvalidName           a name that this server cannot keep
        │   └── NameTooLong
        ├── BeyondEnd             a transfer was to begin behind the end of the file
        ├── Unsupported           the store or this server's settings do not allow the operation
        │   └── CannotCopy        the store does not copy between the two; whoever reads and writes gets there
        ├── OutOfSpace            no room left for the bytes
        ├── WrongSize             an upload came to another size than was announced; nothing was kept
        ├── Interrupted           the transfer ended before it was complete; nothing was kept
        └── Unavailable           the store did not answer or failed; trying again may help

Each edge owns one table from `FileError` to its own dialect. Adapters translate foreign exceptions once, at the call.
"""

from collections.abc import Callable
from enum import StrEnum


class CrossdockError(Exception):
    """Every error that Crossdock raises on purpose."""


class InvalidArn(CrossdockError, ValueError):
    def __init__(self, text: str) -> None:
        super().__init__(f"not an ARN: {text[:200]!r}")


class Fault(StrEnum):
    """Whose mistake it was, as the query protocol spells it."""

    SENDER = "Sender"
    RECEIVER = "Receiver"


class ServiceError(CrossdockError):
    """An AWS operation failed, with what AWS would say.

    `code` is AWS's error code (`NoSuchBucket`, `ResourceNotFoundException`), `status` the HTTP status, `members` the
    further members of the modelled error shape (`Resource`, `ResourceType`), `headers` what the HTTP answer carries
    besides. `reason` is why, for the operator's log, and `remedy` finds out what to do about it: both may tell of
    another account's policies and are never answered.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        status: int = 400,
        fault: Fault = Fault.SENDER,
        members: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
        reason: str = "",
        remedy: Callable[[], str] | None = None,
    ) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
        self.fault = fault
        self.members = members or {}
        self.headers = headers or {}
        self.reason = reason
        self.remedy = remedy


class FileError(CrossdockError):
    """A file operation failed. The message is for the log; what a client hears is the edge's table."""


class NotFound(FileError):
    pass


class Denied(FileError):
    pass


class Exists(FileError):
    pass


class NotADirectory(FileError):
    pass


class IsADirectory(FileError):
    pass


class DirectoryNotEmpty(FileError):
    pass


class InvalidName(FileError):
    pass


class NameTooLong(InvalidName):
    pass


class BeyondEnd(FileError):
    pass


class Unsupported(FileError):
    pass


class CannotCopy(Unsupported):
    pass


class OutOfSpace(FileError):
    pass


class WrongSize(FileError):
    pass


class Interrupted(FileError):
    pass


class Unavailable(FileError):
    pass
