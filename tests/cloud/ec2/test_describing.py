"""Filters, pages, tags, and the network there is in name only."""

import pytest
from tests.fakes.ec2 import PARTNER, make_ec2, tcp

UNKNOWN = "sg-0123456789abcdef0"


async def names(ec2, **params):
    found = await ec2("DescribeSecurityGroups", **params)
    return sorted(group["GroupName"] for group in found["SecurityGroups"])


async def three_groups():
    ec2 = await make_ec2()
    ids = {name: await ec2.group(name) for name in ("office", "partners")}
    ids["old*"] = await ec2.group("old*", VpcId="vpc-0abc")
    await ec2.allow(ids["office"], tcp(21, "192.0.2.0/24", "2001:db8::/32"))
    await ec2.allow(ids["partners"], tcp(22, "198.51.100.0/24"), {**tcp(1, "192.0.2.0/24"), "IpProtocol": "-1"})
    await ec2("CreateTags", Resources=[ids["office"]], Tags=[{"Key": "team", "Value": "dock"}])
    return ec2, ids


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"group-name": ["office", "nobody"]}, ["office"]),
        ({"group-name": ["o*"]}, ["office", "old*"]),
        ({"group-name": ["o??\\*"]}, ["old*"]),
        ({"group-name": ["?ffice"]}, ["office"]),
        ({"group-name": ["OFFICE"]}, []),
        ({"description": ["who*"]}, ["office", "old*", "partners"]),
        ({"vpc-id": ["vpc-0abc"]}, ["old*"]),
        ({"owner-id": ["111111111111"]}, ["office", "old*", "partners"]),
        ({"ip-permission.cidr": ["192.0.2.0/24"]}, ["office", "partners"]),
        ({"ip-permission.ipv6-cidr": ["2001:db8::/32"]}, ["office"]),
        ({"ip-permission.from-port": ["22"], "ip-permission.protocol": ["-1"]}, ["partners"]),
        ({"ip-permission.to-port": ["21"]}, ["office"]),
        ({"tag:team": ["d*"]}, ["office"]),
        ({"tag:nothing": ["*"]}, []),
        ({"tag-key": ["team"]}, ["office"]),
    ],
)
async def test_groups_are_found_by_filters(filters, found):
    ec2, _ = await three_groups()
    given = [{"Name": name, "Values": values} for name, values in filters.items()]
    assert await names(ec2, Filters=given) == found


async def test_groups_are_found_by_ids_and_by_names_of_the_default_vpc():
    ec2, ids = await three_groups()
    assert await names(ec2, GroupIds=[ids["office"]], GroupNames=["Partners"]) == ["office", "partners"]
    by_id = [{"Name": "group-id", "Values": [ids["old*"]]}]
    assert await names(ec2, Filters=by_id) == ["old*"]
    assert await names(ec2, GroupIds=[ids["office"]], Filters=by_id) == []
    for params, code, sentence in (
        ({"GroupIds": ["x"]}, "InvalidGroupId.Malformed", 'Invalid id: "x" (expecting "sg-...")'),
        ({"GroupIds": [UNKNOWN]}, "InvalidGroup.NotFound", f"The security group '{UNKNOWN}' does not exist"),
        (
            {"GroupIds": [UNKNOWN, "sg-00000000"]},
            "InvalidGroup.NotFound",
            f"The security groups '{UNKNOWN}, sg-00000000' do not exist",
        ),
        ({"Filters": [{"Name": "colour", "Values": ["x"]}]}, "InvalidParameterValue", "The filter 'colour' is invalid"),
        ({"Filters": [{"Name": "group-id", "Values": ["x"] * 201}]}, "FilterLimitExceeded", "200 values"),
        ({"GroupNames": ["old*"]}, "InvalidGroup.NotFound", "does not exist in default VPC 'vpc-"),
        ({"MaxResults": 4}, "InvalidParameterValue", "greater than or equal to 5"),
        ({"NextToken": "!"}, "InvalidPaginationToken", "not valid"),
    ):
        refused = await ec2.refusal("DescribeSecurityGroups", **params)
        assert refused[0] == code
        assert sentence in refused[1]


