"""Where REST operations keep their members outside the body: path, query string, headers, status code.

Source: Smithy specification, "HTTP binding traits".
"""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from botocore.model import ListShape, OperationModel, Shape, StructureShape

from crossdock.core.errors import ServiceError
from crossdock.wire.http import Headers, percent_decode
from crossdock.wire.malformed import Malformed, Part
from crossdock.wire.rest_routes import path_labels
from crossdock.wire.scalars import read_text, write_text
from crossdock.wire.timestamps import TimestampFormat

_TEXT = Shape("HeaderValue", {"type": "string"})
# RFC 9110 §5.1: a field name is a token.
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A member and the name of its place."""

    member: str
    name: str
    shape: Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """The places of a structure's members."""

    labels: tuple[Bound, ...]
    query: tuple[Bound, ...]
    headers: tuple[Bound, ...]
    by_header: Mapping[str, tuple[Bound, ...]]
    """The same by their names in lower case."""
    prefixes: tuple[Bound, ...]
    """Maps whose entries are headers: `x-amz-meta-…`."""
    status: str | None
    payload: Bound | None
    """The member that is the whole body."""
    streams: bool
    """The payload is a stream, or a stream of events: nobody reads or writes it here."""
    outside: frozenset[str]
    """The members that are not in the body."""
    has_body: bool
    """Members are left for the body."""


@lru_cache(maxsize=4096)
def binding_of(shape: StructureShape) -> Binding:
    """Sort the members of an input or output shape by their places, once per shape."""
    places: dict[str | None, list[Bound]] = {}
    for key, member in shape.members.items():
        location = member.serialization.get("location")
        bound = Bound(member=key, name=str(member.serialization.get("name", key)), shape=member)
        places.setdefault(location, []).append(bound)
    payload_name = shape.serialization.get("payload")
    payload = next((bound for bound in places.get(None, ()) if bound.member == payload_name), None)
    status = places.get("statusCode")
    by_header: dict[str, tuple[Bound, ...]] = {}
    for bound in places.get("header", ()):
        by_header[bound.name.lower()] = (*by_header.get(bound.name.lower(), ()), bound)
    return Binding(
        labels=tuple(places.get("uri", ())),
        query=tuple(places.get("querystring", ())),
        headers=tuple(places.get("header", ())),
        by_header=by_header,
        prefixes=tuple(places.get("headers", ())),
        status=status[0].member if status else None,
        payload=payload,
        streams=payload is not None
        and bool(payload.shape.serialization.get("streaming") or payload.shape.serialization.get("eventstream")),
        outside=frozenset(bound.member for where, found in places.items() if where for bound in found),
        has_body=payload is None and None in places,
    )


def read_bound(
    operation: OperationModel, binding: Binding, path: str, query: Sequence[tuple[str, str]], headers: Headers
) -> dict[str, object]:
    """The members outside the body that are present.

    Raises:
        Malformed: a value of another type than the model's, bytes that are no UTF-8, or a query key that comes twice.
    """
    members: dict[str, object] = {}
    if binding.labels:
        raw = path_labels(operation, path)
        for bound in binding.labels:
            members[bound.member] = _read(bound, _decoded(raw[bound.name]), TimestampFormat.ISO8601, Part.PATH)
    if binding.query and query:
        _read_query(members, binding.query, query)
    for name, _ in headers:
        for bound in binding.by_header.get(name, ()):
            members[bound.member] = _read_header(bound, headers.get(name, ""))
    for bound in binding.prefixes:
        found = dict(_prefixed(bound, headers))
        if found:
            members[bound.member] = found
    return members


def _decoded(segment: str) -> str:
    try:
        return percent_decode(segment)
    except UnicodeError:
        raise Malformed("the path is not UTF-8", Part.PATH) from None


def _read(bound: Bound, text: str, default: TimestampFormat, part: Part, shape: Shape | None = None) -> object:
    try:
        return read_text(shape or bound.shape, text, default)
    except Malformed as problem:
        raise Malformed(f"{bound.name}: {problem.message}", part) from None


