"""Memory of transfers under way, to and from the null S3: of each alone, and of fifty uploads under a ceiling.

It is the gateway's own (RssAnon, looked at all the while). What uploads spill to the spool is on disk, and mapped: the
kernel takes such pages back when it wants them.
"""

import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from bench.ftp.runs import run_checked
from bench.harness.clients.jobs import Job
from bench.harness.figures import CROSSDOCK, Kind, Sample
from bench.harness.measuring import throughput
from bench.harness.plan import Bench, Case, Plan
from bench.harness.procfs import parse_kib
from bench.harness.servers.running import Running
from bench.s3.seeding import big_of, seed
from bench.s3.ways import STUB

TOGETHER = 4
"""Transfers that the memory of each is told of."""
MANY = 50
CEILING_MIB = 256
"""What the settings allow the parts of all uploads together (`uploads.memory_bytes`)."""
PLENTY_MIB = 4096
"""So much that nothing is spilled."""
LOOK_S = 0.01


class Peak:
    """The most that was seen, in KiB."""

    kib = 0


@contextmanager
def watched(pid: int) -> Iterator[Peak]:
    """Look at a process's own memory until the block ends."""
    peak, ended = Peak(), threading.Event()

    def look() -> None:
        has_ended = False
        while not has_ended:
            has_ended = ended.wait(LOOK_S)
            peak.kib = max(peak.kib, own_memory_kib(pid))

    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield peak
    finally:
        ended.set()
        looking.join()


def own_memory_kib(pid: int) -> int:
    return parse_kib(Path(f"/proc/{pid}/status").read_text())["RssAnon"]


@contextmanager
def gateway(bench: Bench, *, uploads_mib: int) -> Iterator[Running]:
    """On a disk, for its spool, with so much memory for uploads."""
    bench.disk.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="crossdock-bench-", dir=bench.disk) as name:
        config = Path(name) / "crossdock.toml"
        config.write_text(f"[uploads]\nmemory_bytes = {uploads_mib << 20}\n")
        with bench.start(CROSSDOCK, folder=Path(name), serve_args=["--config", str(config)]) as server:
            yield server


def of_each(bench: Bench, _name: str, *, case: str, what: str) -> list[Sample]:
    """What each of some transfers takes beside a service that has done one."""
    seed(bench, STUB)
    size = bench.plan.size
    with gateway(bench, uploads_mib=PLENTY_MIB) as server:
        endpoint, (pid, *_) = server.by(STUB), server.roots
        paths = [big_of(size) if what == "down" else f"up-{number}" for number in range(TOGETHER)]
        jobs = [Job(what=what, endpoint=endpoint, path=path, size=size) for path in paths]
        # Modules, sessions and function processes are there by then.
        run_checked(bench, server, [Job(what="small-up", endpoint=endpoint, path="first-", size=4096)])
        before = own_memory_kib(pid)
        with watched(pid) as peak:
            run_checked(bench, server, jobs)
    return [Sample(case=case, server=CROSSDOCK, value=(peak.kib - before) / 1024 / TOGETHER)]


def many_uploads(bench: Bench, _name: str, *, case: str) -> list[Sample]:
    size = bench.plan.size
    with gateway(bench, uploads_mib=CEILING_MIB) as server:
        endpoint, (pid, *_) = server.by(STUB), server.roots
        run_checked(bench, server, [Job(what="small-up", endpoint=endpoint, path="first-", size=4096)])
        before = own_memory_kib(pid)
        jobs = [Job(what="up", endpoint=endpoint, path=f"up-{number}", size=size) for number in range(MANY)]
        with watched(pid) as peak:
            run = run_checked(bench, server, jobs)
    grown = Sample(case=f"{case}-memory", server=CROSSDOCK, value=(peak.kib - before) / 1024)
    return [throughput(case, CROSSDOCK, run), grown]


def memory_cases(plan: Plan) -> Sequence[Case]:
    ours = frozenset({CROSSDOCK})
    found = [
        Case(
            name=case,
            kinds=[Kind(case=case, title=f"Memory of each of {TOGETHER} {word}s", unit="MiB", more_is_better=False)],
            measure_fresh=partial(of_each, case=case, what=what),
            only=ours,
            runs=1,
        )
        for case, what, word in (("s3-up-memory", "up", "upload"), ("s3-down-memory", "down", "download"))
    ]
    many = f"s3-up-{MANY}"
    title = f"{MANY} uploads at once to the null S3"
    memory = f"{title}: memory, of which {CEILING_MIB} MiB are configured for parts"
    kinds = [
        Kind(case=many, title=title, unit="MB/s", per="GiB"),
        Kind(case=f"{many}-memory", title=memory, unit="MiB", more_is_better=False),
    ]
    found.append(Case(name=many, kinds=kinds, measure_fresh=partial(many_uploads, case=many), only=ours, runs=1))
    return found
