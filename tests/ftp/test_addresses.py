import pytest

from crossdock.ftp.addresses import is_ipv6, normal_address, passive_host


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("::FFFF:7F00:1", "127.0.0.1"),
        ("::1", "::1"),
        ("FE80:0:0::1%eth0", "fe80::1"),
        ("2001:db8:0::1", "2001:db8::1"),
    ],
)
def test_each_host_has_one_spelling(text: str, normal: str) -> None:
    assert normal_address(text) == normal


def test_the_family_of_a_normal_address() -> None:
    assert is_ipv6("::1")
    assert not is_ipv6("10.0.0.1")


def test_pasv_names_the_address_the_client_knows_or_what_the_server_is_told() -> None:
    assert passive_host("AUTO", "10.0.0.7") == "10.0.0.7"
    assert passive_host("198.51.100.7", "10.0.0.7") == "198.51.100.7"
    assert passive_host("0.0.0.0", "10.0.0.7") == "0.0.0.0"
