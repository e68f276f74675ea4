"""Renaming a directory, which S3 cannot do: every object below is copied, then the originals go.

Not in one step: meanwhile both names have files, and a process that is killed leaves the copies made so far. No object
is lost, though. Originals go only when all are copied, and only those that are still what was copied: what was put or
changed below the old name meanwhile stays there.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import NoReturn

from crossdock.core.errors import FileError, NotFound, Unavailable, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.files.at_once import for_each
from crossdock.files.blocks import BlockPool
from crossdock.files.copying import copy_object
from crossdock.files.keys import check_key
from crossdock.files.lookups import pages
from crossdock.files.unbroken import unbroken
from crossdock.ports.objects import Copied, ObjectStore

MOST_OBJECTS = 10_000
"""Below a directory that is renamed: they are remembered, and a client waits for all of them."""

AT_ONCE = 8

ETags = Mapping[str, str]
"""By key."""


async def move_directory(
    store: ObjectStore,
    source: ObjectPlace,
    target: ObjectPlace,
    *,
    blocks: BlockPool,
    when_copied: Callable[[], Awaitable[object]] | None = None,
    done: Callable[[], None] | None = None,
) -> None:
    """Move all that lies below a directory; nothing may lie at the target (`require_free`).

    When a copy fails, or the caller is cancelled before all are made, the source is whole and the copies are deleted;
    the error says where that failed, and of a cancellation its `__cause__`. When deleting fails with some originals
    gone, the target is whole.

    `when_copied` is awaited between the two; when it raises FileError, the copies are deleted as well. `done` is called
    at the end, also where the caller is cancelled meanwhile.

    Raises NotFound when nothing is below the source; Unsupported for a target inside it, or too many objects; Exists
    when somebody puts one of the targets meanwhile; InvalidName, Denied, OutOfSpace, Unavailable.
    """
    if (target.bucket, target.key[: len(source.directory_prefix)]) == (source.bucket, source.directory_prefix):
        raise Unsupported(f"{source} cannot be moved into itself, to {target}")
    found = await _find_all(store, source)
    moved = {key: target.directory_prefix + key[len(source.directory_prefix) :] for key in found}
    for key in moved.values():
        check_key(ObjectPlace(bucket=target.bucket, key=key))
    copied: dict[str, str] = {}

    async def copy(key: str) -> None:
        place = ObjectPlace(bucket=target.bucket, key=moved[key])
        original = ObjectPlace(bucket=source.bucket, key=key)

        async def note(made: Copied) -> None:
            copied[place.key] = made.target.etag

        await copy_object(store, original, place, blocks=blocks, if_none_match=True, then=note)

    async def take_back(error: FileError) -> NoReturn:
        if residue := await _take_back(store, source, found, target, copied):
            raise type(error)(f"{error}; {residue}") from error
        raise error

    async def give_up() -> None:
        if residue := await _take_back(store, source, found, target, copied):
            raise Unavailable(residue)

    async def finish() -> None:
        try:
            if when_copied is not None:
                await when_copied()
            await _delete_unchanged(store, source, found)
        except FileError as error:
            await take_back(error)
        if done is not None:
            done()

    try:
        # None is cut off where nobody would know whether it is there.
        await for_each(moved, copy, at_once=AT_ONCE)
    except FileError as error:
        await unbroken(take_back(error))
    except asyncio.CancelledError as cancelled:
        try:
            await unbroken(give_up())
        except Unavailable as residue:
            raise cancelled from residue
        raise
    await unbroken(finish())


async def _find_all(store: ObjectStore, directory: ObjectPlace) -> ETags:
    found: dict[str, str] = {}
    async for page in pages(store, directory, delimiter=""):
        found.update((info.place.key, info.etag) for info in page.objects)
        if len(found) > MOST_OBJECTS:
            raise Unsupported(f"{directory} has more than the {MOST_OBJECTS} objects that are moved at once")
    if not found:
        raise NotFound(f"nothing is below {directory}")
    return found


async def _take_back(store: ObjectStore, source: ObjectPlace, found: ETags, target: ObjectPlace, copied: ETags) -> str:
    """Delete the copies, if no original is gone. Returns what stays behind, in words for the log."""
    try:
        if not found.keys() <= (await _find_all(store, source)).keys():
            return f"the copies below {target} stay, for some originals are gone"
        await _delete_unchanged(store, target, copied)
    except FileError as error:
        return f"copies below {target} stayed behind: {error}"
    return ""


async def _delete_unchanged(store: ObjectStore, directory: ObjectPlace, etags: ETags) -> None:
    """Delete what lies below with these ETags, and nothing that was put there or changed meanwhile."""

    async def delete(key: str) -> None:
        await store.delete(ObjectPlace(bucket=directory.bucket, key=key), if_match=etags[key])

    await for_each(etags, delete, at_once=AT_ONCE)
