"""Values as XML by the shapes of the model: written for query, ec2 and rest-xml, read for rest-xml."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from botocore.model import ListShape, MapShape, Shape, StructureShape

from crossdock.wire.malformed import Malformed
from crossdock.wire.scalars import read_text, write_text
from crossdock.wire.timestamps import TimestampFormat
from crossdock.wire.xml_tree import Element, escape_attribute, escape_text

BODY_TIMESTAMPS = TimestampFormat.ISO8601


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlStyle:
    """Where the XML protocols differ. `escape` makes a text fit for an element."""

    list_element: str = "member"
    always_millis: bool = False
    escape: Callable[[str], str] = escape_text


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """How a member is written, found out once per structure: a listing has thousands of elements."""

    name: str
    shape: Shape
    is_attribute: bool
    namespace: str
    is_scalar: bool


@lru_cache(maxsize=8192)
def _places(shape: StructureShape) -> dict[str, _Place]:
    return {key: _place(element_name(key, member), member) for key, member in shape.members.items()}


@lru_cache(maxsize=8192)
def _attribute_places(shape: StructureShape) -> tuple[tuple[str, _Place], ...]:
    return tuple((key, place) for key, place in _places(shape).items() if place.is_attribute)


def _place(name: str, member: Shape) -> _Place:
    return _Place(
        name=name,
        shape=member,
        is_attribute=bool(member.serialization.get("xmlAttribute")),
        namespace=_namespace(member),
        is_scalar=not isinstance(member, StructureShape | ListShape | MapShape),
    )


def write_members(
    out: list[str],
    shape: StructureShape,
    value: Mapping[str, object],
    style: XmlStyle,
    skipped: frozenset[str] = frozenset(),
) -> None:
    """Append the members of a structure without an element around them; those that are None are left out.

    Raises:
        TypeError: a value is not of the member's type, or a member is none of the structure's.
    """
    places = _places(shape)
    for key, element in value.items():
        if key in skipped:
            continue
        place = places.get(key)
        if place is None:
            raise TypeError(f"{shape.name} has no member {key}")
        if element is not None and not place.is_attribute:
            _write_place(out, place, element, style)


def write_element(out: list[str], name: str, shape: Shape, value: object, style: XmlStyle) -> None:
    """Append an element with a value; a flattened list or map becomes several elements of that name."""
    _write_place(out, _place(name, shape), value, style)


def _write_place(out: list[str], place: _Place, value: object, style: XmlStyle) -> None:
    name, shape = place.name, place.shape
    if place.is_scalar:
        text = write_text(shape, value, BODY_TIMESTAMPS, always_millis=style.always_millis)
        out.append(f"<{name}{place.namespace}>{style.escape(text)}</{name}>")
    elif isinstance(shape, StructureShape):
        if not isinstance(value, Mapping):
            raise TypeError(f"{shape.name} is a structure, not a {type(value).__name__}")
        out.append(f"<{name}{place.namespace}{_attributes(shape, value)}>")
        write_members(out, shape, value, style)
        out.append(f"</{name}>")
    elif isinstance(shape, ListShape):
        _write_list(out, name, shape, value, style)
    else:
        assert isinstance(shape, MapShape), "what is no scalar, structure or list"
        _write_map(out, name, shape, value, style)


def element_name(key: str, member: Shape) -> str:
    """A member's element name: a flattened list goes by the name of its elements, if they have one."""
    if isinstance(member, ListShape) and member.serialization.get("flattened"):
        inner = member.member.serialization.get("name")
        if inner is not None:
            return str(inner)
    return str(member.serialization.get("name", key))


def _write_list(out: list[str], name: str, shape: ListShape, value: object, style: XmlStyle) -> None:
    if not isinstance(value, Iterable) or isinstance(value, str | bytes | Mapping):
        raise TypeError(f"{shape.name} is a list, not a {type(value).__name__}")
    flattened = bool(shape.serialization.get("flattened"))
    member = shape.member
    place = _place(name if flattened else str(member.serialization.get("name", style.list_element)), member)
    if not flattened:
        out.append(f"<{name}{_namespace(shape)}>")
    for element in value:
        _write_place(out, place, element, style)
    if not flattened:
        out.append(f"</{name}>")


