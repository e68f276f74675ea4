"""What each command asks for and what each answer comes to: two tables of small functions. Pure.

A function gets what the conversation remembers and returns effects; the last may be an activity, which keeps later
commands waiting until it is answered.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

from crossdock.core.logins import Password
from crossdock.files.filesystem import Attributes
from crossdock.ftp import replies
from crossdock.ftp.commands import ALIASES, VERBS, Service, verb_called
from crossdock.ftp.listing import choose_facts, facts_feature, facts_of, time_value
from crossdock.ftp.orders import ORDERS, listing_order
from crossdock.ftp.protection import PROTECTION
from crossdock.ftp.replies import Reply
from crossdock.ftp.standing import Obey, Standing, always, say
from crossdock.ftp.words import (
    AskFile,
    CheckLogin,
    ChooseHost,
    ClosePassive,
    Effect,
    FileAnswered,
    FileOperation,
    OpenPassive,
    SendReply,
    TransferKind,
)

# Who is there.


def _host(standing: Standing, name: str) -> list[Effect]:
    if standing.is_secure or standing.is_admitted or standing.username:
        return say(replies.HOST_TOO_LATE)
    return [ChooseHost(name)] if _HOST_NAME.fullmatch(name) else say(replies.BAD_HOST)


_HOST_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?|\[[0-9A-Fa-f:.]+\]")
"""RFC 7151 §3: a name of the DNS, or an address, of IPv6 in brackets."""


def _user(standing: Standing, name: str) -> list[Effect]:
    if not (standing.offer.allows_plain or standing.is_secure):
        return say(replies.TLS_FIRST)
    standing.username, standing.offered = name, "USER"
    return say(replies.PASSWORD_NEEDED)  # for every name, so that nobody can find out which exist


def _pass(standing: Standing, password: str) -> list[Effect]:
    return [CheckLogin(standing.username, Password(password))]


# What the server is and can.


def _feat(standing: Standing, argument: str) -> list[Effect]:
    # Clients believe this list, so what is there but refused is not in it.
    tls = ("AUTH TLS", "PBSZ", "PROT") if standing.offer.allows_tls else ()
    times = ("MFMT",) if standing.offer.setstat_is_no_op else ()
    restart = ("REST STREAM",) if standing.options.allows_restart else ()
    hosts = () if standing.is_secure else ("HOST",)
    names = ("CLNT", "EPSV", "LANG EN*", "MDTM", facts_feature(standing.facts), "PASV", "SIZE", "TVFS", "UTF8")
    return say(replies.features(sorted((*names, *hosts, *tls, *times, *restart))))


def _opts(standing: Standing, argument: str) -> list[Effect]:
    name, _, options = argument.partition(" ")
    match name.upper():
        case "UTF8" if options.strip().upper() in ("", "ON"):
            return say(replies.UTF8_ON)
        case "MLST":
            standing.facts = choose_facts(options)
            return say(replies.facts_chosen(standing.facts))
        case _:
            return say(replies.BAD_OPTION)


def _lang(standing: Standing, argument: str) -> list[Effect]:
    tag = argument.strip().lower()
    return say(replies.LANGUAGE_SET if tag in ("", "en") or tag.startswith("en-") else replies.LANGUAGE_UNKNOWN)


def _help(standing: Standing, argument: str) -> list[Effect]:
    served = [verb for verb in VERBS.values() if verb.service is Service.SERVED and standing.serves(verb)]
    if not argument:
        names = sorted({verb.name for verb in served} | set(ALIASES))
        rows = [" ".join(f"{name:<4}" for name in names[n : n + 8]).rstrip() for n in range(0, len(names), 8)]
        return say(replies.help_on(("Commands:", *rows, "HELP with a command tells how it is said.")))
    verb = verb_called(argument.strip())
    return say(replies.help_on((f"Syntax: {verb.summary}",)) if verb in served else replies.HELP_UNKNOWN)


def _site(standing: Standing, argument: str) -> list[Effect]:
    return say(replies.SITE_HELP if argument.strip().upper() == "HELP" else replies.SITE_UNKNOWN)


def _stat(standing: Standing, argument: str) -> list[Effect]:
    if argument:
        return [listing_order(standing, TransferKind.STATUS, argument)]
    return say(status_reply(standing, is_transferring=False))


def status_reply(standing: Standing, *, is_transferring: bool) -> Reply:
    return replies.status(
        (
            f"Logged in as {standing.username}",
            f"TYPE: {'ASCII' if standing.is_ascii else 'Image'}; STRU: File; MODE: Stream",
            f"Control connection {_cover(standing.is_secure)}, data connections {_cover(standing.is_private)}",
            "Transfer in progress" if is_transferring else "No transfer in progress",
        )
    )


def _cover(is_secure: bool) -> str:
    return "under TLS" if is_secure else "in the clear"


# How data is sent.


def _type(standing: Standing, argument: str) -> list[Effect]:
    # RFC 1123 §4.1.2.1 wants TYPE A accepted. Bytes are never changed: an object is what was sent, as AWS says of its
    # own (image only); only listings are text.
    match argument.upper().split():
        case ["I"] | ["L", "8"]:
            standing.is_ascii = False
        case ["A"] | ["A", "N"]:
            standing.is_ascii = True
        case ["A" | "E" | "I" | "L", *_]:
            return say(replies.BAD_PARAMETER)
        case _:
            return say(replies.BAD_OPTION)
    return say(replies.TYPE_SET)


def _one_of(accepted: str, known: str, reply: Reply) -> Obey:
    """A setting of one letter, of which one value is served and the others are known (504) or not (501)."""

    def choose(standing: Standing, argument: str) -> list[Effect]:
        letter = argument.strip().upper()
        if letter == accepted:
            return say(reply)
        return say(replies.BAD_PARAMETER if letter and letter in known else replies.BAD_OPTION)

    return choose


def _pasv(standing: Standing, argument: str) -> list[Effect]:
    if standing.is_epsv_only:
        return say(replies.ONLY_EPSV)  # RFC 2428 §4
    if standing.is_ipv6:
        return say(replies.PASV_IPV4_ONLY)
    return [OpenPassive(is_extended=False)]


def _epsv(standing: Standing, argument: str) -> list[Effect]:
    match argument.strip().upper():
        case "ALL":
            standing.is_epsv_only = True
            return say(replies.EPSV_ONLY_ACCEPTED)
        case "" | "1" | "2" as protocol:
            if protocol and (protocol == "2") is not standing.is_ipv6:
                return say(replies.EPSV_IPV6_ONLY if standing.is_ipv6 else replies.EPSV_IPV4_ONLY)
            return [OpenPassive(is_extended=True)]
        case text if text.isdecimal():
            return say(replies.EPSV_IPV6_ONLY if standing.is_ipv6 else replies.EPSV_IPV4_ONLY)
        case _:
            return say(replies.BAD_OPTION)


def _abor(standing: Standing, argument: str) -> list[Effect]:
    # RFC 959 §4.1.3: 226 whether a transfer was aborted (it was answered by its own 426) or none was under way.
    closing: list[Effect] = [ClosePassive()] if standing.has_passive else []
    standing.has_passive = False
    return [*closing, SendReply(replies.NOTHING_TO_ABORT)]


# Files and directories.


def _ask(operation: FileOperation) -> Obey:
    return lambda standing, argument: [AskFile(operation, standing.absolute(argument))]


def _ask_of_a_file(operation: FileOperation) -> Obey:
    """A path with a slash at its end is a directory's, even though the file system knows no such spelling."""
    ask = _ask(operation)
    return lambda standing, argument: say(replies.NOT_A_FILE) if argument.endswith("/") else ask(standing, argument)


