"""Names between two worlds: which paths S3 can keep as keys, and which keys a client can be shown as names. Pure.

S3 keys are exact texts. `a//b`, `a/../b` and `a\\rb` are keys like others there, but a path that a client sends back
would be read as another one, or break the protocol's lines; such keys are not shown and cannot be reached.
"""

from collections.abc import Iterator
from heapq import merge

from crossdock.core.errors import InvalidName, NameTooLong
from crossdock.core.homes import MAX_KEY_BYTES, ObjectPlace
from crossdock.files.filesystem import Attributes, Entry, FileKind
from crossdock.ports.objects import Listing, ObjectInfo

_UNSPEAKABLE = frozenset("\r\n\0")


def check_path(path: str) -> None:
    """Refuse a path that no protocol can name. Raises InvalidName."""
    if not _UNSPEAKABLE.isdisjoint(path):
        raise InvalidName(f"a path may not hold CR, LF or NUL: {path[:100]!r}")
    if not _is_utf8(path):
        raise InvalidName(f"a path must be UTF-8: {path[:100]!r}")


def check_key(place: ObjectPlace) -> None:
    """Refuse what S3 would refuse as KeyTooLongError. Raises NameTooLong."""
    if (size := len(place.key.encode())) > MAX_KEY_BYTES:
        raise NameTooLong(f"the key has {size} bytes, S3 keeps at most {MAX_KEY_BYTES}: {place.key[:100]!r}")


def file_attributes(info: ObjectInfo) -> Attributes:
    return Attributes(kind=FileKind.FILE, size=info.size, modified_at=info.modified_at, etag=info.etag)


def page_entries(prefix: str, page: Listing) -> Iterator[Entry]:
    """A page's entries in key order, without the directory's own marker and what cannot be shown."""
    files = ((info.place.key, file_attributes(info)) for info in page.objects)
    directories = ((key, Attributes(kind=FileKind.DIRECTORY)) for key in page.prefixes)
    for key, attributes in merge(files, directories, key=lambda found: found[0]):
        name = _name(prefix, key, is_directory=attributes.is_directory)
        if name is not None:
            yield Entry(name=name, attributes=attributes)


def _name(prefix: str, key: str, *, is_directory: bool) -> str | None:
    """The name under which a key can be reached from its directory, or None."""
    name = key[len(prefix) :]
    if is_directory:
        name = name.removesuffix("/")
    # An empty name is the marker `key/` itself, or the `a//` of a key `a//b`.
    if name in ("", ".", "..") or "/" in name or not _UNSPEAKABLE.isdisjoint(name) or not _is_utf8(name):
        return None
    return name


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:  # a lone surrogate: bytes that were no UTF-8
        return False
    return True
