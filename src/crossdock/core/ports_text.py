"""Port numbers as text: `8192-8200`, or a list where they do not follow one another."""

from collections.abc import Sequence

from crossdock.core.errors import CrossdockError

MAX_PORT = 65535


class BadPorts(CrossdockError, ValueError):
    """A text that names no ports."""


def format_ports(ports: Sequence[int]) -> str:
    """`8192-8200` for a run of ports, else `40001,40007`; empty for none."""
    if len(ports) > 1 and list(ports) == list(range(ports[0], ports[-1] + 1)):
        return f"{ports[0]}-{ports[-1]}"
    return ",".join(str(port) for port in ports)


def parse_ports(text: str) -> tuple[int, ...]:
    """The ports of `8192-8200` or `8192`; empty for `0`, which leaves the choice to the system.

    Raises:
        BadPorts: not a number or a range of rising port numbers.
    """
    first, separator, last = (part.strip() for part in text.partition("-"))
    if (first, separator) == ("0", ""):
        return ()
    numbers = (first, last if separator else first)
    if not all(number.isascii() and number.isdecimal() for number in numbers):
        raise BadPorts(f"{text!r} is not a port or a range such as 8192-8200")
    low, high = (int(number) for number in numbers)
    if not 0 < low <= high <= MAX_PORT:
        raise BadPorts(f"{text!r} is not a rising range of ports between 1 and {MAX_PORT}")
    return tuple(range(low, high + 1))
