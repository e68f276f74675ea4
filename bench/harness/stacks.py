"""Where samples of a profile lie, from collapsed stacks (`a;b;c 12`, one a line). Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Of the samples: those in the function itself, and those in it or in what it called."""

    function: str
    own: float
    total: float


OURS = re.compile(r"\(crossdock/(?!cli/|__main__)")
WAITING = ("PyThread_acquire_lock_timed", "epoll_wait", "pthread_cond_timedwait", "poll ")
"""How the names of C functions begin in which a thread does nothing; samples with one of them are left out."""


def is_waiting(frames: Sequence[str]) -> bool:
    return any(frame.startswith(WAITING) for frame in frames)


def shares(lines: Iterable[str]) -> list[Share]:
    """Of the samples in which a thread worked: by own share, the largest first. What calls itself counts once."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    samples = 0
    for line in lines:
        stack, _, count = line.rstrip("\n").rpartition(" ")
        if not stack or not count.isdigit():
            continue
        frames = stack.split(";")
        if is_waiting(frames):
            continue
        samples += int(count)
        own[frames[-1]] += int(count)
        for frame in set(frames):
            total[frame] += int(count)
    found = [Share(function=name, own=own[name] / samples, total=total[name] / samples) for name in total]
    return sorted(found, key=lambda share: (-share.own, -share.total, share.function))


def top_table(found: Sequence[Share], *, rows: int = 25) -> str:
    """The largest own shares of all functions and, below, the largest totals of Crossdock's, its command's left out."""
    callers = sorted((share for share in found if OURS.search(share.function)), key=lambda share: -share.total)
    lines = ["  own  total  function"]
    lines += [_line(share) for share in found[:rows] if share.own]
    lines += ["", "  own  total  functions of Crossdock, with all that they call"]
    lines += [_line(share) for share in callers[:rows]]
    return "\n".join(lines)


def _line(share: Share) -> str:
    return f"{share.own:5.1%} {share.total:6.1%}  {share.function}"
