"""GetObject, HeadObject and GetObjectAttributes.

An answer with `ContentRange` is a 206; the edge sees to that.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.checksums import checksum_members
from crossdock.cloud.s3.conditions import check_read
from crossdock.cloud.s3.etags import part_count, quoted
from crossdock.cloud.s3.failures import invalid_request, no_such_key
from crossdock.cloud.s3.object_headers import described, overridden, refuse_unsupported
from crossdock.cloud.s3.ownership import owned_by_another
from crossdock.cloud.s3.permissions import check_version, object_permission, presence_permission, versioned
from crossdock.cloud.s3.ranges import ByteRange, parse_range, part_range
from crossdock.cloud.s3.reading import Window, WindowReader, object_info, open_window
from crossdock.cloud.s3.storage import Storage
from crossdock.core.errors import ServiceError, Unavailable
from crossdock.core.principals import Anonymous
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.operations.streams import ObjectBody
from crossdock.ports.objects import ObjectInfo
from crossdock.ports.storage import ObjectEntry

OPENING_ATTEMPTS = 20
"""Between reading the index and opening the bytes, an object may be replaced; so often in a row it never is."""


async def get_object(storage: Storage, call: Call) -> Result:
    overrides = _overrides(call)
    entry, selection, window = await _opened(storage, call)
    reader = WindowReader(object_info(call.params["Bucket"], call.params["Key"], entry), window)
    offset = selection.range.offset if selection.range else 0
    body = ObjectBody(reader=reader, offset=offset, size=window.size)
    return {"Body": body, **_answer(call.params, entry, selection), **overrides}


async def open_object(storage: Storage, call: Call) -> WindowReader:
    """What GetObject answers with, to whoever is no client of HTTP."""
    entry, _, window = await _opened(storage, call)
    return WindowReader(object_info(call.params["Bucket"], call.params["Key"], entry), window)


async def find_object(storage: Storage, call: Call) -> ObjectInfo:
    """What HeadObject answers with, likewise."""
    bucket, key = await _addressed(storage, call)
    return object_info(bucket.name, key, await present_entry(storage, call, bucket, key, action=_action(call)))


async def head_object(storage: Storage, call: Call) -> Result:
    bucket, key = await _addressed(storage, call)
    overrides = _overrides(call)
    entry = await present_entry(storage, call, bucket, key, action=_action(call))
    return {**_answer(call.params, entry, _select(call.params, entry)), **overrides}


async def get_object_attributes(storage: Storage, call: Call) -> Result:
    bucket, key = await _addressed(storage, call)
    entry = await present_entry(storage, call, bucket, key, action=_action(call))
    return attributes_answer(
        call.params["ObjectAttributes"],
        etag=entry.etag,
        size=entry.size,
        modified_at=entry.modified_at,
        checksums=checksum_members(entry.checksums),
    )


def attributes_answer(
    wanted: Container[str],
    *,
    etag: str,
    size: int,
    modified_at: datetime | None,
    checksums: Mapping[str, str],
    storage_class: str = "STANDARD",
) -> Result:
    """What GetObjectAttributes answers; of the parts their number alone."""
    parts = part_count(etag)
    attributes: dict[str, Any] = {
        "ETag": etag,
        "Checksum": checksums or None,
        "ObjectParts": None if parts is None else {"TotalPartsCount": parts},
        "StorageClass": storage_class,
        "ObjectSize": size,
    }
    found = {name: value for name, value in attributes.items() if name in wanted and value is not None}
    return found if modified_at is None else {"LastModified": modified_at, **found}


async def present_entry(storage: Storage, call: Call, bucket: Bucket, key: str, *, action: str) -> ObjectEntry:
    """The object of a key, for `action`.

    Where objects may be other accounts', it may be another's now than when the call was authorised.

    Raises:
        ServiceError: NoSuchKey for a caller that may list the bucket; AccessDenied for one that may not, and so must
            not learn which keys there are.

    Source: S3 API Reference, GetObject and HeadObject, "Permissions".
    """
    entry = await storage.objects.get(bucket.bucket_id, key)
    if entry is None:
        await call.demand(presence_permission(bucket))
        raise no_such_key(key)
    if bucket.has_acls:
        await call.demand(object_permission(bucket, key, action, owned=owned_by_another(bucket, entry)))
    return entry


@dataclass(frozen=True, slots=True, kw_only=True)
class _Selection:
    """What of an object is asked for: `range` None means all. `parts` is told only to those who ask for a part."""

    range: ByteRange | None = None
    parts: int | None = None


async def _opened(storage: Storage, call: Call) -> tuple[ObjectEntry, _Selection, Window]:
    bucket, key = await _addressed(storage, call)
    for _ in range(OPENING_ATTEMPTS):
        entry = await present_entry(storage, call, bucket, key, action=_action(call))
        selection = _select(call.params, entry)
        window = await open_window(storage, entry, selection.range)
        if window is not None:
            return entry, selection, window
    raise Unavailable(f"{bucket.name}/{key} is replaced faster than it can be opened")


async def _addressed(storage: Storage, call: Call) -> tuple[Bucket, str]:
    bucket = await storage.bucket_of(call)
    refuse_unsupported(call.params)
    check_version(call.params)
    return bucket, call.params["Key"]


def _action(call: Call) -> str:
    return versioned("s3:GetObject", call.params)


def _overrides(call: Call) -> dict[str, Any]:
    return overridden(call.params, is_anonymous=isinstance(call.caller.principal, Anonymous))


def _select(params: Params, entry: ObjectEntry) -> _Selection:
    check_read(params, entry)
    header, number = params.get("Range"), params.get("PartNumber")
    if number is not None:
        if header is not None:
            raise invalid_request("Cannot specify both Range header and partNumber query parameter")
        return _select_part(entry, number)
    return _Selection(range=None if header is None else parse_range(header, entry.size))


def _select_part(entry: ObjectEntry, number: int) -> _Selection:
    parts = _parts(entry)
    if not 1 <= number <= (parts or 1):
        raise ServiceError(
            "InvalidPartNumber",
            "The requested partnumber is not satisfiable",
            status=416,
            members={"PartNumberRequested": str(number), "ActualPartCount": str(parts or 1)},
        )
    if entry.size == 0:
        return _Selection(parts=parts)
    if parts is None or parts != len(entry.segments):
        return _Selection(range=ByteRange(offset=0, size=entry.size, total=entry.size), parts=parts)
    return _Selection(range=part_range(entry.segments, number), parts=parts)


def _parts(entry: ObjectEntry) -> int | None:
    """How many parts the object was uploaded in; its segments are these parts."""
    return part_count(entry.etag)


def _answer(params: Params, entry: ObjectEntry, selection: _Selection) -> dict[str, Any]:
    wanted = selection.range
    members: dict[str, Any] = {
        **described(entry),
        "AcceptRanges": "bytes",
        "LastModified": entry.modified_at,
        "ETag": quoted(entry.etag),
        "ContentLength": entry.size if wanted is None else wanted.size,
    }
    if wanted is not None:
        members["ContentRange"] = wanted.content_range
    elif params.get("ChecksumMode") == "ENABLED":
        # The checksum is of all bytes: beside some of them, clients would take it for theirs.
        members |= checksum_members(entry.checksums)
    if selection.parts is not None:
        members["PartsCount"] = selection.parts
    return members
