"""Bytes of an object that is there, with which an upload to its key begins: APPE, and REST before STOR.

S3 objects are written whole, so these bytes are put before the new ones again, without passing through here where the
store can copy them. Nothing is seen of that until the commit, and an upload that is cut leaves the old object.

Source: Amazon S3 User Guide, "Amazon S3 multipart upload limits"; RFC 959 §4.1.3, REST and APPE.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from crossdock.core.errors import BeyondEnd, NotFound, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import ObjectInfo, ObjectStore

UploadStart = int | Literal["END"]
"""Bytes of the file that an upload keeps, or all that it has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefix:
    """The first `size` bytes of an object as it was found."""

    source: ObjectInfo
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CopySizes:
    """In bytes: the least that can be a part, what one copied part usually has, and how many such parts may be.

    Half of `usual` must be large enough for a part. Beyond `most_parts` of them, 1.2 TiB, the parts get larger, up to a
    GiB. As many parts of the sizes that `parts.py` gives hold less, so the largest object, 5 TiB, still fits in all.
    """

    least: int = 5 << 20
    usual: int = 256 << 20
    most_parts: int = 5000


async def find_prefix(store: ObjectStore, place: ObjectPlace, at: UploadStart) -> Prefix | None:
    """What an upload that starts `at` begins with; None for one that begins anew, also at the end of no file.

    At the end of no file, an upload may only be committed where there is none still.

    Raises NotFound, BeyondEnd, Denied (also for what is missing, when the user may not list).
    """
    if at == 0:
        return None
    try:
        source = await store.head(place)
    except NotFound:
        if at == "END":
            return None
        raise
    size = source.size if at == "END" else at
    if size > source.size:
        raise BeyondEnd(f"{place} has {source.size} bytes and cannot be continued at {size}")
    return Prefix(source=source, size=size)


def copied_runs(size: int, sizes: CopySizes) -> list[tuple[int, int]]:
    """Offset and size of the parts to copy for a prefix: equal ones, so that even the last is large enough to be one.

    None for a prefix that is too small to be a part.
    """
    if size < sizes.least:
        return []
    count = min(-(-size // sizes.usual), sizes.most_parts)
    bounds = [size * number // count for number in range(count + 1)]
    return [(start, end - start) for start, end in pairwise(bounds)]


async def read_prefix(store: ObjectStore, prefix: Prefix) -> AsyncIterator[bytes]:
    """A prefix's bytes, in pieces of at most 1 MiB. Raises Unavailable when its object was replaced, NotFound."""
    place, missing = prefix.source.place, prefix.size
    if not missing:
        return
    reader = await store.read(place)
    try:
        if reader.info.etag != prefix.source.etag:
            raise Unavailable(f"{place} was replaced before it could be continued")
        async for chunk in reader.chunks():
            yield chunk[:missing]
            missing -= len(chunk)
            if missing <= 0:
                return
        raise Unavailable(f"{place} ended {missing} bytes early")
    finally:
        await reader.close()
