"""What AWS checks before an operation runs: required members, lengths, ranges, enumerations and patterns of the model.

The sentences are those of AWS's services. S3 is not checked so: its operations have errors of their own.
"""

from collections.abc import Iterator, Mapping, Sequence

from botocore.model import ListShape, MapShape, ServiceModel, Shape, StringShape, StructureShape

from crossdock.core.errors import ServiceError
from crossdock.wire.patterns import matches_pattern
from crossdock.wire.protocols import Protocol, protocol_of
from crossdock.wire.scalars import FLOATS, INTEGER_BITS

MAX_SHOWN_CHARS = 512
"""Of a value in a message. Those of sensitive shapes are never shown."""
_TAKEN_FOR_SECRETS = frozenset({"SshPublicKeyBody"})
"""Shapes that no model calls sensitive, and into which people paste the private key."""
MAX_PROBLEMS = 10

# Where a service does not use its protocol's code; the keys are the models' endpoint prefixes.
_CODES = {
    "logs": "InvalidParameterException",
    "organizations": "InvalidInputException",
    "transfer": "InvalidRequestException",
}
_PROTOCOL_CODES = {
    Protocol.JSON: "ValidationException",
    Protocol.REST_JSON: "ValidationException",
    Protocol.QUERY: "ValidationError",
    Protocol.EC2: "InvalidParameterValue",
}

_Problem = tuple[str, str]
"""A place in the input, and a sentence about it."""


def validate_params(model: ServiceModel, operation: str, params: Mapping[str, object]) -> None:
    """Check parsed parameters against the input shape.

    Raises:
        ServiceError: with the service's validation code, naming each member and what it must satisfy.
        TypeError: a member that the model has not, which no parsed request has.
    """
    protocol = protocol_of(model)
    shape = model.operation_model(operation).input_shape
    if shape is None or protocol is Protocol.REST_XML:
        return
    problems: list[_Problem] = []
    for problem in _structure_problems(shape, params, ""):
        problems.append(problem)
        if len(problems) == MAX_PROBLEMS:
            break
    if not problems:
        return
    if protocol is Protocol.EC2 and problems[0][1].startswith("Value null"):
        raise ServiceError("MissingParameter", f"The request must contain the parameter {problems[0][0]}")
    plural = "error" if len(problems) == 1 else "errors"
    raise ServiceError(
        _CODES.get(model.endpoint_prefix, _PROTOCOL_CODES[protocol]),
        f"{len(problems)} validation {plural} detected: " + "; ".join(sentence for _, sentence in problems),
    )


def _structure_problems(shape: StructureShape, value: Mapping[str, object], prefix: str) -> Iterator[_Problem]:
    members = shape.members
    for name in shape.required_members:
        if value.get(name) is None and not _streams(members[name]):
            place = prefix + _lowered(name)
            yield place, f"Value null at '{place}' failed to satisfy constraint: Member must not be null"
    if shape.is_tagged_union and len(value) != 1:
        place = prefix.rstrip(".")
        yield place, f"Value at '{place}' failed to satisfy constraint: Member must have exactly one member set"
    for name, element in value.items():
        if name not in members:
            raise TypeError(f"{shape.name} has no member {name}")
        yield from _member_problems(members[name], element, prefix + _lowered(name))


def _streams(shape: Shape) -> bool:
    return bool(shape.serialization.get("streaming"))


def _lowered(name: str) -> str:
    """`ServerId` is `serverId` in AWS's sentences, and `ARN` is `aRN`."""
    return name[0].lower() + name[1:]


def _member_problems(shape: Shape, value: object, place: str) -> Iterator[_Problem]:
    for constraint in _broken(shape, value):
        yield place, f"{_shown(shape, value, place)} failed to satisfy constraint: {constraint}"
    if isinstance(shape, StructureShape) and isinstance(value, Mapping):
        yield from _structure_problems(shape, value, place + ".")
    elif isinstance(shape, ListShape) and isinstance(value, Sequence):
        yield from _list_problems(shape, value, place)
    elif isinstance(shape, MapShape) and isinstance(value, Mapping):
        yield from _map_problems(shape, value, place)


def _list_problems(shape: ListShape, value: Sequence[object], place: str) -> Iterator[_Problem]:
    member = shape.member
    if _is_scalar(member):
        yield from _element_problems(shape, value, place, member, value, "Member must satisfy constraint")
        return
    for number, element in enumerate(value, 1):
        yield from _member_problems(member, element, f"{place}.{number}.member")


