"""The `aws-chunked` body of S3: chunks with sizes, signatures and trailers inside the HTTP body, decoded as it comes.

    400;chunk-signature=ad80…        size in hex, and in the signed forms a signature
    …1024 bytes…
    0;chunk-signature=b6c6…          the last chunk is empty
    x-amz-checksum-crc32c:sOO8/Q==   trailers, where the request announced them
    x-amz-trailer-signature:d81f…    in the signed form

Bytes are handed on as they come, before the signature of their chunk is known, so memory does not grow with the chunk:
whoever keeps them must commit only when `finished` is true. A wrong signature raises at the end of its chunk.

Source: S3 API Reference, "Transferring Payload in Multiple Chunks" and "Including Trailing Headers".
"""

import hmac
import re
from enum import Enum, auto
from hashlib import sha256

from crossdock.core.errors import ServiceError
from crossdock.wire.http import Headers
from crossdock.wire.sigv4 import VerifiedSignature
from crossdock.wire.sigv4_canonical import EMPTY_SHA256, hmac_sha256
from crossdock.wire.sigv4_claims import (
    STREAMING,
    STREAMING_SIGNED,
    STREAMING_SIGNED_TRAILER,
    STREAMING_UNSIGNED_TRAILER,
)

MAX_LINE_BYTES = 256
"""Of a size line: 16 hex digits and a signature need 98."""
MAX_TRAILER_BYTES = 4096
"""Of all trailer lines together."""

_SIZE_LINE = re.compile(rb"([0-9a-fA-F]{1,16})(?:;chunk-signature=([0-9a-f]{64}))?")
_TRAILER_LINE = re.compile(rb"([A-Za-z0-9-]+):[ \t]*([\x20-\x7e]*?)[ \t]*")
_TRAILER_SIGNATURE = "x-amz-trailer-signature"


class _State(Enum):
    SIZE = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILERS = auto()
    LAST_LINE = auto()
    FINISHED = auto()


