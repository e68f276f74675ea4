"""The ec2 protocol: the query protocol with capitals in its fields, flat lists and another envelope."""

from collections.abc import Mapping

from botocore.model import OperationModel, ServiceModel, Shape

from crossdock.core.errors import ServiceError
from crossdock.wire import form_requests
from crossdock.wire.error_shapes import modelled_error
from crossdock.wire.http import HttpRequest, HttpResponse
from crossdock.wire.parsed import ParsedRequest
from crossdock.wire.query import write_error, xml_response
from crossdock.wire.query_fields import FieldStyle
from crossdock.wire.xml_tree import DECLARATION, escape_attribute, escape_text
from crossdock.wire.xml_values import XmlStyle, write_members

_XML = XmlStyle(list_element="item", always_millis=True)


def _member_name(key: str, member: Shape) -> str:
    """`queryName`, or the location name with a capital, or the member's own name (Smithy, "AWS EC2 query protocol")."""
    if "queryName" in member.serialization:
        return str(member.serialization["queryName"])
    name = str(member.serialization.get("name", key))
    return name[0].upper() + name[1:]


_DIALECT = form_requests.FormDialect(
    fields=FieldStyle(member_name=_member_name, always_flattened=True),
    bad_value_code="InvalidParameterValue",
    unknown_action=lambda action, version: f"The action {action} is not valid for this web service.",
    # EC2 serves clients of many versions.
    compares_version=False,
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
        ServiceError: as `find_operation`, or InvalidParameterValue.
    """
    return form_requests.parse_form(_DIALECT, model, request)


def format_result(operation: OperationModel, result: Mapping[str, object], *, request_id: str) -> HttpResponse:
    """The `…Response` document, its members beside the request id.

    Raises:
        TypeError: the result is not what the output shape says.
    """
    name = operation.name
    namespace = escape_attribute(str(operation.metadata["xmlNamespace"]))
    out = [DECLARATION, f'<{name}Response xmlns="{namespace}"><requestId>{escape_text(request_id)}</requestId>']
    if operation.output_shape is None:
        # Operations without an output answer with a bare success.
        out.append("<return>true</return>")
    else:
        write_members(out, operation.output_shape, result, _XML)
    out.append(f"</{name}Response>")
    return xml_response(200, out, request_id)


def format_error(model: ServiceModel, error: ServiceError, *, request_id: str) -> HttpResponse:
    """The `Response` document with one error, and `RequestID` with a capital D."""
    known = modelled_error(model, error)
    out = [DECLARATION, "<Response><Errors><Error>"]
    write_error(out, error, known)
    out.append(f"</Error></Errors><RequestID>{escape_text(request_id)}</RequestID></Response>")
    return xml_response(known.status, out, request_id, known.headers)
