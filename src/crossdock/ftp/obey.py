"""What each command asks for and what each answer comes to: two tables of small functions. Pure.

A function gets what the conversation remembers and returns effects; the last may be an activity, which keeps later
commands waiting until it is answered.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from crossdock.core.homes import normalise
from crossdock.core.logins import Password
from crossdock.files.filesystem import Attributes
from crossdock.ftp import replies
from crossdock.ftp.listing import FACT_NAMES, choose_facts, facts_feature, facts_of, listed_path, time_value
from crossdock.ftp.replies import Reply
from crossdock.ftp.words import (
    AskFile,
    CheckLogin,
    ClosePassive,
    Effect,
    FileAnswered,
    FileOperation,
    OpenPassive,
    SendReply,
    StartTransfer,
    TransferKind,
)


@dataclass(slots=True, kw_only=True)
class Standing:
    """What a conversation remembers from one command to the next.

    `offered` is the verb directly before when another may follow it up: PASS follows USER and takes `username`, RNTO
    follows RNFR and takes `rename_from`. `directory` is where relative paths begin.
    """

    is_ipv6: bool = False
    is_admitted: bool = False
    username: str = ""
    directory: str = "/"
    rename_from: str = ""
    offered: str = ""
    has_passive: bool = False
    is_epsv_only: bool = False
    is_ascii: bool = False
    facts: tuple[str, ...] = FACT_NAMES

    def absolute(self, path: str) -> str:
        return normalise(path, start=self.directory)


Obey = Callable[[Standing, str], list[Effect]]


def _say(reply: Reply) -> list[Effect]:
    return [SendReply(reply)]


def _always(reply: Reply) -> Obey:
    return lambda standing, argument: _say(reply)


# Who is there.


def _user(standing: Standing, name: str) -> list[Effect]:
    standing.username, standing.offered = name, "USER"
    return _say(replies.PASSWORD_NEEDED)  # for every name, so that nobody can find out which exist


def _pass(standing: Standing, password: str) -> list[Effect]:
    return [CheckLogin(standing.username, Password(password))]


# What the server is and can.


def _feat(standing: Standing, argument: str) -> list[Effect]:
    # REST STREAM is missing on purpose: AWS offers no restart, and clients believe this list.
    names = ("EPSV", "MDTM", facts_feature(standing.facts), "PASV", "SIZE", "TVFS", "UTF8")
    return _say(replies.features(names))


def _opts(standing: Standing, argument: str) -> list[Effect]:
    name, _, options = argument.partition(" ")
    match name.upper():
        case "UTF8" if options.strip().upper() in ("", "ON"):
            return _say(replies.UTF8_ON)
        case "MLST":
            standing.facts = choose_facts(options)
            return _say(replies.facts_chosen(standing.facts))
        case _:
            return _say(replies.BAD_OPTION)


def _stat(standing: Standing, argument: str) -> list[Effect]:
    if argument:
        return [StartTransfer(TransferKind.STATUS, standing.absolute(listed_path(argument)))]
    return _say(status_reply(standing, is_transferring=False))


def status_reply(standing: Standing, *, is_transferring: bool) -> Reply:
    return replies.status(
        (
            f"Logged in as {standing.username}",
            f"TYPE: {'ASCII' if standing.is_ascii else 'Image'}; STRU: File; MODE: Stream",
            "Transfer in progress" if is_transferring else "No transfer in progress",
        )
    )


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
            return _say(replies.BAD_PARAMETER)
        case _:
            return _say(replies.BAD_OPTION)
    return _say(replies.TYPE_SET)


def _one_of(accepted: str, known: str, reply: Reply) -> Obey:
    """A setting of one letter, of which one value is served and the others are known (504) or not (501)."""

    def choose(standing: Standing, argument: str) -> list[Effect]:
        letter = argument.strip().upper()
        if letter == accepted:
            return _say(reply)
        return _say(replies.BAD_PARAMETER if letter and letter in known else replies.BAD_OPTION)

    return choose


def _pasv(standing: Standing, argument: str) -> list[Effect]:
    if standing.is_epsv_only:
        return _say(replies.ONLY_EPSV)  # RFC 2428 §4
    if standing.is_ipv6:
        return _say(replies.PASV_IPV4_ONLY)
    return [OpenPassive(is_extended=False)]


def _epsv(standing: Standing, argument: str) -> list[Effect]:
    match argument.strip().upper():
        case "ALL":
            standing.is_epsv_only = True
            return _say(replies.EPSV_ONLY_ACCEPTED)
        case "" | "1" | "2" as protocol:
            if protocol and (protocol == "2") is not standing.is_ipv6:
                return _say(replies.EPSV_IPV6_ONLY if standing.is_ipv6 else replies.EPSV_IPV4_ONLY)
            return [OpenPassive(is_extended=True)]
        case text if text.isdecimal():
            return _say(replies.EPSV_IPV6_ONLY if standing.is_ipv6 else replies.EPSV_IPV4_ONLY)
        case _:
            return _say(replies.BAD_OPTION)


def _transfer(kind: TransferKind, read_path: Callable[[str], str] = str) -> Obey:
    def start(standing: Standing, argument: str) -> list[Effect]:
        if not standing.has_passive:
            return _say(replies.PASSIVE_FIRST)
        standing.has_passive = False  # one data connection serves one transfer
        return [StartTransfer(kind, standing.absolute(read_path(argument)), standing.facts)]

    return start


def _of_a_file(obey: Obey) -> Obey:
    """A path with a slash at its end is a directory's, even though the file system knows no such spelling."""
    return lambda standing, argument: _say(replies.NOT_A_FILE) if argument.endswith("/") else obey(standing, argument)


