"""The rest-xml protocol as S3 speaks it, the one service of ours that does: its documents, errors and status rules."""

from collections.abc import Mapping

from botocore.model import OperationModel, ServiceModel, StructureShape

from crossdock.core.errors import ServiceError
from crossdock.wire.error_shapes import modelled_error
from crossdock.wire.http import Headers, HttpRequest, HttpResponse, split_query
from crossdock.wire.malformed import Malformed, Part
from crossdock.wire.parsed import ParsedRequest
from crossdock.wire.query import write_error
from crossdock.wire.rest_bindings import (
    Binding,
    binding_of,
    check_members,
    check_required,
    read_bound,
    write_headers,
)
from crossdock.wire.rest_json import read_raw_payload, write_raw_payload
from crossdock.wire.rest_routes import NoRoute, Unroutable, router_of
from crossdock.wire.s3_names import AUTHENTICATION_KEYS, LOCATION_OPERATION, ROOT_ELEMENTS, S3_NAMESPACE
from crossdock.wire.xml_tree import DECLARATION, escape_name, escape_text, parse_xml
from crossdock.wire.xml_values import XmlStyle, read_structure, write_members

_XML = XmlStyle(always_millis=True, escape=escape_name)
_REFUSALS = {
    Part.PATH: ("InvalidURI", "Couldn't parse the specified URI."),
    Part.QUERY: ("InvalidArgument", None),
    Part.HEADER: ("InvalidArgument", None),
    Part.BODY: (
        "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published schema",
    ),
    Part.EMPTY_BODY: ("MissingRequestBodyError", "Request Body is empty"),
}
_NO_ROUTES = {
    Unroutable.METHOD: ("MethodNotAllowed", "The specified method is not allowed against this resource.", 405),
    Unroutable.SUBRESOURCE: (
        "NotImplemented",
        "A header you provided implies functionality that is not implemented",
        501,
    ),
}


def find_operation(model: ServiceModel, request: HttpRequest) -> str:
    """The operation of this method, path and query; a subresource never falls through to another operation.

    Raises:
        ServiceError: MethodNotAllowed, NotImplemented, InvalidURI, InvalidArgument.
    """
    try:
        query = _query(request)
        return _find(model, request, query, _headers(request, query))
    except Malformed as problem:
        raise _refusal(problem) from None


def parse_request(model: ServiceModel, request: HttpRequest) -> ParsedRequest:
    """The operation and its input.

    Raises:
        ServiceError: as `find_operation`, or MalformedXML, MissingRequestBodyError.
    """
    try:
        query = _query(request)
        headers = _headers(request, query)
        operation = model.operation_model(_find(model, request, query, headers))
        shape = operation.input_shape
        if shape is None:
            return ParsedRequest(operation=operation.name, params={})
        binding = binding_of(shape)
        params = read_bound(operation, binding, request.path, query, headers)
        check_required(shape, binding, params)
        if binding.payload is not None:
            _read_payload(params, shape, binding, request.body)
        elif binding.has_body and request.body:
            root = parse_xml(request.body)
            params.update(read_structure(shape, root, binding.outside))
    except Malformed as problem:
        raise _refusal(problem) from None
    return ParsedRequest(operation=operation.name, params=params)


def _query(request: HttpRequest) -> list[tuple[str, str]]:
    try:
        return split_query(request.query)
    except UnicodeError:
        raise Malformed("the query string is not UTF-8", Part.PATH) from None


def _headers(request: HttpRequest, query: list[tuple[str, str]]) -> Headers:
    """The headers, and those that a presigned URL carries in its query.

    A `x-amz-copy-source` there must make a copy, not an empty object, so it counts before the operation is chosen.
    """
    hidden = [
        (key.lower(), value)
        for key, value in query
        if key[:6].lower() == "x-amz-" and key.lower() not in AUTHENTICATION_KEYS
    ]
    if not hidden:
        return request.headers
    if len({key for key, _ in hidden}) < len(hidden) or any(key in request.headers for key, _ in hidden):
        raise Malformed("a header is given more than once", Part.QUERY)
    return Headers([*request.headers, *hidden])


