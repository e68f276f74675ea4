"""Making, describing and deleting security groups."""

import re
from dataclasses import replace

import pytest
from tests.fakes.ec2 import HUB, PARTNER, REGION, make_ec2, tcp
from tests.fakes.house import AllowOnly

from crossdock.cloud.ec2.groups import MAX_GROUPS
from crossdock.cloud.ec2.records import GROUPS
from crossdock.operations.audit import AUDIT

UNKNOWN = "sg-0123456789abcdef0"


async def test_a_group_is_what_it_was_made_as():
    ec2 = await make_ec2()
    made = await ec2(
        "CreateSecurityGroup",
        GroupName="ftp clients",
        Description="who may connect",
        TagSpecifications=[{"ResourceType": "security-group", "Tags": [{"Key": "team", "Value": "dock"}]}],
    )
    group_id = made["GroupId"]
    assert re.fullmatch(r"sg-[0-9a-f]{17}", group_id)
    (vpc,) = (await ec2("DescribeVpcs"))["Vpcs"]
    assert await ec2.described(group_id) == {
        "OwnerId": HUB,
        "GroupId": group_id,
        "GroupName": "ftp clients",
        "Description": "who may connect",
        "VpcId": vpc["VpcId"],
        "SecurityGroupArn": f"arn:aws:ec2:us-east-1:{HUB}:security-group/{group_id}",
        "IpPermissions": [],
        "IpPermissionsEgress": [
            {
                "IpProtocol": "-1",
                "IpRanges": [{"CidrIp": "0.0.0.0/0"}],
                "Ipv6Ranges": [],
                "PrefixListIds": [],
                "UserIdGroupPairs": [],
            }
        ],
        "Tags": [{"Key": "team", "Value": "dock"}],
    }
    assert made["SecurityGroupArn"].endswith(f"security-group/{group_id}")
    assert made["Tags"] == [{"Key": "team", "Value": "dock"}]


async def test_a_name_is_unique_within_its_vpc_whatever_its_case():
    ec2 = await make_ec2()
    await ec2.group("ftp")
    code, message = await ec2.refusal("CreateSecurityGroup", GroupName="FTP", Description="d")
    assert code == "InvalidGroup.Duplicate"
    assert re.fullmatch(r"The security group 'FTP' already exists for VPC 'vpc-[0-9a-f]{17}'", message)
    await ec2.group("ftp", VpcId="vpc-0abc")
    await ec2.group("ftp", account=PARTNER)
    await ec2.group("ftp", region="eu-central-1")
    assert len((await ec2("DescribeSecurityGroups"))["SecurityGroups"]) == 2


@pytest.mark.parametrize(
    ("params", "code", "sentence"),
    [
        ({"GroupName": "x"}, "MissingParameter", "The request must contain the parameter description"),
        ({"Description": "x"}, "MissingParameter", "The request must contain the parameter groupName"),
        ({"GroupName": "sg-1", "Description": "d"}, "InvalidParameterValue", "may not be in the format sg-*"),
        ({"GroupName": "default", "Description": "d"}, "InvalidParameterValue", "reserved security group name"),
        ({"GroupName": "", "Description": "d"}, "InvalidParameterValue", "Invalid security group name."),
        ({"GroupName": "ü", "Description": "d"}, "InvalidParameterValue", "Invalid security group name."),
        ({"GroupName": "x" * 256, "Description": "d"}, "InvalidParameterValue", "Invalid security group name."),
        ({"GroupName": "x", "Description": "a\nb"}, "InvalidParameterValue", "Invalid security group description."),
        ({"GroupName": "x", "Description": "d", "VpcId": "net"}, "InvalidVpcID.NotFound", "The vpc ID 'net'"),
        (
            {"GroupName": "x", "Description": "d", "TagSpecifications": [{"ResourceType": "instance"}]},
            "InvalidParameterValue",
            "'instance' is not a valid taggable resource type",
        ),
    ],
)
async def test_what_cannot_be_a_group_is_refused(params, code, sentence):
    ec2 = await make_ec2()
    refused = await ec2.refusal("CreateSecurityGroup", **params)
    assert refused[0] == code
    assert sentence in refused[1]
    assert (await ec2("DescribeSecurityGroups"))["SecurityGroups"] == []


async def test_a_group_is_deleted_by_its_id_or_by_its_name():
    ec2 = await make_ec2()
    first, second = await ec2.group("one"), await ec2.group("two")
    assert await ec2("DeleteSecurityGroup", GroupId=first) == {"Return": True, "GroupId": first}
    assert (await ec2("DeleteSecurityGroup", GroupName="Two"))["GroupId"] == second
    assert await ec2.refusal("DeleteSecurityGroup", GroupId=first) == (
        "InvalidGroup.NotFound",
        f"The security group '{first}' does not exist",
    )
    assert (await ec2("DescribeSecurityGroups"))["SecurityGroups"] == []