def _no_path(argument: str) -> str:
    return ""


def _abor(standing: Standing, argument: str) -> list[Effect]:
    # RFC 959 §4.1.3: 226 whether a transfer was aborted (it was answered by its own 426) or none was under way.
    closing: list[Effect] = [ClosePassive()] if standing.has_passive else []
    standing.has_passive = False
    return [*closing, SendReply(replies.NOTHING_TO_ABORT)]


# Files and directories.


def _ask(operation: FileOperation) -> Obey:
    return lambda standing, argument: [AskFile(operation, standing.absolute(argument))]


def _cdup(standing: Standing, argument: str) -> list[Effect]:
    return [AskFile(FileOperation.CHANGE_DIRECTORY, standing.absolute(".."))]


def _pwd(standing: Standing, argument: str) -> list[Effect]:
    return _say(replies.quoted_path(standing.directory, "is the current directory."))


def _rnto(standing: Standing, argument: str) -> list[Effect]:
    return [AskFile(FileOperation.RENAME, standing.rename_from, standing.absolute(argument))]


OBEY: Mapping[str, Obey] = {
    "USER": _user,
    "PASS": _pass,
    "SYST": _always(replies.SYSTEM),
    "FEAT": _feat,
    "OPTS": _opts,
    "NOOP": _always(replies.NOTHING_DONE),
    "STAT": _stat,
    "TYPE": _type,
    "MODE": _one_of("S", "BC", replies.MODE_SET),
    "STRU": _one_of("F", "RP", replies.STRUCTURE_SET),
    "PASV": _pasv,
    "EPSV": _epsv,
    "PWD": _pwd,
    "CWD": _ask(FileOperation.CHANGE_DIRECTORY),
    "CDUP": _cdup,
    "LIST": _transfer(TransferKind.LIST, listed_path),
    "NLST": _transfer(TransferKind.NAMES, listed_path),
    "MLSD": _transfer(TransferKind.FACTS),
    "MLST": _ask(FileOperation.FACTS),
    "SIZE": _ask(FileOperation.SIZE),
    "MDTM": _ask(FileOperation.MODIFIED),
    "RETR": _of_a_file(_transfer(TransferKind.RETRIEVE)),
    "STOR": _of_a_file(_transfer(TransferKind.STORE)),
    "STOU": _transfer(TransferKind.STORE_UNIQUE, _no_path),
    "ABOR": _abor,
    "DELE": _of_a_file(_ask(FileOperation.DELETE)),
    "MKD": _ask(FileOperation.MAKE_DIRECTORY),
    "RMD": _ask(FileOperation.REMOVE_DIRECTORY),
    "RNFR": _ask(FileOperation.RENAME_FROM),
    "RNTO": _rnto,
}
"""What to do for each served verb but QUIT, which ends the conversation and so belongs to `control.py`."""


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
    return replies.facts(question.path, f"{facts_of(_known(answer), standing.facts)} {question.path}")


def _directory_made(standing: Standing, question: AskFile, answer: FileAnswered) -> Reply:
    return replies.quoted_path(question.path, "created.")


def _rename_offered(standing: Standing, question: AskFile, answer: FileAnswered) -> Reply:
    standing.rename_from, standing.offered = question.path, "RNFR"
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
}
"""What the answer to a question comes to."""