def _ask_of_either(operation: FileOperation) -> Obey:
    """As above: with a slash at its end a path is not a file's."""
    return lambda standing, argument: [
        AskFile(operation, standing.absolute(argument), only_directory=argument.endswith("/"))
    ]


def _mfmt(standing: Standing, argument: str) -> list[Effect]:
    time, _, path = argument.partition(" ")
    if not path or not _is_time(time):
        return say(replies.BAD_TIME)
    if not standing.offer.setstat_is_no_op:
        return say(replies.TIME_NOT_SET)
    if path.endswith("/"):
        return say(replies.NOT_A_FILE)
    return [AskFile(FileOperation.SET_MODIFIED, standing.absolute(path), time)]


def _is_time(text: str) -> bool:
    """RFC 3659 §2.3, a fraction of a second included."""
    if not re.fullmatch(r"[0-9]{14}(\.[0-9]+)?", text):
        return False
    try:
        datetime.strptime(text[:12], "%Y%m%d%H%M")
    except ValueError:
        return False
    return text[12:14] <= "60"  # a leap second is one


def _cdup(standing: Standing, argument: str) -> list[Effect]:
    return [AskFile(FileOperation.CHANGE_DIRECTORY, standing.absolute(".."))]


def _pwd(standing: Standing, argument: str) -> list[Effect]:
    return say(replies.quoted_path(standing.directory, "is the current directory."))


def _rnto(standing: Standing, argument: str) -> list[Effect]:
    if argument.endswith("/") and not standing.renames_directory:
        return say(replies.NOT_A_FILE)
    operation = FileOperation.RENAME_ANY if standing.options.renames_directories else FileOperation.RENAME
    return [AskFile(operation, standing.rename_from, standing.absolute(argument))]


