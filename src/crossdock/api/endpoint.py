"""One request's way: route, authenticate, parse, the one road, format, send."""

import logging
from collections.abc import Container, Mapping
from dataclasses import replace
from typing import Any

from aiohttp import web
from botocore.model import ServiceModel

from crossdock.api.answers import send
from crossdock.api.authenticate import ANYBODY, S3, Authenticated, Signer, find_signer
from crossdock.api.bodies import Invitation, RequestBody, announced_length
from crossdock.api.documents import BodyMemory, Share, decode_s3_document, read_document
from crossdock.api.heads import read_head, read_origin
from crossdock.api.refusals import internal_error, unavailable
from crossdock.cloud.sts.access_keys import AccessKeys
from crossdock.core.errors import OutOfSpace, ServiceError, Unavailable
from crossdock.core.ids import uuid4_text
from crossdock.operations.call import Operations
from crossdock.operations.streams import ObjectBody
from crossdock.settings import ApiSettings
from crossdock.wire.aws_chunked import open_decoder
from crossdock.wire.http import HttpRequest, HttpResponse
from crossdock.wire.protocols import (
    find_operation,
    format_error,
    format_response,
    parse_request,
    streaming_input,
    streaming_output,
)
from crossdock.wire.routing import Route, route
from crossdock.wire.sigv4 import flavour_of
from crossdock.wire.sigv4_claims import scope_service
from crossdock.wire.strangers import stranger_model

UNSIGNED_FORM_BYTES = 64 << 10
"""What is read of a form that nobody signed, to refuse it in the words of the service that it is for."""

_log = logging.getLogger(__name__)


