"""The rest-json protocol of Lambda: operations by method and path, members in path, query, headers and a JSON body."""

from collections.abc import Mapping

from botocore.model import OperationModel, ServiceModel, StructureShape

from crossdock.core.errors import ServiceError
from crossdock.wire.error_shapes import modelled_error
from crossdock.wire.http import HttpRequest, HttpResponse, split_query
from crossdock.wire.json_values import decode_json, encode_json, read_structure, write_members
from crossdock.wire.malformed import Malformed, Part
from crossdock.wire.parsed import ParsedRequest
from crossdock.wire.rest_bindings import Binding, Bound, binding_of, check_members, read_bound, write_headers
from crossdock.wire.rest_routes import NoRoute, router_of

_JSON = "application/json"


def find_operation(model: ServiceModel, request: HttpRequest) -> str:
    """The operation of this method and path.

    Raises:
        ServiceError: UnknownOperationException, SerializationException.
    """
    return _find(model, request, _query(request))


def parse_request(model: ServiceModel, request: HttpRequest) -> ParsedRequest:
    """The operation and its input.

    Raises:
        ServiceError: UnknownOperationException, SerializationException.
    """
    query = _query(request)
    operation = model.operation_model(_find(model, request, query))
    shape = operation.input_shape
    if shape is None:
        return ParsedRequest(operation=operation.name, params={})
    binding = binding_of(shape)
    try:
        params = read_bound(operation, binding, request.path, query, request.headers)
        if binding.payload is not None:
            if not binding.streams and request.body:
                params[binding.payload.member] = _read_payload(binding.payload, request.body)
        elif binding.has_body and request.body:
            body = read_structure(shape, decode_json(request.body))
            params.update({key: value for key, value in body.items() if key not in binding.outside})
    except Malformed as problem:
        raise ServiceError("SerializationException", problem.message) from None
    return ParsedRequest(operation=operation.name, params=params)


def _query(request: HttpRequest) -> list[tuple[str, str]]:
    try:
        return split_query(request.query)
    except UnicodeError:
        raise ServiceError("SerializationException", "the query string is not UTF-8") from None


def _find(model: ServiceModel, request: HttpRequest, query: list[tuple[str, str]]) -> str:
    try:
        return router_of(model).find(request.method, request.path, query, request.headers)
    except NoRoute:
        raise ServiceError(
            "UnknownOperationException", "The requested operation is not recognized by the service.", status=404
        ) from None


def _read_payload(payload: Bound, body: bytes) -> object:
    if isinstance(payload.shape, StructureShape):
        return read_structure(payload.shape, decode_json(body))
    return read_raw_payload(payload, body)


def read_raw_payload(payload: Bound, body: bytes) -> object:
    """A body that is one blob or one text.

    Raises:
        Malformed: text that is not UTF-8.
    """
    if payload.shape.type_name == "blob":
        return body
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("the body is not UTF-8", Part.BODY) from None


def format_result(operation: OperationModel, result: Mapping[str, object], *, request_id: str) -> HttpResponse:
    """Status, headers and JSON body; the body of a stream is empty.

    Raises:
        TypeError: the result is not what the output shape says.
    """
    shape = operation.output_shape
    status = int(operation.http.get("responseCode", 200))
    headers = [("x-amzn-RequestId", request_id)]
    if shape is None:
        return HttpResponse(status=status, headers=tuple(headers))
    binding = binding_of(shape)
    check_members(shape, result)
    if binding.status is not None and isinstance(modelled := result.get(binding.status), int):
        status = modelled
    headers += write_headers(binding, result)
    body = _write_body(shape, binding, result)
    if body and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", _JSON))
    return HttpResponse(status=status, headers=tuple(headers), body=body)


def _write_body(shape: StructureShape, binding: Binding, result: Mapping[str, object]) -> bytes:
    if binding.payload is None:
        return encode_json(write_members(shape, result, binding.outside)) if binding.has_body else b""
    payload = result.get(binding.payload.member)
    if binding.streams or payload is None:
        return b""
    if isinstance(binding.payload.shape, StructureShape) and isinstance(payload, Mapping):
        return encode_json(write_members(binding.payload.shape, payload))
    return write_raw_payload(binding.payload, payload)


def write_raw_payload(payload: Bound, value: object) -> bytes:
    """A body that is one blob or one text.

    Raises:
        TypeError: the value is not of the shape's type.
    """
    if payload.shape.type_name == "blob" and isinstance(value, bytes):
        return value
    if payload.shape.type_name == "string" and isinstance(value, str):
        return value.encode()
    raise TypeError(f"{payload.shape.name} is a {payload.shape.type_name}, not a {type(value).__name__}")


def format_error(model: ServiceModel, error: ServiceError, *, request_id: str) -> HttpResponse:
    """A JSON object with the message; the code is in the header `x-amzn-errortype`."""
    known = modelled_error(model, error)
    return HttpResponse(
        status=known.status,
        headers=(
            ("x-amzn-RequestId", request_id),
            ("x-amzn-errortype", known.shape_name),
            ("Content-Type", _JSON),
            *known.headers,
        ),
        body=encode_json({**known.members, known.message_name: error.message}),
    )
