"""Ports that nobody has."""

import pytest
from bench.harness.servers.running import FIRST_PORT, LAST_PORT, Unavailable, free_port, free_range


def test_no_port_is_given_twice():
    given = [*range(*free_range(50)), *range(*free_range(70)), free_port(), free_port()]
    assert len(set(given)) == len(given)
    assert min(given) >= FIRST_PORT
    assert max(given) < LAST_PORT


def test_more_ports_than_there_are_cannot_be_had():
    with pytest.raises(Unavailable, match="no 12000 free ports"):
        free_range(12_000)
