"""An object on its way from S3: one version of it, whatever happens to the connection or to the key meanwhile."""

from collections.abc import AsyncIterator
from typing import Any

from crossdock.adapters.aws.answers import info_of
from crossdock.adapters.aws.connection import Answer, BoundS3
from crossdock.adapters.aws.failures import file_errors
from crossdock.core.errors import Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import FileRegion, ObjectInfo

CHUNK_BYTES = 1 << 20
MAX_BREAKS = 3
"""Connections that may break in a row without a byte, before the download fails."""


async def open_reader(s3: BoundS3, place: ObjectPlace, offset: int) -> "AwsReader":
    """Begin to read at `offset`; beyond the object's end there is nothing to read. Raises FileError."""
    if offset:
        # A range cannot begin at the end or behind it, and an answer for a range is no place to learn why.
        head = await s3.call("HeadObject", Bucket=place.bucket, Key=place.key)
        info = info_of(place, head, size=head["ContentLength"])
        return AwsReader(s3, info, min(offset, info.size), None)
    answer = await s3.call("GetObject", Bucket=place.bucket, Key=place.key)
    return AwsReader(s3, info_of(place, answer, size=answer["ContentLength"]), 0, answer)


class AwsReader:
    """See `ports.objects.ObjectReader`.

    A connection that breaks, as S3 breaks those whose client reads slowly, is replaced by another that asks for the
    rest of the same version by its ETag.
    """

    def __init__(self, s3: BoundS3, info: ObjectInfo, offset: int, answer: Answer | None) -> None:
        self._s3 = s3
        self._info = info
        self._offset = offset
        self._stream: Any = answer["Body"] if answer is not None else None
        self._breaks = 0

    @property
    def info(self) -> ObjectInfo:
        return self._info

    async def region(self) -> FileRegion | None:
        return None

    async def chunks(self) -> AsyncIterator[bytes]:
        while self._offset < self._info.size:
            # A store that sends more than was asked for must not make the object longer.
            chunk = (await self._next())[: self._info.size - self._offset]
            self._offset += len(chunk)
            if chunk:
                yield chunk
        await self.close()

    async def close(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            # Read to its end, the connection goes back to the pool; else it is closed with the rest unread.
            stream.close()

    async def _next(self) -> bytes:
        """The next bytes, or none when the connection broke and may be replaced."""
        if self._stream is None:
            self._stream = await self._reopened()
        place = self._info.place
        try:
            with file_errors("GetObject", f"{place.bucket}/{place.key}"):
                chunk: bytes = await self._stream.read(CHUNK_BYTES)
        except Unavailable:
            chunk = b""
            if self._breaks == MAX_BREAKS:
                raise
        if chunk:
            self._breaks = 0
            return chunk
        if self._breaks == MAX_BREAKS:
            raise Unavailable(f"GetObject of {place.bucket}/{place.key}: ended {self._info.size - self._offset} early")
        self._breaks += 1
        await self.close()
        return b""

    async def _reopened(self) -> Any:
        """The rest of the version that was begun. Raises Unavailable when the key has another by now."""
        place = self._info.place
        answer = await self._s3.call(
            "GetObject",
            Bucket=place.bucket,
            Key=place.key,
            Range=f"bytes={self._offset}-",
            IfMatch=f'"{self._info.etag}"',
        )
        return answer["Body"]