async def test_pages_have_every_group_and_every_rule_once():
    ec2 = await make_ec2()
    ids = {await ec2.group(f"group{number}") for number in range(12)}
    for group_id in ids:
        await ec2.allow(group_id, tcp(21, "192.0.2.0/24"))
    for operation, member, key in (
        ("DescribeSecurityGroups", "SecurityGroups", "GroupId"),
        ("DescribeSecurityGroupRules", "SecurityGroupRules", "GroupId"),
    ):
        found, sizes, token = [], [], {}
        while True:
            page = await ec2(operation, MaxResults=5, **token)
            found += [item[key] for item in page[member]]
            sizes.append(len(page[member]))
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        assert sorted(found) == sorted(ids)
        assert sizes == [5, 5, 2]


async def test_tags_come_and_go():
    ec2 = await make_ec2()
    first, second = await ec2.group("one"), await ec2.group("two")
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}, {"Key": "c"}]
    await ec2("CreateTags", Resources=[first, second, first], Tags=tags)
    await ec2("CreateTags", Resources=[second], Tags=[{"Key": "a", "Value": "2"}])
    await ec2("DeleteTags", Resources=[first, second], Tags=[{"Key": "a", "Value": "1"}, {"Key": "c"}])
    assert (await ec2.described(first))["Tags"] == [{"Key": "b", "Value": ""}]
    assert (await ec2.described(second))["Tags"] == [{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}]
    await ec2("DeleteTags", Resources=[second])
    assert (await ec2.described(second))["Tags"] == []
    asked = ec2.authorizer.asked[-2]
    assert (asked.action, asked.resource.rpartition("/")[2]) == ("ec2:DeleteTags", second)


@pytest.mark.parametrize(
    ("resource", "tags", "code"),
    [
        ("i-0123456789abcdef0", [{"Key": "a", "Value": "b"}], "InvalidID"),
        ("sg-x", [{"Key": "a", "Value": "b"}], "InvalidGroupId.Malformed"),
        (UNKNOWN, [{"Key": "a", "Value": "b"}], "InvalidGroup.NotFound"),
        ("GROUP", [], "MissingParameter"),
        ("GROUP", [{"Value": "b"}], "InvalidParameterValue"),
        ("GROUP", [{"Key": "aws:x", "Value": "b"}], "InvalidParameterValue"),
        ("GROUP", [{"Key": "a" * 129, "Value": "b"}], "InvalidParameterValue"),
        ("GROUP", [{"Key": "a", "Value": "b" * 257}], "InvalidParameterValue"),
        ("GROUP", [{"Key": "a", "Value": "b"}, {"Key": "a", "Value": "c"}], "InvalidParameterValue"),
        ("GROUP", [{"Key": str(number), "Value": ""} for number in range(51)], "TagLimitExceeded"),
    ],
)
async def test_tags_that_cannot_be_are_refused(resource, tags, code):
    ec2 = await make_ec2()
    group_id = await ec2.group()
    resource = group_id if resource == "GROUP" else resource
    assert (await ec2.refusal("CreateTags", Resources=[group_id, resource], Tags=tags))[0] == code
    assert (await ec2.described(group_id))["Tags"] == []


async def test_an_account_has_one_vpc_and_one_subnet_in_each_region():
    ec2 = await make_ec2()
    (vpc,) = (await ec2("DescribeVpcs"))["Vpcs"]
    (subnet,) = (await ec2("DescribeSubnets", Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}]))["Subnets"]
    assert (vpc["IsDefault"], subnet["VpcId"], subnet["AvailabilityZone"]) == (True, vpc["VpcId"], "us-east-1a")
    again = await ec2("DescribeVpcs", VpcIds=[vpc["VpcId"]], Filters=[{"Name": "is-default", "Values": ["true"]}])
    assert again["Vpcs"] == [vpc]
    assert (await ec2("DescribeSubnets", SubnetIds=[subnet["SubnetId"]]))["Subnets"] == [subnet]
    others = [
        (await ec2("DescribeVpcs", **where))["Vpcs"][0]["VpcId"]
        for where in ({"account": PARTNER}, {"region": "eu-central-1"})
    ]
    assert len({vpc["VpcId"], *others}) == 3
    assert (await ec2("DescribeVpcs", Filters=[{"Name": "is-default", "Values": ["false"]}]))["Vpcs"] == []
    assert (await ec2.refusal("DescribeVpcs", VpcIds=["vpc-1"]))[0] == "InvalidVpcID.NotFound"
    assert (await ec2.refusal("DescribeSubnets", SubnetIds=["subnet-1"]))[0] == "InvalidSubnetID.NotFound"
    assert (await ec2.refusal("DescribeVpcs", Filters=[{"Name": "x", "Values": []}]))[0] == "InvalidParameterValue"
