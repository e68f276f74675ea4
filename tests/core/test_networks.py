"""Networks and addresses in one spelling."""

from ipaddress import ip_network

import pytest

from crossdock.core.networks import BadNetwork, is_within, parse_address, parse_network


@pytest.mark.parametrize(
    ("text", "network"),
    [("10.0.0.0/8", "10.0.0.0/8"), ("192.0.2.7", "192.0.2.7/32"), ("2001:DB8::/32", "2001:db8::/32"), ("::/0", "::/0")],
)
def test_a_network_is_read(text, network):
    assert parse_network(text) == ip_network(network)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "'' is not a network such as 10.0.0.0/8, nor an address"),
        ("office", "'office' is not a network"),
        ("10.0.0.0/33", "'10.0.0.0/33' is not a network"),
        ("10.0.0.5/8", "'10.0.0.5/8' has bits beyond its prefix: 10.0.0.0/8 is meant, or another prefix"),
    ],
)
def test_what_is_no_network_is_refused_with_what_would_be_right(text, sentence):
    with pytest.raises(BadNetwork) as refusal:
        parse_network(text)
    assert str(refusal.value).startswith(sentence)


def test_an_address_is_within_networks_of_its_family():
    office = [parse_network("192.0.2.0/24"), parse_network("fe80::/10")]
    for address in ("192.0.2.7", "::ffff:192.0.2.7", "fe80::1%eth0"):
        assert is_within(parse_address(address), office)
    for address in ("198.51.100.1", "2001:db8::1"):
        assert not is_within(parse_address(address), office)
    assert not is_within(parse_address("::1"), [parse_network("0.0.0.0/0")])
    with pytest.raises(ValueError, match="office"):
        parse_address("office")
