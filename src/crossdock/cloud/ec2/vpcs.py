"""DescribeVpcs and DescribeSubnets: every account has one default VPC with one subnet in each region, in name only.

Other VPC ids are names too: a security group may have one, as a Transfer server may, and nothing follows from it.
"""

from hashlib import sha256
from typing import Any, Final

from crossdock.cloud.ec2.filters import page_of, where
from crossdock.cloud.ec2.records import ec2_arn
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Result

VPC_BLOCK: Final = "172.31.0.0/16"
SUBNET_BLOCK: Final = "172.31.0.0/20"

# AWS keeps five addresses of every subnet for itself.
_SUBNET_ADDRESSES = 4096 - 5


def default_vpc_id(account_id: str, region: str) -> str:
    """Always the same for an account and region, without being kept."""
    return _made_id("vpc-", account_id, region)


def default_subnet_id(account_id: str, region: str) -> str:
    return _made_id("subnet-", account_id, region)


async def describe_vpcs(call: Call) -> Result:
    vpc: dict[str, Any] = {
        "VpcId": default_vpc_id(call.account_id, call.region),
        "OwnerId": call.account_id,
        "CidrBlock": VPC_BLOCK,
        "State": "available",
        "IsDefault": True,
        "InstanceTenancy": "default",
        "Tags": [],
    }
    _check_ids(call.params.get("VpcIds", ()), vpc["VpcId"], code="InvalidVpcID.NotFound", noun="vpc ID")
    words = {
        "vpc-id": vpc["VpcId"],
        "cidr": VPC_BLOCK,
        "cidr-block": VPC_BLOCK,
        "is-default": "true",
        "isDefault": "true",
        "owner-id": call.account_id,
        "state": "available",
    }
    found = [vpc] if where(call.params, lambda name: (words[name],) if name in words else None) else []
    return page_of(call.params, "Vpcs", [(vpc["VpcId"], vpc) for vpc in found])


async def describe_subnets(call: Call) -> Result:
    subnet_id = default_subnet_id(call.account_id, call.region)
    vpc_id = default_vpc_id(call.account_id, call.region)
    subnet: dict[str, Any] = {
        "SubnetId": subnet_id,
        "SubnetArn": ec2_arn(call.region, call.account_id, f"subnet/{subnet_id}"),
        "VpcId": vpc_id,
        "OwnerId": call.account_id,
        "CidrBlock": SUBNET_BLOCK,
        "AvailabilityZone": f"{call.region}a",
        "AvailableIpAddressCount": _SUBNET_ADDRESSES,
        "DefaultForAz": True,
        "MapPublicIpOnLaunch": False,
        "State": "available",
        "Tags": [],
    }
    _check_ids(call.params.get("SubnetIds", ()), subnet_id, code="InvalidSubnetID.NotFound", noun="subnet ID")
    words = {
        "subnet-id": subnet_id,
        "vpc-id": vpc_id,
        "cidr-block": SUBNET_BLOCK,
        "availability-zone": f"{call.region}a",
        "default-for-az": "true",
        "owner-id": call.account_id,
        "state": "available",
    }
    found = [subnet] if where(call.params, lambda name: (words[name],) if name in words else None) else []
    return page_of(call.params, "Subnets", [(subnet_id, subnet) for subnet in found])


def _made_id(prefix: str, account_id: str, region: str) -> str:
    return prefix + sha256(f"{prefix}{account_id} {region}".encode()).hexdigest()[:17]


def _check_ids(wanted: list[str], present: str, *, code: str, noun: str) -> None:
    for one in wanted:
        if one != present:
            raise ServiceError(code, f"The {noun} '{one}' does not exist")
