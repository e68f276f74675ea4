"""The checksums that clients send and S3 keeps: computed on the way in, compared, stored, combined.

Source: Amazon S3 User Guide, "Checking object integrity in Amazon S3".
"""

import hashlib
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from awscrt import checksums as crt

from crossdock.cloud.s3.failures import invalid_request
from crossdock.core.errors import ServiceError
from crossdock.operations.operation import Params


class ChecksumType(StrEnum):
    COMPOSITE = "COMPOSITE"
    FULL_OBJECT = "FULL_OBJECT"


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...

    def digest(self) -> bytes: ...


class _Crc:
    def __init__(self, function: Callable[[bytes, int], int], width: int) -> None:
        self._function = function
        self._width = width
        self._value = 0

    def update(self, data: bytes, /) -> None:
        self._value = self._function(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(self._width, "big")


class _XxHash:
    def __init__(self, state: crt.XXHash) -> None:
        self._state = state

    def update(self, data: bytes, /) -> None:
        self._state.update(data)

    def digest(self) -> bytes:
        digest: bytes = self._state.finalize()
        return digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """`combine(first, second, size of second)` joins the checksums of two runs of bytes, for those that can."""

    name: str
    size: int
    new: Callable[[], Digest] = field(repr=False)
    combine: Callable[[int, int, int], int] | None = field(default=None, repr=False)

    @property
    def member(self) -> str:
        return f"Checksum{self.name}"

    @property
    def header(self) -> str:
        return f"x-amz-checksum-{self.name.lower()}"

    @property
    def types(self) -> tuple[ChecksumType, ...]:
        """The types that a multipart upload may have; the first is the one it has when none is asked for."""
        if self.name == "CRC64NVME":
            return (ChecksumType.FULL_OBJECT,)
        if self.combine is not None:
            return (ChecksumType.COMPOSITE, ChecksumType.FULL_OBJECT)
        return (ChecksumType.COMPOSITE,)


ALGORITHMS: Mapping[str, Algorithm] = {
    algorithm.name: algorithm
    for algorithm in (
        Algorithm(name="CRC32", size=4, new=lambda: _Crc(crt.crc32, 4), combine=crt.combine_crc32),
        Algorithm(name="CRC32C", size=4, new=lambda: _Crc(crt.crc32c, 4), combine=crt.combine_crc32c),
        Algorithm(name="CRC64NVME", size=8, new=lambda: _Crc(crt.crc64nvme, 8), combine=crt.combine_crc64nvme),
        Algorithm(name="SHA1", size=20, new=lambda: hashlib.sha1(usedforsecurity=False)),
        Algorithm(name="SHA256", size=32, new=hashlib.sha256),
        Algorithm(name="SHA512", size=64, new=hashlib.sha512),
        Algorithm(name="MD5", size=16, new=lambda: hashlib.md5(usedforsecurity=False)),
        Algorithm(name="XXHASH64", size=8, new=lambda: _XxHash(crt.XXHash.new_xxhash64())),
        Algorithm(name="XXHASH3", size=8, new=lambda: _XxHash(crt.XXHash.new_xxhash3_64())),
        Algorithm(name="XXHASH128", size=16, new=lambda: _XxHash(crt.XXHash.new_xxhash3_128())),
    )
}
DEFAULT_ALGORITHM = ALGORITHMS["CRC64NVME"]
"""What S3 computes of an object whose client sent no checksum."""


def algorithm_named(name: str) -> Algorithm:
    algorithm = ALGORITHMS.get(name.upper())
    if algorithm is None:
        raise invalid_request(
            "Checksum algorithm provided is unsupported. Please try again with any of the valid "
            f"types: [{', '.join(ALGORITHMS)}]"
        )
    return algorithm


class Digests:
    """The MD5 of a body and whatever else is asked for, computed in one pass. `md5_hex` and `text` end the pass."""

    def __init__(self, algorithms: Sequence[Algorithm]) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._others = {algorithm.name: algorithm.new() for algorithm in algorithms}
        self._texts: dict[str, str] = {}

    def update(self, data: bytes) -> None:
        self._md5.update(data)
        for other in self._others.values():
            other.update(data)

    @property
    def md5(self) -> bytes:
        return self._md5.digest()

    def has(self, algorithm: Algorithm) -> bool:
        return algorithm.name in self._others

    def text(self, algorithm: Algorithm) -> str:
        if algorithm.name not in self._texts:
            self._texts[algorithm.name] = b64encode(self._others[algorithm.name].digest()).decode()
        return self._texts[algorithm.name]

    def texts(self) -> dict[str, str]:
        return {name: self.text(ALGORITHMS[name]) for name in self._others}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claims:
    """What a client says of its body: an MD5, and a checksum whose value stands in a header or in a trailer to come."""

    md5: bytes | None = None
    algorithm: Algorithm | None = None
    value: str | None = None

    def check_md5(self, digests: Digests) -> None:
        if self.md5 is not None and self.md5 != digests.md5:
            raise ServiceError(
                "BadDigest",
                "The Content-MD5 you specified did not match what we received.",
                members={
                    "ExpectedDigest": b64encode(self.md5).decode(),
                    "CalculatedDigest": b64encode(digests.md5).decode(),
                },
            )

    def with_trailers(self, trailers: Mapping[str, str]) -> "Claims":
        """What is claimed once the body has been read to its end."""
        found = [(a, trailers[a.header]) for a in ALGORITHMS.values() if a.header in trailers]
        if len(found) > 1 or (found and self.value is not None):
            raise invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
        if found:
            algorithm, value = found[0]
            return Claims(md5=self.md5, algorithm=algorithm, value=_checked(algorithm, value))
        if self.algorithm is not None and self.value is None:
            raise invalid_request(
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer "
                "headers were found."
            )
        return self


def read_claims(params: Params) -> Claims:
    """What the members of PutObject or UploadPart say.

    Raises:
        ServiceError: InvalidDigest for what is no MD5, InvalidRequest for what is no checksum or more than one.
    """
    md5: bytes | None = None
    if (text := params.get("ContentMD5")) is not None:
        md5 = _decoded(text)
        if md5 is None or len(md5) != 16:
            raise ServiceError(
                "InvalidDigest", "The Content-MD5 you specified was invalid.", members={"Content-MD5": text}
            )
    given = [a for a in ALGORITHMS.values() if params.get(a.member) is not None]
    if len(given) > 1:
        raise invalid_request("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
    if given:
        return Claims(md5=md5, algorithm=given[0], value=_checked(given[0], params[given[0].member]))
    if name := params.get("ChecksumAlgorithm"):
        return Claims(md5=md5, algorithm=algorithm_named(name))
    return Claims(md5=md5)


def check_value(algorithm: Algorithm, claimed: str, computed: str) -> None:
    if claimed != computed:
        raise ServiceError("BadDigest", f"The {algorithm.name} you specified did not match the calculated checksum.")


def composite(algorithm: Algorithm, parts: Sequence[str]) -> str:
    """The checksum of the parts' checksums, and how many parts there are."""
    digest = algorithm.new()
    digest.update(b"".join(b64decode(part) for part in parts))
    return f"{b64encode(digest.digest()).decode()}-{len(parts)}"


def full_object(algorithm: Algorithm, parts: Sequence[tuple[str, int]]) -> str:
    """The checksum of all bytes, from each part's checksum and size; only for algorithms that combine."""
    if algorithm.combine is None:
        raise ValueError(f"{algorithm.name} checksums cannot be combined")
    value = 0
    for text, size in parts:
        value = algorithm.combine(value, int.from_bytes(b64decode(text), "big"), size)
    return b64encode(value.to_bytes(algorithm.size, "big")).decode()


def checksum_type(text: str) -> ChecksumType:
    """A stored checksum tells its own type: only a composite one ends in the number of parts."""
    return ChecksumType.COMPOSITE if "-" in text else ChecksumType.FULL_OBJECT


def checksum_members(checksums: Mapping[str, str]) -> dict[str, str]:
    """`ChecksumCRC32` and its like, and `ChecksumType`, as answers have them."""
    members = {ALGORITHMS[name].member: text for name, text in checksums.items()}
    for text in checksums.values():
        members["ChecksumType"] = checksum_type(text).value
    return members


def _checked(algorithm: Algorithm, text: str) -> str:
    decoded = _decoded(text)
    if decoded is None or len(decoded) != algorithm.size:
        raise invalid_request(f"Value for {algorithm.header} header is invalid.")
    return b64encode(decoded).decode()


def _decoded(text: str) -> bytes | None:
    try:
        return b64decode(text, validate=True)
    except ValueError:
        return None