class AwsChunkedDecoder:
    """Feed it the HTTP body as it comes; it gives the object's bytes.

    Args:
        payload_hash: The request's `x-amz-content-sha256`: which of the three forms it is.
        decoded_length: The request's `x-amz-decoded-content-length`.
        verified: The request's signature, from which those of the signed forms go on.
        expected_trailers: The names in the request's `x-amz-trailer`, in lower case.

    Raises:
        ServiceError: NotImplemented, another form; AccessDenied, a signed form in a request that is not signed.
    """

    def __init__(
        self,
        payload_hash: str,
        *,
        decoded_length: int,
        verified: VerifiedSignature | None = None,
        expected_trailers: frozenset[str] = frozenset(),
    ) -> None:
        if payload_hash not in STREAMING:
            raise ServiceError("NotImplemented", f"{payload_hash} is not implemented", status=501)
        self._is_signed = payload_hash != STREAMING_UNSIGNED_TRAILER
        self._has_trailers = payload_hash != STREAMING_SIGNED
        if self._is_signed and verified is None:
            raise ServiceError("AccessDenied", "Access Denied", status=403)
        self._verified = verified
        self._previous_signature = verified.signature if verified is not None else ""
        self._left_in_object = decoded_length
        self._expected_trailers = expected_trailers
        self._needs_trailer_signature = payload_hash == STREAMING_SIGNED_TRAILER
        self._state = _State.SIZE
        self._line = bytearray()
        self._trailer_bytes = 0
        self._left_in_chunk = 0
        self._chunk_signature = ""
        self._chunk_hash = sha256()
        self._trailers: dict[str, str] = {}

    @property
    def finished(self) -> bool:
        """The body is complete and everything in it was as signed and announced."""
        return self._state is _State.FINISHED

    @property
    def trailers(self) -> dict[str, str]:
        """The trailers by their names in lower case, without the signature; empty before the end."""
        return dict(self._trailers) if self.finished else {}

    def feed(self, data: bytes) -> list[bytes | memoryview]:
        """Decode the next piece of the HTTP body.

        Returns:
            Pieces of the object, as views of `data`.

        Raises:
            ServiceError: the framing, a length, a signature or a trailer is wrong; the decoder is then of no more use.
        """
        view = memoryview(data)
        pieces: list[bytes | memoryview] = []
        position = 0
        while position < len(view):
            if self._state is _State.DATA:
                piece = view[position : position + self._left_in_chunk]
                position += len(piece)
                self._left_in_chunk -= len(piece)
                if self._is_signed:
                    self._chunk_hash.update(piece)
                pieces.append(piece)
                if self._left_in_chunk == 0:
                    self._state = _State.DATA_END
            elif self._state is _State.FINISHED:
                raise _malformed("bytes after the end")
            else:
                position = self._take_line(data, position)
        return pieces

    def check_finished(self) -> None:
        """Call at the end of the HTTP body.

        Raises:
            ServiceError: IncompleteBody.
        """
        if not self.finished:
            raise _incomplete()

    def _take_line(self, data: bytes, position: int) -> int:
        """Collect a line up to its line feed and act on it; the position after it."""
        limit = MAX_TRAILER_BYTES if self._state is _State.TRAILERS else MAX_LINE_BYTES
        end = data.find(b"\n", position, position + limit + 1)
        stop = len(data) if end < 0 else end
        self._line += data[position : min(stop, position + limit + 1)]
        if len(self._line) > limit:
            raise _malformed("a line is too long")
        if end < 0:
            return stop
        line = bytes(self._line).removesuffix(b"\r")
        self._line.clear()
        if self._state is _State.SIZE:
            self._take_size(line)
        elif self._state is _State.TRAILERS:
            self._take_trailer(line)
        else:
            self._end_chunk(line)
        return end + 1

    def _take_size(self, line: bytes) -> None:
        match = _SIZE_LINE.fullmatch(line)
        if match is None or (match[2] is not None) is not self._is_signed:
            raise _malformed("a chunk's size line")
        size = int(match[1], 16)
        if size > self._left_in_object:
            raise _incomplete()
        self._left_in_object -= size
        self._left_in_chunk = size
        self._chunk_signature = (match[2] or b"").decode("ascii")
        if size:
            self._state = _State.DATA
            return
        if self._left_in_object:
            raise _incomplete()
        self._check_chunk_signature()
        self._state = _State.TRAILERS if self._has_trailers else _State.LAST_LINE

    def _end_chunk(self, line: bytes) -> None:
        if line:
            raise _malformed("a chunk is longer than its size")
        if self._state is _State.LAST_LINE:
            self._state = _State.FINISHED
            return
        self._check_chunk_signature()
        self._state = _State.SIZE

    def _check_chunk_signature(self) -> None:
        if not self._is_signed:
            return
        self._check(self._chunk_signature, "PAYLOAD", f"{EMPTY_SHA256}\n{self._chunk_hash.hexdigest()}")
        self._chunk_hash = sha256()

    def _check(self, signature: str, kind: str, rest: str) -> None:
        """A chunk's or the trailer's signature, which goes on from the one before."""
        verified = self._verified
        assert verified is not None, "only signed forms check, and those have it"
        text = f"AWS4-HMAC-SHA256-{kind}\n{verified.stamp}\n{verified.scope}\n{self._previous_signature}\n{rest}"
        expected = hmac_sha256(verified.signing_key, text).hex()
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            raise _mismatch()
        self._previous_signature = expected

    def _take_trailer(self, line: bytes) -> None:
        self._trailer_bytes += len(line) + 1
        if self._trailer_bytes > MAX_TRAILER_BYTES:
            raise _malformed("the trailers are too long")
        if not line:
            self._end_trailers()
            return
        match = _TRAILER_LINE.fullmatch(line)
        name = match[1].decode("ascii").lower() if match is not None else ""
        if match is None or name in self._trailers:
            raise _malformed_trailer()
        self._trailers[name] = match[2].decode("ascii")

    def _end_trailers(self) -> None:
        signature = self._trailers.pop(_TRAILER_SIGNATURE, "")
        if set(self._trailers) != self._expected_trailers:
            raise _malformed_trailer()
        if self._needs_trailer_signature:
            canonical = "".join(f"{name}:{value}\n" for name, value in sorted(self._trailers.items()))
            self._check(signature, "TRAILER", sha256(canonical.encode()).hexdigest())
        self._state = _State.FINISHED


def open_decoder(headers: Headers, payload_hash: str, verified: VerifiedSignature | None) -> AwsChunkedDecoder | None:
    """The decoder that a request's headers ask for; None for a body that is not `aws-chunked`.

    Raises:
        ServiceError: MissingContentLength, no length of the object; or as the decoder's constructor.
    """
    if payload_hash not in STREAMING:
        return None
    length = headers.get("x-amz-decoded-content-length", "")
    if re.fullmatch(r"\d{1,18}", length, re.ASCII) is None:
        raise ServiceError("MissingContentLength", "You must provide the Content-Length HTTP header.", status=411)
    names = (name.strip().lower() for name in headers.get("x-amz-trailer", "").split(","))
    return AwsChunkedDecoder(
        payload_hash,
        decoded_length=int(length),
        verified=verified,
        expected_trailers=frozenset(name for name in names if name),
    )


def _malformed(what: str) -> ServiceError:
    return ServiceError("InvalidRequest", f"The aws-chunked body is malformed: {what}")


def _malformed_trailer() -> ServiceError:
    return ServiceError(
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    )


def _incomplete() -> ServiceError:
    return ServiceError(
        "IncompleteBody", "The request body terminated unexpectedly or is not as long as x-amz-decoded-content-length"
    )


def _mismatch() -> ServiceError:
    return ServiceError(
        "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your key and signing"
        " method.",
        status=403,
    )
