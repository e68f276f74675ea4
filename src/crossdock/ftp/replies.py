"""Every reply this edge gives, in one place, and the table from `FileError` to it.

Codes follow RFC 959 §4.2 and §5.4; each constant's comment names another rule where there is one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from crossdock.core.errors import (
    BeyondEnd,
    CannotCopy,
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


@dataclass(frozen=True, slots=True)
class Reply:
    """A code and its text; `lines` holds one line, or the first, those between and the last of a longer reply."""

    code: int
    lines: tuple[str, ...]

    def encode(self) -> bytes:
        """The reply as bytes.

        Lines between the first and the last begin with a space: RFC 2389 §3.2 and RFC 3659 §7.2 demand it, and no text
        can then be taken for the reply's end (RFC 959 §4.2).
        """
        *before, last = [one_line(line) for line in self.lines]
        text = "".join(f"{self.code}-{line}\r\n" if n == 0 else f" {line}\r\n" for n, line in enumerate(before))
        return f"{text}{self.code} {last}\r\n".encode(errors="replace")


def one_line(text: str) -> str:
    """The text without CR, LF and NUL, so that no name or banner can end a line early and forge the next."""
    return text.translate(_LINE_BREAKERS)


_LINE_BREAKERS = str.maketrans("\r\n\0", "???")


def _reply(code: int, *lines: str) -> Reply:
    return Reply(code, lines)


# The connection.
SERVICE_READY = _reply(220, "Crossdock FTP service ready.")
GOODBYE = _reply(221, "Goodbye.")
IDLE_TOO_LONG = _reply(421, "Idle for too long, closing the connection.")
SHUTTING_DOWN = _reply(421, "The service is shutting down, closing the connection.")
TOO_MANY_CONNECTIONS = _reply(421, "Too many connections, try again later.")
TOO_MANY_ATTEMPTS = _reply(421, "Too many failed logins, closing the connection.")
INTERNAL_ERROR = _reply(421, "Internal error, closing the connection.")

# Logging in. Every refusal looks the same: a client learns neither which user names exist nor which side refused.
PASSWORD_NEEDED = _reply(331, "Password required.")
LOGGED_IN = _reply(230, "Logged in.")
LOGIN_REFUSED = _reply(530, "Login incorrect.")
NOT_LOGGED_IN = _reply(530, "Log in with USER and PASS first.")
ALREADY_LOGGED_IN = _reply(530, "Already logged in; another user needs another connection.")
USER_FIRST = _reply(503, "PASS must come directly after USER.")
TLS_FIRST = _reply(530, "This server only takes logins under TLS: use AUTH TLS first.")
HOST_TOO_LATE = _reply(503, "HOST must come before AUTH and USER.")  # RFC 7151 §3
HOST_UNKNOWN = _reply(504, "No server of that name is here.")
BAD_HOST = _reply(501, "That is no host name.")

# TLS. RFC 2228 §3 and §5, RFC 4217 §4, §5, §9 and §10.
TLS_STARTS = _reply(234, "Begin TLS.")
AUTH_UNKNOWN = _reply(504, "Only AUTH TLS is known.")
AUTH_AGAIN = _reply(534, "The connection is under TLS already.")
AUTH_TOO_LATE = _reply(534, "AUTH must come before the login.")
AUTH_FIRST = _reply(503, "AUTH TLS must come first.")
PBSZ_FIRST = _reply(503, "PBSZ must come before PROT.")
PBSZ_SET = _reply(200, "PBSZ=0")
BAD_PBSZ = _reply(501, "PBSZ takes a number of 32 bits.")
PROT_CLEAR = _reply(200, "Data connections are in the clear.")
PROT_PRIVATE = _reply(200, "Data connections are under TLS.")
PROT_UNSUPPORTED = _reply(536, "TLS knows only PROT P and PROT C.")
PROT_CLEAR_REFUSED = _reply(534, "This server only sends data under TLS: use PROT P.")
PROT_PRIVATE_FIRST = _reply(521, "This server only sends data under TLS: use PROT P first.")
CCC_UNPROTECTED = _reply(533, "The connection is in the clear already.")
CCC_REFUSED = _reply(534, "The control connection stays under TLS.")

# Commands that cannot be obeyed as they stand.
UNKNOWN_COMMAND = _reply(500, "Command not understood.")
LINE_TOO_LONG = _reply(500, "Command line too long.")
NOT_IMPLEMENTED = _reply(502, "Command not implemented.")
ARGUMENT_NEEDED = _reply(501, "This command needs an argument.")
NO_ARGUMENT_TAKEN = _reply(501, "This command takes no argument.")
NOT_UTF8 = _reply(501, "The argument is not valid UTF-8.")
CONTROL_CHARACTER = _reply(501, "Control characters are not allowed in an argument.")
BAD_PARAMETER = _reply(504, "Command not implemented for that parameter.")
BAD_OPTION = _reply(501, "Option not understood.")
PASSIVE_ONLY = _reply(502, "Only passive mode is offered: use EPSV or PASV.")
RENAME_FROM_FIRST = _reply(503, "RNTO must come directly after RNFR.")

# Settings.
SYSTEM = _reply(215, "UNIX Type: L8")
NOTHING_DONE = _reply(200, "Nothing done.")
TYPE_SET = _reply(200, "Type set.")
MODE_SET = _reply(200, "Mode set to S.")
STRUCTURE_SET = _reply(200, "Structure set to F.")
UTF8_ON = _reply(200, "UTF-8 is always on.")
LANGUAGE_SET = _reply(200, "Replies are in English.")
LANGUAGE_UNKNOWN = _reply(504, "Replies are in English only.")
NICE_TO_MEET = _reply(200, "Noted.")
HELP_UNKNOWN = _reply(502, "No help on that: HELP lists the commands.")
SITE_HELP = _reply(214, "SITE knows HELP only.")
SITE_UNKNOWN = _reply(502, "SITE knows HELP only.")

# Files and directories.
DIRECTORY_CHANGED = _reply(250, "Directory changed.")
DELETED = _reply(250, "Deleted.")
DIRECTORY_REMOVED = _reply(250, "Directory removed.")
RENAME_WHERE = _reply(350, "Ready for the new name.")
RENAMED = _reply(250, "Renamed.")
NOT_A_DIRECTORY = _reply(550, "Not a directory.")
NOT_A_FILE = _reply(550, "Not a plain file.")
DIRECTORY_KEEPS_NAME = _reply(550, "This directory is not renamed.")
BAD_TIME = _reply(501, "The time must be YYYYMMDDHHMMSS, and a path must follow.")
TIME_NOT_SET = _reply(550, "Times cannot be set.")
MLSD_OF_A_FILE = _reply(501, "Not a directory; MLST tells of a file.")  # RFC 3659 §7.2.1

# Transfers.
ONLY_EPSV = _reply(503, "After EPSV ALL only EPSV is allowed.")
EPSV_ONLY_ACCEPTED = _reply(200, "Only EPSV from now on.")
EPSV_IPV4_ONLY = _reply(522, "Network protocol not supported, use (1)")  # RFC 2428 §3
EPSV_IPV6_ONLY = _reply(522, "Network protocol not supported, use (2)")
PASV_IPV4_ONLY = _reply(502, "PASV cannot name an IPv6 address, use EPSV.")
NO_PASSIVE_PORT = _reply(425, "No passive port is free, try again.")
PASSIVE_FIRST = _reply(425, "Use EPSV or PASV first.")
NO_DATA_CONNECTION = _reply(425, "The data connection was not opened.")
RESTART_WHERE = _reply(350, "The next transfer begins there.")
BAD_RESTART = _reply(501, "REST takes a number of bytes.")
RESTART_BEYOND_END = _reply(554, "The file ends before that.")  # RFC 1123 §4.1.3.4
RESTART_REFUSED = _reply(554, "This transfer can only begin at 0.")  # RFC 1123 §4.1.3.4
SIZE_NOTED = _reply(200, "The next upload must have this size.")
NO_SIZE_NOTED = _reply(200, "No room needs to be reserved.")
BAD_SIZE = _reply(501, "ALLO takes a number of bytes, and perhaps R and a record's size.")
TRANSFER_STARTS = _reply(150, "Ready for the data connection.")
TRANSFER_COMPLETE = _reply(226, "Transfer complete.")
TRANSFER_ABORTED = _reply(426, "Transfer aborted.")
TRANSFER_STALLED = _reply(426, "Transfer stalled for too long, aborted.")
CONNECTION_CUT = _reply(426, "Data connection lost, transfer aborted.")
TLS_ON_DATA_FAILED = _reply(522, "TLS could not be begun on the data connection.")  # RFC 4217 §10.2
TLS_NOT_RESUMED = _reply(522, "TLS session reuse required: resume the control connection's session.")
TLS_TRUNCATED = _reply(426, "The data connection ended without TLS's close_notify, transfer aborted.")
NOTHING_TO_ABORT = _reply(226, "Abort successful.")


class DataFailure(Enum):
    """How a transfer fails without the store's doing."""

    NO_CONNECTION = NO_DATA_CONNECTION
    CUT = CONNECTION_CUT
    STALLED = TRANSFER_STALLED
    ABORTED = TRANSFER_ABORTED
    TLS_FAILED = TLS_ON_DATA_FAILED
    TLS_NOT_RESUMED = TLS_NOT_RESUMED
    TLS_TRUNCATED = TLS_TRUNCATED

    @property
    def reply(self) -> Reply:
        return self.value


