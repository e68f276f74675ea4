"""botocore as the oracle: its models, its requests as they would be sent, its reading of answers."""

import random
import string
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, create_request_object, prepare_request_dict
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from crossdock.core.errors import ServiceError
from crossdock.wire.http import Headers, HttpRequest, HttpResponse
from crossdock.wire.malformed import Malformed


@lru_cache
def model_of(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def serialize(model: ServiceModel, operation: str, params: Mapping[str, object]) -> AWSPreparedRequest:
    """The request that botocore would send to a path-style endpoint, unsigned."""
    serializer = create_serializer(model.resolved_protocol, include_validation=False)
    parts = serializer.serialize_to_request(dict(params), model.operation_model(operation))
    prepare_request_dict(parts, endpoint_url="http://localhost:4566", context={})
    return create_request_object(parts).prepare()


def as_request(prepared: AWSPreparedRequest) -> HttpRequest:
    """What our edge would see of a request of botocore's."""
    url = urlsplit(prepared.url)
    body = prepared.body or b""
    headers = [
        (name, value.decode() if isinstance(value, bytes) else value) for name, value in prepared.headers.items()
    ]
    if not any(name.lower() == "host" for name, _ in headers):
        headers.append(("Host", url.netloc))
    return HttpRequest(
        method=prepared.method,
        path=url.path or "/",
        query=url.query,
        headers=Headers(headers),
        body=body.encode() if isinstance(body, str) else bytes(body),
    )


def request_of(model: ServiceModel, operation: str, params: Mapping[str, object]) -> HttpRequest:
    return as_request(serialize(model, operation, params))


class _LowerHeaders(dict[str, str]):
    """botocore looks headers up without case."""

    def __init__(self, pairs: tuple[tuple[str, str], ...]) -> None:
        super().__init__((name.lower(), value) for name, value in pairs)

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())


def parse_response(model: ServiceModel, operation: str, response: HttpResponse) -> dict[str, Any]:
    """What botocore's client would return, or hold in its `ClientError`."""
    parser = create_parser(model.resolved_protocol)
    return parser.parse(
        {"headers": _LowerHeaders(response.headers), "status_code": response.status, "body": response.body},
        model.operation_model(operation).output_shape,
    )


def parse_error_members(model: ServiceModel, code: str, response: HttpResponse) -> dict[str, Any]:
    """The members of a modelled error as botocore reads them."""
    parser = create_parser(model.resolved_protocol)
    return parser.parse(
        {"headers": _LowerHeaders(response.headers), "status_code": response.status, "body": response.body},
        model.shape_for_error_code(code),
    )


def outcome(call: Callable[[], object]) -> object:
    """What a call returns, or how it refuses. Whatever else it raises is a failure."""
    try:
        return call()
    except (ServiceError, Malformed) as refused:
        return refused


class Values:
    """Values made up for shapes, the same for the same seed; they need not satisfy constraints."""

    def __init__(self, seed: object) -> None:
        self._random = random.Random(str(seed))

    def params(self, operation: OperationModel) -> dict[str, Any]:
        return self._top(operation.input_shape)

    def result(self, operation: OperationModel) -> dict[str, Any]:
        return self._top(operation.output_shape)

    def _top(self, shape: StructureShape | None) -> dict[str, Any]:
        if shape is None:
            return {}
        return {name: value for name, member in shape.members.items() if (value := self._member(member)) is not None}

    def _member(self, shape: Shape) -> Any:
        location = shape.serialization.get("location")
        if shape.serialization.get("streaming") or shape.serialization.get("eventstream"):
            return None
        if location == "statusCode":
            return self._random.choice([200, 202])
        if location in ("header", "headers"):
            return self._value(shape, 0, string.ascii_letters + string.digits + "/+=", whole_seconds=True)
        if location == "uri" and shape.type_name == "string":
            return self._text(string.printable[:-5] + "äπ😀")
        return self._value(shape, 0)

    def _value(self, shape: Shape, depth: int, alphabet: str | None = None, *, whole_seconds: bool = False) -> Any:
        kind = shape.type_name
        if isinstance(shape, StructureShape):
            return self._structure(shape, depth)
        if isinstance(shape, ListShape):
            if depth > 5:
                return None
            found = [self._value(shape.member, depth + 1, alphabet) for _ in range(self._random.randint(1, 3))]
            return None if any(value is None for value in found) else found
        if isinstance(shape, MapShape):
            keys = {self._text(string.ascii_lowercase + "-", 1) for _ in range(self._random.randint(1, 3))}
            found_map = {key: self._value(shape.value, depth + 1, alphabet) for key in keys}
            return None if any(value is None for value in found_map.values()) else found_map
        if kind == "string":
            return self._text(alphabet or string.printable[:-5] + "\n\t<>&\"'äπ😀")
        if kind in ("integer", "long"):
            return self._random.randint(-(2**31), 2**31 - 1)
        if kind == "boolean":
            return self._random.random() < 0.5
        if kind in ("float", "double"):
            return self._random.choice([0.5, -1.25, 3.0, 1e20])
        if kind == "blob":
            return self._random.randbytes(self._random.randint(1, 20))
        if kind == "timestamp":
            millis = 0 if whole_seconds or shape.serialization.get("timestampFormat") == "rfc822" else 250
            moment = datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=self._random.randint(0, 10**8))
            return moment + timedelta(milliseconds=millis)
        raise AssertionError(kind)

    def _structure(self, shape: StructureShape, depth: int) -> dict[str, Any] | None:
        members = list(shape.members.items())
        if shape.is_tagged_union:
            members = [self._random.choice(members)]
        elif depth:
            members = [pair for pair in members if self._random.random() < 0.7 or pair[0] in shape.required_members]
        found = {} if depth > 5 else {name: self._value(member, depth + 1) for name, member in members}
        found = {name: value for name, value in found.items() if value is not None}
        if any(name not in found for name in shape.required_members):
            return None
        return found or None

    def _text(self, alphabet: str, shortest: int = 1) -> str:
        return "".join(self._random.choice(alphabet) for _ in range(self._random.randint(shortest, 12)))
