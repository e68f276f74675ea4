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
    RENAME_ANY = "rename a file, or a directory with all that lies below it"
    SET_MODIFIED = "look whether a file is there whose time is to be set"


class TransferKind(Enum):
    """What is sent, and where."""

    RETRIEVE = "a file to the client"
    STORE = "a file from the client"
    STORE_UNIQUE = "a file from the client, under a name that is not taken"
    LIST = "a directory, for people"
    NAMES = "the names in a directory"
    FACTS = "a directory, for programs"
    STATUS = "a directory, for people, over the control connection"


# What is laid down before anything happens.


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """What the chosen server offers on this listener.

    `allows_plain` and `allows_tls` are its protocols, FTP and FTPS. `setstat_is_no_op` is its SetStatOption: to set a
    file's time then succeeds and changes nothing.
    """

    allows_plain: bool = True
    allows_tls: bool = False
    pre_login_banner: str = ""
    post_login_banner: str = ""
    setstat_is_no_op: bool = False
    resumes_uploads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the operator allows beyond AWS.

    `allows_restart` is REST before RETR, `allows_append` is APPE, and REST before STOR.
    """

    allows_restart: bool = True
    allows_append: bool = False
    renames_directories: bool = False


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
class TlsStarted:
    """The control connection is under TLS. A handshake that fails is a PeerClosed."""


@dataclass(frozen=True, slots=True)
class HostChosen:
    """The server of that name is the one spoken to from here on."""

    offer: Offer


@dataclass(frozen=True, slots=True)
class HostUnknown:
    """No server here has that name."""


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
class TransferLeft:
    """An upload was at its end when its client had closed its side of the control connection, which may be heard there
    only later: what it said behind the upload is not obeyed, as when that is heard first."""


@dataclass(frozen=True, slots=True)
class IdleExpired:
    """The client has said nothing for as long as it may."""


@dataclass(frozen=True, slots=True)
class Draining:
    """The server stops: what is under way may end, nothing begins."""


@dataclass(frozen=True, slots=True)
class InputEnded:
    """The client has closed its side in order, and everything that it had said before was handed over."""


@dataclass(frozen=True, slots=True)
class PeerClosed:
    """The control connection is gone."""


HostAnswer = HostChosen | HostUnknown
LoginAnswer = LoginAdmitted | LoginRefused
PassiveAnswer = PassiveReady | PassiveFailed
FileAnswer = FileAnswered | FileFailed
TransferEnd = TransferCompleted | TransferFailed | TransferLeft
Event = (
    Connected
    | LineReceived
    | LineTooLong
    | TlsStarted
    | HostAnswer
    | LoginAnswer
    | PassiveAnswer
    | FileAnswer
    | TransferOpened
    | TransferEnd
    | IdleExpired
    | Draining
    | InputEnded
    | PeerClosed
)


# Effects: what is to be done. The first six are begun, and answered by an event later.


@dataclass(frozen=True, slots=True)
class StartTls:
    """Begin TLS, as its server, with the next byte that the client sends. Answered by TlsStarted.

    Bytes that came already would have come in the clear: the connection is closed then.
    """


@dataclass(frozen=True, slots=True)
class ChooseHost:
    """Speak for the server of this name, as the client spells it. Answered by HostChosen or HostUnknown."""

    name: str


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
    """Answered by FileAnswered or FileFailed.

    `target` is the new name of a RENAME or RENAME_ANY; of a SET_MODIFIED the time, as RFC 3659 §2.3 writes it.
    `only_directory`: the client means no file, for it put a slash at the end.
    """

    operation: FileOperation
    path: str
    target: str = ""
    only_directory: bool = False


@dataclass(frozen=True, slots=True)
class StartTransfer:
    """Answered by TransferOpened, then TransferCompleted or TransferFailed; or by TransferFailed alone.

    `path` is a file or directory; for STORE_UNIQUE the directory. `facts` are those that FACTS shows. `is_private`: the
    data connection is under TLS.

    A file is read or written from `offset` on, or written from its end on (`is_append`); `size` is how many bytes the
    client announced. A listing shows the names that match `pattern` (`globbing.py`), if there is one; `named` is how
    the client spells what it wants listed.
    """

    kind: TransferKind
    path: str
    facts: tuple[str, ...] = ()
    is_private: bool = False
    offset: int = 0
    is_append: bool = False
    size: int | None = None
    pattern: str = ""
    named: str = ""


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
class Reinitialise:
    """End the user's session, and speak for the listener's own server again; the connection stays."""


@dataclass(frozen=True, slots=True)
class CloseControl:
    """Close the control connection when all replies are sent. `reason` is for the log, empty when the client left."""

    reason: str = ""


Activity = StartTls | ChooseHost | CheckLogin | OpenPassive | AskFile | StartTransfer
"""What keeps later commands waiting until it is answered."""

Effect = Activity | SendReply | SendText | ClosePassive | AbortTransfer | Reinitialise | CloseControl
