"""Checksums of what is sent, so that S3 refuses bytes that changed on the way; a whole object's from its parts'.

Source: S3 User Guide, "Checking object integrity": CRC-64/NVME and CRC-32C of parts combine to that of the object.
"""

import asyncio
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossdock.cloud.s3.checksums import ALGORITHMS, Algorithm, full_object

CRC64NVME = ALGORITHMS["CRC64NVME"]
CRC32C = ALGORITHMS["CRC32C"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyChecksum:
    """`text` is in base64, as headers have it."""

    algorithm: Algorithm
    text: str


async def checksum_of(
    algorithm: Algorithm | None, body: Sequence[bytes | bytearray | memoryview]
) -> BodyChecksum | None:
    """Of all pieces together, none of which takes long by itself; None where no checksum is wanted."""
    if algorithm is None:
        return None
    digest = algorithm.new()
    for number, piece in enumerate(body):
        if number:
            # A large part has a hundred pieces, some of which lie on disk: others have their turn between two.
            await asyncio.sleep(0)
        digest.update(piece)  # type: ignore[arg-type]  # a CRC takes any buffer
    return BodyChecksum(algorithm=algorithm, text=b64encode(digest.digest()).decode())


def listed_checksum(algorithm: Algorithm | None, part: Mapping[str, Any]) -> BodyChecksum | None:
    """Of a part as ListParts tells it; None from a store that keeps none."""
    text = part.get(algorithm.member, "") if algorithm is not None else ""
    return BodyChecksum(algorithm=algorithm, text=text) if algorithm is not None and text else None


def upload_headers(algorithm: Algorithm | None) -> dict[str, str]:
    """What CreateMultipartUpload is told of checksums that are to come."""
    if algorithm is None:
        return {}
    return {"x-amz-checksum-algorithm": algorithm.name, "x-amz-checksum-type": "FULL_OBJECT"}


def object_checksum_headers(
    algorithm: Algorithm | None, parts: Sequence[tuple[BodyChecksum | None, int]]
) -> dict[str, str]:
    """What CompleteMultipartUpload is told of the whole object of these parts, each with its size, for S3 to compare.

    Of a part that was copied inside S3 the checksum is not known, and so that of the object is not.
    """
    if algorithm is None:
        return {}
    size = sum(size for _, size in parts)
    told = {"x-amz-mp-object-size": str(size), "x-amz-checksum-type": "FULL_OBJECT"}
    known = [(checksum.text, size) for checksum, size in parts if checksum is not None]
    if len(known) == len(parts):
        told[algorithm.header] = full_object(algorithm, known)
    return told
