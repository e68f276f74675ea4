"""Who asks in a simulation, and in which context."""

import re
from base64 import b64decode
from collections.abc import Callable, Iterable, Mapping
from ipaddress import ip_address
from typing import Any

from crossdock.cloud.iam.errors import invalid_input
from crossdock.cloud.iam.records import RoleRecord, UserRecord, find_role_by_arn, find_user
from crossdock.core.arns import Arn, parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.core.principals import AssumedRole, IamUser
from crossdock.policy.operators import read_bool, read_date, read_number
from crossdock.ports.state import Transaction

EntityRecord = RoleRecord | UserRecord

_ENTITY = re.compile(r"(?:user|role|group)/(?:[!-~]*/)?[\w+=,.@-]+", re.ASCII)
_ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)
_OWNER = re.compile(r"(?:arn:aws:iam::)?(\d{12})(?::root)?", re.ASCII)


def entity_arn(text: str) -> Arn:
    """The ARN of a user, group or role. Raises ServiceError, InvalidInput, for all else, such as a session's."""
    try:
        arn = parse_arn(text)
    except InvalidArn as error:
        raise _no_entity(text) from error
    if (
        (arn.partition, arn.service, arn.region) != ("aws", "iam", "")
        or not _ACCOUNT_ID.fullmatch(arn.account_id)
        or not _ENTITY.fullmatch(arn.resource)
    ):
        raise _no_entity(text)
    return arn


def _no_entity(text: str) -> Exception:
    return invalid_input(f"Invalid Entity Arn: {text} does not clearly define entity type and name.")


def entity_kind(arn: Arn) -> str:
    """`user`, `role` or `group`."""
    return arn.resource.partition("/")[0]


def entity_name(arn: Arn) -> str:
    """The name without its path."""
    return arn.resource.rpartition("/")[2]


async def find_entity(tx: Transaction, arn: Arn) -> EntityRecord | None:
    """The user or role with exactly this ARN. There are no groups."""
    match entity_kind(arn):
        case "role":
            return await find_role_by_arn(tx, arn)
        case "user":
            user = await find_user(tx, arn.account_id, entity_name(arn))
            return user if user is not None and user.arn == str(arn) else None
    return None


def simulated_principal(
    arn: Arn, entity: EntityRecord | None, context: Mapping[str, tuple[str, ...]]
) -> IamUser | AssumedRole:
    """The principal that a caller's ARN stands for; a role asks through a session.

    Its unique id and its session's name are those of `aws:userid`, if the context has it. Else the id is the record's,
    and the session has no name: then no policy can name it.

    Raises:
        ServiceError: InvalidInput for a group, which never asks.
    """
    given = context.get("aws:userid", ())
    given_id, _, session_name = (given[0] if len(given) == 1 else "").partition(":")
    match entity_kind(arn):
        case "role":
            own_id = entity.role_id if isinstance(entity, RoleRecord) else ""
            return AssumedRole(role_arn=arn, role_id=given_id or own_id, session_name=session_name)
        case "user":
            own_id = entity.user_id if isinstance(entity, UserRecord) else ""
            path = arn.resource.removeprefix("user").removesuffix(entity_name(arn))
            return IamUser(account_id=arn.account_id, user_name=entity_name(arn), user_id=given_id or own_id, path=path)
    raise invalid_input(f"{arn} is a group, which calls no operations: CallerArn names a user or a role.")


def entity_context(entity: EntityRecord | None) -> dict[str, tuple[str, ...]]:
    """The condition keys that a record tells, in lower case: a role's tags, a user's id."""
    match entity:
        case RoleRecord(tags=tags):
            return {f"aws:principaltag/{key.lower()}": (value,) for key, value in tags.items()}
        case UserRecord(user_id=user_id):
            return {"aws:userid": (user_id,)}
    return {}


def resource_owner(text: str) -> str:
    """The account id of a ResourceOwner, `arn:aws:iam::ID:root` or the id alone."""
    found = _OWNER.fullmatch(text)
    if found is None or text.startswith("arn:") is not text.endswith(":root"):
        raise invalid_input(f"'{text}' is not a valid as a Resource Owner.")
    return found.group(1)


def read_entries(entries: Iterable[Mapping[str, Any]]) -> dict[str, tuple[str, ...]]:
    """ContextEntries as a context, the keys in lower case.

    Raises:
        ServiceError: InvalidInput for an entry without a name, a key that comes twice, several values of a type that
            is no list, and a value that cannot be read as its type.
    """
    found: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        name: str = entry.get("ContextKeyName", "")
        values = tuple(entry.get("ContextKeyValues", ()))
        vendor, _, key = name.partition(":")
        if not vendor or not key:
            raise invalid_input(f"ContextEntries: '{name}' is not the name of a context key.")
        if name.lower() in found:
            raise invalid_input(f"ContextEntries: the context key {name} comes twice.")
        _check_values(name, values, entry.get("ContextKeyType", "stringList"))
        found[name.lower()] = values
    return found


_READERS: Mapping[str, Callable[[str], object]] = {
    "string": str,
    "numeric": read_number,
    "boolean": read_bool,
    "ip": ip_address,
    "binary": lambda text: b64decode(text, validate=True),
    "date": read_date,
}


def _check_values(name: str, values: tuple[str, ...], key_type: str) -> None:
    kind = key_type.removesuffix("List")
    if kind not in _READERS:
        raise invalid_input(f"ContextEntries: {name} has no type that IAM knows: {key_type}.")
    if kind == key_type and len(values) > 1:
        raise invalid_input(f"ContextEntries: {name} has several values, but the type {key_type}.")
    for value in values:
        try:
            _READERS[kind](value)
        except ValueError as error:
            raise invalid_input(f"ContextEntries: the value '{value}' of {name} is not of the type {kind}.") from error
