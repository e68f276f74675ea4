"""AuthorizeSecurityGroupIngress and RevokeSecurityGroupIngress: all rules of a request, or none.

Source: Amazon EC2 API Reference, AuthorizeSecurityGroupIngress and RevokeSecurityGroupIngress; Amazon VPC User Guide,
"Amazon VPC quotas".
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from crossdock.cloud.ec2.describing import described_rule
from crossdock.cloud.ec2.faults import invalid_value, no_such_rule, no_such_rule_id, rule_exists, too_many_rules
from crossdock.cloud.ec2.finding import living_group, named_group_id
from crossdock.cloud.ec2.ingress import SecurityGroupIngress
from crossdock.cloud.ec2.records import GROUPS, GroupRecord, RuleRecord
from crossdock.cloud.ec2.rules_given import SHORT_FORM, rules_given
from crossdock.core.ids import hex_id
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result

MAX_RULES = 60
"""For IPv4, and as many for IPv6."""

_NOT_OF_A_REVOKED_RULE = ("GroupOwnerId", "SecurityGroupRuleArn", "Tags")


@dataclass(frozen=True, slots=True)
class GroupRules:
    ingress: SecurityGroupIngress

    async def authorize(self, call: Call) -> Result:
        if call.params.get("TagSpecifications"):
            raise invalid_value("Crossdock tags security groups, not their rules: leave TagSpecifications out")
        given = rules_given(call.params)
        group_id = await named_group_id(call)
        async with self.ingress.changing(call, group_id) as tx:
            group = await living_group(tx, call, group_id)
            present = {one.rule for one in group.rules}
            for rule in given:
                if rule in present:
                    raise rule_exists(str(rule))
            added = tuple(
                RuleRecord(rule_id=hex_id("sgr-", call.house.entropy), rule=rule, description=description)
                for rule, description in given.items()
            )
            rules = (*group.rules, *added)
            _check_count(rules)
            await GROUPS.put(tx, replace(group, rules=rules), *group.key)
        return {"Return": True, "SecurityGroupRules": [described_rule(group, one) for one in added]}

    async def revoke(self, call: Call) -> Result:
        """Descriptions need not match. A rule that is not there is an error, as for every group of a VPC."""
        group_id = await named_group_id(call)
        async with self.ingress.changing(call, group_id) as tx:
            group = await living_group(tx, call, group_id)
            gone = _rules_meant(group, call.params)
            rules = tuple(one for one in group.rules if one not in gone)
            await GROUPS.put(tx, replace(group, rules=rules), *group.key)
        return {"Return": True, "RevokedSecurityGroupRules": [_revoked(group, one) for one in gone]}


def _rules_meant(group: GroupRecord, params: Params) -> list[RuleRecord]:
    if ids := params.get("SecurityGroupRuleIds"):
        if any(params.get(name) for name in ("IpPermissions", *SHORT_FORM)):
            raise invalid_value("SecurityGroupRuleIds cannot be used with rules")
        by_id = {one.rule_id: one for one in group.rules}
        for rule_id in ids:
            if rule_id not in by_id:
                raise no_such_rule_id(rule_id)
        return [by_id[rule_id] for rule_id in dict.fromkeys(ids)]
    by_rule = {one.rule: one for one in group.rules}
    given = rules_given(params)
    if any(rule not in by_rule for rule in given):
        raise no_such_rule()
    return [by_rule[rule] for rule in given]


def _check_count(rules: Iterable[RuleRecord]) -> None:
    families = [one.rule.is_ipv6 for one in rules]
    if max(families.count(True), families.count(False)) > MAX_RULES:
        raise too_many_rules()


def _revoked(group: GroupRecord, rule: RuleRecord) -> dict[str, Any]:
    described = described_rule(group, rule)
    return {name: value for name, value in described.items() if name not in _NOT_OF_A_REVOKED_RULE}
