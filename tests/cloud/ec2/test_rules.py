"""Rules: how they are given, described and taken away."""

import pytest
from tests.fakes.ec2 import HUB, make_ec2, tcp

from crossdock.cloud.ec2.rules import MAX_RULES


def permissions_of(group):
    return [
        (
            one["IpProtocol"],
            one.get("FromPort"),
            one.get("ToPort"),
            [found["CidrIp"] for found in one["IpRanges"]] + [found["CidrIpv6"] for found in one["Ipv6Ranges"]],
        )
        for one in group["IpPermissions"]
    ]


async def test_rules_that_differ_in_their_network_are_one_permission():
    ec2 = await make_ec2()
    group_id = await ec2.group()
    await ec2.allow(
        group_id,
        tcp(21, "192.0.2.0/24", "2001:db8::/32", description="the office"),
        tcp(8192, "192.0.2.0/24", last=8200),
    )
    await ec2.allow(group_id, tcp(21, "198.51.100.7/32"))
    group = await ec2.described(group_id)
    assert permissions_of(group) == [
        ("tcp", 21, 21, ["192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32"]),
        ("tcp", 8192, 8200, ["192.0.2.0/24"]),
    ]
    assert group["IpPermissions"][0]["IpRanges"][0]["Description"] == "the office"


async def test_the_short_form_is_one_rule():
    ec2 = await make_ec2()
    await ec2.group("ftp")
    made = await ec2(
        "AuthorizeSecurityGroupIngress",
        GroupName="ftp",
        IpProtocol="tcp",
        FromPort=21,
        ToPort=21,
        CidrIp="192.0.2.0/24",
    )
    (rule,) = made["SecurityGroupRules"]
    assert (rule["CidrIpv4"], rule["FromPort"], rule["IsEgress"]) == ("192.0.2.0/24", 21, False)
    group_id = rule["GroupId"]
    await ec2(
        "RevokeSecurityGroupIngress", GroupId=group_id, IpProtocol="6", FromPort=21, ToPort=21, CidrIp="192.0.2.9/24"
    )
    assert (await ec2.described(group_id))["IpPermissions"] == []


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"IpProtocol": "6", "FromPort": 0, "ToPort": 65535}, ("tcp", 0, 65535)),
        ({"IpProtocol": "UDP", "FromPort": 5, "ToPort": 6}, ("udp", 5, 6)),
        ({"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1}, ("icmp", -1, -1)),
        ({"IpProtocol": "58"}, ("icmpv6", -1, -1)),
        ({"IpProtocol": "-1"}, ("-1", None, None)),
        ({"IpProtocol": "-1", "FromPort": 21, "ToPort": 21}, ("-1", None, None)),
        ({"IpProtocol": "50", "FromPort": 21, "ToPort": 21}, ("50", None, None)),
    ],
)
async def test_a_protocol_and_its_ports_are_kept_as_aws_does(given, kept):
    ec2 = await make_ec2()
    group_id = await ec2.group()
    await ec2.allow(group_id, {**given, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]})
    assert permissions_of(await ec2.described(group_id)) == [(*kept, ["192.0.2.0/24"])]


