"""One request's way: route, authenticate, parse, the one road, format, send."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any

from aiohttp import web
from botocore.model import ServiceModel

from crossdock.api.answers import send
from crossdock.api.authenticate import Authenticated, authenticate
from crossdock.api.bodies import RequestBody, read_whole
from crossdock.cloud.sts.access_keys import AccessKeys
from crossdock.core.errors import Fault, ServiceError
from crossdock.core.ids import uuid4_text
from crossdock.operations.call import Operations
from crossdock.operations.caller import Origin
from crossdock.operations.streams import ObjectBody
from crossdock.settings import ApiSettings
from crossdock.wire.aws_chunked import AwsChunkedDecoder
from crossdock.wire.http import Headers, HttpRequest, HttpResponse
from crossdock.wire.protocols import (
    find_operation,
    format_error,
    format_response,
    parse_request,
    streaming_input,
    streaming_output,
)
from crossdock.wire.routing import Route, route
from crossdock.wire.sigv4_claims import STREAMING

_log = logging.getLogger(__name__)
STALL_S = 60.0
STREAMED_SERVICE = "s3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """The one port on which every service answers."""

    models: Mapping[str, ServiceModel]
    operations: Operations
    keys: AccessKeys
    region: str
    settings: ApiSettings

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request. The task's boundary: whatever is not a ServiceError is logged and becomes a 500."""
        request_id = uuid4_text(self.operations.house.entropy)
        service = STREAMED_SERVICE
        try:
            received = _received(request)
            where = route(received, virtual_hosts=self.settings.virtual_hosts)
            service = where.service
            response, body = await self._answer(request, received, where, request_id)
        except ServiceError as error:
            response, body = self._failure(service, error, request_id), None
        except Exception:
            _log.exception("request failed", extra={"request_id": request_id, "service": service})
            response, body = self._failure(service, _internal_error(), request_id), None
        return await send(request, response, body, now=self.operations.house.clock.now())

    async def _answer(
        self, request: web.BaseRequest, received: HttpRequest, where: Route, request_id: str
    ) -> tuple[HttpResponse, ObjectBody | None]:
        model = self._model(where.service)
        invite = _inviter(request)
        streamed = self._streamed_member(model, where)
        if streamed is None:
            whole = await read_whole(
                request.content, max_bytes=self.settings.max_body_bytes, invite=invite, stall_s=STALL_S
            )
            received = replace(received, body=whole)
        now = self.operations.house.clock.now()
        who = await authenticate(where.service, received, self.keys, now=now)
        parsed = parse_request(model, replace(where.request, body=received.body))
        params: dict[str, Any] = dict(parsed.params)
        if streamed is not None:
            params[streamed] = self._body(request, received, who, invite)
        elif (member := streaming_input(model, parsed.operation)) is not None:
            params[member] = received.body
        result = await self.operations.call(
            where.service,
            parsed.operation,
            params,
            caller=who.caller,
            account_id=who.caller.principal.account_id,
            region=who.claim.region if who.claim else self.region,
            origin=self._origin(request),
            request_id=request_id,
        )
        return self._formatted(model, parsed.operation, result, request_id)

    def _model(self, service: str) -> ServiceModel:
        if service not in self.models:
            raise ServiceError(
                "UnknownOperationException", f"Crossdock does not have the service {service}.", status=501
            )
        return self.models[service]

    def _streamed_member(self, model: ServiceModel, where: Route) -> str | None:
        """The member of S3's input that is streamed; other services' bodies are small and read whole."""
        if where.service != STREAMED_SERVICE:
            return None
        return streaming_input(model, find_operation(model, where.request))

    def _body(self, request: web.BaseRequest, received: HttpRequest, who: Authenticated, invite: Any) -> RequestBody:
        payload_hash = received.headers.get("x-amz-content-sha256") or ""
        decoder = None
        length = request.content_length if request.content_length is not None else -1
        if payload_hash in STREAMING:
            length = _decoded_length(received.headers)
            decoder = AwsChunkedDecoder(
                payload_hash,
                decoded_length=length,
                verified=who.signature,
                expected_trailers=_announced_trailers(received.headers),
            )
        elif length < 0 and "transfer-encoding" not in received.headers:
            raise ServiceError("MissingContentLength", "You must provide the Content-Length HTTP header.", status=411)
        return RequestBody(
            request.content, length=length, claim=who.claim, decoder=decoder, invite=invite, stall_s=STALL_S
        )

    def _formatted(
        self, model: ServiceModel, operation: str, result: Mapping[str, Any], request_id: str
    ) -> tuple[HttpResponse, ObjectBody | None]:
        member = streaming_output(model, operation)
        body = result.get(member) if member is not None else None
        response = format_response(model, operation, result, request_id=request_id)
        if isinstance(body, ObjectBody):
            return response, body
        return (replace(response, body=bytes(body)) if body else response), None

    def _failure(self, service: str, error: ServiceError, request_id: str) -> HttpResponse:
        model = self.models.get(service) or self.models[STREAMED_SERVICE]
        return format_error(model, error, request_id=request_id)

    def _origin(self, request: web.BaseRequest) -> Origin:
        address = request.remote or ""
        is_loopback = bool(address) and ip_address(address).is_loopback
        return Origin(
            source_ip=address,
            is_secure=request.secure or (is_loopback and self.settings.loopback_is_secure),
            user_agent=request.headers.get("User-Agent", ""),
        )


def _internal_error() -> ServiceError:
    message = "We encountered an internal error. Please try again."
    return ServiceError("InternalError", message, status=500, fault=Fault.RECEIVER)


def _received(request: web.BaseRequest) -> HttpRequest:
    path, _, query = request.raw_path.partition("?")
    headers = Headers(
        (name.decode("ascii", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
        for name, value in request.raw_headers
    )
    return HttpRequest(method=request.method, path=path, query=query, headers=headers)


def _decoded_length(headers: Headers) -> int:
    text = headers.get("x-amz-decoded-content-length", "")
    if not (text.isascii() and text.isdecimal()):
        raise ServiceError(
            "MissingContentLength", "You must provide the x-amz-decoded-content-length header.", status=411
        )
    return int(text)


def _announced_trailers(headers: Headers) -> frozenset[str]:
    announced = headers.get("x-amz-trailer") or ""
    return frozenset(name.strip().lower() for name in announced.split(",") if name.strip())


def _inviter(request: web.BaseRequest) -> Any:
    """What tells a waiting client to send its body (RFC 9110 §10.1.1); does nothing for others."""
    waits = request.headers.get("Expect", "").lower() == "100-continue"

    def invite() -> None:
        if waits and request.transport is not None:
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    return invite
