"""Which name was meant."""

import pytest

from crossdock.core.nearest import nearest

KNOWN = ("region", "idle_timeout_s", "Protocols", "host")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("regoin", "region"),
        ("hsot", "host"),
        ("idle_timeout", "idle_timeout_s"),
        ("protocols", "Protocols"),
        ("hostname", "host"),
        ("Idle", "idle_timeout_s"),
        ("xyzzy", ""),
    ],
)
def test_the_nearest_is_found_where_one_is_near(name, meant):
    assert nearest(name, KNOWN) == meant
