"""The PROXY protocol, read from the first bytes of a connection."""

from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crossdock.core.networks import normal_address, parse_network
from crossdock.core.proxy_protocol import (
    MAX_BLOCK,
    MAX_LINE,
    BadProxyHeader,
    NeedMore,
    ProxyAddress,
    ProxyHeader,
    expects_header,
    parse_proxy_header,
)

SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")


def line(source, destination):
    """An encoder of version 1; both ends are (host, port)."""
    family = "TCP6" if ":" in source[0] else "TCP4"
    return f"PROXY {family} {source[0]} {destination[0]} {source[1]} {destination[1]}\r\n".encode()


def block(source=None, destination=None, *, command=0x21, family=None, more=b""):
    """An encoder of version 2."""
    body = b""
    if source is not None and destination is not None:
        body = b"".join(ip_address(host).packed for host, _ in (source, destination))
        body += b"".join(port.to_bytes(2) for _, port in (source, destination))
        family = family if family is not None else (0x21 if ":" in source[0] else 0x11)
    body += more
    return SIGNATURE + bytes([command, family or 0]) + len(body).to_bytes(2) + body


def header(size, source, destination):
    def address(one):
        return ProxyAddress(host=normal_address(one[0]), port=one[1])

    return ProxyHeader(size=size, source=address(source), destination=address(destination))


ENDS4 = (("192.0.2.7", 40001), ("198.51.100.1", 21))
ENDS6 = (("2001:db8::7", 40001), ("2001:db8:1::1", 21))
PORTS = st.integers(0, 65535)


def ends(hosts):
    return st.tuples(st.tuples(hosts, PORTS), st.tuples(hosts, PORTS))


BOTH_ENDS = st.one_of(
    ends(st.integers(0, 2**32 - 1).map(lambda number: str(IPv4Address(number)))),
    ends(st.integers(0, 2**128 - 1).map(lambda number: str(IPv6Address(number)))),
)


@given(BOTH_ENDS, st.binary(max_size=40), st.binary(max_size=60))
@example((("::ffff:192.0.2.7", 1), ("::ffff:192.0.2.8", 2)), b"", b"")
def test_what_a_balancer_says_is_what_is_read(both, more, content):
    for data in (line(*both), block(*both, more=more)):
        assert parse_proxy_header(data + content) == header(len(data), *both)


@given(BOTH_ENDS, st.binary(max_size=20))
def test_every_beginning_of_a_header_asks_for_more(both, more):
    for data in (line(*both), block(*both, more=more), b"PROXY UNKNOWN\r\n", block(command=0x20, more=more)):
        for size in range(len(data)):
            assert parse_proxy_header(data[:size]) == NeedMore()


@given(
    st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=120).map(lambda rest: b"PROXY " + rest),
        st.text(alphabet="PROXYTCP46UNKOW 0123456789.:abcdef\r\n", max_size=110).map(str.encode),
        st.binary(max_size=120).map(lambda rest: SIGNATURE + rest),
        st.tuples(st.sampled_from([0x20, 0x21, 0x22]), st.integers(0, 255), st.binary(max_size=80)).map(
            lambda given: block(command=given[0], family=given[1], more=given[2])
        ),
    )
)
def test_garbage_is_refused_and_nothing_else(data):
    try:
        found = parse_proxy_header(data)
    except BadProxyHeader:
        return
    assert isinstance(found, NeedMore) or 0 < found.size <= len(data)


@pytest.mark.parametrize(
    "data",
    [
        b"PROXY UNKNOWN\r\n",
        b"PROXY UNKNOWN ffff:: ffff:: 65535 65535\r\n",
        b"PROXY UNKNOWN \xff\xfe\r\n",
        block(command=0x20),
        block(*ENDS4, command=0x20),
        block(command=0x20, family=0xFF, more=b"whatever"),
        block(family=0x00),
        block(family=0x00, more=b"\x04\x00\x01x"),
        block(*ENDS4, family=0x12),
        block(*ENDS6, family=0x22),
        block(family=0x31, more=bytes(216)),
        block(*ENDS4, family=0x10),
        block(family=0x01),
    ],
)
def test_where_a_balancer_cannot_tell_the_connections_own_ends_count(data):
    assert parse_proxy_header(data + b"USER x\r\n") == ProxyHeader(size=len(data))


@pytest.mark.parametrize(
    "data",
    [
        b"USER anonymous\r\n",
        b"PROXX",
        b"\r\n\r\n\x00\r\nQUIX",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40001\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40001 21 \r\n",
        b"PROXY  TCP4 192.0.2.7 198.51.100.1 40001 21\r\n",
        b"PROXY TCP5 192.0.2.7 198.51.100.1 40001 21\r\n",
        b"PROXY tcp4 192.0.2.7 198.51.100.1 40001 21\r\n",
        b"PROXY TCP4 192.0.2.07 198.51.100.1 40001 21\r\n",
        b"PROXY TCP4 2001:db8::1 198.51.100.1 40001 21\r\n",
        b"PROXY TCP6 192.0.2.7 198.51.100.1 40001 21\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 40001 21\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 040001 21\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40001 65536\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40001 -1\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40001 \xc2\xb2\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40001 21\nUSER x\r\n",
        b"PROXY UNKNOWNS\r\n",
        b"PROXY \r\n",
        b"PROXY " + b"x" * (MAX_LINE - 6),
        block(*ENDS4, command=0x22),
        block(*ENDS4, command=0x11),
        block(*ENDS4, family=0x41),
        block(*ENDS4, family=0x13),
        block(*ENDS4, family=0x21),
        block(family=0x11, more=bytes(11)),
        SIGNATURE + b"\x21\x11" + (MAX_BLOCK - 15).to_bytes(2),
        SIGNATURE + b"\x20\x00\xff\xff",
    ],
)
def test_what_is_no_header_is_refused(data):
    with pytest.raises(BadProxyHeader):
        parse_proxy_header(data)


def test_a_header_of_the_greatest_length_is_read():
    longest = b"PROXY UNKNOWN " + b"f" * (MAX_LINE - 16) + b"\r\n"
    assert parse_proxy_header(longest) == ProxyHeader(size=MAX_LINE)
    data = block(*ENDS6, more=bytes(MAX_BLOCK - 16 - 36))
    assert parse_proxy_header(data) == header(MAX_BLOCK, *ENDS6)


def test_only_trusted_balancers_send_headers():
    trusted = [parse_network("10.0.0.0/8"), parse_network("2001:db8::/32")]
    assert expects_header("10.1.2.3", trusted)
    assert expects_header("::ffff:10.1.2.3", trusted)
    assert expects_header("2001:db8::9", trusted)
    assert not expects_header("192.0.2.7", trusted)
    assert not expects_header("nobody", trusted)
    assert not expects_header("10.1.2.3", [])