async def test_a_group_that_servers_name_is_not_deleted():
    ec2 = await make_ec2()
    group_id = await ec2.group()
    ec2.use.servers[group_id] = ["s-2", "s-1"]
    assert await ec2.refusal("DeleteSecurityGroup", GroupId=group_id) == (
        "DependencyViolation",
        f"resource {group_id} has a dependent object: s-1, s-2",
    )
    assert (await ec2.described(group_id))["GroupId"] == group_id


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "MissingParameter"),
        ({"GroupId": UNKNOWN, "GroupName": "ftp"}, "InvalidParameterCombination"),
        ({"GroupId": "group"}, "InvalidGroupId.Malformed"),
        ({"GroupId": UNKNOWN}, "InvalidGroup.NotFound"),
        ({"GroupName": "nobody"}, "InvalidGroup.NotFound"),
    ],
)
async def test_a_group_that_cannot_be_found_is_an_error(params, code):
    ec2 = await make_ec2()
    for operation, more in (
        ("DeleteSecurityGroup", {}),
        ("AuthorizeSecurityGroupIngress", {"IpPermissions": [tcp(21, "192.0.2.0/24")]}),
        ("RevokeSecurityGroupIngress", {"IpPermissions": [tcp(21, "192.0.2.0/24")]}),
    ):
        assert (await ec2.refusal(operation, **params, **more))[0] == code


async def test_another_account_and_another_region_do_not_see_a_group():
    ec2 = await make_ec2()
    group_id = await ec2.group()
    for elsewhere in ({"account": PARTNER}, {"region": "eu-central-1"}):
        assert (await ec2("DescribeSecurityGroups", **elsewhere))["SecurityGroups"] == []
        assert (await ec2.refusal("DeleteSecurityGroup", GroupId=group_id, **elsewhere))[0] == "InvalidGroup.NotFound"


async def test_there_are_at_most_as_many_groups_as_at_aws():
    ec2 = await make_ec2()
    first = await ec2.group("first")
    async with ec2.house.state.transaction() as tx:
        group = await GROUPS.get(tx, HUB, REGION, first)
        for number in range(MAX_GROUPS - 1):
            one = replace(group, group_id=f"sg-{number:08x}", name=f"group{number}")
            await GROUPS.put(tx, one, *one.key)
    refused = await ec2.refusal("CreateSecurityGroup", GroupName="one more", Description="d")
    assert refused[0] == "SecurityGroupLimitExceeded"
    assert await ec2.group("elsewhere", region="eu-central-1")


async def test_a_dry_run_changes_nothing():
    ec2 = await make_ec2()
    refused = await ec2.refusal("CreateSecurityGroup", GroupName="x", Description="d", DryRun=True)
    assert refused == ("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
    assert (await ec2("DescribeSecurityGroups"))["SecurityGroups"] == []


async def test_who_may_not_is_told_so_and_noted():
    ec2 = await make_ec2(authorizer=AllowOnly("ec2:DescribeSecurityGroups"))
    code, message = await ec2.refusal("CreateSecurityGroup", GroupName="x", Description="d", DryRun=True)
    assert code == "UnauthorizedOperation"
    assert f"ec2:CreateSecurityGroup on resource: arn:aws:ec2:us-east-1:{HUB}:security-group/*" in message
    async with ec2.house.state.reading() as tx:
        (audited,) = await tx.table(AUDIT).page()
    assert audited.value["errorCode"] == "UnauthorizedOperation"


async def test_permissions_are_on_the_group_with_what_it_is():
    ec2 = await make_ec2()
    group_id = await ec2.group(
        TagSpecifications=[{"ResourceType": "security-group", "Tags": [{"Key": "team", "Value": "dock"}]}]
    )
    created = {(one.action, one.resource.rpartition(":")[2].partition("/")[0]) for one in ec2.authorizer.asked}
    assert created == {
        ("ec2:CreateSecurityGroup", "security-group"),
        ("ec2:CreateSecurityGroup", "vpc"),
        ("ec2:CreateTags", "security-group"),
    }
    for named in ({"GroupId": group_id}, {"GroupName": "ftp"}):
        ec2.authorizer.asked.clear()
        await ec2.refusal("RevokeSecurityGroupIngress", **named, IpPermissions=[tcp(21, "192.0.2.0/24")])
        (asked,) = ec2.authorizer.asked
        assert asked.action == "ec2:RevokeSecurityGroupIngress"
        assert asked.resource.endswith(group_id)
        assert asked.context["ec2:ResourceTag/team"] == asked.context["aws:ResourceTag/team"] == ("dock",)
        assert asked.context["ec2:Vpc"][0].startswith(f"arn:aws:ec2:us-east-1:{HUB}:vpc/vpc-")