def _find(model: ServiceModel, request: HttpRequest, query: list[tuple[str, str]], headers: Headers) -> str:
    try:
        return router_of(model).find(request.method, request.path, query, headers)
    except NoRoute as problem:
        code, message, status = _NO_ROUTES[problem.reason]
        raise ServiceError(code, message, status=status) from None


def _refusal(problem: Malformed) -> ServiceError:
    code, message = _REFUSALS[problem.part]
    return ServiceError(code, message or problem.message)


def _read_payload(params: dict[str, object], shape: StructureShape, binding: Binding, body: bytes) -> None:
    payload = binding.payload
    if payload is None or binding.streams:
        return
    if not body:
        if payload.member in shape.required_members:
            raise Malformed(f"{payload.member} is missing", Part.EMPTY_BODY)
        return
    if not isinstance(payload.shape, StructureShape):
        params[payload.member] = read_raw_payload(payload, body)
        return
    root = parse_xml(body)
    if root.tag != payload.name:
        raise Malformed(f"expected the element {payload.name}")
    params[payload.member] = read_structure(payload.shape, root)


def format_result(operation: OperationModel, result: Mapping[str, object], *, request_id: str) -> HttpResponse:
    """Status, headers and XML body; the body of a stream is empty.

    Raises:
        ServiceError: InvalidArgument, a value that no header can carry.
        TypeError: the result is not what the output shape says.
    """
    shape = operation.output_shape
    status = int(operation.http.get("responseCode", 200))
    headers = [("x-amz-request-id", request_id)]
    if shape is None:
        return HttpResponse(status=status, headers=tuple(headers))
    binding = binding_of(shape)
    check_members(shape, result)
    headers += write_headers(binding, result)
    if result.get("ContentRange") is not None:
        status = 206
    body, content_type = _write_body(operation.name, shape, binding, result)
    if content_type:
        headers.append(("Content-Type", content_type))
    return HttpResponse(status=status, headers=tuple(headers), body=body)


def _write_body(
    operation: str, shape: StructureShape, binding: Binding, result: Mapping[str, object]
) -> tuple[bytes, str]:
    """The body and its type, empty when there is none."""
    if operation == LOCATION_OPERATION:
        text = escape_text(str(result.get("LocationConstraint") or ""))
        return _document("LocationConstraint", [text]), "application/xml"
    out: list[str] = []
    if binding.payload is None:
        if not binding.has_body:
            return b"", ""
        write_members(out, shape, result, _XML, binding.outside)
        return _document(ROOT_ELEMENTS.get(operation, f"{operation}Result"), out), "application/xml"
    payload = result.get(binding.payload.member)
    if binding.streams or payload is None:
        return b"", ""
    if isinstance(binding.payload.shape, StructureShape) and isinstance(payload, Mapping):
        write_members(out, binding.payload.shape, payload, _XML)
        return _document(binding.payload.name, out), "application/xml"
    # The one raw payload of S3 is a bucket's policy.
    return write_raw_payload(binding.payload, payload), "application/json"


def _document(root: str, inside: list[str]) -> bytes:
    return "".join([DECLARATION, f'<{root} xmlns="{S3_NAMESPACE}">', *inside, f"</{root}>"]).encode()


def format_error(model: ServiceModel, error: ServiceError, *, request_id: str) -> HttpResponse:
    """S3's bare `Error` document, with `Resource` and the like from the error's members.

    A 304 has no body (RFC 9110 §15.4.5).
    """
    known = modelled_error(model, error)
    headers = (("x-amz-request-id", request_id), *known.headers)
    if known.status == 304:
        return HttpResponse(status=304, headers=headers)
    out = [DECLARATION, "<Error>"]
    write_error(out, error, known)
    out.append(f"<RequestId>{escape_text(request_id)}</RequestId></Error>")
    return HttpResponse(
        status=known.status, headers=(*headers, ("Content-Type", "application/xml")), body="".join(out).encode()
    )
