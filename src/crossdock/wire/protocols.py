"""The front door of the wire layer: requests and answers of any of the five protocols, by the service's model."""

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol as Structural

from botocore.model import OperationModel, ServiceModel

from crossdock.core.errors import ServiceError
from crossdock.wire import aws_json, ec2, query, rest_json, rest_xml
from crossdock.wire.http import HttpRequest, HttpResponse
from crossdock.wire.parsed import ParsedRequest as ParsedRequest
from crossdock.wire.rest_bindings import binding_of


class Protocol(enum.Enum):
    """The protocols that a model's metadata can name and we speak."""

    JSON = "json"
    QUERY = "query"
    EC2 = "ec2"
    REST_JSON = "rest-json"
    REST_XML = "rest-xml"


class _FormatResult(Structural):
    def __call__(self, operation: OperationModel, result: Mapping[str, object], *, request_id: str) -> HttpResponse: ...


class _FormatError(Structural):
    def __call__(self, model: ServiceModel, error: ServiceError, *, request_id: str) -> HttpResponse: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Dialect:
    find: Callable[[ServiceModel, HttpRequest], str]
    parse: Callable[[ServiceModel, HttpRequest], ParsedRequest]
    result: _FormatResult
    error: _FormatError


_DIALECTS = {
    Protocol.JSON: _Dialect(
        find=aws_json.find_operation,
        parse=aws_json.parse_request,
        result=aws_json.format_result,
        error=aws_json.format_error,
    ),
    Protocol.QUERY: _Dialect(
        find=query.find_operation, parse=query.parse_request, result=query.format_result, error=query.format_error
    ),
    Protocol.EC2: _Dialect(
        find=ec2.find_operation, parse=ec2.parse_request, result=ec2.format_result, error=ec2.format_error
    ),
    Protocol.REST_JSON: _Dialect(
        find=rest_json.find_operation,
        parse=rest_json.parse_request,
        result=rest_json.format_result,
        error=rest_json.format_error,
    ),
    Protocol.REST_XML: _Dialect(
        find=rest_xml.find_operation,
        parse=rest_xml.parse_request,
        result=rest_xml.format_result,
        error=rest_xml.format_error,
    ),
}


def protocol_of(model: ServiceModel) -> Protocol:
    """The protocol that botocore's clients use with this service.

    Raises:
        ValueError: one that we do not speak.
    """
    return Protocol(model.resolved_protocol)


def find_operation(model: ServiceModel, request: HttpRequest) -> str:
    """The operation's name alone. For the REST protocols the body need not have been read.

    Raises:
        ServiceError: no such operation, in the protocol's own words.
    """
    return _DIALECTS[protocol_of(model)].find(model, request)


def parse_request(model: ServiceModel, request: HttpRequest) -> ParsedRequest:
    """The operation and its input. Required members and constraints are for `validate_params`.

    Raises:
        ServiceError: whatever is wrong with the request, in the protocol's own words. Nothing else is ever raised.
    """
    return _DIALECTS[protocol_of(model)].parse(model, request)


def format_response(
    model: ServiceModel, operation: str, result: Mapping[str, object], *, request_id: str
) -> HttpResponse:
    """The answer to an operation. Members that are None are left out; a streaming payload is left to the API edge.

    Raises:
        ServiceError: a value from the request that no header can carry.
        TypeError: the result is not what the output shape says: the operation's mistake.
    """
    return _DIALECTS[protocol_of(model)].result(model.operation_model(operation), result, request_id=request_id)


def format_error(model: ServiceModel, error: ServiceError, *, request_id: str) -> HttpResponse:
    """The answer to a failed operation, with what the model knows about the error."""
    return _DIALECTS[protocol_of(model)].error(model, error, request_id=request_id)


def streaming_input(model: ServiceModel, operation: str) -> str | None:
    """The input member that the API edge streams, if any: the body is then never read whole."""
    shape = model.operation_model(operation).input_shape
    binding = binding_of(shape) if shape is not None else None
    return binding.payload.member if binding is not None and binding.payload is not None and binding.streams else None


def streaming_output(model: ServiceModel, operation: str) -> str | None:
    """The output member that the API edge streams, if any."""
    shape = model.operation_model(operation).output_shape
    binding = binding_of(shape) if shape is not None else None
    return binding.payload.member if binding is not None and binding.payload is not None and binding.streams else None
