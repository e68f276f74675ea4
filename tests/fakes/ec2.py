"""EC2 on a house of fakes.

ec2 = await make_ec2()
group_id = await ec2.group("ftp")
await ec2("AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=[tcp(21, "192.0.2.0/24")])
assert ec2.ingress.is_restricted(server(group_id))
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from tests.fakes.aws_models import model_of
from tests.fakes.calls import call_as_root
from tests.fakes.house import AllowEverything, AllowOnly, make_house
from tests.fakes.logins import SERVER
from tests.fakes.models import assert_fits

from crossdock.cloud.ec2.ingress import SecurityGroupIngress
from crossdock.cloud.ec2.table import ec2_operations
from crossdock.core.errors import ServiceError
from crossdock.core.ids import AccountId
from crossdock.core.servers import Server
from crossdock.operations.call import House, Operations
from crossdock.ports.state import State, Transaction
from crossdock.wire.validation import validate_params

HUB, PARTNER = "111111111111", "222222222222"
REGION = "us-east-1"


@dataclass(slots=True)
class NamedGroups:
    """Implements `ports.ingress.SecurityGroupUse`: the servers that name a group, by its id."""

    servers: dict[str, list[str]] = field(default_factory=dict)

    async def servers_with(self, tx: Transaction, account_id: str, region: str, group_id: str) -> Sequence[str]:
        return self.servers.get(group_id, [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Ec2:
    """A client; input and answers must fit AWS's model."""

    house: House
    operations: Operations
    ingress: SecurityGroupIngress
    use: NamedGroups
    authorizer: AllowOnly

    async def __call__(
        self, operation: str, *, account: str = HUB, region: str = REGION, **params: Any
    ) -> Mapping[str, Any]:
        result = await call_as_root(self.operations, "ec2", operation, params, account=account, region=region)
        assert_fits("ec2", operation, params, result)
        return result

    async def group(self, name: str = "ftp", **params: Any) -> str:
        """A new group's id."""
        made = await self("CreateSecurityGroup", GroupName=name, Description="who may connect", **params)
        return str(made["GroupId"])

    async def described(self, group_id: str) -> Mapping[str, Any]:
        (found,) = (await self("DescribeSecurityGroups", GroupIds=[group_id]))["SecurityGroups"]
        return dict(found)

    async def allow(self, group_id: str, *permissions: Mapping[str, Any], **params: Any) -> list[str]:
        """The ids of the new rules."""
        made = await self("AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=list(permissions), **params)
        return [rule["SecurityGroupRuleId"] for rule in made["SecurityGroupRules"]]

    async def refusal(self, operation: str, **params: Any) -> tuple[str, str]:
        with pytest.raises(ServiceError) as caught:
            await self(operation, **params)
        return caught.value.code, caught.value.message


async def make_ec2(*, authorizer: AllowOnly | None = None, state: State | None = None, retry_s: float = 0.0) -> Ec2:
    house = make_house(state=state)
    ingress = SecurityGroupIngress(state=house.state, tasks=house.tasks, retry_s=retry_s)
    await ingress.load()
    use = NamedGroups()
    authorizer = authorizer or AllowEverything()
    return Ec2(
        house=house,
        operations=Operations(
            [ec2_operations(ingress=ingress, use=use)],
            house=house,
            authorizer=authorizer,
            validate=lambda service, name, params: validate_params(model_of(service), name, params),
        ),
        ingress=ingress,
        use=use,
        authorizer=authorizer,
    )


def tcp(port: int, *cidrs: str, last: int | None = None, description: str = "") -> dict[str, Any]:
    """An IpPermission for these networks, IPv4 and IPv6."""
    more = {"Description": description} if description else {}
    return {
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port if last is None else last,
        "IpRanges": [{"CidrIp": cidr, **more} for cidr in cidrs if ":" not in cidr],
        "Ipv6Ranges": [{"CidrIpv6": cidr, **more} for cidr in cidrs if ":" in cidr],
    }


def server(*group_ids: str, account: str = HUB, region: str = REGION) -> Server:
    return replace(SERVER, security_group_ids=group_ids, account_id=AccountId(account), region=region)