def _write_map(out: list[str], name: str, shape: MapShape, value: object, style: XmlStyle) -> None:
    if not isinstance(value, Mapping):
        raise TypeError(f"{shape.name} is a map, not a {type(value).__name__}")
    flattened = shape.serialization.get("flattened")
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    entry = name if flattened else "entry"
    if not flattened:
        out.append(f"<{name}>")
    for key, element in value.items():
        out.append(f"<{entry}>")
        write_element(out, key_name, shape.key, key, style)
        write_element(out, value_name, shape.value, element, style)
        out.append(f"</{entry}>")
    if not flattened:
        out.append(f"</{name}>")


def _namespace(shape: Shape) -> str:
    """The shape's own namespace."""
    namespace = shape.serialization.get("xmlNamespace")
    if not namespace:
        return ""
    prefix = f":{namespace['prefix']}" if namespace.get("prefix") else ""
    return f' xmlns{prefix}="{escape_attribute(namespace["uri"])}"'


def _attributes(shape: StructureShape, value: Mapping[str, object]) -> str:
    """Those members that are attributes: S3's `xsi:type` of a grantee."""
    written = ""
    for key, place in _attribute_places(shape):
        if value.get(key) is not None:
            text = write_text(place.shape, value[key], BODY_TIMESTAMPS)
            written += f' {place.name}="{escape_attribute(text)}"'
    return written


def read_structure(shape: StructureShape, element: Element, skipped: frozenset[str] = frozenset()) -> dict[str, object]:
    """The members of a structure that are present, without those that are found elsewhere.

    Unknown elements, missing required members and stray text are refused: S3 validates against a schema.

    Raises:
        Malformed: not what the shape says.
    """
    if element.text.strip():
        raise Malformed(f"text inside {element.tag}")
    by_name: dict[str, list[Element]] = {}
    for child in element.children:
        by_name.setdefault(child.tag, []).append(child)
    members: dict[str, object] = {}
    for key, member in shape.members.items():
        if key in skipped:
            continue
        if member.serialization.get("xmlAttribute"):
            attribute = element.attributes.get(str(member.serialization["name"]).rpartition(":")[2])
            if attribute is not None:
                members[key] = read_text(member, attribute, BODY_TIMESTAMPS)
            continue
        found = by_name.pop(element_name(key, member), None)
        if found is not None:
            members[key] = _read_found(key, member, found)
    if by_name:
        raise Malformed(f"unexpected element inside {element.tag}")
    for key in shape.required_members:
        if key not in members and key not in skipped:
            raise Malformed(f"{key} is missing inside {element.tag}")
    return members


def _read_found(key: str, shape: Shape, found: list[Element]) -> object:
    flattened = bool(shape.serialization.get("flattened"))
    if flattened and isinstance(shape, ListShape):
        return [_read_value(shape.member, element) for element in found]
    if flattened and isinstance(shape, MapShape):
        return dict(_read_entry(shape, element) for element in found)
    if len(found) > 1:
        raise Malformed(f"{key} is given more than once")
    return _read_value(shape, found[0])


def _read_value(shape: Shape, element: Element) -> object:
    if isinstance(shape, StructureShape):
        return read_structure(shape, element)
    if isinstance(shape, ListShape):
        inner = shape.member.serialization.get("name", "member")
        _check_children(element, inner)
        return [_read_value(shape.member, child) for child in element.children]
    if isinstance(shape, MapShape):
        _check_children(element, "entry")
        return dict(_read_entry(shape, child) for child in element.children)
    if element.children:
        raise Malformed(f"unexpected element inside {element.tag}")
    text = element.text if shape.type_name == "string" else element.text.strip()
    return read_text(shape, text, BODY_TIMESTAMPS)


def _check_children(element: Element, tag: str) -> None:
    if element.text.strip() or any(child.tag != tag for child in element.children):
        raise Malformed(f"unexpected content inside {element.tag}")


def _read_entry(shape: MapShape, element: Element) -> tuple[str, object]:
    wanted = (shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value"))
    if tuple(child.tag for child in element.children) != wanted:
        raise Malformed(f"unexpected content inside {element.tag}")
    key, value = element.children
    return str(_read_value(shape.key, key)), _read_value(shape.value, value)