class Endpoint:
    """The one port on which every service answers.

    `models` are looked at for anybody, but of the services in `seldom` only for who has proven who they are: it costs.
    """

    def __init__(
        self,
        *,
        models: Mapping[str, ServiceModel],
        seldom: Container[str] = (),
        operations: Operations,
        keys: AccessKeys,
        region: str,
        settings: ApiSettings,
    ) -> None:
        self._models = models
        self._seldom = seldom
        self._operations = operations
        self._keys = keys
        self._region = region
        self.settings = settings
        self._memory = BodyMemory(settings.body_memory_bytes)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request. The task's boundary: whatever is not foreseen is logged and becomes a 500."""
        exchange = Exchange(request, request_id=self._new_id())
        with self._memory.share() as share:
            try:
                response, body = await self._answer(exchange, share)
            except ServiceError as error:
                exchange.is_over = isinstance(error.__cause__, TimeoutError)
                response, body = self.refuse(error, exchange.model, exchange.request_id), None
            except (OutOfSpace, Unavailable) as error:
                _log.error("the service's disk fails", extra={"request_id": exchange.request_id, "reason": str(error)})
                refusal = unavailable(flavour_of(exchange.service), "The service's disk is full or fails.")
                response, body = self.refuse(refusal, exchange.model, exchange.request_id), None
            except Exception:
                _log.exception("request failed", extra={"request_id": exchange.request_id, "service": exchange.service})
                refusal = internal_error(flavour_of(exchange.service))
                response, body = self.refuse(refusal, exchange.model, exchange.request_id), None
        return await send(
            request,
            response,
            body,
            now=self._operations.house.clock.now(),
            stall_s=self.settings.stalled_timeout_s,
            # A body that still comes after all must not be taken for the next request.
            is_last=exchange.is_over or exchange.invitation.is_due,
        )

    def refuse(self, error: ServiceError, model: ServiceModel | None = None, request_id: str = "") -> HttpResponse:
        """The answer to a request that failed, in the protocol of a model, or in S3's where no other is known."""
        return format_error(model or self._models[S3], error, request_id=request_id or self._new_id())

    async def _answer(self, exchange: "Exchange", share: Share) -> tuple[HttpResponse, ObjectBody | None]:
        received = read_head(exchange.request)
        where = await self._route(exchange, received, share)
        exchange.service = where.service
        known = None if where.service in self._seldom else self._models.get(where.service)
        exchange.model = known or stranger_model(where.service, received)
        self._check_is_here(where.service)
        signer = await find_signer(where.service, received, self._keys)
        if where.service == S3:
            model = self._models[S3]
            who, operation, params = await self._read_s3(exchange, received, where, signer, share)
        else:
            received = replace(received, body=await self._document(exchange, share))
            who = self._proven(signer, received)
            exchange.model = model = self._models[where.service]
            parsed = parse_request(model, replace(where.request, body=received.body))
            operation, params = parsed.operation, dict(parsed.params)
        result = await self._operations.call(
            where.service,
            operation,
            params,
            caller=who.caller,
            account_id=who.caller.principal.account_id,
            region=who.claim.region if who.claim else self._region,
            origin=read_origin(exchange.request, loopback_is_secure=self.settings.loopback_is_secure),
            request_id=exchange.request_id,
        )
        return await _formatted(model, operation, result, exchange.request_id)

    async def _route(self, exchange: "Exchange", received: HttpRequest, share: Share) -> Route:
        """Where a request goes. Only a form that nobody signed must be looked into: nothing else tells its service."""
        is_form = received.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        length = exchange.request.content_length
        if (
            received.method == "POST"
            and is_form
            and length is not None
            and length <= UNSIGNED_FORM_BYTES
            and scope_service(received) is None
        ):
            received = replace(received, body=await self._document(exchange, share))
        return route(received, virtual_hosts=self.settings.virtual_hosts)

    async def _read_s3(
        self, exchange: "Exchange", received: HttpRequest, where: Route, signer: Signer | None, share: Share
    ) -> tuple[Authenticated, str, dict[str, Any]]:
        """Who calls what. S3's signature does not wait for the body, which may be larger than memory."""
        model = self._models[S3]
        who = self._proven(signer, received)
        operation = find_operation(model, where.request)
        streamed = streaming_input(model, operation)
        if streamed is not None:
            params = dict(parse_request(model, where.request).params)
            params[streamed] = self._body(exchange, received, who)
            return who, operation, params
        has_checksum = "requestAlgorithmMember" in model.operation_model(operation).http_checksum
        document = decode_s3_document(
            where.request.body or await self._document(exchange, share),
            received.headers,
            who,
            has_checksum=has_checksum,
        )
        parsed = parse_request(model, replace(where.request, body=document))
        return who, parsed.operation, dict(parsed.params)

    def _body(self, exchange: "Exchange", received: HttpRequest, who: Authenticated) -> RequestBody:
        headers = received.headers
        payload_hash = who.claim.payload_hash if who.claim is not None else headers.get("x-amz-content-sha256", "")
        decoder = open_decoder(headers, payload_hash, who.signature)
        length = (
            announced_length(exchange.request)
            if decoder is None
            else int(headers.get("x-amz-decoded-content-length", ""))
        )
        return RequestBody(
            exchange.request.content,
            length=length,
            claim=who.claim,
            decoder=decoder,
            invitation=exchange.invitation,
            stall_s=self.settings.stalled_timeout_s,
        )

    async def _document(self, exchange: "Exchange", share: Share) -> bytes:
        return await read_document(
            exchange.request,
            max_bytes=self.settings.max_body_bytes,
            share=share,
            invitation=exchange.invitation,
            stall_s=self.settings.stalled_timeout_s,
            flavour=flavour_of(exchange.service),
        )

    def _proven(self, signer: Signer | None, received: HttpRequest) -> Authenticated:
        return ANYBODY if signer is None else signer.prove(received, now=self._operations.house.clock.now())

    def _check_is_here(self, service: str) -> None:
        if service not in self._models:
            raise ServiceError(
                "UnknownOperationException", f"Crossdock does not have the service {service}.", status=501
            )

    def _new_id(self) -> str:
        return uuid4_text(self._operations.house.entropy)


class Exchange:
    """One request and its answer: what is known of it, also when it fails."""

    __slots__ = ("invitation", "is_over", "model", "request", "request_id", "service")

    def __init__(self, request: web.BaseRequest, *, request_id: str) -> None:
        self.request = request
        self.request_id = request_id
        self.invitation = Invitation(request)
        # Until more is known: S3 is what a request is for that names nothing else.
        self.service = S3
        self.model: ServiceModel | None = None
        # The client has stopped sending.
        self.is_over = False


async def _formatted(
    model: ServiceModel, operation: str, result: Mapping[str, Any], request_id: str
) -> tuple[HttpResponse, ObjectBody | None]:
    member = streaming_output(model, operation)
    body = result.get(member) if member is not None else None
    try:
        response = format_response(model, operation, result, request_id=request_id)
    except BaseException:
        if isinstance(body, ObjectBody):
            await body.reader.close()
        raise
    if isinstance(body, ObjectBody):
        return response, body
    return (replace(response, body=bytes(body)) if body else response), None
