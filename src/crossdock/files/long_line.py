"""A file or directory as one line for people, which is how AWS Transfer Family prints `ls -l`: FTP's LIST and SFTP's
longname. Pure.

Everything is UTC: RFC 3659 §2.3 demands it for facts, and clients that read these lines assume it.
"""

from datetime import UTC, datetime, timedelta

from crossdock.files.filesystem import Attributes

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
_RECENT = timedelta(days=365) / 2
_CLOCK_SKEW = timedelta(days=1)

FILE_MODE = 0o744
"""The permissions that are shown of everything; who may do what is IAM's to say."""


def long_line(name: str, attributes: Attributes, now: datetime) -> str:
    """`ls -l` without owner and group."""
    mode = "drwxr--r--" if attributes.is_directory else "-rwxr--r--"
    when = _date(attributes.modified_at or _UNKNOWN_TIME, now)
    return f"{mode}   1 - - {attributes.size:>12} {when} {name}"


def _date(moment: datetime, now: datetime) -> str:
    """`Mar 15 00:47`, or `Mar 15  2024` when that is more than half a year ago or lies ahead, as `ls` does."""
    utc = moment.astimezone(UTC)
    is_recent = now - _RECENT < utc <= now + _CLOCK_SKEW
    clock = f"{utc.hour:02}:{utc.minute:02}" if is_recent else f"{utc.year:>5}"
    return f"{_MONTHS[utc.month - 1]} {utc.day:>2} {clock}"