LOCAL_ERROR = _reply(451, "The store failed, try again.")

REPLY_FOR: Mapping[type[FileError], Reply] = {
    NotFound: _reply(550, "No such file or directory."),
    Denied: _reply(550, "Permission denied."),
    Exists: _reply(550, "The name is already taken."),
    NotADirectory: NOT_A_DIRECTORY,
    IsADirectory: _reply(550, "Is a directory."),
    DirectoryNotEmpty: _reply(550, "The directory is not empty."),
    BeyondEnd: RESTART_BEYOND_END,
    InvalidName: _reply(553, "This name is not allowed."),
    NameTooLong: _reply(553, "This name is too long."),
    Unsupported: _reply(550, "Operation not supported."),
    CannotCopy: _reply(550, "Operation not supported."),
    OutOfSpace: _reply(452, "No space left."),
    WrongSize: _reply(551, "The upload has another size than ALLO announced, nothing was kept."),
    Interrupted: CONNECTION_CUT,
    Unavailable: LOCAL_ERROR,
}


def reply_for(error: FileError) -> Reply:
    return REPLY_FOR.get(type(error), LOCAL_ERROR)


UPLOAD_FAILED = _reply(551, "The store failed, the file was not stored.")


def reply_to_upload(error: FileError) -> Reply:
    """For an upload whose bytes may have come: that the store failed it is permanent, not for the client to mend.

    lftp (4.9.2), which has sent a whole file and hears a 4xx, sends its first 192 KiB as the file and waits for ever.
    A full disk stays 452, which every operator looks for; lftp's next attempt finds it full as well.
    """
    reply = reply_for(error)
    return UPLOAD_FAILED if reply.code == LOCAL_ERROR.code else reply


