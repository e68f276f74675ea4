"""Every verb of FTP, in one table, and how a line becomes a command.

The table also knows the verbs that this server refuses, so that an unknown word (500) and an unimplemented command
(502) can be told apart, as RFC 959 §5.4 asks.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto

from crossdock.ftp import replies
from crossdock.ftp.replies import Reply

MAX_LINE = 4096
"""Bytes in a line without its end: room for the longest S3 key (1,024), its bucket and the verb, several times over."""


class Argument(Enum):
    NONE = auto()
    OPTIONAL = auto()
    REQUIRED = auto()


class Access(Enum):
    """Who may say a verb."""

    ANYONE = auto()
    STRANGERS = auto()
    USERS = auto()


class Service(Enum):
    """What this server does with a verb."""

    SERVED = auto()
    REFUSED = auto()
    PASSIVE_ONLY = auto()


class Need(Enum):
    """What a server must offer, or its operator allow, for a served verb to be more than 502."""

    NOTHING = auto()
    TLS = auto()
    RESTART = auto()
    APPEND = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """One command of the protocol. `follows` is the verb that must have come directly before."""

    name: str
    argument: Argument
    summary: str
    rule: str
    access: Access = Access.USERS
    service: Service = Service.SERVED
    follows: str = ""
    need: Need = Need.NOTHING


def _table(verbs: Iterable[Verb]) -> Mapping[str, Verb]:
    return {verb.name: verb for verb in verbs}


_NONE, _OPTIONAL, _REQUIRED = Argument.NONE, Argument.OPTIONAL, Argument.REQUIRED
_ANYONE, _STRANGERS = Access.ANYONE, Access.STRANGERS
_TLS, _RESTART, _APPEND = Need.TLS, Need.RESTART, Need.APPEND


def _verb(
    name: str,
    argument: Argument,
    summary: str,
    rule: str,
    access: Access = Access.USERS,
    need: Need = Need.NOTHING,
    follows: str = "",
) -> Verb:
    return Verb(name=name, argument=argument, summary=summary, rule=rule, access=access, need=need, follows=follows)


def _refused(name: str, rule: str, service: Service = Service.REFUSED) -> Verb:
    return Verb(
        name=name, argument=_OPTIONAL, summary="(not offered)", rule=rule, access=Access.ANYONE, service=service
    )


VERBS: Mapping[str, Verb] = _table(
    (
        # Who is there. RFC 959 §4.1.1: PASS must come immediately after USER.
        _verb("USER", _REQUIRED, "USER <SP> user-name", "RFC 959 §4.1.1", _STRANGERS),
        _verb("PASS", _OPTIONAL, "PASS [<SP> password]", "RFC 959 §4.1.1", _ANYONE, follows="USER"),
        _verb("REIN", _NONE, "REIN", "RFC 959 §4.1.1", _ANYONE),
        _verb("QUIT", _NONE, "QUIT", "RFC 959 §4.1.1", _ANYONE),
        _verb("HOST", _REQUIRED, "HOST <SP> host-name", "RFC 7151 §3", _ANYONE),
        # TLS.
        _verb("AUTH", _REQUIRED, "AUTH <SP> TLS", "RFC 2228 §3, RFC 4217 §4", _ANYONE, _TLS),
        _verb("PBSZ", _REQUIRED, "PBSZ <SP> 0", "RFC 2228 §3, RFC 4217 §9", _ANYONE, _TLS),
        _verb("PROT", _REQUIRED, "PROT <SP> P | C", "RFC 2228 §3, RFC 4217 §9", _ANYONE, _TLS),
        _verb("CCC", _NONE, "CCC", "RFC 2228 §3, RFC 4217 §5", _ANYONE, _TLS),
        # What the server is and can.
        _verb("SYST", _NONE, "SYST", "RFC 959 §4.1.3", _ANYONE),
        _verb("FEAT", _NONE, "FEAT", "RFC 2389 §3", _ANYONE),
        _verb("OPTS", _REQUIRED, "OPTS <SP> command [<SP> options]", "RFC 2389 §4", _ANYONE),
        _verb("HELP", _OPTIONAL, "HELP [<SP> command]", "RFC 959 §4.1.3", _ANYONE),
        _verb("LANG", _OPTIONAL, "LANG [<SP> en]", "RFC 2640 §4.1", _ANYONE),
        _verb("CLNT", _OPTIONAL, "CLNT <SP> name", "widely known, never standardised", _ANYONE),
        _verb("NOOP", _OPTIONAL, "NOOP", "RFC 959 §4.1.3", _ANYONE),
        _verb("SITE", _REQUIRED, "SITE <SP> HELP", "RFC 959 §4.1.3"),
        _verb("STAT", _OPTIONAL, "STAT [<SP> path]", "RFC 959 §4.1.3"),
        # How data is sent.
        _verb("TYPE", _REQUIRED, "TYPE <SP> A | I", "RFC 959 §3.1.1", _ANYONE),
        _verb("MODE", _REQUIRED, "MODE <SP> S", "RFC 959 §3.4", _ANYONE),
        _verb("STRU", _REQUIRED, "STRU <SP> F", "RFC 959 §3.1.2", _ANYONE),
        _verb("PASV", _NONE, "PASV", "RFC 959 §4.1.2"),
        _verb("EPSV", _OPTIONAL, "EPSV [<SP> 1 | 2 | ALL]", "RFC 2428 §3"),
        _verb("REST", _REQUIRED, "REST <SP> offset", "RFC 3659 §5", need=_RESTART),
        _verb("ALLO", _REQUIRED, "ALLO <SP> bytes [<SP> R <SP> bytes]", "RFC 959 §4.1.3"),
        # Where one stands.
        _verb("PWD", _NONE, "PWD", "RFC 959 §4.1.3"),
        _verb("CWD", _REQUIRED, "CWD <SP> path", "RFC 959 §4.1.1"),
        _verb("CDUP", _NONE, "CDUP", "RFC 959 §4.1.1"),
        # What is there.
        _verb("LIST", _OPTIONAL, "LIST [<SP> path]", "RFC 959 §4.1.3"),
        _verb("NLST", _OPTIONAL, "NLST [<SP> path]", "RFC 959 §4.1.3"),
        _verb("MLSD", _OPTIONAL, "MLSD [<SP> path]", "RFC 3659 §7"),
        _verb("MLST", _OPTIONAL, "MLST [<SP> path]", "RFC 3659 §7"),
        _verb("SIZE", _REQUIRED, "SIZE <SP> path", "RFC 3659 §4"),
        _verb("MDTM", _REQUIRED, "MDTM <SP> path", "RFC 3659 §3"),
        _verb("MFMT", _REQUIRED, "MFMT <SP> YYYYMMDDHHMMSS <SP> path", "draft-somers-ftp-mfxx-04 §3"),
        # Files.
        _verb("RETR", _REQUIRED, "RETR <SP> path", "RFC 959 §4.1.3"),
        _verb("STOR", _REQUIRED, "STOR <SP> path", "RFC 959 §4.1.3"),
        _verb("APPE", _REQUIRED, "APPE <SP> path", "RFC 959 §4.1.3", need=_APPEND),
        _verb("STOU", _OPTIONAL, "STOU", "RFC 959 §4.1.3, RFC 1123 §4.1.2.9"),
        _verb("ABOR", _NONE, "ABOR", "RFC 959 §4.1.3"),
        _verb("DELE", _REQUIRED, "DELE <SP> path", "RFC 959 §4.1.3"),
        _verb("MKD", _REQUIRED, "MKD <SP> path", "RFC 959 §4.1.3"),
        _verb("RMD", _REQUIRED, "RMD <SP> path", "RFC 959 §4.1.3"),
        _verb("RNFR", _REQUIRED, "RNFR <SP> path", "RFC 959 §4.1.3"),
        _verb("RNTO", _REQUIRED, "RNTO <SP> path", "RFC 959 §4.1.3", follows="RNFR"),
        # Passive mode only: AWS Transfer Family User Guide, "Transferring files over a server endpoint using a client".
        _refused("PORT", "RFC 959 §4.1.2", Service.PASSIVE_ONLY),
        _refused("EPRT", "RFC 2428 §2", Service.PASSIVE_ONLY),
        # What neither AWS nor this server offers.
        *(_refused(name, "RFC 959 §4.1") for name in ("ACCT", "SMNT")),
        *(_refused(name, "RFC 2228 §3") for name in ("ADAT", "CONF", "ENC", "MIC")),
        *(_refused(name, "draft-somers-ftp-mfxx-04") for name in ("MFCT", "MFF")),
    )
)

ALIASES: Mapping[str, str] = {"XCUP": "CDUP", "XCWD": "CWD", "XMKD": "MKD", "XPWD": "PWD", "XRMD": "RMD"}
"""RFC 1123 §4.1.3.1: a server should know the older names of the directory commands."""


@dataclass(frozen=True, slots=True)
class Command:
    """A verb with an argument that its rule allows. The argument may be a password: it is not shown."""

    verb: Verb
    argument: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class BadCommand:
    """A line that is no command, with the answer to it; `verb` is there when that much was understood."""

    reply: Reply
    verb: Verb | None = None


def parse_line(line: bytes) -> Command | BadCommand:
    """Read one line, without the CRLF or LF that ended it.

    One space parts verb and argument; every further space belongs to the argument, because a name may begin or end
    with one.
    """
    word, _, argument_bytes = strip_telnet(line).partition(b" ")
    verb = verb_called(word.decode("ascii", errors="replace"))
    if verb is None:
        return BadCommand(replies.UNKNOWN_COMMAND)
    if verb.service is Service.PASSIVE_ONLY:
        return BadCommand(replies.PASSIVE_ONLY)
    if verb.service is Service.REFUSED:
        return BadCommand(replies.NOT_IMPLEMENTED)
    try:
        argument = argument_bytes.decode()  # RFC 2640 §3: path names are UTF-8
    except UnicodeDecodeError:
        return BadCommand(replies.NOT_UTF8, verb)
    if any(character in argument for character in "\r\n\0"):
        return BadCommand(replies.CONTROL_CHARACTER, verb)
    if verb.argument is Argument.REQUIRED and not argument:
        return BadCommand(replies.ARGUMENT_NEEDED, verb)
    if verb.argument is Argument.NONE and argument.strip(" "):
        return BadCommand(replies.NO_ARGUMENT_TAKEN, verb)
    return Command(verb, argument)


def verb_called(word: str) -> Verb | None:
    """The verb of that name, in any case, or of that older name."""
    name = word.upper()
    return VERBS.get(ALIASES.get(name, name))


_IAC = 0xFF
_WILL, _DONT = 0xFB, 0xFE


def strip_telnet(line: bytes) -> bytes:
    """Take Telnet's own commands out of a line (RFC 959 §3.2, RFC 854), such as the IAC IP IAC DM before an ABOR.

    The byte 0xFF never occurs in UTF-8. Options that are offered or asked for (three bytes) go unanswered, which
    refuses them.
    """
    if _IAC not in line:
        return line
    kept = bytearray()
    at = 0
    while at < len(line):
        if line[at] != _IAC:
            kept.append(line[at])
            at += 1
        elif at + 1 < len(line) and _WILL <= line[at + 1] <= _DONT:
            at += 3
        elif at + 1 < len(line) and line[at + 1] >= 0xF0:
            at += 2  # IAC IAC included: a doubled 0xFF is data, but no UTF-8
        else:
            at += 1  # a lone IAC, whose second byte travelled as urgent data
    return bytes(kept)
