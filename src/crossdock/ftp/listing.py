"""Directories as text: LIST for people, NLST for scripts, MLSx for programs. Pure.

Everything is UTC: RFC 3659 §2.3 demands it for facts, and clients that read LIST lines assume it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from crossdock.files.filesystem import Attributes, Entry
from crossdock.files.long_line import long_line
from crossdock.ftp.replies import one_line

_FACTS: Mapping[str, Callable[[Attributes], str | None]] = {
    "type": lambda attributes: "dir" if attributes.is_directory else "file",
    "size": lambda attributes: None if attributes.is_directory else str(attributes.size),
    "modify": lambda attributes: None if attributes.modified_at is None else time_value(attributes.modified_at),
}
FACT_NAMES: tuple[str, ...] = tuple(_FACTS)
"""Every fact that can be had of a file, in the order shown (RFC 3659 §7.5)."""


def list_line(entry: Entry, now: datetime) -> bytes:
    """One line as AWS Transfer Family prints it, which is `ls -l` without owner and group."""
    return f"{long_line(one_line(entry.name), entry.attributes, now)}\r\n".encode(errors="replace")


def name_line(entry: Entry, prefix: str = "") -> bytes:
    return f"{one_line(prefix + entry.name)}\r\n".encode(errors="replace")


def facts_line(entry: Entry, facts: tuple[str, ...]) -> bytes:
    """One line of MLSD: the chosen facts that are known, a space, the name (RFC 3659 §7.2)."""
    return f"{facts_of(entry.attributes, facts)} {one_line(entry.name)}\r\n".encode(errors="replace")


def facts_of(attributes: Attributes, facts: tuple[str, ...]) -> str:
    known = ((name, _FACTS[name](attributes)) for name in facts)
    return "".join(f"{name}={text};" for name, text in known if text is not None)


def choose_facts(wanted: str) -> tuple[str, ...]:
    """The facts that an OPTS MLST asks for, of those there are: unknown ones are left out (RFC 3659 §7.9)."""
    names = {name.strip().lower() for name in wanted.split(";")}
    return tuple(name for name in FACT_NAMES if name in names)


def facts_feature(chosen: tuple[str, ...]) -> str:
    """The line of FEAT that names all facts and marks the chosen ones (RFC 3659 §7.8)."""
    return "MLST " + "".join(f"{name}{'*' if name in chosen else ''};" for name in FACT_NAMES)


def time_value(moment: datetime) -> str:
    """RFC 3659 §2.3, without fractions of a second."""
    utc = moment.astimezone(UTC)
    return f"{utc.year:04}{utc.month:02}{utc.day:02}{utc.hour:02}{utc.minute:02}{utc.second:02}"


def listed_path(argument: str) -> str:
    """The path in the argument of LIST, NLST or STAT, without the options of `ls` that many clients put before it.

    No RFC knows such options; a directory whose name begins with a hyphen is reached as `./-name`.
    """
    while argument.startswith("-"):
        _, _, argument = argument.partition(" ")
    return argument
