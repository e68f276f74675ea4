"""The requests of the hot path: an object put or looked at, an upload from its beginning to its end, a range. Pure.

The bytes of objects are not hashed: they are signed as UNSIGNED-PAYLOAD, and a checksum that S3 compares goes in a
header. A store that does not know the checksum overlooks the header.

Source: S3 API Reference, PutObject, HeadObject, CreateMultipartUpload and its like, GetObject.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from urllib.parse import quote

from crossdock.adapters.aws.checksums import BodyChecksum, upload_headers
from crossdock.cloud.s3.checksums import Algorithm
from crossdock.cloud.s3.etags import quoted
from crossdock.core.errors import InvalidName
from crossdock.core.homes import ObjectPlace
from crossdock.wire.s3_names import S3_NAMESPACE
from crossdock.wire.sigv4_canonical import EMPTY_SHA256
from crossdock.wire.sigv4_claims import UNSIGNED_PAYLOAD
from crossdock.wire.xml_tree import escape_text

Piece = bytes | bytearray | memoryview


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Request:
    """`query` is percent-encoded; of `body` nothing may change until the request was answered.

    A body that says what is to be done is `is_hashed`, so that the signature covers it. One that `is_under_way` is of a
    transfer that would be lost with it: a store that is away is waited for.
    """

    operation: str
    method: str
    place: ObjectPlace
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Sequence[memoryview] = ()
    is_hashed: bool = False
    is_under_way: bool = False

    @property
    def payload_hash(self) -> str:
        """As it is signed."""
        if not self.body:
            return EMPTY_SHA256
        return sha256(b"".join(self.body)).hexdigest() if self.is_hashed else UNSIGNED_PAYLOAD

    @property
    def size(self) -> int:
        return sum(len(piece) for piece in self.body)

    @property
    def resource(self) -> str:
        """As messages name it."""
        return f"{self.place.bucket}/{self.place.key}"


def put_object(
    place: ObjectPlace,
    body: Sequence[Piece],
    metadata: Mapping[str, str],
    checksum: BodyChecksum | None,
    *,
    headers: Mapping[str, str] | None = None,
) -> S3Request:
    """Raises InvalidName for metadata that no header can hold.

    Args:
        headers: what else the object is to have: see `writing.py`.
    """
    return S3Request(
        operation="PutObject",
        method="PUT",
        place=place,
        headers={**(headers or {}), **metadata_headers(metadata), **_checksum_headers(checksum)},
        body=(views := _views(body)),
        # What has no bytes is a directory, most often, or a file that costs nothing to send again.
        is_under_way=bool(views),
    )


def create_upload(
    place: ObjectPlace, metadata: Mapping[str, str], headers: Mapping[str, str], algorithm: Algorithm | None
) -> S3Request:
    """Raises InvalidName for metadata that no header can hold.

    Args:
        headers: what else the object is to have, such as its Content-Type.
    """
    return S3Request(
        operation="CreateMultipartUpload",
        method="POST",
        place=place,
        query="uploads=",
        headers={**headers, **metadata_headers(metadata), **upload_headers(algorithm)},
        is_under_way=True,
    )


def upload_part(
    place: ObjectPlace, upload_id: str, number: int, body: Sequence[Piece], checksum: BodyChecksum | None
) -> S3Request:
    return S3Request(
        operation="UploadPart",
        method="PUT",
        place=place,
        query=part_query(upload_id, number),
        headers=_checksum_headers(checksum),
        body=_views(body),
        is_under_way=True,
    )


def part_query(upload_id: str, number: int) -> str:
    return f"partNumber={number}&uploadId={quote(upload_id, safe='~')}"


def complete_upload(
    place: ObjectPlace, upload_id: str, parts: Sequence[tuple[int, str]], *, headers: Mapping[str, str]
) -> S3Request:
    """`parts` are numbers and tags, as S3 spells them, in order."""
    listed = "".join(
        f"<Part><PartNumber>{number}</PartNumber><ETag>{escape_text(tag)}</ETag></Part>" for number, tag in parts
    )
    document = f'<CompleteMultipartUpload xmlns="{S3_NAMESPACE}">{listed}</CompleteMultipartUpload>'
    return S3Request(
        operation="CompleteMultipartUpload",
        method="POST",
        place=place,
        query=f"uploadId={quote(upload_id, safe='~')}",
        headers={"Content-Type": "application/xml", **headers},
        body=_views([document.encode()]),
        is_hashed=True,
        is_under_way=True,
    )


def abort_upload(place: ObjectPlace, upload_id: str) -> S3Request:
    return S3Request(
        operation="AbortMultipartUpload",
        method="DELETE",
        place=place,
        query=f"uploadId={quote(upload_id, safe='~')}",
    )


def head_object(place: ObjectPlace) -> S3Request:
    return S3Request(operation="HeadObject", method="HEAD", place=place)


def get_range(place: ObjectPlace, offset: int, end: int, *, etag: str | None = None) -> S3Request:
    """The bytes from `offset` up to and without `end`; with `etag` only while the key has that object."""
    condition = {} if etag is None else {"If-Match": quoted(etag)}
    return S3Request(
        operation="GetObject",
        method="GET",
        place=place,
        headers={"Range": f"bytes={offset}-{end - 1}", **condition},
        # The first range is asked for without knowing the object.
        is_under_way=etag is not None,
    )


def metadata_headers(metadata: Mapping[str, str]) -> dict[str, str]:
    for name, value in metadata.items():
        if not (name.isascii() and value.isascii() and name.isprintable() and value.isprintable()):
            raise InvalidName(f"metadata {name!r} can only hold printable ASCII")
    return {f"x-amz-meta-{name}": value for name, value in metadata.items()}


def _checksum_headers(checksum: BodyChecksum | None) -> dict[str, str]:
    return {} if checksum is None else {checksum.algorithm.header: checksum.text}


def _views(body: Sequence[Piece]) -> tuple[memoryview, ...]:
    return tuple(view for piece in body if (view := memoryview(piece).cast("B")))
