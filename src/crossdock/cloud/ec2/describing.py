"""DescribeSecurityGroups and DescribeSecurityGroupRules.

Source: Amazon EC2 API Reference, DescribeSecurityGroups and DescribeSecurityGroupRules.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from crossdock.cloud.ec2.faults import no_such_groups, no_such_name, no_such_rule_id
from crossdock.cloud.ec2.filters import page_of, where
from crossdock.cloud.ec2.finding import check_group_id
from crossdock.cloud.ec2.records import GROUPS, WITH_PORTS, GroupRecord, Rule, RuleRecord, ec2_arn
from crossdock.cloud.ec2.tags import described_tags
from crossdock.cloud.ec2.vpcs import default_vpc_id
from crossdock.core.ingress import ALL_PROTOCOLS
from crossdock.operations.call import Call
from crossdock.operations.operation import Result

# What every new group has at AWS. Nothing of it is enforced: servers here open no connections to clients.
_EGRESS: Sequence[Mapping[str, Any]] = (
    {
        "IpProtocol": ALL_PROTOCOLS,
        "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
        "Ipv6Ranges": [],
        "PrefixListIds": [],
        "UserIdGroupPairs": [],
    },
)

_GROUP_WORDS: Mapping[str, Callable[[GroupRecord], Sequence[str]]] = {
    "description": lambda group: (group.description,),
    "group-id": lambda group: (group.group_id,),
    "group-name": lambda group: (group.name,),
    "owner-id": lambda group: (group.account_id,),
    "vpc-id": lambda group: (group.vpc_id,),
    "tag-key": lambda group: tuple(group.tags),
    "ip-permission.cidr": lambda group: [one.rule.cidr for one in group.rules if not one.rule.is_ipv6],
    "ip-permission.ipv6-cidr": lambda group: [one.rule.cidr for one in group.rules if one.rule.is_ipv6],
    "ip-permission.from-port": lambda group: [str(one.rule.from_port) for one in group.rules],
    "ip-permission.to-port": lambda group: [str(one.rule.to_port) for one in group.rules],
    "ip-permission.protocol": lambda group: [one.rule.protocol for one in group.rules],
}


async def describe_security_groups(call: Call) -> Result:
    async with call.reading() as tx:
        present = await GROUPS.everything(tx, call.account_id, call.region)
    wanted = _wanted(call, present)
    found = [group for group in present if group.group_id in wanted and where(call.params, partial(_words, group))]
    return page_of(call.params, "SecurityGroups", [(group.group_id, described_group(group)) for group in found])


async def describe_security_group_rules(call: Call) -> Result:
    async with call.reading() as tx:
        groups = await GROUPS.everything(tx, call.account_id, call.region)
    present = {one.rule_id: (group, one) for group in groups for one in group.rules}
    wanted = call.params.get("SecurityGroupRuleIds") or list(present)
    for rule_id in wanted:
        if rule_id not in present:
            raise no_such_rule_id(rule_id)
    found = [present[rule_id] for rule_id in dict.fromkeys(wanted)]
    return page_of(
        call.params,
        "SecurityGroupRules",
        [(rule.rule_id, described_rule(group, rule)) for group, rule in found if _is_meant(call, group, rule)],
    )


def described_group(group: GroupRecord) -> dict[str, Any]:
    permissions: dict[tuple[str, int, int], list[RuleRecord]] = {}
    for one in group.rules:
        permissions.setdefault((one.rule.protocol, one.rule.from_port, one.rule.to_port), []).append(one)
    return {
        "OwnerId": group.account_id,
        "GroupId": group.group_id,
        "GroupName": group.name,
        "Description": group.description,
        "VpcId": group.vpc_id,
        "SecurityGroupArn": group.arn,
        "IpPermissions": [_permission(rules) for rules in permissions.values()],
        "IpPermissionsEgress": list(_EGRESS),
        "Tags": described_tags(group.tags),
    }


def described_rule(group: GroupRecord, record: RuleRecord) -> dict[str, Any]:
    rule = record.rule
    described: dict[str, Any] = {
        "SecurityGroupRuleId": record.rule_id,
        "GroupId": group.group_id,
        "GroupOwnerId": group.account_id,
        "IsEgress": False,
        "IpProtocol": rule.protocol,
        "FromPort": rule.from_port,
        "ToPort": rule.to_port,
        "CidrIpv6" if rule.is_ipv6 else "CidrIpv4": rule.cidr,
        "Tags": [],
        "SecurityGroupRuleArn": ec2_arn(group.region, group.account_id, f"security-group-rule/{record.rule_id}"),
    }
    return {**described, "Description": record.description} if record.description else described


def _permission(rules: Sequence[RuleRecord]) -> dict[str, Any]:
    """Rules that differ in their network only."""
    first: Rule = rules[0].rule
    ports = {"FromPort": first.from_port, "ToPort": first.to_port} if first.protocol in WITH_PORTS else {}
    return {
        "IpProtocol": first.protocol,
        **ports,
        "IpRanges": [_range("CidrIp", one) for one in rules if not one.rule.is_ipv6],
        "Ipv6Ranges": [_range("CidrIpv6", one) for one in rules if one.rule.is_ipv6],
        "PrefixListIds": [],
        "UserIdGroupPairs": [],
    }


def _range(member: str, record: RuleRecord) -> dict[str, str]:
    found = {member: record.rule.cidr}
    return {**found, "Description": record.description} if record.description else found


def _wanted(call: Call, present: Sequence[GroupRecord]) -> set[str]:
    """The ids that GroupIds and GroupNames mean; all when the request names none."""
    ids, names = call.params.get("GroupIds", ()), call.params.get("GroupNames", ())
    if not (ids or names):
        return {group.group_id for group in present}
    for group_id in ids:
        check_group_id(group_id)
    if unknown := [group_id for group_id in ids if group_id not in {group.group_id for group in present}]:
        raise no_such_groups(unknown)
    vpc_id = default_vpc_id(call.account_id, call.region)
    by_name = {group.name.casefold(): group.group_id for group in present if group.vpc_id == vpc_id}
    for name in names:
        if name.casefold() not in by_name:
            raise no_such_name(name, vpc_id)
    return {*ids, *(by_name[name.casefold()] for name in names)}


def _words(group: GroupRecord, name: str) -> Sequence[str] | None:
    if name.startswith("tag:"):
        value = group.tags.get(name.removeprefix("tag:"))
        return () if value is None else (value,)
    words = _GROUP_WORDS.get(name)
    return None if words is None else words(group)


def _is_meant(call: Call, group: GroupRecord, rule: RuleRecord) -> bool:
    words = {"group-id": (group.group_id,), "security-group-rule-id": (rule.rule_id,)}
    return where(call.params, words.get)
