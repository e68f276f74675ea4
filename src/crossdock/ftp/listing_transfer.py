"""A listing, from what LIST, NLST, MLSD or STAT named to the lines that are sent."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from crossdock.core.errors import Denied, InvalidName, NotADirectory, NotFound
from crossdock.files.filesystem import Entry, FileKind, FileSystem
from crossdock.ftp.globbing import Matches, compile_pattern
from crossdock.ftp.listing import facts_line, list_line, name_line
from crossdock.ftp.words import StartTransfer, TransferKind

LISTING_CHUNK = 64 << 10
ENTRIES_PER_TURN = 100
"""After so many others have their turn: the names of a page are here at once, and a pattern may leave none to send."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenListing:
    """`first`, with which errors would have come, is there unless nothing is; `prefix` is for the names of NLST."""

    first: Entry | None
    rest: AsyncIterator[Entry]
    is_shown: Matches
    is_directory: bool = True
    prefix: str = ""


async def open_listing(filesystem: FileSystem, order: StartTransfer) -> OpenListing:
    """Raises FileError, not for a pattern that nothing matches: clients take an empty list for what it is."""
    path, is_shown = await _read_pattern(filesystem, order)
    is_file_possible = order.kind is not TransferKind.FACTS and not order.named.endswith("/")
    entries = aiter(filesystem.list(path))
    try:
        first = await anext(entries, None)
    except NotADirectory:
        if not is_file_possible:
            raise
    else:
        return OpenListing(first=first, rest=entries, is_shown=is_shown, prefix=_prefix(order, is_shown))
    # LIST and NLST of a file show that file.
    entry = Entry(name=path.rpartition("/")[2], attributes=await filesystem.stat(path))
    prefix = _up_to_slash(order.named)
    return OpenListing(first=entry, rest=entries, is_shown=is_shown, is_directory=False, prefix=prefix)


async def send_lines(
    listing: OpenListing, line_of: Callable[[Entry], bytes], send: Callable[[bytes], Awaitable[None]]
) -> None:
    lines = bytearray()
    try:
        if listing.first is not None and listing.is_shown(listing.first.name):
            lines += line_of(listing.first)
        seen = 0
        async for entry in listing.rest:
            if listing.is_shown(entry.name):
                lines += line_of(entry)
            seen += 1
            if seen % ENTRIES_PER_TURN == 0:
                await asyncio.sleep(0)
            if len(lines) >= LISTING_CHUNK:
                await send(bytes(lines))
                lines.clear()
        if lines:
            await send(bytes(lines))
    finally:
        if isinstance(listing.rest, AsyncGenerator):
            await listing.rest.aclose()


def line_writer(order: StartTransfer, now: datetime, prefix: str) -> Callable[[Entry], bytes]:
    match order.kind:
        case TransferKind.NAMES:
            return lambda entry: name_line(entry, prefix)
        case TransferKind.FACTS:
            return lambda entry: facts_line(entry, order.facts)
        case TransferKind.STATUS:
            return lambda entry: b" " + list_line(entry, now)
        case _:
            return lambda entry: list_line(entry, now)


async def _read_pattern(filesystem: FileSystem, order: StartTransfer) -> tuple[str, Matches]:
    """What is to be listed, and which of its names.

    A file or directory that really bears the pattern for its name comes first, or it could not be named at all.
    """
    if not order.pattern:
        return order.path, _everything
    literal = f"{order.path.rstrip('/')}/{order.pattern}"
    try:
        # By a listing alone, as the listing itself: it needs no other permission.
        await filesystem.stat(literal, expecting=FileKind.DIRECTORY)
    except (NotFound, Denied, InvalidName):
        return order.path, compile_pattern(order.pattern)
    return literal, _everything


def _prefix(order: StartTransfer, is_shown: Matches) -> str:
    """What NLST puts before the names of a directory.

    RFC 1123 §4.1.2.7: what it names can be named again in the next command. `sub` and `sub/*` both give `sub/a`, or a
    client that then deletes what it was told would delete another file.
    """
    if is_shown is not _everything:
        return _up_to_slash(order.named)
    return "" if order.named in ("", ".") else f"{order.named.rstrip('/')}/"


def _up_to_slash(path: str) -> str:
    return path[: path.rfind("/") + 1]


def _everything(name: str) -> bool:
    return True
