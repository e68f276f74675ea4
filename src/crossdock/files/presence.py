"""What a command finds where it goes, once every policy lets it: the file system's own lookups, none of its changes."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from crossdock.core.errors import Denied, NotADirectory, NotFound
from crossdock.core.homes import ObjectPlace
from crossdock.files.lookups import (
    enter,
    inspect,
    missing_directory,
    refuse_directory,
    require_empty,
    require_free,
    require_new,
)
from crossdock.files.verbs import FileVerb
from crossdock.ports.objects import ObjectStore

_OF_FILES = frozenset({FileVerb.READ, FileVerb.WRITE, FileVerb.APPEND, FileVerb.REMOVE, FileVerb.RENAME})


def sought(verb: FileVerb) -> str:
    """What kind of thing the verb is about."""
    return "object" if verb in _OF_FILES else "directory"


async def look(
    store: ObjectStore, verb: FileVerb, place: ObjectPlace, target: ObjectPlace | None = None, *, is_given: bool = False
) -> None:
    """Look for what the verb needs to be there, or not to be there. A `target` belongs to RENAME.

    `is_given` says that the home directory itself makes the place a directory. An upload looks for nothing: it replaces
    a file, and stands beside a directory of its name.

    Raises the FileError with which the verb fails.
    """
    match verb:
        case FileVerb.READ | FileVerb.REMOVE:
            with _named(place):
                await store.head(place)
        case FileVerb.APPEND:
            # Where there is no file, one begins; but that must be known.
            with suppress(NotFound), _named(place):
                await store.head(place)
        case FileVerb.LIST:
            page = await store.list(place.bucket, place.directory_prefix)
            if not (page.objects or page.prefixes or is_given or not place.key):
                raise await missing_directory(store, place)
        case FileVerb.ENTER:
            if not (await enter(store, place)).is_directory:
                raise NotADirectory(f"{place} is a file")
        case FileVerb.MAKE_DIRECTORY:
            await require_new(store, place)
        case FileVerb.REMOVE_DIRECTORY:
            await require_empty(store, place)
        case FileVerb.RENAME if target is not None:
            await _look_for_rename(store, place, target)


async def _look_for_rename(store: ObjectStore, source: ObjectPlace, target: ObjectPlace) -> None:
    """As RNFR and RNTO do, in their order."""
    with _named(source):
        attributes = await inspect(store, source)
    await require_free(store, target)
    if attributes.is_directory:
        await refuse_directory(store, source)


@contextmanager
def _named(place: ObjectPlace) -> Iterator[None]:
    """Says which object is missing. S3 calls that Access Denied to whoever may read it but not list its bucket."""
    missing = f"there is no object s3:/{place}"
    try:
        yield
    except NotFound as error:
        raise NotFound(missing) from error
    except Denied as error:
        raise Denied(f"{missing}, which S3 tells only those who may list its bucket: it denies access") from error
