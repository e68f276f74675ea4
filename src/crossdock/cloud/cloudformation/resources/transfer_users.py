"""AWS::Transfer::User.

Source: CloudFormation Template Reference, AWS::Transfer::User.
"""

from collections.abc import Sequence
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.cloud.cloudformation.loading import invalid
from crossdock.cloud.cloudformation.resources.kind import (
    CannotUpdate,
    Properties,
    ResourceKind,
    Workplace,
    changed_names,
    given,
    ignoring_absence,
)
from crossdock.cloud.cloudformation.resources.shapes import TAGS, TEXTS, document, listed, record, text, whole
from crossdock.cloud.cloudformation.resources.transfer import change_tags

# What UpdateUser takes for what a template no longer says.
_CLEARED: dict[str, Any] = {"HomeDirectory": "", "HomeDirectoryType": "PATH", "Policy": ""}


async def _create(at: Workplace, properties: Properties) -> Made:
    keys: Sequence[str] = properties.get("SshPublicKeys", [])
    params = {name: value for name, value in properties.items() if name != "SshPublicKeys"}
    await at.do("transfer", "CreateUser", {**params, **({"SshPublicKeyBody": keys[0]} if keys else {})})
    made = _made(at, properties)
    await at.claim(made.physical_id)
    for key in keys[1:]:
        await _import_key(at, properties, key)
    return made


def _made(at: Workplace, properties: Properties) -> Made:
    server_id, user_name = properties["ServerId"], properties["UserName"]
    arn = f"arn:aws:transfer:{at.call.region}:{at.call.account_id}:user/{server_id}/{user_name}"
    return Made(physical_id=arn, ref=arn, attributes={"Arn": arn, "ServerId": server_id, "UserName": user_name})


async def _update(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    changed = changed_names(old, new)
    if changed & {"ServerId", "UserName"}:
        raise CannotUpdate
    if "PosixProfile" in changed - new.keys():
        raise invalid("Crossdock cannot take the PosixProfile from a user that is there already.")
    if settings := changed - {"SshPublicKeys", "Tags"}:
        cleared = {name: _CLEARED[name] for name in settings - new.keys() if name in _CLEARED}
        await at.do("transfer", "UpdateUser", {**given(new, "ServerId", "UserName", *settings), **cleared})
    if "SshPublicKeys" in changed:
        await _exchange_keys(at, old, new)
    await change_tags(at, physical_id, old, new)
    return _made(at, new)


async def _exchange_keys(at: Workplace, old: Properties, new: Properties) -> None:
    """New keys come before old ones go, so that the user can always log in.

    Keys that came past the stack stay. What is there is looked up, for an update that failed half-way is taken back.
    """
    described = await at.do("transfer", "DescribeUser", given(new, "ServerId", "UserName"))
    kept = {_identity(key["SshPublicKeyBody"]): key["SshPublicKeyId"] for key in described["User"]["SshPublicKeys"]}
    wanted = [*new.get("SshPublicKeys", [])]
    for key in wanted:
        if _identity(key) not in kept:
            await _import_key(at, new, key)
    for gone in {_identity(key) for key in old.get("SshPublicKeys", [])} - {_identity(key) for key in wanted}:
        if gone in kept:
            params = {**given(new, "ServerId", "UserName"), "SshPublicKeyId": kept[gone]}
            await ignoring_absence(at.do("transfer", "DeleteSshPublicKey", params))


def _identity(key: str) -> tuple[str, ...]:
    """What tells keys apart: type and body, not the comment."""
    return tuple(key.split()[:2])


async def _import_key(at: Workplace, user: Properties, key: str) -> None:
    await at.do("transfer", "ImportSshPublicKey", {**given(user, "ServerId", "UserName"), "SshPublicKeyBody": key})


async def _delete(at: Workplace, _physical_id: str, properties: Properties) -> None:
    await ignoring_absence(at.do("transfer", "DeleteUser", given(properties, "ServerId", "UserName")))


USER = ResourceKind(
    create=_create,
    update=_update,
    delete=_delete,
    properties={
        "HomeDirectory": text,
        "HomeDirectoryMappings": listed(
            record({"Entry": text, "Target": text, "Type": text}, "Entry", "Target"),
        ),
        "HomeDirectoryType": text,
        "Policy": document,
        "PosixProfile": record({"Gid": whole, "SecondaryGids": listed(whole), "Uid": whole}, "Gid", "Uid"),
        "Role": text,
        "ServerId": text,
        "SshPublicKeys": TEXTS,
        "Tags": TAGS,
        "UserName": text,
    },
    required=frozenset({"Role", "ServerId", "UserName"}),
    attributes=frozenset({"Arn", "ServerId", "UserName"}),
)
