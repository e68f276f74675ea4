"""What the processes of a server used: CPU seconds and memory, those of all that it started included."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from bench.harness.procfs import ProcessStat, parse_busy, parse_kib, parse_stat, tree

TICKS_S = os.sysconf("SC_CLK_TCK")
CPUACCT = Path("/sys/fs/cgroup/cpuacct")
UNIFIED = (Path("/sys/fs/cgroup"), Path("/sys/fs/cgroup/unified"))


class Meter(Protocol):
    def cpu_s(self) -> float:
        """User and system seconds since the server began."""

    def launcher(self, command: Sequence[str]) -> list[str]:
        """How to start a process that is counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CgroupMeter:
    """A control group of the server's own, of version 1 (cpuacct) or 2: the kernel counts, to the microsecond."""

    folder: Path
    is_unified: bool

    def cpu_s(self) -> float:
        if not self.is_unified:
            return int((self.folder / "cpuacct.usage").read_text()) / 1e9
        words = (self.folder / "cpu.stat").read_text().split()
        return int(words[words.index("usage_usec") + 1]) / 1e6

    def launcher(self, command: Sequence[str]) -> list[str]:
        return ["sh", "-c", 'echo $$ >"$0" && exec "$@"', str(self.folder / "cgroup.procs"), *command]


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeMeter:
    """The process tree by /proc, in hundredths of a second: where no control group may be made."""

    roots: list[int]

    def cpu_s(self) -> float:
        return sum(stat.ticks for root in self.roots for stat in descendants(root)) / TICKS_S

    def launcher(self, command: Sequence[str]) -> list[str]:
        return list(command)


@contextmanager
def meter(name: str, roots: list[int]) -> Iterator[Meter]:
    """`roots` is filled as processes are started. The group is removed at the end, when its processes have ended."""
    for parent, is_unified in ((CPUACCT, False), *((folder, True) for folder in UNIFIED)):
        folder = parent / f"crossdock-bench-{os.getpid()}-{name}"
        if not (parent / ("cgroup.controllers" if is_unified else "cpuacct.usage")).exists():
            continue
        try:
            folder.mkdir()
        except OSError:
            continue  # not ours to make: /proc counts instead
        try:
            yield CgroupMeter(folder=folder, is_unified=is_unified)
        finally:
            folder.rmdir()
        return
    yield TreeMeter(roots=roots)


def descendants(root: int) -> list[ProcessStat]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                found.append(parse_stat((entry / "stat").read_text()))
            except (FileNotFoundError, ProcessLookupError):
                continue  # it ended meanwhile
    return tree(found, root)


def busy_s() -> float:
    """CPU seconds of everything on this machine."""
    return parse_busy(Path("/proc/stat").read_text()) / TICKS_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """`pss_kib` shares out pages that several processes map; `rss_kib` is that of the first process alone."""

    processes: int
    pss_kib: int
    rss_kib: int


def memory(roots: Sequence[int]) -> Memory:
    pids = [stat.pid for root in roots for stat in descendants(root)]
    pss = [parse_kib(Path(f"/proc/{pid}/smaps_rollup").read_text())["Pss"] for pid in pids]
    rss = parse_kib(Path(f"/proc/{roots[0]}/status").read_text())["VmRSS"]
    return Memory(processes=len(pids), pss_kib=sum(pss), rss_kib=rss)


def touch_memory(nbytes: int, folder: Path) -> None:
    """Have the machine's free pages at hand before an upload: a virtual machine gives them back to its host, and taking
    them again would be counted as the server's work (baseline: uploads came out two to three times too slow)."""
    block = memoryview(bytes(8 << 20))
    path = folder / "touched"
    with path.open("wb", buffering=0) as file:
        while nbytes > 0:
            nbytes -= file.write(block[:nbytes])
    path.unlink()