@pytest.mark.parametrize(
    ("cidr", "kept"),
    [
        ("100.68.0.18/18", "100.68.0.0/18"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8:0::1/32", "2001:db8::/32"),
        ("::/0", "::/0"),
    ],
)
async def test_a_network_is_kept_in_its_canonical_form_and_is_the_same_rule(cidr, kept):
    ec2 = await make_ec2()
    group_id = await ec2.group()
    await ec2.allow(group_id, tcp(21, cidr))
    assert permissions_of(await ec2.described(group_id)) == [("tcp", 21, 21, [kept])]
    refused = await ec2.refusal("AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=[tcp(21, kept)])
    assert refused == (
        "InvalidPermission.Duplicate",
        f'the specified rule "peer: {kept}, TCP, from port: 21, to port: 21, ALLOW" already exists',
    )


@pytest.mark.parametrize(
    ("protocol", "shown"), [("-1", "peer: 192.0.2.0/24, ALL, ALLOW"), ("50", "peer: 192.0.2.0/24, protocol: 50, ALLOW")]
)
async def test_a_rule_without_ports_is_named_without(protocol, shown):
    ec2 = await make_ec2()
    group_id = await ec2.group()
    rule = {"IpProtocol": protocol, "IpRanges": [{"CidrIp": "192.0.2.0/24"}]}
    await ec2.allow(group_id, rule)
    refused = await ec2.refusal("AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=[rule])
    assert refused[1] == f'the specified rule "{shown}" already exists'


RANGE = {"IpRanges": [{"CidrIp": "192.0.2.0/24"}]}


@pytest.mark.parametrize(
    ("permission", "code", "sentence"),
    [
        ({**RANGE}, "InvalidParameterValue", "must specify protocols explicitly"),
        ({"IpProtocol": "gre", **RANGE}, "InvalidParameterValue", "Invalid value 'gre' for IP protocol"),
        ({"IpProtocol": "256", **RANGE}, "InvalidParameterValue", "Unknown protocol"),
        ({"IpProtocol": "tcp", **RANGE}, "InvalidParameterValue", "both from and to ports with TCP/UDP"),
        ({"IpProtocol": "icmp", **RANGE}, "InvalidParameterValue", "both from and to ports with ICMP"),
        (tcp(22, "192.0.2.0/24", last=21), "InvalidParameterValue", "Invalid TCP/UDP port range (22:21)"),
        (tcp(-1, "192.0.2.0/24"), "InvalidPermission.Malformed", "TCP/UDP port (-1) out of range"),
        (tcp(21, "192.0.2.0/24", last=65536), "InvalidPermission.Malformed", "out of range"),
        (
            {"IpProtocol": "icmp", "FromPort": 256, "ToPort": 0, **RANGE},
            "InvalidPermission.Malformed",
            "ICMP code (256) out of range",
        ),
        (tcp(21), "MissingParameter", "ipRanges"),
        (tcp(21, "192.0.2.0"), "InvalidParameterValue", "CIDR block 192.0.2.0 is malformed"),
        (tcp(21, "192.0.2.0/33"), "InvalidParameterValue", "is malformed"),
        (tcp(21, "192.0.2.0/255.255.255.0"), "InvalidParameterValue", "is malformed"),
        (tcp(21, "fe80::1%eth0/64"), "InvalidParameterValue", "is malformed"),
        ({**tcp(21), "IpRanges": [{"CidrIp": "::/0"}]}, "InvalidParameterValue", "is malformed"),
        (tcp(21, "192.0.2.0/24", "192.0.2.9/24"), "InvalidParameterValue", "must not appear multiple times"),
        (tcp(21, "192.0.2.0/24", description="ü"), "InvalidParameterValue", "Invalid rule description."),
        (tcp(21, "192.0.2.0/24", description="x" * 256), "InvalidParameterValue", "Invalid rule description."),
        (
            {**tcp(21), "UserIdGroupPairs": [{"GroupId": "sg-00000000"}]},
            "InvalidParameterValue",
            "Crossdock knows clients by their addresses only",
        ),
        ({**tcp(21), "PrefixListIds": [{"PrefixListId": "pl-1"}]}, "InvalidParameterValue", "no prefix lists"),
    ],
)
async def test_what_cannot_be_a_rule_is_refused_and_nothing_of_the_request_is_kept(permission, code, sentence):
    ec2 = await make_ec2()
    group_id = await ec2.group()
    refused = await ec2.refusal(
        "AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=[tcp(990, "192.0.2.0/24"), permission]
    )
    assert refused[0] == code
    assert sentence in refused[1]
    assert (await ec2.described(group_id))["IpPermissions"] == []


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({}, "MissingParameter"),
        ({"IpProtocol": "tcp", "FromPort": 21, "ToPort": 21}, "MissingParameter"),
        ({"SourceSecurityGroupName": "other"}, "InvalidParameterValue"),
        ({"CidrIp": "192.0.2.0/24", "IpPermissions": [tcp(21, "192.0.2.0/24")]}, "InvalidParameterValue"),
    ],
)
async def test_requests_without_one_clear_form_are_refused(params, code):
    ec2 = await make_ec2()
    group_id = await ec2.group()
    for operation in ("AuthorizeSecurityGroupIngress", "RevokeSecurityGroupIngress"):
        assert (await ec2.refusal(operation, GroupId=group_id, **params))[0] == code


async def test_rules_have_no_tags():
    ec2 = await make_ec2()
    group_id = await ec2.group()
    tags = [{"ResourceType": "security-group-rule", "Tags": [{"Key": "a", "Value": "b"}]}]
    refused = await ec2.refusal(
        "AuthorizeSecurityGroupIngress",
        GroupId=group_id,
        IpPermissions=[tcp(21, "192.0.2.0/24")],
        TagSpecifications=tags,
    )
    assert refused[0] == "InvalidParameterValue"


async def test_a_group_has_at_most_as_many_rules_as_at_aws_for_each_family():
    ec2 = await make_ec2()
    group_id = await ec2.group()
    await ec2.allow(group_id, tcp(21, *(f"192.0.2.{number}/32" for number in range(MAX_RULES))))
    await ec2.allow(group_id, tcp(21, *(f"2001:db8::{number}/128" for number in range(MAX_RULES))))
    for cidr in ("198.51.100.0/24", "2001:db8:1::/48"):
        refused = await ec2.refusal("AuthorizeSecurityGroupIngress", GroupId=group_id, IpPermissions=[tcp(21, cidr)])
        assert refused[0] == "RulesPerSecurityGroupLimitExceeded"


async def test_rules_are_revoked_by_what_they_are_or_by_their_ids():
    ec2 = await make_ec2()
    group_id = await ec2.group()
    first, second, third = await ec2.allow(
        group_id, tcp(21, "192.0.2.0/24", "198.51.100.0/24", description="x"), tcp(22, "192.0.2.0/24")
    )
    revoked = await ec2("RevokeSecurityGroupIngress", GroupId=group_id, IpPermissions=[tcp(21, "192.0.2.0/24")])
    assert revoked == {
        "Return": True,
        "RevokedSecurityGroupRules": [
            {
                "SecurityGroupRuleId": first,
                "GroupId": group_id,
                "IsEgress": False,
                "IpProtocol": "tcp",
                "FromPort": 21,
                "ToPort": 21,
                "CidrIpv4": "192.0.2.0/24",
                "Description": "x",
            }
        ],
    }
    await ec2("RevokeSecurityGroupIngress", GroupId=group_id, SecurityGroupRuleIds=[third, third])
    assert permissions_of(await ec2.described(group_id)) == [("tcp", 21, 21, ["198.51.100.0/24"])]
    for params, code in (
        ({"IpPermissions": [tcp(21, "198.51.100.0/24"), tcp(22, "192.0.2.0/24")]}, "InvalidPermission.NotFound"),
        ({"SecurityGroupRuleIds": [second, third]}, "InvalidSecurityGroupRuleId.NotFound"),
        ({"SecurityGroupRuleIds": [second], "CidrIp": "192.0.2.0/24"}, "InvalidParameterValue"),
    ):
        assert (await ec2.refusal("RevokeSecurityGroupIngress", GroupId=group_id, **params))[0] == code
    assert permissions_of(await ec2.described(group_id)) == [("tcp", 21, 21, ["198.51.100.0/24"])]


async def test_rules_are_described_one_by_one():
    ec2 = await make_ec2()
    group_id, other = await ec2.group("one"), await ec2.group("two")
    (rule_id,) = await ec2.allow(group_id, tcp(21, "2001:db8::/32"))
    await ec2.allow(other, {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "192.0.2.0/24"}]})
    by_group = [{"Name": "group-id", "Values": [group_id]}]
    for params in ({"Filters": by_group}, {"SecurityGroupRuleIds": [rule_id]}):
        found = await ec2("DescribeSecurityGroupRules", **params)
        assert found["SecurityGroupRules"] == [
            {
                "SecurityGroupRuleId": rule_id,
                "GroupId": group_id,
                "GroupOwnerId": HUB,
                "IsEgress": False,
                "IpProtocol": "tcp",
                "FromPort": 21,
                "ToPort": 21,
                "CidrIpv6": "2001:db8::/32",
                "Tags": [],
                "SecurityGroupRuleArn": f"arn:aws:ec2:us-east-1:{HUB}:security-group-rule/{rule_id}",
            }
        ]
    assert len((await ec2("DescribeSecurityGroupRules"))["SecurityGroupRules"]) == 2
    refused = await ec2.refusal("DescribeSecurityGroupRules", SecurityGroupRuleIds=["sgr-1"])
    assert refused == ("InvalidSecurityGroupRuleId.NotFound", "The security group rule ID 'sgr-1' does not exist")
