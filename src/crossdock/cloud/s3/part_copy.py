"""UploadPartCopy: bytes of an object become a part of an upload.

A part needs the MD5 and the checksum of its bytes, so unlike a whole object they are read and written anew.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.checksums import Claims
from crossdock.cloud.s3.conditions import check_copy_source
from crossdock.cloud.s3.copy import copy_source_of
from crossdock.cloud.s3.encryption import encryption_members
from crossdock.cloud.s3.etags import quoted
from crossdock.cloud.s3.failures import invalid_request
from crossdock.cloud.s3.get_object import OPENING_ATTEMPTS, present_entry
from crossdock.cloud.s3.multipart import keep_part, part_number, planned_checksum, upload_of
from crossdock.cloud.s3.object_headers import refuse_unsupported
from crossdock.cloud.s3.permissions import source_action
from crossdock.cloud.s3.ranges import parse_copy_range
from crossdock.cloud.s3.reading import Window, open_window
from crossdock.cloud.s3.receiving import MAX_PUT_BYTES, read_all, receive
from crossdock.cloud.s3.storage import Storage
from crossdock.core.errors import Unavailable
from crossdock.operations.call import Call
from crossdock.operations.operation import Result


async def upload_part_copy(storage: Storage, call: Call) -> Result:
    source_name, source_bucket = await copy_source_of(storage, call)
    bucket = await storage.bucket_of(call)
    number = part_number(call.params)
    refuse_unsupported(call.params)
    upload = await upload_of(storage, bucket, call.params)
    window = await _open_source(storage, call, source_bucket, source_name.key, action=source_action(source_name))
    algorithm = planned_checksum(upload).algorithm
    try:
        received = await receive(storage, _WindowBody(window), Claims(), also=algorithm, as_segment=True)
    finally:
        window.blob.close()
    part = await keep_part(storage, call, upload, number, received)
    return {
        "CopyPartResult": {
            "ETag": quoted(part.etag),
            "LastModified": part.modified_at,
            algorithm.member: received.checksums[algorithm.name],
        },
        **encryption_members(upload.headers),
    }


async def _open_source(storage: Storage, call: Call, bucket: Bucket, key: str, *, action: str) -> Window:
    header = call.params.get("CopySourceRange")
    for _ in range(OPENING_ATTEMPTS):
        source = await present_entry(storage, call, bucket, key, action=action)
        check_copy_source(call.params, source)
        wanted = None if header is None else parse_copy_range(header, source.size)
        if (source.size if wanted is None else wanted.size) > MAX_PUT_BYTES:
            raise invalid_request(
                "The specified copy source is larger than the maximum allowable size for a copy source: "
                f"{MAX_PUT_BYTES}"
            )
        window = await open_window(storage, source, wanted)
        if window is not None:
            return window
    raise Unavailable(f"{bucket.name}/{key} is replaced faster than it can be opened")


@dataclass(frozen=True, slots=True)
class _WindowBody:
    """A `BodyStream` of bytes that are here already."""

    window: Window

    @property
    def length(self) -> int:
        return self.window.size

    def __aiter__(self) -> AsyncIterator[bytes]:
        return read_all(self.window.blob, offset=self.window.offset, size=self.window.size)

    @property
    def trailers(self) -> dict[str, str]:
        return {}