def _read_query(members: dict[str, object], wanted: Iterable[Bound], query: Sequence[tuple[str, str]]) -> None:
    by_key: dict[str, list[str]] = {}
    for key, value in query:
        by_key.setdefault(key, []).append(value)
    for bound in wanted:
        values = by_key.get(bound.name)
        if values is None:
            continue
        if isinstance(bound.shape, ListShape):
            inner = bound.shape.member
            members[bound.member] = [_read(bound, text, TimestampFormat.ISO8601, Part.QUERY, inner) for text in values]
        elif len(values) > 1:
            raise Malformed(f"{bound.name} is given more than once", Part.QUERY)
        else:
            members[bound.member] = _read(bound, values[0], TimestampFormat.ISO8601, Part.QUERY)


def _read_header(bound: Bound, text: str) -> object:
    if isinstance(bound.shape, ListShape):
        inner = bound.shape.member
        texts = (part.strip() for part in text.split(","))
        return [_read(bound, part, TimestampFormat.RFC822, Part.HEADER, inner) for part in texts]
    return _read(bound, text.strip(), TimestampFormat.RFC822, Part.HEADER)


def _prefixed(bound: Bound, headers: Headers) -> Iterator[tuple[str, str]]:
    prefix = bound.name.lower()
    for name, _ in headers:
        if name.startswith(prefix) and len(name) > len(prefix):
            yield (
                name[len(prefix) :],
                str(_read(bound, headers.get(name, ""), TimestampFormat.RFC822, Part.HEADER, _TEXT)),
            )


def check_required(shape: StructureShape, binding: Binding, members: Mapping[str, object]) -> None:
    """Refuse a request without a query member or header that the model requires.

    Raises:
        Malformed: for the first that is missing.
    """
    for bounds, part, what in (
        (binding.query, Part.QUERY, "parameter"),
        (binding.headers, Part.HEADER, "header"),
    ):
        for bound in bounds:
            if bound.member in shape.required_members and bound.member not in members:
                raise Malformed(f"Missing required {what} for this request: {bound.name}", part)


def check_members(shape: StructureShape, result: Mapping[str, object]) -> None:
    """Find the operation's mistake of a member that the output has not.

    Raises:
        TypeError: for the first such member.
    """
    for key in result:
        if key not in shape.members:
            raise TypeError(f"{shape.name} has no member {key}")


def write_headers(binding: Binding, result: Mapping[str, object]) -> list[tuple[str, str]]:
    """The members that are headers; those that are None or absent are left out.

    Raises:
        ServiceError: InvalidArgument, a value that no header can carry. Such values come from requests
            (`response-content-disposition`), so this is the requester's mistake.
        TypeError: the value is not of the shape's type.
    """
    headers: dict[str, str] = {}
    for bound in binding.headers:
        value = result.get(bound.member)
        # S3 has `Expires` twice, as a timestamp and as a string: the first that is given is the one.
        if value is not None and bound.name not in headers:
            headers[bound.name] = _header_text(_write_header(bound.shape, value))
    for bound in binding.prefixes:
        value = result.get(bound.member)
        if isinstance(value, Mapping):
            for key, text in value.items():
                headers[_header_name(bound.name + key)] = _header_text(_encoded_word(text))
    return list(headers.items())


def _write_header(shape: Shape, value: object) -> str:
    if isinstance(shape, ListShape) and isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(_write_header(shape.member, element) for element in value)
    return write_text(shape, value, TimestampFormat.RFC822)


def _encoded_word(text: str) -> str:
    """Metadata that is no ASCII goes back as an encoded word (RFC 2047 §4.1), as S3 documents it."""
    return text if text.isascii() else f"=?UTF-8?B?{b64encode(text.encode()).decode()}?="


def _header_name(name: str) -> str:
    if _TOKEN.fullmatch(name) is None:
        raise ServiceError("InvalidArgument", "Header name is not a token.")
    return name


def _header_text(text: str) -> str:
    # A line feed would start another header.
    if any(character in text for character in "\r\n\0") or (not text.isascii() and max(text) > "\xff"):
        raise ServiceError("InvalidArgument", "Header value cannot be represented using ISO-8859-1.")
    return text
