"""CopyObject: a new object that shares the bytes of another, which never change and live while an object has them.

So a copy of any size, and with it a rename through a file protocol, copies no bytes. A copy of an object that has an
MD5 keeps it as its tag; where S3 would compute the MD5 of what was uploaded in parts, the copy gets an opaque tag.
"""

import asyncio
from collections.abc import Mapping

from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.checksums import (
    Algorithm,
    ChecksumType,
    Digests,
    algorithm_named,
    checksum_members,
    checksum_type,
)
from crossdock.cloud.s3.conditions import WriteCondition, check_copy_source, write_condition
from crossdock.cloud.s3.encryption import encryption_members
from crossdock.cloud.s3.etags import opaque_etag, part_count, quoted
from crossdock.cloud.s3.failures import invalid_argument, invalid_request, no_such_version, not_implemented
from crossdock.cloud.s3.get_object import OPENING_ATTEMPTS, present_entry
from crossdock.cloud.s3.names import CopySource, parse_copy_source
from crossdock.cloud.s3.object_headers import shown_headers, stored_headers, stored_metadata
from crossdock.cloud.s3.permissions import source_action
from crossdock.cloud.s3.put_object import UNCONDITIONAL, check_present, refused, whole_seconds
from crossdock.cloud.s3.reading import open_window
from crossdock.cloud.s3.receiving import read_all
from crossdock.cloud.s3.storage import Storage
from crossdock.cloud.s3.written import written_as
from crossdock.core.errors import Unavailable
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.ports.storage import BucketRetired, ObjectEntry, PreconditionFailed, SourceChanged

_REDIRECT = "x-amz-website-redirect-location"


async def copy_object(storage: Storage, call: Call) -> Result:
    source_name, source_bucket = await copy_source_of(storage, call)
    bucket = await storage.bucket_of(call)
    key: str = call.params["Key"]
    written = written_as(storage, bucket, call)
    replaces_metadata = _replaces_metadata(call.params)
    if (source_name.bucket, source_name.key) == (bucket.name, key) and not replaces_metadata:
        _refuse_idle_copy(call.params)
    algorithm = algorithm_named(name) if (name := call.params.get("ChecksumAlgorithm")) else None
    condition = write_condition(call.params)
    if condition != UNCONDITIONAL:
        await check_present(storage, bucket, key, condition)
    for _ in range(OPENING_ATTEMPTS):
        source = await present_entry(storage, call, source_bucket, source_name.key, action=source_action(source_name))
        check_copy_source(call.params, source)
        etag, checksums = _inherited(call, source)
        if algorithm is not None:
            if algorithm.name not in checksums:
                digests = await _read_again(storage, source, algorithm)
                if digests is None:
                    continue
                etag, checksums = digests.md5.hex(), digests.texts()
            checksums = {algorithm.name: checksums[algorithm.name]}
        entry = ObjectEntry(
            size=source.size,
            etag=etag,
            modified_at=whole_seconds(call.house.clock.now()),
            segments=source.segments,
            content=source.content,
            owner_account=written.owner_account,
            metadata=stored_metadata(call.params) if replaces_metadata else source.metadata,
            headers={
                **(stored_headers(call.params) if replaces_metadata else _copied_headers(call.params, source)),
                **written.headers,
            },
            checksums=checksums,
        )
        if await link(storage, bucket, key, entry, condition, source=(source_bucket.bucket_id, source_name.key)):
            return {
                "CopyObjectResult": {
                    "ETag": quoted(entry.etag),
                    "LastModified": entry.modified_at,
                    **checksum_members(entry.checksums),
                },
                **encryption_members(entry.headers),
            }
    raise Unavailable(f"{source_name.bucket}/{source_name.key} is replaced faster than it can be copied")


async def copy_source_of(storage: Storage, call: Call) -> tuple[CopySource, Bucket]:
    source = parse_copy_source(call.params["CopySource"])
    bucket = await storage.source_bucket_of(call, source.bucket)
    if bucket.backing is not None:
        raise not_implemented("x-amz-copy-source", "The objects of the source's bucket lie in another S3.")
    if source.version_id not in ("", "null"):
        raise no_such_version(source.key, source.version_id)
    return source, bucket


async def link(
    storage: Storage,
    bucket: Bucket,
    key: str,
    entry: ObjectEntry,
    condition: WriteCondition,
    *,
    source: tuple[str, str],
    unchanged: ObjectEntry | None = None,
) -> bool:
    """False when the source was replaced meanwhile, or is not the `unchanged` one any more."""
    source_bucket_id, source_key = source
    try:
        replaced = await storage.objects.link(
            bucket.bucket_id,
            key,
            entry,
            source_bucket_id=source_bucket_id,
            source_key=source_key,
            unchanged=unchanged,
            if_match=condition.if_match,
            if_none_match=condition.if_none_match,
        )
    except SourceChanged:
        return False
    except (BucketRetired, PreconditionFailed) as refusal:
        raise await refused(storage, bucket, key, condition, refusal) from None
    storage.blobs.delete(replaced)
    return True


def _inherited(call: Call, source: ObjectEntry) -> tuple[str, Mapping[str, str]]:
    """Tag and checksums of the same bytes in one piece: what tells of the parts they came in is left behind."""
    etag = source.etag if part_count(source.etag) is None else opaque_etag(call.house.entropy)
    whole = {n: text for n, text in source.checksums.items() if checksum_type(text) is ChecksumType.FULL_OBJECT}
    return etag, whole


async def _read_again(storage: Storage, source: ObjectEntry, algorithm: Algorithm) -> Digests | None:
    """Compute a checksum that the source does not have. None when the source was replaced meanwhile."""
    window = await open_window(storage, source, None)
    if window is None:
        return None
    digests = Digests([algorithm])
    loop = asyncio.get_running_loop()
    try:
        async for chunk in read_all(window.blob):
            await loop.run_in_executor(storage.executor, digests.update, chunk)
    finally:
        window.blob.close()
    return digests


def _replaces_metadata(params: Params) -> bool:
    directive = params.get("MetadataDirective", "COPY")
    if directive not in ("COPY", "REPLACE"):
        raise invalid_argument("Unknown metadata directive.", "x-amz-metadata-directive", directive)
    return bool(directive == "REPLACE")


def _refuse_idle_copy(params: Params) -> None:
    if all(params.get(name) is None for name in ("WebsiteRedirectLocation", "StorageClass", "ServerSideEncryption")):
        raise invalid_request(
            "This copy request is illegal because it is trying to copy an object to itself without changing the "
            "object's metadata, storage class, website redirect location or encryption attributes."
        )


def _copied_headers(params: Params, source: ObjectEntry) -> Mapping[str, str]:
    """A redirect belongs to one object and is not copied."""
    headers = {name: value for name, value in shown_headers(source.headers).items() if name != _REDIRECT}
    redirect = stored_headers({"WebsiteRedirectLocation": params.get("WebsiteRedirectLocation")}).get(_REDIRECT)
    return headers if redirect is None else {**headers, _REDIRECT: redirect}
