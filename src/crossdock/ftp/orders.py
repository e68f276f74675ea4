"""What is sent, and where it begins: from REST, ALLO and the transfer commands to a `StartTransfer`. Pure.

REST and ALLO count for the next transfer command only, whatever comes of it; clients say PASV and TYPE in between.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from crossdock.ftp import replies
from crossdock.ftp.globbing import split_pattern
from crossdock.ftp.listing import listed_path
from crossdock.ftp.protection import data_refusal, whole_number
from crossdock.ftp.replies import Reply
from crossdock.ftp.standing import Obey, Standing, say
from crossdock.ftp.words import Effect, StartTransfer, TransferKind

_MOST = (1 << 63) - 1


def _rest(standing: Standing, argument: str) -> list[Effect]:
    offset = whole_number(argument.strip(), highest=_MOST)
    if offset is None:
        return say(replies.BAD_RESTART)
    standing.restart_at = offset
    return say(replies.RESTART_WHERE)


def _allo(standing: Standing, argument: str) -> list[Effect]:
    match argument.upper().split():
        case [count] | [count, "R", _] as words:
            size = whole_number(count, highest=_MOST)
            if size is None or whole_number(words[-1], highest=_MOST) is None:
                return say(replies.BAD_SIZE)
        case _:
            return say(replies.BAD_SIZE)
    standing.announced_size = size or None  # clients that know no size say 0
    return say(replies.SIZE_NOTED if size else replies.NO_SIZE_NOTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What REST and ALLO said before a transfer command."""

    offset: int
    size: int | None


Begin = Callable[[Standing, str, _Before], StartTransfer | Reply]


def _transfer(begin: Begin) -> Obey:
    def start(standing: Standing, argument: str) -> list[Effect]:
        before = _Before(offset=standing.restart_at, size=standing.announced_size)
        standing.restart_at, standing.announced_size = 0, None
        order = begin(standing, argument, before)
        if isinstance(order, Reply):
            return say(order)
        if (refusal := data_refusal(standing)) is not None:
            return say(refusal)
        if not standing.has_passive:
            return say(replies.PASSIVE_FIRST)
        standing.has_passive = False  # one data connection serves one transfer
        return [replace(order, facts=standing.facts, is_private=standing.is_private)]

    return start


def _of_a_file(begin: Begin) -> Begin:
    """A path with a slash at its end is a directory's, even though the file system knows no such spelling."""
    return lambda standing, argument, before: (
        replies.NOT_A_FILE if argument.endswith("/") else begin(standing, argument, before)
    )


def _retrieve(standing: Standing, argument: str, before: _Before) -> StartTransfer | Reply:
    if before.offset and not standing.options.allows_restart:
        return replies.RESTART_REFUSED
    return StartTransfer(TransferKind.RETRIEVE, standing.absolute(argument), offset=before.offset)


def _store(standing: Standing, argument: str, before: _Before) -> StartTransfer | Reply:
    # 554 and not 550: the file may be written, only not from there on, so a client knows to send it from its beginning.
    if before.offset and not standing.allows_append:
        return replies.RESTART_REFUSED
    size = None if before.offset else _exact_size(standing, before)
    return StartTransfer(TransferKind.STORE, standing.absolute(argument), offset=before.offset, size=size)


def _append(standing: Standing, argument: str, before: _Before) -> StartTransfer | Reply:
    if before.offset:
        return replies.RESTART_REFUSED  # two places to begin at
    return StartTransfer(TransferKind.STORE, standing.absolute(argument), is_append=True)


def _store_unique(standing: Standing, argument: str, before: _Before) -> StartTransfer | Reply:
    if before.offset:
        return replies.RESTART_REFUSED
    return StartTransfer(TransferKind.STORE_UNIQUE, standing.directory, size=_exact_size(standing, before))


def _exact_size(standing: Standing, before: _Before) -> int | None:
    """Of a text, clients announce the size that it has before its line ends become CRLF."""
    return None if standing.is_ascii else before.size


def _listing(kind: TransferKind) -> Begin:
    def begin(standing: Standing, argument: str, before: _Before) -> StartTransfer | Reply:
        return listing_order(standing, kind, argument)

    return begin


def listing_order(standing: Standing, kind: TransferKind, argument: str) -> StartTransfer:
    """For LIST, NLST and STAT."""
    named = listed_path(argument)
    directory, pattern = split_pattern(named)
    return StartTransfer(kind, standing.absolute(directory), pattern=pattern, named=named)


def _facts(standing: Standing, argument: str, before: _Before) -> StartTransfer | Reply:
    return StartTransfer(TransferKind.FACTS, standing.absolute(argument))  # RFC 3659 §2.2.2: no wildcards


ORDERS: Mapping[str, Obey] = {
    "REST": _rest,
    "ALLO": _allo,
    "RETR": _transfer(_of_a_file(_retrieve)),
    "STOR": _transfer(_of_a_file(_store)),
    "APPE": _transfer(_of_a_file(_append)),
    "STOU": _transfer(_store_unique),
    "LIST": _transfer(_listing(TransferKind.LIST)),
    "NLST": _transfer(_listing(TransferKind.NAMES)),
    "MLSD": _transfer(_facts),
}
