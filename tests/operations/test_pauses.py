"""Pauses grow up to a bound, and there always is one."""

from hypothesis import given
from hypothesis import strategies as st

from crossdock.operations.pauses import LEAST_S, longer


@given(st.floats(0, 1e6), st.floats(LEAST_S, 1e6))
def test_the_next_pause_is_longer_up_to_the_bound_and_never_none(pause_s: float, most_s: float):
    following = longer(pause_s, most_s)
    assert LEAST_S <= following <= most_s
    assert following == most_s or following >= 2 * pause_s


def test_it_doubles():
    assert [longer(0.0, 30), longer(0.5, 30), longer(20, 30)] == [LEAST_S, 1.0, 30]
