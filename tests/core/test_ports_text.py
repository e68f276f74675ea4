"""Port numbers as text, both ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.core.ports_text import BadPorts, format_ports, parse_ports


@given(first=st.integers(1, 65535), count=st.integers(1, 50))
def test_a_run_of_ports_is_read_as_it_is_written(first, count):
    ports = tuple(range(first, min(first + count, 65536)))
    assert parse_ports(format_ports(ports)) == ports


def test_ports_that_do_not_follow_one_another_are_listed():
    assert format_ports((40001, 40007)) == "40001,40007"
    assert format_ports(()) == ""


def test_zero_leaves_the_choice_to_the_system():
    assert parse_ports(" 0 ") == ()


@pytest.mark.parametrize(
    "text", ["", "x", "8200-8192", "0-5", "1-65536", "8192-", "-8200", "8192-8200-8300", "1e3", "²", "1_0", "+8"]
)
def test_a_text_that_names_no_ports_is_refused(text):
    with pytest.raises(BadPorts):
        parse_ports(text)
