import pytest

from crossdock.core.networks import BadNetwork, normal_address
from crossdock.ftp.addresses import is_ipv6, passive_host, passive_overrides


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


def test_the_most_specific_network_of_a_client_chooses_what_pasv_names() -> None:
    overrides = passive_overrides(
        {
            "0.0.0.0/0": "198.51.100.7",
            "10.0.0.0/8": "AUTO",
            "10.9.0.0/16": "10.9.0.1",
            "10.9.9.9": "10.9.9.1",
            "::/0": "198.51.100.8",
        }
    )

    def named(client: str) -> str:
        return passive_host("203.0.113.1", "10.0.0.7", client_address=client, overrides=overrides)

    assert named("192.0.2.1") == "198.51.100.7"
    assert named("10.1.2.3") == "10.0.0.7"
    assert named("10.9.1.1") == "10.9.0.1"
    assert named("::ffff:10.9.9.9") == "10.9.9.1"
    assert named("2001:db8::1") == "198.51.100.8"


def test_clients_of_no_named_network_hear_what_the_server_is_told() -> None:
    overrides = passive_overrides({"10.0.0.0/8": "10.0.0.1"})
    assert passive_host("203.0.113.1", "10.0.0.7", client_address="192.0.2.1", overrides=overrides) == "203.0.113.1"
    assert passive_host("AUTO", "10.0.0.7", client_address="192.0.2.1", overrides=overrides) == "10.0.0.7"
    assert passive_host("AUTO", "10.0.0.7", overrides=overrides) == "10.0.0.7"


def test_an_override_for_no_network_is_refused() -> None:
    with pytest.raises(BadNetwork):
        passive_overrides({"office": "10.0.0.1"})
