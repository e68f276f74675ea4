"""Calls and how long they took, from the log of `strace -f -ttt -T`."""

import re
from collections.abc import Iterable

WHOLE = re.compile(r"^(?:\d+ +)?(\d+\.\d+) (\w+)\(.*<(\d+\.\d+)>$")
RESUMED = re.compile(r"^(?:\d+ +)?(\d+\.\d+) <\.\.\. (\w+) resumed>.*<(\d+\.\d+)>$")


def spans(lines: Iterable[str]) -> list[tuple[float, float]]:
    """Begin and end of each call, in seconds of the day's clock. A resumed line carries the time of its end."""
    found = []
    for line in lines:
        if whole := WHOLE.match(line):
            began, lasted = float(whole[1]), float(whole[3])
            found.append((began, began + lasted))
        elif resumed := RESUMED.match(line):
            ended, lasted = float(resumed[1]), float(resumed[3])
            found.append((ended - lasted, ended))
    return found
