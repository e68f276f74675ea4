"""Which operation a REST request means: by method, path, and the query keys and headers that tell operations apart.

The table is built from `http.requestUri` of the model. Literal segments win over labels, a greedy label (`{Key+}`)
takes the rest of the path. Operations that share method and path are told apart by

1. the query in their URI: `?acl`, `?list-type=2`,
2. where that is the same, by their required query members and headers: `uploadId`, `x-amz-copy-source`,
3. where even that is the same, by age: a deprecated operation loses, unless `x-id`, which newer SDKs send, names it.

A query key that tells operations apart and that the operation found does not know is refused, never ignored: `PUT
/bucket/key?acl` must not write the object.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import lru_cache

from botocore.model import OperationModel, ServiceModel

from crossdock.core.errors import CrossdockError
from crossdock.wire.http import Headers

_X_ID = "x-id"


class Unroutable(Enum):
    METHOD = auto()
    """The path or subresource is known, but not with this method."""
    SUBRESOURCE = auto()
    """A query key without a value, or an operation in `x-id`, that nobody knows."""


class NoRoute(CrossdockError):
    def __init__(self, reason: Unroutable) -> None:
        super().__init__(reason.name)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One operation among those of a method and path."""

    operation: str
    literals: Mapping[str, str]
    """Query keys of its URI with the values that they must have; an empty value means any."""
    query: frozenset[str]
    headers: frozenset[str]
    known_keys: frozenset[str]
    deprecated: bool

    def weight(self) -> tuple[int, int, bool]:
        return len(self.literals), len(self.query) + len(self.headers), not self.deprecated

    def fits(self, query: Mapping[str, str], headers: Headers) -> bool:
        for key, value in self.literals.items():
            if key not in query or (value and query[key] != value):
                return False
        for key in self.query:
            if key not in query:
                return False
        return all(name in headers for name in self.headers)


@dataclass(slots=True)
class _Node:
    literals: dict[str, "_Node"] = field(default_factory=dict)
    label: "_Node | None" = None
    greedy: "_Node | None" = None
    rows: dict[str, list[Row]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """The routes of one service."""

    root: _Node
    telling_keys: frozenset[str]
    """Every query key that tells operations apart anywhere in the service."""

    def find(self, method: str, path: str, query: Sequence[tuple[str, str]], headers: Headers) -> str:
        """The operation's name.

        Raises:
            NoRoute: no operation has this method and path, or none of them knows a telling key of the query.
        """
        values = dict(query)
        nodes = _walk(self.root, split_path(path))
        rows = next((node.rows[method] for node in nodes if method in node.rows), [])
        row = _choose((row for row in rows if row.fits(values, headers)), values.get(_X_ID))
        for key, value in query:
            if row is not None and key in row.known_keys:
                continue
            if key in self.telling_keys:
                raise NoRoute(Unroutable.METHOD)
            if not value and self.telling_keys:
                raise NoRoute(Unroutable.SUBRESOURCE)
        if row is None:
            raise NoRoute(Unroutable.METHOD)
        return row.operation


def _choose(fitting: Iterator[Row], named: str | None) -> Row | None:
    """The first, which is the weightiest, or the one that `x-id` names."""
    first = next(fitting, None)
    if named is None or first is None or first.operation == named:
        return first
    for row in fitting:
        if row.operation == named:
            return row
    raise NoRoute(Unroutable.SUBRESOURCE)


def split_path(path: str) -> list[str]:
    """The raw segments; the last is empty when the path ends with a slash."""
    return path.removeprefix("/").split("/")


def _walk(node: _Node, segments: list[str]) -> Iterator[_Node]:
    """The nodes that a path reaches, the most literal first; `/bucket/` is the bucket."""
    if not segments or segments == [""]:
        yield node
        return
    head, rest = segments[0], segments[1:]
    if head in node.literals:
        yield from _walk(node.literals[head], rest)
    if head and node.label is not None:
        yield from _walk(node.label, rest)
    if node.greedy is not None:
        yield node.greedy


@lru_cache(maxsize=64)
def router_of(model: ServiceModel) -> Router:
    """Build the routes of a service, once per model."""
    root = _Node()
    groups: dict[tuple[str, str], list[OperationModel]] = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        groups.setdefault((operation.http["method"], operation.http["requestUri"]), []).append(operation)
    telling: set[str] = set()
    for (method, uri), operations in groups.items():
        node = _plant(root, uri.partition("?")[0])
        for operation in operations:
            row = _row(operation, alone=len(operations) == 1)
            node.rows.setdefault(method, []).append(row)
            telling.update(row.literals or row.query)
    for rows in _all_rows(root):
        rows.sort(key=Row.weight, reverse=True)
    return Router(root=root, telling_keys=frozenset(telling))


def _plant(root: _Node, path: str) -> _Node:
    node = root
    segments = split_path(path)
    for position, segment in enumerate(segments):
        if segment.endswith("+}"):
            if position != len(segments) - 1:
                raise ValueError(f"a greedy label before the end of {path}")
            node.greedy = node.greedy or _Node()
            node = node.greedy
        elif segment.startswith("{"):
            node.label = node.label or _Node()
            node = node.label
        elif segment:
            node = node.literals.setdefault(segment, _Node())
    return node


def _all_rows(node: _Node) -> Iterator[list[Row]]:
    yield from node.rows.values()
    for child in (*node.literals.values(), node.label, node.greedy):
        if child is not None:
            yield from _all_rows(child)


def _row(operation: OperationModel, *, alone: bool) -> Row:
    literals = dict(_uri_query(operation))
    query: set[str] = set()
    headers: set[str] = set()
    known: set[str] = {_X_ID, *literals}
    shape = operation.input_shape
    for key, member in shape.members.items() if shape is not None else ():
        location, name = member.serialization.get("location"), str(member.serialization.get("name", key))
        if location == "querystring":
            known.add(name)
        # An operation that is alone with its URI is meant even without what it requires: that is a missing parameter.
        if shape is not None and key in shape.required_members and not alone:
            if location == "querystring":
                query.add(name)
            elif location == "header":
                headers.add(name)
    return Row(
        operation=operation.name,
        literals=literals,
        query=frozenset(query),
        headers=frozenset(headers),
        known_keys=frozenset(known),
        deprecated=bool(operation.deprecated),
    )


def _uri_query(operation: OperationModel) -> Iterator[tuple[str, str]]:
    for part in operation.http["requestUri"].partition("?")[2].split("&"):
        if part:
            key, _, value = part.partition("=")
            yield key, value


def path_labels(operation: OperationModel, path: str) -> dict[str, str]:
    """The raw text of each label of an operation's URI in a path that leads to it."""
    labels: dict[str, str] = {}
    segments = split_path(path)
    for position, part in enumerate(split_path(operation.http["requestUri"].partition("?")[0])):
        if part.endswith("+}"):
            labels[part[1:-2]] = "/".join(segments[position:])
        elif part.startswith("{"):
            labels[part[1:-1]] = segments[position]
    return labels
