"""HTTP as it is on the wire: requests written byte by byte, and what came back.

answer = await ask(port, signed(key, "s3", "GET", "/box"))
async with connect(port) as wire:
    await wire.send(b"GET / HTTP/1.1\\r\\n")
    answer = await wire.answer()
"""

import asyncio
import hmac
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol
from xml.etree import ElementTree

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from tests.fakes.closing import cut

HOST = "127.0.0.1"
EMPTY_SHA256 = sha256(b"").hexdigest()
PATIENCE_S = 20.0
"""How long a test waits for what must come."""


class Key(Protocol):
    @property
    def access_key_id(self) -> str: ...

    @property
    def secret_access_key(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """The error's code, in whichever of AWS's forms it came."""
        if "json" in self.headers.get("content-type", ""):
            return str(json.loads(self.body)["__type"] if b"__type" in self.body else self.headers["x-amzn-errortype"])
        return self._element("Code")

    @property
    def message(self) -> str:
        if "json" in self.headers.get("content-type", ""):
            said = json.loads(self.body)
            return str(said.get("message") or said.get("Message"))
        return self._element("Message")

    @property
    def request_id(self) -> str:
        return self.headers.get("x-amz-request-id") or self.headers.get("x-amzn-requestid") or ""

    def _element(self, name: str) -> str:
        for element in ElementTree.fromstring(self.body).iter():
            if element.tag.rpartition("}")[2] == name:
                return element.text or ""
        raise AssertionError(f"no {name} in {self.body!r}")


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, method: str = "GET") -> Answer:
        async with asyncio.timeout(PATIENCE_S):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip("\r\n").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            status = int(first.split()[1])
            size = 0 if method == "HEAD" or status in (100, 204, 304) else int(headers.get("content-length", 0))
            return Answer(status=status, headers=headers, body=await self.reader.readexactly(size))

    async def ends(self) -> bytes:
        """Wait until the other side has closed the connection; what came before that."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read()
            except ConnectionError:
                return b""

    def reset(self) -> None:
        """Leave without a farewell."""
        cut(self.writer)


@asynccontextmanager
async def connect(port: int) -> AsyncIterator[Wire]:
    reader, writer = await asyncio.open_connection(HOST, port)
    try:
        yield Wire(reader, writer)
    finally:
        cut(writer)


async def ask(port: int, request: bytes, method: str = "GET") -> Answer:
    async with connect(port) as wire:
        await wire.send(request)
        return await wire.answer(method)


def plain(method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """A request as it goes over the wire, with its length unless the headers say something of it."""
    fields = {"Host": "localhost", **(headers or {})}
    lowered = {name.lower() for name in fields}
    if (body or method in ("PUT", "POST")) and not lowered & {"content-length", "transfer-encoding"}:
        fields["Content-Length"] = str(len(body))
    lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items() if value)]
    return "\r\n".join([*lines, "", ""]).encode() + body


def signed(
    key: Key,
    service: str,
    method: str = "GET",
    target: str = "/",
    *,
    headers: Mapping[str, str] | None = None,
    body: bytes = b"",
    sent: bytes | None = None,
    token: str = "",
    region: str = "us-east-1",
    skew: timedelta = timedelta(0),
    host: str = "localhost",
    payload_hash: str = "",
    extra: Mapping[str, str] | None = None,
) -> bytes:
    """A request that botocore signed.

    Args:
        sent: the body on the wire, when it is another than the one that was signed.
        skew: how far the signer's clock is ahead.
        payload_hash: the word for S3's `x-amz-content-sha256`, instead of the body's hash.
        extra: headers that are not under the signature.
    """
    request = AWSRequest(method=method, url=f"http://{host}{target}", headers=dict(headers or {}), data=body)
    credentials = Credentials(key.access_key_id, key.secret_access_key, token or None)
    signer = (_S3 if service == "s3" else _Other)(credentials, service, region)
    signer.moment = datetime.now(UTC) + skew
    signer.payload_word = payload_hash
    signer.add_auth(request)
    fields = {"Host": host, **dict(request.headers.items()), **(extra or {})}
    return plain(method, target, fields, body if sent is None else sent)


class _Adjusted:
    """What a signer of botocore's is told to do otherwise."""

    moment: datetime
    payload_word: str

    def add_auth(self, request: AWSRequest) -> None:
        request.context["timestamp"] = self.moment.strftime("%Y%m%dT%H%M%SZ")
        self._modify_request_before_signing(request)
        text = self.string_to_sign(request, self.canonical_request(request))
        self._inject_signature_to_request(request, self.signature(text, request))

    def payload(self, request: AWSRequest) -> Any:
        return self.payload_word or super().payload(request)


class _S3(_Adjusted, S3SigV4Auth):
    pass


class _Other(_Adjusted, SigV4Auth):
    pass


SIGNED_CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


def signed_chunks(
    key: Key,
    method: str,
    target: str,
    pieces: Sequence[bytes],
    *,
    form: str = SIGNED_CHUNKS,
    trailers: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    size: int | None = None,
    spoil: Callable[[bytes], bytes] = bytes,
) -> bytes:
    """A request of S3 with an `aws-chunked` body of these pieces.

    Args:
        size: the decoded length that is claimed, if not the true one.
        spoil: changes the body on its way.
    """
    trailers = trailers or {}
    told = {
        **(headers or {}),
        "Content-Encoding": "aws-chunked",
        "X-Amz-Decoded-Content-Length": str(sum(map(len, pieces)) if size is None else size),
    }
    if trailers:
        told["X-Amz-Trailer"] = ",".join(trailers)
    head = signed(key, "s3", method, target, headers=told, payload_hash=form).decode()
    body = spoil(_chunks(key, head, pieces, form, trailers))
    return head.replace("\r\nContent-Length: 0", f"\r\nContent-Length: {len(body)}").encode() + body


def _chunks(key: Key, head: str, pieces: Sequence[bytes], form: str, trailers: Mapping[str, str]) -> bytes:
    """S3 API Reference, "Transferring Payload in Multiple Chunks" and "Including Trailing Headers"."""
    stamp, signature = (
        re.search(pattern, head)[1]
        for pattern in (r"X-Amz-Date: (\w+)", r"Signature=(\w+)")  # type: ignore[index]
    )
    scope = f"{stamp[:8]}/us-east-1/s3/aws4_request"
    signing = f"AWS4{key.secret_access_key}".encode()
    for part in scope.split("/"):
        signing = hmac.digest(signing, part.encode(), "sha256")

    def sign(kind: str, rest: str) -> str:
        nonlocal signature
        text = f"AWS4-HMAC-SHA256-{kind}\n{stamp}\n{scope}\n{signature}\n{rest}"
        signature = hmac.new(signing, text.encode(), "sha256").hexdigest()
        return signature

    out = b""
    for piece in (*pieces, b""):
        line = f"{len(piece):x}"
        if form != UNSIGNED_TRAILER:
            line += ";chunk-signature=" + sign("PAYLOAD", EMPTY_SHA256 + "\n" + sha256(piece).hexdigest())
        out += line.encode() + b"\r\n" + piece + (b"\r\n" if piece else b"")
    for name, value in trailers.items():
        out += f"{name}:{value}\r\n".encode()
    if form == SIGNED_TRAILER:
        said = "".join(f"{name}:{value}\n" for name, value in sorted(trailers.items()))
        out += f"x-amz-trailer-signature:{sign('TRAILER', sha256(said.encode()).hexdigest())}\r\n".encode()
    return out + b"\r\n"
