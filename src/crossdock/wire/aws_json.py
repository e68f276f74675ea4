"""The json protocols 1.0 and 1.1: the operation in `X-Amz-Target`, JSON in and out."""

from collections.abc import Mapping

from botocore.model import OperationModel, ServiceModel

from crossdock.core.errors import ServiceError
from crossdock.wire.error_shapes import modelled_error
from crossdock.wire.http import HttpRequest, HttpResponse
from crossdock.wire.json_values import decode_json, encode_json, read_structure, write_members
from crossdock.wire.malformed import Malformed
from crossdock.wire.parsed import ParsedRequest


def find_operation(model: ServiceModel, request: HttpRequest) -> str:
    """The operation that `X-Amz-Target` names.

    Raises:
        ServiceError: UnknownOperationException.
    """
    prefix, _, name = request.headers.get("x-amz-target", "").rpartition(".")
    if request.method != "POST" or prefix != model.metadata["targetPrefix"] or name not in model.operation_names:
        raise ServiceError("UnknownOperationException", "The requested operation is not recognized by the service.")
    return name


def parse_request(model: ServiceModel, request: HttpRequest) -> ParsedRequest:
    """The operation and its input; an empty body is an empty object.

    Raises:
        ServiceError: UnknownOperationException, SerializationException.
    """
    name = find_operation(model, request)
    shape = model.operation_model(name).input_shape
    try:
        value = decode_json(request.body) if request.body else {}
        if shape is None:
            return ParsedRequest(operation=name, params={})
        return ParsedRequest(operation=name, params=read_structure(shape, value))
    except Malformed as problem:
        raise ServiceError("SerializationException", problem.message) from None


def format_result(operation: OperationModel, result: Mapping[str, object], *, request_id: str) -> HttpResponse:
    """A JSON object; an operation without an output has an empty body.

    Raises:
        TypeError: the result is not what the output shape says.
    """
    shape = operation.output_shape
    body = b"" if shape is None else encode_json(write_members(shape, result))
    return HttpResponse(status=200, headers=_headers(operation.metadata, request_id), body=body)


def format_error(model: ServiceModel, error: ServiceError, *, request_id: str) -> HttpResponse:
    known = modelled_error(model, error)
    body = {"__type": known.shape_name, known.message_name: error.message, **known.members}
    headers = [*_headers(model.metadata, request_id), ("x-amzn-errortype", known.shape_name), *known.headers]
    if model.is_query_compatible:
        # Smithy, "awsQueryCompatible": the code of the former query protocol travels in a header.
        headers.append(("x-amzn-query-error", f"{error.code};{error.fault.value}"))
    return HttpResponse(status=known.status, headers=tuple(headers), body=encode_json(body))


def _headers(metadata: Mapping[str, object], request_id: str) -> tuple[tuple[str, str], ...]:
    return (
        ("x-amzn-RequestId", request_id),
        ("Content-Type", f"application/x-amz-json-{metadata['jsonVersion']}"),
    )
