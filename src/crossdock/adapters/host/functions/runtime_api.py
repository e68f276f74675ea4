"""The Lambda Runtime API on loopback: processes ask for the next invocation and post what came of it.

A request's path is `/SECRET/2018-06-01/runtime/…`; the secret says which process asks. Everything else is answered 403
and closed. `invocation/next` stays open while there is nothing to do, and is answered in one write (asyncio sets
TCP_NODELAY): headers and body in two writes would cost 40 ms, because the client delays its acknowledgements.

Source: Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

MAX_RESPONSE = 6_291_556
"""Source: Lambda Developer Guide, "Lambda quotas": 6 MB for a synchronous response, and 100 bytes."""

_MAX_HEAD = 32 * 1024
_MAX_CONNECTIONS = 1024
_HEAD_TIMEOUT_S = 10.0
_VERSION = "2018-06-01"

_ACCEPTED = (
    b"HTTP/1.1 202 Accepted\r\nContent-Type: application/json\r\nContent-Length: 16\r\n\r\n" + b'{"status":"OK"}\n'
)
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class RuntimeEndpoint(Protocol):
    """A process, as this API talks to it."""

    def asks_for_work(self, reply: Callable[[bytes], None]) -> None:
        """`reply` sends a whole HTTP answer; it does nothing once the connection is gone."""

    def answers(self, request_id: str, body: bytes, *, is_error: bool) -> bool:
        """An invocation's result; False when there is no such invocation."""

    def answers_too_much(self, request_id: str) -> bool: ...

    def fails_to_start(self, body: bytes) -> None: ...


class RuntimeApi:
    """One listening socket for all processes."""

    def __init__(self) -> None:
        self._endpoints: dict[str, RuntimeEndpoint] = {}
        self._server: asyncio.Server | None = None
        self._connections: set[_Connection] = set()
        self.port = 0

    async def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    def admit(self, secret: str, endpoint: RuntimeEndpoint) -> None:
        self._endpoints[secret] = endpoint

    def forget(self, secret: str) -> None:
        self._endpoints.pop(secret, None)

    def find(self, secret: str) -> RuntimeEndpoint | None:
        return self._endpoints.get(secret)

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.abort()

    def join(self, connection: "_Connection") -> bool:
        if len(self._connections) >= _MAX_CONNECTIONS:
            return False
        self._connections.add(connection)
        return True

    def leave(self, connection: "_Connection") -> None:
        self._connections.discard(connection)


@dataclass(slots=True, kw_only=True)
class _Request:
    method: str
    endpoint: RuntimeEndpoint
    path: str
    length: int
    is_too_long: bool
    taken: int = 0


class _Connection(asyncio.Protocol):
    """HTTP/1.1 as far as the runtime client speaks it: requests with a Content-Length, one after another."""

    def __init__(self, api: RuntimeApi) -> None:
        self._api = api
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._request: _Request | None = None
        self._impatience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._api.join(self):
            transport.abort()
            return
        self._impatience = asyncio.get_running_loop().call_later(_HEAD_TIMEOUT_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._be_patient()
        self._api.leave(self)

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while self._transport is not None and self._step():
            pass

    def _step(self) -> bool:
        """Go one step on with what is in the buffer; False when more must come first."""
        if self._request is None:
            return self._read_head()
        return self._read_body(self._request)

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > _MAX_HEAD:
                self._refuse(b"431 Request Header Fields Too Large")
            return False
        line, *fields = bytes(self._buffer[:end]).decode("latin-1").split("\r\n")
        del self._buffer[: end + 4]
        headers = {name.strip().lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
        method, _, rest = line.partition(" ")
        secret, _, path = rest.partition(" ")[0].lstrip("/").partition("/")
        endpoint = self._api.find(secret)
        length = headers.get("content-length", "0")
        if endpoint is None:
            self._refuse(b"403 Forbidden")
            return False
        if not length.isdecimal() or "transfer-encoding" in headers:
            self._refuse(b"411 Length Required")
            return False
        self._be_patient()
        size = int(length)
        if headers.get("expect", "").lower() == "100-continue":
            self._send(_CONTINUE)
        self._request = _Request(
            method=method, endpoint=endpoint, path=path, length=size, is_too_long=size > MAX_RESPONSE
        )
        return True

    def _read_body(self, request: _Request) -> bool:
        if request.is_too_long:
            # Read and forgotten, so that the process hears an answer and goes on.
            dropped = min(len(self._buffer), request.length - request.taken)
            del self._buffer[:dropped]
            request.taken += dropped
            if request.taken < request.length:
                return False
            body = b""
        else:
            if len(self._buffer) < request.length:
                return False
            body = bytes(self._buffer[: request.length])
            del self._buffer[: request.length]
        self._request = None
        self._serve(request, body)
        return bool(self._buffer)

    def _serve(self, request: _Request, body: bytes) -> None:
        match [request.method, *request.path.split("/")]:
            case ["GET", str(version), "runtime", "invocation", "next"] if version == _VERSION:
                request.endpoint.asks_for_work(self._send)
                return
            case ["POST", str(version), "runtime", "invocation", request_id, "response" | "error" as kind] if (
                version == _VERSION
            ):
                if request.is_too_long:
                    is_known = request.endpoint.answers_too_much(request_id)
                else:
                    is_known = request.endpoint.answers(request_id, body, is_error=kind == "error")
                if not is_known:
                    self._refuse(b"400 Bad Request")
                    return
            case ["POST", str(version), "runtime", "init", "error"] if version == _VERSION:
                request.endpoint.fails_to_start(body)
            case _:
                self._refuse(b"404 Not Found")
                return
        self._send(_ACCEPTED)

    def _send(self, answer: bytes) -> None:
        if self._transport is not None:
            self._transport.write(answer)

    def _refuse(self, status: bytes) -> None:
        if self._transport is not None:
            self._transport.write(b"HTTP/1.1 " + status + b"\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            self._transport.close()
            self._transport = None

    def _be_patient(self) -> None:
        if self._impatience is not None:
            self._impatience.cancel()
            self._impatience = None
