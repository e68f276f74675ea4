"""What lies at a place in a bucket, where directories are only what keys have in common.

`verbs.py` tells which calls these make; a denied call that only betters an answer does not spoil it. Nothing here
writes, so `explain` may ask what the file system asks before it changes anything.
"""

from collections.abc import AsyncIterator

from crossdock.core.errors import (
    Denied,
    DirectoryNotEmpty,
    Exists,
    FileError,
    NotADirectory,
    NotFound,
    Unsupported,
)
from crossdock.core.homes import ObjectPlace
from crossdock.files.filesystem import Attributes, FileKind
from crossdock.files.keys import file_attributes
from crossdock.ports.objects import Listing, ObjectStore

DIRECTORY = Attributes(kind=FileKind.DIRECTORY)


async def inspect(store: ObjectStore, place: ObjectPlace) -> Attributes:
    """A file's attributes, or else a directory's: HeadObject, then ListObjectsV2.

    Raises NotFound, or Denied when S3 does not even tell whether something is there.
    """
    if not place.key:
        return await enter(store, place)
    try:
        return file_attributes(await store.head(place))
    except (NotFound, Denied) as error:
        if await has_children(store, place, if_denied=False):
            return DIRECTORY
        raise error


async def enter(store: ObjectStore, place: ObjectPlace) -> Attributes:
    """A directory's attributes, or else a file's, by ListObjectsV2 alone. Raises NotFound, Denied."""
    if await has_children(store, place) or not place.key:
        return DIRECTORY
    if (attributes := await find_file(store, place)) is not None:
        return attributes
    raise NotFound(f"nothing is at {place}")


async def has_children(store: ObjectStore, place: ObjectPlace, *, if_denied: bool | None = None) -> bool:
    """Whether any key, the marker included, lies below a place.

    `if_denied` is the answer where the user may not list; None lets the Denied through.
    """
    try:
        page = await store.list(place.bucket, place.directory_prefix, delimiter="", limit=1)
    except Denied:
        if if_denied is None:
            raise
        return if_denied
    return bool(page.objects)


async def find_file(store: ObjectStore, place: ObjectPlace) -> Attributes | None:
    """A file's attributes without reading the object, from a listing; None when there is none to be seen.

    A user may be allowed to list only below certain prefixes (`s3:prefix`).
    """
    try:
        return await list_file(store, place)
    except Denied:
        return None


async def list_file(store: ObjectStore, place: ObjectPlace) -> Attributes | None:
    """The same, which raises Denied where the user may not look.

    Of all keys that begin with a text the text itself comes first, so one entry is enough.
    """
    page = await store.list(place.bucket, place.key, delimiter="", limit=1)
    for info in page.objects:
        if info.place.key == place.key:
            return file_attributes(info)
    return None


async def missing_directory(store: ObjectStore, place: ObjectPlace) -> FileError:
    """What to raise for a directory that has no key: perhaps the name is a file's."""
    if await find_file(store, place) is not None:
        return NotADirectory(f"{place} is a file")
    return NotFound(f"no directory is at {place}")


async def require_new(store: ObjectStore, place: ObjectPlace) -> None:
    """For a directory that is to be made. Raises Exists.

    Who may only put, and so cannot look, still makes directories.
    """
    try:
        await inspect(store, place)
    except (NotFound, Denied):
        return
    raise Exists(f"{place} is there already")


async def require_empty(store: ObjectStore, place: ObjectPlace) -> None:
    """For a directory that is to be removed. Raises DirectoryNotEmpty, NotFound, NotADirectory, Denied."""
    marker = place.directory_prefix
    page = await store.list(place.bucket, marker, delimiter="", limit=2)
    if any(info.place.key != marker for info in page.objects):
        raise DirectoryNotEmpty(f"{place} is not empty")
    if not page.objects:
        raise await missing_directory(store, place)


async def require_free(store: ObjectStore, place: ObjectPlace) -> None:
    """For the target of a rename. Raises Exists; Denied when it cannot be known, for nothing may be overwritten."""
    try:
        await store.head(place)
    except NotFound:
        if not await has_children(store, place, if_denied=False):
            return
    raise Exists(f"{place} is there already")


async def require_no_directory(store: ObjectStore, place: ObjectPlace) -> None:
    """For the target of a rename that may replace a file. Raises Exists."""
    if await has_children(store, place, if_denied=False):
        raise Exists(f"{place} is a directory, which no file replaces")


async def refuse_directory(store: ObjectStore, place: ObjectPlace) -> None:
    """For a file to be renamed that is not there: raises Unsupported if a directory is."""
    if await has_children(store, place, if_denied=False):
        raise Unsupported(f"{place} is a directory: only files can be renamed")


async def pages(store: ObjectStore, place: ObjectPlace, *, delimiter: str = "/") -> AsyncIterator[Listing]:
    """A directory's listing, page by page, never more of it in memory. Without a delimiter all that lies below."""
    token: str | None = None
    while True:
        page = await store.list(place.bucket, place.directory_prefix, delimiter=delimiter, token=token)
        yield page
        if page.next_token is None:
            return
        token = page.next_token
