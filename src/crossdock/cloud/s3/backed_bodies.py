"""The bodies of requests and answers on a bucket whose objects lie in another S3.

A body that comes is first received whole, in memory or on this disk, and compared with all that the client says of it;
only then it is sent on, and may be sent again. What was on the disk is gone with the request.
"""

import mmap
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from crossdock.cloud.s3.checksums import ALGORITHMS, read_claims
from crossdock.cloud.s3.content import open_bytes
from crossdock.cloud.s3.receiving import read_all, receive
from crossdock.cloud.s3.storage import Storage
from crossdock.operations.operation import Params, Result
from crossdock.operations.streams import ObjectBody
from crossdock.ports.storage import BlobReader


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeBody:
    """`checksums` are of what was received, by algorithm; `headers` tell the other S3 of them."""

    body: Sequence[memoryview]
    checksums: Mapping[str, str]

    @property
    def headers(self) -> Mapping[str, str]:
        return {ALGORITHMS[name].header: text for name, text in self.checksums.items()}


@asynccontextmanager
async def receive_whole(storage: Storage, params: Params) -> AsyncIterator[WholeBody]:
    """The body of PutObject or UploadPart, until the block ends. Raises ServiceError as `receive` does."""
    received = await receive(storage, params.get("Body"), read_claims(params))
    try:
        reader = await open_bytes(
            storage.blobs, received.segments, None if received.segments else received.content or b""
        )
        try:
            body = await _in_memory(reader)
            yield WholeBody(body=[body] if len(body) else [], checksums=received.checksums)
        finally:
            reader.close()
    finally:
        storage.blobs.delete(received.segments)


def streamed(answer: Mapping[str, Any]) -> Result:
    """GetObject's answer, with its body as the API's edge sends it."""
    told = str(answer.get("ContentRange", ""))
    offset = int(told.removeprefix("bytes ").partition("-")[0]) if told else 0
    return {**answer, "Body": ObjectBody(reader=answer["Body"], offset=offset, size=answer["ContentLength"])}


async def _in_memory(reader: BlobReader) -> memoryview:
    region = await reader.region(0)
    if region is None or region.size != reader.size:
        return memoryview(b"".join([chunk async for chunk in read_all(reader)]))
    # It was written a moment ago, so its pages are there; they are the system's to take back, however large it is. The
    # mapping goes with the last view of it, which a connection that broke may still hold.
    return memoryview(mmap.mmap(region.fd, region.offset + region.size, prot=mmap.PROT_READ))[region.offset :]
