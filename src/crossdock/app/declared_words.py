"""What a file of servers says in words that the Transfer API has not, or of a type that it does not take. Pure.

Requests of clients cannot have either by the time they are checked against the model; what a file has comes as it is.
"""

from collections.abc import Collection, Iterator, Mapping

from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape

from crossdock.core.nearest import nearest
from crossdock.settings.servers_file import DeclaredServer, DeclaredUser

_TYPES: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "string": (str, "a text"),
    "boolean": (bool, "true or false"),
    "integer": (int, "a whole number"),
    "long": (int, "a whole number"),
    "double": ((int, float), "a number"),
    "float": ((int, float), "a number"),
}
_ELSEWHERE = frozenset({"HostKey", "HostKeyStorageType", "ServerId", "SshPublicKeyBody", "UserName"})
"""What the API takes there, and the file says in its own words."""


def wrong_words(model: ServiceModel, server: DeclaredServer) -> Iterator[str]:
    """A sentence for each of the server's own, with its table; `model` is that of Transfer."""
    yield from _members(_input(model, "CreateServer"), server.settings, "[server.settings]", "")


def wrong_user_words(model: ServiceModel, user: DeclaredUser) -> Iterator[str]:
    """The same of a user."""
    table = "[[server.users]]"
    yield from _members(_input(model, "CreateUser"), user.settings, table, "", more={"UserName", "SshPublicKeys"})


def _input(model: ServiceModel, operation: str) -> StructureShape:
    shape = model.operation_model(operation).input_shape
    assert shape is not None
    return shape


def _members(
    shape: StructureShape, value: Mapping[str, object], table: str, prefix: str, more: Collection[str] = ()
) -> Iterator[str]:
    for name, element in value.items():
        if name in shape.members:
            yield from _element(shape.members[name], element, table, prefix + name)
        else:
            known = sorted({*shape.members, *more} - _ELSEWHERE)
            yield f"{table} has {prefix}{name}, which is no name there: {_instead(name, known)}"


def _element(shape: Shape, value: object, table: str, place: str) -> Iterator[str]:
    if isinstance(shape, StructureShape | MapShape):
        if not isinstance(value, Mapping):
            yield f"{table} has {place}, which must be a table"
        elif isinstance(shape, StructureShape):
            yield from _members(shape, value, table, f"{place}.")
        else:
            for key, element in value.items():
                yield from _element(shape.value, element, table, f"{place}.{key}")
    elif isinstance(shape, ListShape):
        if not isinstance(value, list):
            yield f"{table} has {place}, which must be a list"
            return
        for number, element in enumerate(value):
            yield from _element(shape.member, element, table, f"{place}[{number}]")
    elif shape.type_name in _TYPES:
        types, noun = _TYPES[shape.type_name]
        if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
            yield f"{table} has {place}, which must be {noun}"


def _instead(name: str, known: Collection[str]) -> str:
    if meant := nearest(name, known):
        return f"perhaps {meant} is meant"
    return f"there are {', '.join(known)}"
