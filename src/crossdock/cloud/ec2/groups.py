"""CreateSecurityGroup and DeleteSecurityGroup.

Source: Amazon EC2 API Reference, CreateSecurityGroup and DeleteSecurityGroup; Amazon VPC User Guide, "Amazon VPC
quotas".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from crossdock.cloud.ec2.faults import group_in_use, invalid_value, name_taken, too_many_groups
from crossdock.cloud.ec2.finding import living_group, named_group_id
from crossdock.cloud.ec2.ingress import SecurityGroupIngress
from crossdock.cloud.ec2.records import DELETED_GROUPS, GROUPS, DeletedGroupRecord, GroupRecord, ec2_arn, group_arn
from crossdock.cloud.ec2.tags import described_tags, tag_keys, tags_of_new_group
from crossdock.cloud.ec2.vpcs import default_vpc_id
from crossdock.core.errors import ServiceError
from crossdock.core.ids import hex_id
from crossdock.operations.call import Call
from crossdock.operations.operation import Permission, Result
from crossdock.ports.ingress import SecurityGroupUse

MAX_GROUPS = 2500
"""Of an account in a region."""

MAX_TEXT = 255

_TEXT = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]+", re.ASCII)
_VPC_ID = re.compile(r"vpc-[0-9a-f]{1,17}")
_SET = "are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"


@dataclass(frozen=True, slots=True)
class Groups:
    """`use` tells who names a group, which then cannot be deleted."""

    ingress: SecurityGroupIngress
    use: SecurityGroupUse

    async def create(self, call: Call) -> Result:
        name, description = call.params["GroupName"], call.params["Description"]
        _check_texts(name, description)
        tags = tags_of_new_group(call.params)
        group = GroupRecord(
            account_id=call.account_id,
            region=call.region,
            group_id=hex_id("sg-", call.house.entropy),
            name=name,
            description=description,
            vpc_id=_vpc_id(call),
            created_at=call.now,
            tags=tags,
        )
        async with self.ingress.changing(call, group.group_id) as tx:
            present = await GROUPS.everything(tx, call.account_id, call.region)
            if any(one.vpc_id == group.vpc_id and one.name.casefold() == name.casefold() for one in present):
                raise name_taken(name, group.vpc_id)
            if len(present) >= MAX_GROUPS:
                raise too_many_groups(group.vpc_id)
            await GROUPS.put(tx, group, *group.key, is_new=True)
        return {"GroupId": group.group_id, "SecurityGroupArn": group.arn, "Tags": described_tags(tags)}

    async def delete(self, call: Call) -> Result:
        group_id = await named_group_id(call)
        async with self.ingress.changing(call, group_id) as tx:
            group = await living_group(tx, call, group_id)
            if servers := await self.use.servers_with(tx, *group.key):
                raise group_in_use(group_id, servers)
            gone = DeletedGroupRecord(
                account_id=group.account_id, region=group.region, group_id=group_id, deleted_at=call.now
            )
            await GROUPS.delete(tx, *group.key)
            await DELETED_GROUPS.put(tx, gone, *group.key)
        return {"Return": True, "GroupId": group_id}


def on_new_group(call: Call) -> Sequence[Permission]:
    """CreateSecurityGroup on the group and on its VPC, and CreateTags where it is made with tags."""
    arn = group_arn(call.region, call.account_id, "*")
    tags = [tag for one in call.params.get("TagSpecifications", ()) for tag in one.get("Tags", ())]
    keys = {**tag_keys(tags), "ec2:Region": (call.region,)}
    vpc_arn = ec2_arn(call.region, call.account_id, f"vpc/{_given_vpc(call)}")
    needed = [
        Permission(action="ec2:CreateSecurityGroup", resource=arn, context={**keys, "ec2:Vpc": (vpc_arn,)}),
        Permission(action="ec2:CreateSecurityGroup", resource=vpc_arn, context={"ec2:Region": (call.region,)}),
    ]
    if tags:
        context = {**keys, "ec2:CreateAction": ("CreateSecurityGroup",)}
        needed.append(Permission(action="ec2:CreateTags", resource=arn, context=context))
    return needed


def _given_vpc(call: Call) -> str:
    return str(call.params.get("VpcId") or default_vpc_id(call.account_id, call.region))


def _vpc_id(call: Call) -> str:
    vpc_id = _given_vpc(call)
    if not _VPC_ID.fullmatch(vpc_id):
        raise ServiceError("InvalidVpcID.NotFound", f"The vpc ID '{vpc_id}' does not exist")
    return vpc_id


def _check_texts(name: str, description: str) -> None:
    if name.casefold() == "default":
        raise invalid_value("Cannot use reserved security group name: default")
    if name.casefold().startswith("sg-"):
        raise invalid_value("Group names may not be in the format sg-*")
    if len(name) > MAX_TEXT or not _TEXT.fullmatch(name):
        raise invalid_value(f"Invalid security group name. Valid names {_SET}")
    if len(description) > MAX_TEXT or not _TEXT.fullmatch(description):
        raise invalid_value(f"Invalid security group description. Valid descriptions {_SET}")
