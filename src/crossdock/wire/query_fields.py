"""Form fields with dotted names (`Tags.member.1.Key=…`) as values, for the query and ec2 protocols."""

from collections.abc import Callable
from dataclasses import dataclass, field

from botocore.model import ListShape, MapShape, Shape, StructureShape

from crossdock.wire.http import HttpRequest, split_query
from crossdock.wire.malformed import Malformed, Part
from crossdock.wire.scalars import read_text
from crossdock.wire.timestamps import TimestampFormat

MAX_DEPTH = 64
MAX_INDEX_DIGITS = 9


@dataclass(slots=True)
class Node:
    """A place in the tree of names: a value of its own, or names below it."""

    text: str | None = None
    children: dict[str, "Node"] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldStyle:
    """Where the two form protocols differ."""

    member_name: Callable[[str, Shape], str]
    """A member's name on the wire, from its name in the model and its shape."""
    always_flattened: bool


def form_fields(request: HttpRequest) -> dict[str, str]:
    """The fields of the query string and of the form body together.

    Raises:
        Malformed: not UTF-8, or a name that comes twice.
    """
    try:
        pairs = split_query(request.query)
        if request.body:
            pairs += split_query(request.body.decode("utf-8"))
    except UnicodeError:
        raise Malformed("the parameters are not UTF-8", Part.QUERY) from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise Malformed("a parameter is given more than once", Part.QUERY)
    return fields


def build_tree(fields: dict[str, str]) -> Node:
    """Split the names at their dots.

    Raises:
        Malformed: deeper than MAX_DEPTH, or a name that has a value and names below it.
    """
    root = Node()
    for name, text in fields.items():
        parts = name.split(".")
        if len(parts) > MAX_DEPTH:
            raise Malformed(f"a parameter is nested deeper than {MAX_DEPTH} levels", Part.QUERY)
        node = root
        for part in parts:
            node = node.children.setdefault(part, Node())
        node.text = text
    return root


def read_structure(shape: StructureShape, node: Node, style: FieldStyle) -> dict[str, object]:
    """The members of a structure that are present; unknown names are left out, as AWS does.

    Raises:
        Malformed: not a value of the member's type.
    """
    members: dict[str, object] = {}
    for key, member in shape.members.items():
        found = _find(node, key, member, style)
        if found is not None:
            members[key] = _read_value(key, member, found, style)
    return members


def _find(node: Node, key: str, member: Shape, style: FieldStyle) -> Node | None:
    name = style.member_name(key, member)
    if isinstance(member, ListShape) and member.serialization.get("flattened") and not style.always_flattened:
        # A flattened list goes by the name of its elements, if they have one.
        name = str(member.member.serialization.get("name", name))
    return node.children.get(name)


def _read_value(key: str, shape: Shape, node: Node, style: FieldStyle) -> object:
    if isinstance(shape, StructureShape):
        return read_structure(shape, _without_text(key, node), style)
    if isinstance(shape, ListShape):
        return _read_list(key, shape, node, style)
    if isinstance(shape, MapShape):
        return _read_map(key, shape, node, style)
    if node.text is None or node.children:
        raise Malformed(f"{key} is not a single value")
    try:
        return read_text(shape, node.text, TimestampFormat.ISO8601)
    except Malformed as problem:
        raise Malformed(f"{key}: {problem.message}") from None


def _read_list(key: str, shape: ListShape, node: Node, style: FieldStyle) -> list[object]:
    member = shape.member
    if not style.always_flattened and not shape.serialization.get("flattened"):
        name = member.serialization.get("name", "member")
        node = _only_child(key, node, name)
    return [_read_value(key, member, element, style) for element in _numbered(key, node)]


def _read_map(key: str, shape: MapShape, node: Node, style: FieldStyle) -> dict[str, object]:
    if not shape.serialization.get("flattened"):
        node = _only_child(key, node, "entry")
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    entries: dict[str, object] = {}
    for entry in _numbered(key, node):
        inner, value = entry.children.get(key_name), entry.children.get(value_name)
        if inner is None or inner.text is None or value is None:
            raise Malformed(f"{key} has an entry without a key or value")
        entries[inner.text] = _read_value(key, shape.value, value, style)
    return entries


def _only_child(key: str, node: Node, name: str) -> Node:
    """The one level that an unflattened list or map has on the wire; `List=` alone is the empty list."""
    _without_text(key, node)
    if not node.children:
        return node
    child = node.children.get(name)
    if child is None or len(node.children) > 1:
        raise Malformed(f"{key} is not a list of {name}")
    return child


def _without_text(key: str, node: Node) -> Node:
    if node.text:
        raise Malformed(f"{key} is not a single value")
    return node


def _numbered(key: str, node: Node) -> list[Node]:
    """The children by their numbers; gaps are closed."""
    _without_text(key, node)
    numbers: dict[int, Node] = {}
    for name, child in node.children.items():
        if not (name.isascii() and name.isdigit() and len(name) <= MAX_INDEX_DIGITS) or int(name) in numbers:
            raise Malformed(f"{key} has an element without a number")
        numbers[int(name)] = child
    return [numbers[number] for number in sorted(numbers)]
