"""How many may come."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.core.logins import Refusal
from crossdock.files.limits import Admittance, LoginLimits, network_of


def test_connections_of_one_address_are_limited():
    limits = LoginLimits(per_address=2, total=10)
    first, second = limits.acquire("192.0.2.1"), limits.acquire("192.0.2.1")
    third = limits.acquire("192.0.2.1")
    assert isinstance(third, Refusal)
    assert "192.0.2.1" in third.reason
    assert "login.connections_per_address" in third.reason
    assert isinstance(limits.acquire("192.0.2.2"), Admittance)
    assert isinstance(first, Admittance)
    first.release()
    assert isinstance(limits.acquire("192.0.2.1"), Admittance)
    assert isinstance(second, Admittance)


def test_connections_in_total_are_limited():
    limits = LoginLimits(per_address=10, total=2)
    first = limits.acquire("192.0.2.1")
    limits.acquire("192.0.2.2")
    refused = limits.acquire("192.0.2.3")
    assert isinstance(refused, Refusal)
    assert "login.connections " in refused.reason
    assert isinstance(first, Admittance)
    first.release()
    assert isinstance(limits.acquire("192.0.2.3"), Admittance)


def test_a_connection_is_released_once_however_often_it_is_said():
    limits = LoginLimits(per_address=1, total=5)
    first = limits.acquire("192.0.2.1")
    other = limits.acquire("192.0.2.2")
    assert isinstance(first, Admittance)
    assert isinstance(other, Admittance)
    first.release()
    first.release()
    assert limits.connections == 1
    other.release()
    assert limits.connections == 0


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=60))
def test_nobody_is_forgotten_and_nobody_counted_twice(steps: list[tuple[int, bool]]):
    limits = LoginLimits(per_address=3, total=7)
    held: dict[str, list[Admittance]] = {f"192.0.2.{number}": [] for number in range(4)}
    for number, comes in steps:
        mine = held[f"192.0.2.{number}"]
        if comes:
            all_of_them = sum(map(len, held.values()))
            result = limits.acquire(f"192.0.2.{number}")
            assert isinstance(result, Admittance) is (len(mine) < 3 and all_of_them < 7)
            if isinstance(result, Admittance):
                mine.append(result)
        elif mine:
            mine.pop().release()
        assert limits.connections == sum(map(len, held.values()))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("no address", "no address"),
    ],
)
def test_what_counts_as_one_address(address: str, network: str):
    assert network_of(address) == network
