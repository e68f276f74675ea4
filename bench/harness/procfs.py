"""What /proc says, read from its text (proc(5)), and seconds that overlap."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessStat:
    """Of /proc/PID/stat. `ticks` is user and system time, that of children that ended and were waited for included."""

    pid: int
    parent: int
    ticks: int


def parse_stat(text: str) -> ProcessStat:
    """The name is in parentheses and may hold anything, parentheses too."""
    pid, _, rest = text.partition(" (")
    fields = rest.rpartition(")")[2].split()
    return ProcessStat(pid=int(pid), parent=int(fields[1]), ticks=sum(int(field) for field in fields[11:15]))


def tree(stats: Iterable[ProcessStat], root: int) -> list[ProcessStat]:
    """A process and all that descend from it; empty when it is gone."""
    found = list(stats)
    children: dict[int, list[ProcessStat]] = {}
    for stat in found:
        children.setdefault(stat.parent, []).append(stat)
    wanted = [stat for stat in found if stat.pid == root]
    for stat in wanted:
        wanted.extend(children.get(stat.pid, []))
    return wanted


def parse_kib(text: str) -> Mapping[str, int]:
    """`Name:  123 kB` lines, as of /proc/PID/smaps_rollup and /proc/PID/status."""
    rows = (line.split() for line in text.splitlines())
    return {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) == 3 and row[2] == "kB"}


def parse_busy(text: str) -> int:
    """Ticks that the machine's cores worked since it started, from the first line of /proc/stat."""
    user, nice, system, _idle, _iowait, irq, softirq = map(int, text.split()[1:8])
    return user + nice + system + irq + softirq


def covered_s(spans: Iterable[tuple[float, float]], began: float, ended: float) -> float:
    """How long at least one of the spans (begin, end) lasted between two moments."""
    total, reached = 0.0, began
    for first, last in sorted(spans):
        first, last = max(first, reached), min(last, ended)
        if last > first:
            total += last - first
            reached = last
    return total