def greeting(banner: str) -> Reply:
    return Reply(220, (*banner.splitlines(), *SERVICE_READY.lines))


def logged_in(banner: str) -> Reply:
    return Reply(230, (*banner.splitlines(), *LOGGED_IN.lines))


def quoted_path(path: str, remark: str) -> Reply:
    """257 with a path, its quotation marks doubled (RFC 959 appendix II)."""
    doubled = path.replace('"', '""')
    return Reply(257, (f'"{doubled}" {remark}',))


def passive(host: str, port: int) -> Reply:
    """`host` is a dotted quad."""
    return Reply(227, (f"Entering Passive Mode ({host.replace('.', ',')},{port >> 8},{port & 0xFF}).",))


def extended_passive(port: int) -> Reply:
    """RFC 2428 §3: the client uses the address it already talks to."""
    return Reply(229, (f"Entering Extended Passive Mode (|||{port}|)",))


def features(names: Sequence[str]) -> Reply:
    """RFC 2389 §3.2."""
    return Reply(211, ("Features:", *names, "End"))


def status(lines: Sequence[str]) -> Reply:
    return Reply(211, ("Status:", *lines, "End of status."))


def help_on(lines: Sequence[str]) -> Reply:
    """RFC 959 §4.1.3: 214 is help that a person can read."""
    return Reply(214, tuple(lines))


def time_set(path: str, time: str) -> Reply:
    """draft-somers-ftp-mfxx-04 §3.1."""
    return Reply(213, (f"Modify={time}; {path}",))


def facts(path: str, line: str) -> Reply:
    """RFC 3659 §7.2."""
    return Reply(250, (f"Listing {path}", line, "End"))


def facts_chosen(names: Sequence[str]) -> Reply:
    """RFC 3659 §7.8."""
    return Reply(200, ("MLST OPTS " + "".join(f"{name};" for name in names),))


def value(text: str) -> Reply:
    """213 with a size or a time."""
    return Reply(213, (text,))


def unique_name(name: str) -> Reply:
    """RFC 1123 §4.1.2.9: the name stands in the reply before the transfer, after `FILE: `."""
    return Reply(150, (f"FILE: {name}",))


def listing_begins(path: str, *, is_directory: bool) -> bytes:
    """The first line of the reply to STAT with a path; the listing's own lines and `listing_ends` follow."""
    return f"{_status_code(is_directory)}-Status of {one_line(path)}:\r\n".encode(errors="replace")


def listing_ends(*, is_directory: bool, is_whole: bool) -> Reply:
    return Reply(_status_code(is_directory), ("End of status." if is_whole else "The listing could not be completed.",))


def _status_code(is_directory: bool) -> int:
    """RFC 959 §4.2: 212 is a directory's status, 213 a file's."""
    return 212 if is_directory else 213
