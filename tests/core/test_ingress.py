"""What rules let in."""

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.core.ingress import IngressRule, admits, ports_reached
from crossdock.core.networks import parse_network
from crossdock.core.servers import FileProtocol


def rule(cidr="192.0.2.0/24", protocol="tcp", first=21, last=21):
    return IngressRule(network=parse_network(cidr), protocol=protocol, from_port=first, to_port=last)


@pytest.mark.parametrize(
    ("one", "address", "is_admitted"),
    [
        (rule(), "192.0.2.7", True),
        (rule(), "::ffff:192.0.2.7", True),
        (rule(), "::ffff:c000:207", True),
        (rule(), "192.0.3.1", False),
        (rule(first=22, last=65535), "192.0.2.7", False),
        (rule(first=0, last=21), "192.0.2.7", True),
        (rule(protocol="udp"), "192.0.2.7", False),
        (rule(protocol="icmp", first=-1, last=-1), "192.0.2.7", False),
        (rule(protocol="-1", first=-1, last=-1), "192.0.2.7", True),
        (rule("0.0.0.0/0"), "2001:db8::1", False),
        (rule("::/0"), "192.0.2.7", False),
        (rule("::ffff:0:0/96"), "::ffff:192.0.2.7", False),
        (rule("fe80::/10"), "fe80::1%eth0", True),
        (rule("0.0.0.0/0"), "", False),
        (rule("0.0.0.0/0"), "no address", False),
    ],
)
def test_a_rule_lets_in_its_network_over_tcp_at_its_ports(one, address, is_admitted):
    assert admits([one], address, [21]) is is_admitted


def test_no_rules_let_nobody_in():
    assert not admits([], "192.0.2.7", [21])


def test_one_rule_must_have_both_the_address_and_a_port():
    rules = [rule("192.0.2.0/24", first=22, last=22), rule("198.51.100.0/24")]
    assert not admits(rules, "192.0.2.7", [21])
    assert admits(rules, "192.0.2.7", [21, 22])


@pytest.mark.parametrize(
    ("protocol", "ports"),
    [
        (FileProtocol.FTP, (21, 2121)),
        (FileProtocol.FTPS, (21, 2121)),
        (FileProtocol.SFTP, (22, 2121)),
        (FileProtocol.AS2, (2121, 2121)),
    ],
)
def test_a_protocol_is_reached_at_its_port_of_aws_and_its_own(protocol, ports):
    assert ports_reached(protocol, 2121) == ports


_RULES = st.builds(
    rule,
    cidr=st.sampled_from(["0.0.0.0/0", "192.0.2.0/25", "192.0.2.128/25", "2001:db8::/32", "::/0"]),
    protocol=st.sampled_from(["tcp", "-1", "udp"]),
    first=st.integers(0, 100),
    last=st.integers(0, 100),
)


@given(st.lists(_RULES, max_size=6), st.sampled_from(["192.0.2.7", "192.0.2.200", "2001:db8::1"]), st.integers(0, 100))
def test_rules_only_add_and_each_counts_for_itself(rules, address, port):
    assert admits(rules, address, [port]) is any(
        ip_address(address) in ip_network(one.network)
        and (one.protocol == "-1" or (one.protocol == "tcp" and one.from_port <= port <= one.to_port))
        for one in rules
    )