OBEY: Mapping[str, Obey] = {
    **PROTECTION,
    **ORDERS,
    "HOST": _host,
    "USER": _user,
    "PASS": _pass,
    "SYST": always(replies.SYSTEM),
    "FEAT": _feat,
    "OPTS": _opts,
    "HELP": _help,
    "LANG": _lang,
    "CLNT": always(replies.NICE_TO_MEET),
    "NOOP": always(replies.NOTHING_DONE),
    "SITE": _site,
    "STAT": _stat,
    "TYPE": _type,
    "MODE": _one_of("S", "BC", replies.MODE_SET),
    "STRU": _one_of("F", "RP", replies.STRUCTURE_SET),
    "PASV": _pasv,
    "EPSV": _epsv,
    "PWD": _pwd,
    "CWD": _ask(FileOperation.CHANGE_DIRECTORY),
    "CDUP": _cdup,
    "MLST": _ask_of_either(FileOperation.FACTS),
    "SIZE": _ask_of_a_file(FileOperation.SIZE),
    "MDTM": _ask_of_a_file(FileOperation.MODIFIED),
    "MFMT": _mfmt,
    "ABOR": _abor,
    "DELE": _ask_of_a_file(FileOperation.DELETE),
    "MKD": _ask(FileOperation.MAKE_DIRECTORY),
    "RMD": _ask(FileOperation.REMOVE_DIRECTORY),
    "RNFR": _ask_of_either(FileOperation.RENAME_FROM),
    "RNTO": _rnto,
}
"""What to do for each served verb but REIN and QUIT, which end what is there and so belong to `control.py`."""


Conclude = Callable[[Standing, AskFile, FileAnswered], Reply]


def _directory_changed(standing: Standing, question: AskFile, answer: FileAnswered) -> Reply:
    if not _known(answer).is_directory:
        return replies.NOT_A_DIRECTORY
    standing.directory = question.path
    return replies.DIRECTORY_CHANGED


def _size(standing: Standing, question: AskFile, answer: FileAnswered) -> Reply:
    attributes = _known(answer)
    return replies.NOT_A_FILE if attributes.is_directory else replies.value(str(attributes.size))


def _modified(standing: Standing, question: AskFile, answer: FileAnswered) -> Reply:
    attributes = _known(answer)
    if attributes.is_directory or attributes.modified_at is None:
        return replies.NOT_A_FILE  # RFC 3659 §3: MDTM is about files
    return replies.value(time_value(attributes.modified_at))


def _facts(standing: Standing, question: AskFile, answer: FileAnswered) -> Reply:
    if question.only_directory and not _known(answer).is_directory:
        return replies.NOT_A_DIRECTORY
    return replies.facts(question.path, f"{facts_of(_known(answer), standing.facts)} {question.path}")


def _directory_made(standing: Standing, question: AskFile, answer: FileAnswered) -> Reply:
    return replies.quoted_path(question.path, "created.")


def _time_kept(standing: Standing, question: AskFile, answer: FileAnswered) -> Reply:
    if _known(answer).is_directory:
        return replies.NOT_A_FILE  # as MDTM, which would have to show the time
    return replies.time_set(question.path, question.target)


def _rename_offered(standing: Standing, question: AskFile, answer: FileAnswered) -> Reply:
    attributes = _known(answer)
    if question.only_directory and not attributes.is_directory:
        return replies.NOT_A_DIRECTORY
    if attributes.is_directory and (attributes.is_fixed or not standing.options.renames_directories):
        return replies.DIRECTORY_KEEPS_NAME
    standing.rename_from, standing.offered = question.path, "RNFR"
    standing.renames_directory = attributes.is_directory
    return replies.RENAME_WHERE


def _done(reply: Reply) -> Conclude:
    return lambda standing, question, answer: reply


def _known(answer: FileAnswered) -> Attributes:
    if answer.attributes is None:
        raise ValueError("the answer to a question about a file must say what is known of it")
    return answer.attributes


CONCLUDE: Mapping[FileOperation, Conclude] = {
    FileOperation.CHANGE_DIRECTORY: _directory_changed,
    FileOperation.SIZE: _size,
    FileOperation.MODIFIED: _modified,
    FileOperation.FACTS: _facts,
    FileOperation.DELETE: _done(replies.DELETED),
    FileOperation.MAKE_DIRECTORY: _directory_made,
    FileOperation.REMOVE_DIRECTORY: _done(replies.DIRECTORY_REMOVED),
    FileOperation.RENAME_FROM: _rename_offered,
    FileOperation.RENAME: _done(replies.RENAMED),
    FileOperation.RENAME_ANY: _done(replies.RENAMED),
    FileOperation.SET_MODIFIED: _time_kept,
}
"""What the answer to a question comes to."""
