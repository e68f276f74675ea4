"""Which bytes of an object a request asks for.

Source: RFC 9110 §14.1.2; S3 API Reference, GetObject, Range ("doesn't support retrieving multiple ranges of data per
GET request").
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from crossdock.cloud.s3.failures import invalid_argument, invalid_range
from crossdock.ports.storage import Segment

_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})", re.ASCII)
_COPY_RANGE = re.compile(r"bytes=(\d{1,19})-(\d{1,19})", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class ByteRange:
    """`size` bytes from `offset` of an object of `total` bytes."""

    offset: int
    size: int
    total: int

    @property
    def content_range(self) -> str:
        return f"bytes {self.offset}-{self.offset + self.size - 1}/{self.total}"


def parse_range(header: str, total: int) -> ByteRange | None:
    """The range of a Range header, or None when it says nothing that S3 obeys: then all is sent.

    Raises:
        ServiceError: InvalidRange, when not one byte of it exists.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if first == "":
        size = min(int(last), total)
        if size == 0:
            raise invalid_range(header, total)
        return ByteRange(offset=total - size, size=size, total=total)
    offset = int(first)
    if last != "" and int(last) < offset:
        return None
    if offset >= total:
        raise invalid_range(header, total)
    end = total if last == "" else min(int(last) + 1, total)
    return ByteRange(offset=offset, size=end - offset, total=total)


def parse_copy_range(header: str, total: int) -> ByteRange:
    """The range of x-amz-copy-source-range, where both ends must be told and exist."""
    match = _COPY_RANGE.fullmatch(header.strip())
    if match is None or int(match[1]) > int(match[2]):
        raise invalid_argument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the "
            "zero-based offsets of the first and last bytes to copy",
            "x-amz-copy-source-range",
            header,
        )
    offset, end = int(match[1]), int(match[2]) + 1
    if end > total:
        raise invalid_argument(
            f"Range specified is not valid for source object of size: {total}", "x-amz-copy-source-range", header
        )
    return ByteRange(offset=offset, size=end - offset, total=total)


def part_range(segments: Sequence[Segment], number: int) -> ByteRange:
    """Where part `number`, counted from 1, lies."""
    offset = sum(segment.size for segment in segments[: number - 1])
    total = sum(segment.size for segment in segments)
    return ByteRange(offset=offset, size=segments[number - 1].size, total=total)


def overlapping(segments: Sequence[Segment], wanted: ByteRange) -> tuple[tuple[Segment, ...], int]:
    """The segments that hold the wanted bytes, and where in the first of them these begin."""
    found: list[Segment] = []
    skipped = 0
    position = 0
    for segment in segments:
        end = position + segment.size
        if position < wanted.offset + wanted.size and end > wanted.offset:
            if not found:
                skipped = wanted.offset - position
            found.append(segment)
        position = end
    return tuple(found), skipped
