"""Which security group a request means, and what the request needs to be allowed."""

import re
from collections.abc import Mapping, Sequence

from crossdock.cloud.ec2.faults import malformed_group_id, missing, no_such_groups, no_such_name
from crossdock.cloud.ec2.records import GROUPS, GroupRecord, ec2_arn, group_arn
from crossdock.cloud.ec2.vpcs import default_vpc_id
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Permission, Permissions
from crossdock.ports.state import Transaction

_GROUP_ID = re.compile(r"sg-(?:[0-9a-f]{8}|[0-9a-f]{17})")

Keys = Mapping[str, tuple[str, ...]]


def check_group_id(text: str) -> None:
    if not _GROUP_ID.fullmatch(text):
        raise malformed_group_id(text)


async def named_group_id(call: Call) -> str:
    """The id of the group that GroupId or GroupName means, the latter in the default VPC.

    Raises:
        ServiceError: MissingParameter, InvalidParameterCombination, InvalidGroupId.Malformed, InvalidGroup.NotFound.
    """
    group_id, name = call.params.get("GroupId"), call.params.get("GroupName")
    if group_id and name:
        raise ServiceError(
            "InvalidParameterCombination", "The parameter GroupId cannot be used with the parameter GroupName"
        )
    if group_id:
        check_group_id(group_id)
        return str(group_id)
    if not name:
        raise missing("groupName or groupId")
    async with call.reading() as tx:
        group = await group_called(tx, call, name)
    if group is None:
        raise no_such_name(name, default_vpc_id(call.account_id, call.region))
    return group.group_id


async def living_group(tx: Transaction, call: Call, group_id: str) -> GroupRecord:
    """The group of the call's account and region. Raises ServiceError InvalidGroup.NotFound."""
    group = await GROUPS.get(tx, call.account_id, call.region, group_id)
    if group is None:
        raise no_such_groups([group_id])
    return group


async def group_called(tx: Transaction, call: Call, name: str) -> GroupRecord | None:
    """The group of that name in the default VPC, or that which has the name as its id."""
    vpc_id = default_vpc_id(call.account_id, call.region)
    for group in await GROUPS.everything(tx, call.account_id, call.region):
        if name == group.group_id or (group.vpc_id == vpc_id and group.name.casefold() == name.casefold()):
            return group
    return None


def on_group(action: str) -> Permissions:
    """`action` on the one group that the request names."""

    async def permissions(call: Call) -> Sequence[Permission]:
        async with call.reading() as tx:
            if group_id := call.params.get("GroupId"):
                group = await GROUPS.get(tx, call.account_id, call.region, group_id)
            else:
                group = await group_called(tx, call, call.params.get("GroupName", ""))
        if group is not None:
            return [Permission(action=action, resource=group.arn, context=group_keys(group))]
        arn = group_arn(call.region, call.account_id, group_id or "*")
        return [Permission(action=action, resource=arn)]

    return permissions


def group_keys(group: GroupRecord) -> Keys:
    """Source: Service Authorization Reference, "Actions, resources, and condition keys for Amazon EC2"."""
    keys: dict[str, tuple[str, ...]] = {
        "ec2:SecurityGroupID": (group.group_id,),
        "ec2:Vpc": (ec2_arn(group.region, group.account_id, f"vpc/{group.vpc_id}"),),
        "ec2:Region": (group.region,),
    }
    for key, value in group.tags.items():
        keys[f"aws:ResourceTag/{key}"] = (value,)
        keys[f"ec2:ResourceTag/{key}"] = (value,)
    return keys