def _map_problems(shape: MapShape, value: Mapping[str, object], place: str) -> Iterator[_Problem]:
    yield from _element_problems(shape, value, place, shape.key, list(value), "Map keys must satisfy constraint")
    if _is_scalar(shape.value):
        elements = list(value.values())
        yield from _element_problems(shape, value, place, shape.value, elements, "Map value must satisfy constraint")
        return
    for key, element in value.items():
        yield from _member_problems(shape.value, element, f"{place}.{key}.member")


def _is_scalar(shape: Shape) -> bool:
    return not isinstance(shape, StructureShape | ListShape | MapShape)


def _element_problems(
    shape: Shape, value: object, place: str, member: Shape, elements: Sequence[object], rule: str
) -> Iterator[_Problem]:
    """One sentence for all elements of a list or map: AWS names every constraint of the element, broken or not."""
    if any(True for element in elements for _ in _broken(member, element)):
        shown = _shown(shape, value, place)
        yield place, f"{shown} failed to satisfy constraint: {rule}: [{', '.join(_constraints(member))}]"


def _shown(shape: Shape, value: object, place: str) -> str:
    if not _may_be_shown(shape):
        return f"Value at '{place}'"
    if isinstance(value, Mapping):
        text = "{" + ", ".join(f"{key}={element}" for key, element in value.items()) + "}"
    elif isinstance(value, list):
        text = "[" + ", ".join(str(element) for element in value) + "]"
    else:
        text = str(value)
    if len(text) > MAX_SHOWN_CHARS:
        text = text[:MAX_SHOWN_CHARS] + "..."
    return f"Value '{text}' at '{place}'"


def _may_be_shown(shape: Shape) -> bool:
    """Only scalars that are no secrets, and lists and maps of such."""
    if shape.name in _TAKEN_FOR_SECRETS:
        return False
    if shape.metadata.get("sensitive") or shape.type_name == "blob" or isinstance(shape, StructureShape):
        return False
    if isinstance(shape, ListShape):
        return _may_be_shown(shape.member)
    return not isinstance(shape, MapShape) or (_may_be_shown(shape.key) and _may_be_shown(shape.value))


def _broken(shape: Shape, value: object) -> Iterator[str]:
    """The constraints of a shape itself that a value does not satisfy; lengths first, so that patterns see no giant."""
    rules = shape.metadata
    if not rules:
        return
    size = _size(shape, value)
    if size is not None:
        number, noun = size
        if (high := rules.get("max")) is not None and number > high:
            yield f"Member must have {noun} less than or equal to {high}"
            return
        if (low := rules.get("min")) is not None and number < low:
            yield f"Member must have {noun} greater than or equal to {low}"
    if isinstance(shape, StringShape) and isinstance(value, str):
        if shape.enum and value not in shape.enum:
            yield _enum_rule(shape)
        pattern = rules.get("pattern")
        if pattern is not None and not matches_pattern(pattern, value):
            yield _pattern_rule(pattern)


def _size(shape: Shape, value: object) -> tuple[float, str] | None:
    if isinstance(value, str | bytes | Sequence | Mapping) and not isinstance(shape, StructureShape):
        return len(value), "length"
    if isinstance(value, int | float) and (shape.type_name in INTEGER_BITS or shape.type_name in FLOATS):
        return value, "value"
    return None


def _constraints(shape: Shape) -> Iterator[str]:
    """All the constraints of an element, in AWS's order."""
    rules = shape.metadata
    noun = "value" if shape.type_name in INTEGER_BITS or shape.type_name in FLOATS else "length"
    if (high := rules.get("max")) is not None:
        yield f"Member must have {noun} less than or equal to {high}"
    if (low := rules.get("min")) is not None:
        yield f"Member must have {noun} greater than or equal to {low}"
    if isinstance(shape, StringShape) and shape.enum:
        yield _enum_rule(shape)
    if rules.get("pattern") is not None:
        yield _pattern_rule(rules["pattern"])


def _enum_rule(shape: StringShape) -> str:
    return f"Member must satisfy enum value set: [{', '.join(shape.enum)}]"


def _pattern_rule(pattern: str) -> str:
    return f"Member must satisfy regular expression pattern: {pattern}"
