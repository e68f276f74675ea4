"""CreateTags and DeleteTags on security groups, and the tags that one is made with.

Source: Amazon EC2 API Reference, CreateTags, DeleteTags and TagSpecification; EC2 User Guide, "Tag restrictions".
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from crossdock.cloud.ec2.faults import invalid_value, missing
from crossdock.cloud.ec2.finding import Keys, check_group_id, group_keys, living_group
from crossdock.cloud.ec2.records import GROUPS, group_arn
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Permission, Permissions, Result

MAX_TAGS = 50
MAX_KEY = 128
MAX_VALUE = 256
GROUP_TYPE = "security-group"


def tags_of_new_group(params: Params) -> dict[str, str]:
    """What `TagSpecifications` give. Raises ServiceError InvalidParameterValue, TagLimitExceeded."""
    given: list[Mapping[str, str]] = []
    for specification in params.get("TagSpecifications", ()):
        kind = specification.get("ResourceType", "")
        if kind != GROUP_TYPE:
            raise invalid_value(f"'{kind}' is not a valid taggable resource type for this operation.")
        given += specification.get("Tags", ())
    return _checked(given)


async def create_tags(call: Call) -> Result:
    given = _checked(call.params["Tags"])
    if not given:
        raise missing("Tag")
    async with call.transaction() as tx:
        for group_id in _groups_named(call.params["Resources"]):
            group = await living_group(tx, call, group_id)
            tags = {**group.tags, **given}
            _check_count(tags)
            await GROUPS.put(tx, replace(group, tags=tags), *group.key)
    return {}


async def delete_tags(call: Call) -> Result:
    """A tag that is given with a value goes only if it has that value; without any tags, all go."""
    unwanted: Sequence[Mapping[str, Any]] | None = call.params.get("Tags") or None
    async with call.transaction() as tx:
        for group_id in _groups_named(call.params["Resources"]):
            group = await living_group(tx, call, group_id)
            tags = {} if unwanted is None else {k: v for k, v in group.tags.items() if not _is_in(k, v, unwanted)}
            await GROUPS.put(tx, replace(group, tags=tags), *group.key)
    return {}


def on_resources(action: str) -> Permissions:
    async def permissions(call: Call) -> Sequence[Permission]:
        needed: list[Permission] = []
        async with call.reading() as tx:
            for group_id in call.params["Resources"]:
                group = await GROUPS.get(tx, call.account_id, call.region, group_id)
                keys = {} if group is None else group_keys(group)
                arn = group_arn(call.region, call.account_id, group_id)
                context = {**keys, **tag_keys(call.params.get("Tags", ()))}
                needed.append(Permission(action=action, resource=arn, context=context))
        return needed

    return permissions


def tag_keys(tags: Iterable[Mapping[str, str]]) -> Keys:
    given = {tag.get("Key", ""): tag.get("Value", "") for tag in tags}
    keys: dict[str, tuple[str, ...]] = {f"aws:RequestTag/{key}": (value,) for key, value in given.items()}
    return {**keys, "aws:TagKeys": tuple(given)} if given else keys


def described_tags(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _groups_named(ids: Sequence[str]) -> list[str]:
    for one in ids:
        if not one.startswith("sg-"):
            raise ServiceError("InvalidID", f"The ID '{one}' is not valid: Crossdock tags security groups only")
        check_group_id(one)
    return list(dict.fromkeys(ids))


def _is_in(key: str, value: str, tags: Sequence[Mapping[str, Any]]) -> bool:
    return any(tag.get("Key") == key and tag.get("Value", value) == value for tag in tags)


def _checked(given: Iterable[Mapping[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for tag in given:
        key, value = tag.get("Key", ""), tag.get("Value", "")
        if not key:
            raise invalid_value("Tag key can't be empty.")
        if key.lower().startswith("aws:"):
            raise invalid_value("Tag keys starting with 'aws:' are reserved for internal use")
        if len(key) > MAX_KEY:
            raise invalid_value(f"Tag key exceeds the maximum length of {MAX_KEY} characters")
        if len(value) > MAX_VALUE:
            raise invalid_value(f"Tag value exceeds the maximum length of {MAX_VALUE} characters")
        if key in found:
            raise invalid_value(f"Duplicate tag key '{key}' specified.")
        found[key] = value
    _check_count(found)
    return found


def _check_count(tags: Mapping[str, str]) -> None:
    if len(tags) > MAX_TAGS:
        raise ServiceError("TagLimitExceeded", f"A resource can have at most {MAX_TAGS} tags.")
