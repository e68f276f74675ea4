"""What the query and ec2 protocols do alike with a request: find `Action`, read the other fields by its input shape."""

from collections.abc import Callable
from dataclasses import dataclass

from botocore.model import ServiceModel

from crossdock.core.errors import ServiceError
from crossdock.wire.http import HttpRequest
from crossdock.wire.malformed import Malformed, Part
from crossdock.wire.parsed import ParsedRequest
from crossdock.wire.query_fields import FieldStyle, build_tree, form_fields, read_structure


@dataclass(frozen=True, slots=True, kw_only=True)
class FormDialect:
    """Where the two protocols differ when they read."""

    fields: FieldStyle
    bad_value_code: str
    unknown_action: Callable[[str, str], str]
    """The message for an action and version that the model has not."""
    compares_version: bool


def find_operation(dialect: FormDialect, model: ServiceModel, request: HttpRequest) -> str:
    """The operation that `Action` names.

    Raises:
        ServiceError: MissingAction, InvalidAction, MalformedQueryString.
    """
    return _operation(dialect, model, _fields(dialect, request))


def parse_form(dialect: FormDialect, model: ServiceModel, request: HttpRequest) -> ParsedRequest:
    """The operation and its input.

    Raises:
        ServiceError: as `find_operation`, or the dialect's code for a bad value.
    """
    fields = _fields(dialect, request)
    name = _operation(dialect, model, fields)
    shape = model.operation_model(name).input_shape
    if shape is None:
        return ParsedRequest(operation=name, params={})
    try:
        return ParsedRequest(operation=name, params=read_structure(shape, build_tree(fields), dialect.fields))
    except Malformed as problem:
        raise _refusal(dialect, problem) from None


def _fields(dialect: FormDialect, request: HttpRequest) -> dict[str, str]:
    try:
        return form_fields(request)
    except Malformed as problem:
        raise _refusal(dialect, problem) from None


def _refusal(dialect: FormDialect, problem: Malformed) -> ServiceError:
    code = "MalformedQueryString" if problem.part is Part.QUERY else dialect.bad_value_code
    return ServiceError(code, problem.message)


def _operation(dialect: FormDialect, model: ServiceModel, fields: dict[str, str]) -> str:
    action, version = fields.get("Action"), fields.get("Version", model.api_version)
    if not action:
        raise ServiceError("MissingAction", "The request must contain the parameter Action.")
    if action not in model.operation_names or (dialect.compares_version and version != model.api_version):
        raise ServiceError("InvalidAction", dialect.unknown_action(action, version))
    return action
