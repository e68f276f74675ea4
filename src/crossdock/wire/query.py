"""The query protocol of STS, IAM and CloudFormation: form fields in, XML out."""

from collections.abc import Mapping

from botocore.model import OperationModel, ServiceModel, Shape

from crossdock.core.errors import ServiceError
from crossdock.wire import form_requests
from crossdock.wire.error_shapes import ModelledError, modelled_error
from crossdock.wire.http import HttpRequest, HttpResponse
from crossdock.wire.parsed import ParsedRequest
from crossdock.wire.query_fields import FieldStyle
from crossdock.wire.xml_tree import DECLARATION, escape_attribute, escape_text
from crossdock.wire.xml_values import XmlStyle, write_members

_XML = XmlStyle()


def _member_name(key: str, member: Shape) -> str:
    return str(member.serialization.get("name", key))


_DIALECT = form_requests.FormDialect(
    fields=FieldStyle(member_name=_member_name, always_flattened=False),
    bad_value_code="ValidationError",
    unknown_action=lambda action, version: f"Could not find operation {action} for version {version}",
    compares_version=True,
)


def find_operation(model: ServiceModel, request: HttpRequest) -> str:
    """The operation that `Action` names.

    Raises:
        ServiceError: MissingAction, InvalidAction, MalformedQueryString.
    """
    return form_requests.find_operation(_DIALECT, model, request)


def parse_request(model: ServiceModel, request: HttpRequest) -> ParsedRequest:
    """The operation and its input.

    Raises:
        ServiceError: as `find_operation`, or ValidationError.
    """
    return form_requests.parse_form(_DIALECT, model, request)


def format_result(operation: OperationModel, result: Mapping[str, object], *, request_id: str) -> HttpResponse:
    """The `…Response` document.

    Raises:
        TypeError: the result is not what the output shape says.
    """
    name = operation.name
    out = [DECLARATION, f"<{name}Response{_namespace(operation.metadata)}>"]
    shape = operation.output_shape
    if shape is not None:
        wrapper = shape.serialization["resultWrapper"]
        out.append(f"<{wrapper}>")
        write_members(out, shape, result, _XML)
        out.append(f"</{wrapper}>")
    out.append(f"<ResponseMetadata><RequestId>{escape_text(request_id)}</RequestId></ResponseMetadata>")
    out.append(f"</{name}Response>")
    return xml_response(200, out, request_id)


def format_error(model: ServiceModel, error: ServiceError, *, request_id: str) -> HttpResponse:
    """The `ErrorResponse` document."""
    known = modelled_error(model, error)
    out = [DECLARATION, f"<ErrorResponse{_namespace(model.metadata)}><Error><Type>{error.fault.value}</Type>"]
    write_error(out, error, known)
    out.append(f"</Error><RequestId>{escape_text(request_id)}</RequestId></ErrorResponse>")
    return xml_response(known.status, out, request_id, known.headers)


def _namespace(metadata: Mapping[str, object]) -> str:
    uri = metadata.get("xmlNamespace")
    return f' xmlns="{escape_attribute(str(uri))}"' if uri else ""


def write_error(out: list[str], error: ServiceError, known: ModelledError) -> None:
    """What stands inside an `Error` element in every XML protocol."""
    out.append(f"<Code>{escape_text(error.code)}</Code><Message>{escape_text(error.message)}</Message>")
    for name, text in known.members.items():
        out.append(f"<{name}>{escape_text(text)}</{name}>")


def xml_response(
    status: int, out: list[str], request_id: str, headers: tuple[tuple[str, str], ...] = ()
) -> HttpResponse:
    """An XML document with the headers that the form protocols send."""
    return HttpResponse(
        status=status,
        headers=(("x-amzn-RequestId", request_id), ("Content-Type", "text/xml"), *headers),
        body="".join(out).encode(),
    )
