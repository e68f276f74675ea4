"""What is said between the conversation and its driver: events in, effects out. Plain data, no I/O."""

from dataclasses import dataclass, field
from enum import Enum

from crossdock.core.errors import FileError
from crossdock.core.logins import Password
from crossdock.files.filesystem import Attributes
from crossdock.ftp.replies import DataFailure, Reply


class FileOperation(Enum):
    """A question to the file system that moves no data."""

    CHANGE_DIRECTORY = "look whether a directory is there"
    SIZE = "size of a file"
    MODIFIED = "time of a file"
    FACTS = "facts of a file or directory"
    DELETE = "delete a file"
    MAKE_DIRECTORY = "make a directory"
    REMOVE_DIRECTORY = "remove an empty directory"
    RENAME_FROM = "look whether a file is there that can be renamed"
    RENAME = "rename a file"


class TransferKind(Enum):
    """What is sent, and where."""

    RETRIEVE = "a file to the client"
    STORE = "a file from the client"
    STORE_UNIQUE = "a file from the client, under a name that is not taken"
    LIST = "a directory, for people"
    NAMES = "the names in a directory"
    FACTS = "a directory, for programs"
    STATUS = "a directory, for people, over the control connection"


# Events: what happened.


@dataclass(frozen=True, slots=True)
class Connected:
    """A client is there and may stay."""


@dataclass(frozen=True, slots=True)
class LineReceived:
    """A line without its end. It may hold a password, so it is not shown."""

    line: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class LineTooLong:
    """A line was longer than `MAX_LINE`; it has been skipped."""


@dataclass(frozen=True, slots=True)
class LoginAdmitted:
    """The user may come in, and starts in this directory."""

    directory: str


@dataclass(frozen=True, slots=True)
class LoginRefused:
    """The user may not come in; the reason is not for the client."""


@dataclass(frozen=True, slots=True)
class PassiveReady:
    """A data connection is expected at this dotted quad (meaningless for EPSV) and port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class PassiveFailed:
    """No port was free in time."""


@dataclass(frozen=True, slots=True)
class FileAnswered:
    """The file system did what was asked; `attributes` are there when the question was about a file."""

    attributes: Attributes | None = None


@dataclass(frozen=True, slots=True)
class FileFailed:
    error: FileError


@dataclass(frozen=True, slots=True)
class TransferOpened:
    """The file or directory is open; data may flow. `name` is what STOU chose.

    `is_directory` says of a listing that it is a directory's, and not that of a single file.
    """

    name: str = ""
    is_directory: bool = True


@dataclass(frozen=True, slots=True)
class TransferCompleted:
    """Every byte is where it belongs: for an upload, after the commit."""


@dataclass(frozen=True, slots=True)
class TransferFailed:
    cause: FileError | DataFailure


@dataclass(frozen=True, slots=True)
class IdleExpired:
    """The client has said nothing for as long as it may."""


@dataclass(frozen=True, slots=True)
class Draining:
    """The server stops: what is under way may end, nothing begins."""


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The control connection is gone."""


LoginAnswer = LoginAdmitted | LoginRefused
PassiveAnswer = PassiveReady | PassiveFailed
FileAnswer = FileAnswered | FileFailed
TransferEnd = TransferCompleted | TransferFailed
Event = (
    Connected
    | LineReceived
    | LineTooLong
    | LoginAnswer
    | PassiveAnswer
    | FileAnswer
    | TransferOpened
    | TransferEnd
    | IdleExpired
    | Draining
    | PeerClosed
)


# Effects: what is to be done. The first four are begun, and answered by an event later.


@dataclass(frozen=True, slots=True)
class CheckLogin:
    """Have the login decided. Answered by LoginAdmitted or LoginRefused."""

    username: str
    password: Password


@dataclass(frozen=True, slots=True)
class OpenPassive:
    """Expect a data connection, in place of any expected before. Answered by PassiveReady or PassiveFailed."""

    is_extended: bool


@dataclass(frozen=True, slots=True)
class AskFile:
    """Answered by FileAnswered or FileFailed. `target` is the new name of a RENAME."""

    operation: FileOperation
    path: str
    target: str = ""


@dataclass(frozen=True, slots=True)
class StartTransfer:
    """Answered by TransferOpened, then TransferCompleted or TransferFailed; or by TransferFailed alone.

    `path` is a file or directory; for STORE_UNIQUE the directory. `facts` are those that FACTS shows.
    """

    kind: TransferKind
    path: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SendReply:
    reply: Reply


@dataclass(frozen=True, slots=True)
class SendText:
    """Part of a reply whose rest the driver writes."""

    text: bytes


@dataclass(frozen=True, slots=True)
class ClosePassive:
    """Expect no data connection any more."""


@dataclass(frozen=True, slots=True)
class AbortTransfer:
    """End the transfer under way and keep nothing of it; one that is already being committed goes on."""


@dataclass(frozen=True, slots=True)
class CloseControl:
    """Close the control connection when all replies are sent. `reason` is for the log, empty when the client left."""

    reason: str = ""


Activity = CheckLogin | OpenPassive | AskFile | StartTransfer
"""What keeps later commands waiting until it is answered."""

Effect = Activity | SendReply | SendText | ClosePassive | AbortTransfer | CloseControl
