"""Pins, and the order in which addresses are tried."""

import pytest

from crossdock.core.endpoint_addresses import PIN_TAG, Address, BadPin, candidates, parse_pins
from crossdock.core.servers import FileProtocol

HOST = "127.0.0.1"


def tried(*, pin=None, kept_port=0, beside=None, default_port=2121, reserved=(), taken=()):
    found = candidates(
        pin=pin,
        kept_port=kept_port,
        beside=beside,
        host=HOST,
        default_port=default_port,
        reserved=reserved,
        is_free=lambda address: address.port not in taken,
    )
    return [(candidate.address.port, candidate.must_be_had) for candidate in found]


def test_a_pin_is_the_only_address_even_when_another_has_it():
    pin = Address(host="192.0.2.1", port=21)
    assert tried(pin=pin, kept_port=2130, taken=[21]) == [(21, True)]


def test_the_port_from_before_comes_before_the_default():
    assert tried(kept_port=2130) == [(2130, True)]
    assert tried(kept_port=2130, taken=[2130]) == [(2121, True)]


def test_a_protocol_that_shares_a_port_takes_it_unless_it_had_another_of_its_own():
    beside = Address(host="192.0.2.1", port=2100)
    assert tried(beside=beside) == [(2100, True)]
    assert tried(beside=beside, taken=[2121]) == [(2100, True)]
    assert tried(beside=beside, kept_port=2130) == [(2130, True)]
    assert tried(beside=beside, kept_port=2130, taken=[2130]) == [(2100, True)]
    assert tried(beside=beside, pin=Address(host=HOST, port=990)) == [(990, True)]


def test_a_port_that_both_had_is_had_on_the_host_of_the_other():
    beside = Address(host="192.0.2.1", port=2100)
    found = candidates(
        pin=None,
        kept_port=2100,
        beside=beside,
        host=HOST,
        default_port=2121,
        reserved=(),
        is_free=lambda address: True,
    )
    assert [(candidate.address, candidate.must_be_had) for candidate in found] == [(beside, True)]


def test_the_first_gets_the_default_or_nothing_and_later_ones_any_that_is_free():
    assert tried() == [(2121, True)]
    found = tried(taken=[2121, 2123], reserved=[2122])
    assert found[:2] == [(2124, False), (2125, False)]
    assert all(not must_be_had for _, must_be_had in found)


def test_the_system_chooses_when_the_default_is_zero():
    assert tried(default_port=0) == [(0, True)]


def test_ports_end_where_ports_end():
    assert tried(default_port=65534, taken=[65534]) == [(65535, False)]
    assert tried(default_port=65535, taken=[65535]) == []


@pytest.mark.parametrize(
    ("one", "other", "collide"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.2", False),
        ("127.0.0.1", "0.0.0.0", True),
        ("::", "192.0.2.1", True),
        ("0:0::0", "192.0.2.1", True),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        ("LocalHost", "127.0.0.1", True),
        ("FTP.example.com.", "ftp.example.com", True),
        ("ftp.example.com", "127.0.0.1", False),
    ],
)
def test_two_addresses_collide_on_one_host_or_when_one_is_all_hosts(one, other, collide):
    assert Address(host=one, port=21).collides(Address(host=other, port=21)) is collide
    assert Address(host=other, port=21).collides(Address(host=one, port=21)) is collide
    assert not Address(host=one, port=21).collides(Address(host=other, port=22))
    assert not Address(host=one, port=0).collides(Address(host=other, port=0))


def test_pins_are_read_for_every_protocol():
    assert parse_pins({}) == {}
    assert parse_pins({PIN_TAG: "ftp=10.0.0.1:21, SFTP=[2001:db8::1]:22"}) == {
        FileProtocol.FTP: Address(host="10.0.0.1", port=21),
        FileProtocol.SFTP: Address(host="2001:db8::1", port=22),
    }
    assert str(Address(host="2001:db8::1", port=22)) == "[2001:db8::1]:22"


@pytest.mark.parametrize(
    "value",
    [
        "ftp",
        "ftp=",
        "ftp=21",
        "ftp=host",
        "ftp=:21",
        "ftp=host:0",
        "ftp=host:65536",
        "ftp=host:x",
        "ftp=host:²1",
        "gopher=host:70",
        "ftp=::1:21",
        "ftp=[]:21",
        "ftp=host:21,ftp=host:22",
    ],
)
def test_a_tag_that_cannot_be_meant_is_refused_with_what_would_be_right(value):
    with pytest.raises(BadPin, match=PIN_TAG):
        parse_pins({PIN_TAG: value})
