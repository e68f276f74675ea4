"""Security groups as rows. Rules lie with their group, so that a request changes all of them or none."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from crossdock.core.arns import Arn
from crossdock.core.ingress import ALL_PROTOCOLS, IngressRule
from crossdock.core.networks import parse_network
from crossdock.operations.records import Records
from crossdock.ports.state import TableSpec

ANY_PORT: Final = -1
WITH_PORTS: Final = ("tcp", "udp", "icmp", "icmpv6")
"""Protocols whose rules have ports, or a type and a code; rules of others are for all there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What is let in: a protocol as AWS describes it, a range of ports, and a network in its canonical form."""

    protocol: str
    from_port: int
    to_port: int
    cidr: str

    @property
    def is_ipv6(self) -> bool:
        return ":" in self.cidr

    def __str__(self) -> str:
        """As AWS's errors name it."""
        parts = [f"peer: {self.cidr}"]
        if self.protocol == ALL_PROTOCOLS:
            parts.append("ALL")
        elif self.protocol in WITH_PORTS:
            parts += [self.protocol.upper(), f"from port: {self.from_port}", f"to port: {self.to_port}"]
        else:
            parts.append(f"protocol: {self.protocol}")
        return ", ".join((*parts, "ALLOW"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRecord:
    rule_id: str
    rule: Rule
    description: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupRecord:
    account_id: str
    region: str
    group_id: str
    name: str
    description: str
    vpc_id: str
    created_at: datetime
    rules: tuple[RuleRecord, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return group_arn(self.region, self.account_id, self.group_id)

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.account_id, self.region, self.group_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeletedGroupRecord:
    """That there was such a group: a server that names it still must not be open for that."""

    account_id: str
    region: str
    group_id: str
    deleted_at: datetime


GROUPS = Records(TableSpec(name="ec2_security_groups"), GroupRecord)
"""Key: account, region, group id."""

DELETED_GROUPS = Records(TableSpec(name="ec2_deleted_security_groups"), DeletedGroupRecord)
"""Key: as `GROUPS`."""


def ingress_rules(group: GroupRecord) -> tuple[IngressRule, ...]:
    return tuple(
        IngressRule(
            network=parse_network(one.rule.cidr),
            protocol=one.rule.protocol,
            from_port=one.rule.from_port,
            to_port=one.rule.to_port,
        )
        for one in group.rules
    )


def group_arn(region: str, account_id: str, group_id: str) -> str:
    return ec2_arn(region, account_id, f"security-group/{group_id}")


def ec2_arn(region: str, account_id: str, resource: str) -> str:
    return str(Arn(service="ec2", region=region, account_id=account_id, resource=resource))
