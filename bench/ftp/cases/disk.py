"""Crossdock's uploads on a disk, and how much of their time at least one fsync was under way."""

import shutil
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench.ftp.runs import run_checked
from bench.ftp.ways import PLAIN
from bench.harness.accounting import touch_memory
from bench.harness.clients.jobs import Endpoint, Job
from bench.harness.figures import CROSSDOCK, Kind, Sample
from bench.harness.measuring import per_second, throughput
from bench.harness.plan import Bench, Case, Plan
from bench.harness.procfs import covered_s
from bench.harness.servers.running import Unavailable
from bench.harness.strace_log import spans


def job_of(bench: Bench, endpoint: Endpoint, *, is_small: bool) -> Job:
    plan = bench.plan
    if is_small:
        return Job(what="small-up", endpoint=endpoint, path="new-", size=plan.small_size, count=plan.small_files)
    return Job(what="up", endpoint=endpoint, path="up", size=plan.size)


def on_disk(bench: Bench, name: str, *, case: str, is_small: bool) -> list[Sample]:
    with _folder(bench) as folder, bench.start(name, folder=Path(folder)) as server:
        job = job_of(bench, server.by(PLAIN), is_small=is_small)
        touch_memory(job.size * job.count * 11 // 10, bench.scratch)
        run = run_checked(bench, server, [job])
    return [per_second(case, name, run, job.count) if is_small else throughput(case, name, run)]


def share_of_fsync(bench: Bench, name: str, *, case: str, is_small: bool) -> list[Sample]:
    """Under strace, which stops the service at these calls alone (seccomp), SQLite's own among them."""
    if shutil.which("strace") is None:
        raise Unavailable("strace is not installed, so the share of fsync is unknown")
    log = bench.scratch / "fsync.strace"
    calls = "trace=fsync,fdatasync,sync_file_range"
    wrapper = ["strace", "-f", "-qq", "--seccomp-bpf", "-ttt", "-T", "-e", calls, "-o", str(log)]
    with _folder(bench) as folder, bench.start(name, folder=Path(folder), wrapper=wrapper) as server:
        job = job_of(bench, server.by(PLAIN), is_small=is_small)
        run = run_checked(bench, server, [job])
    (outcome,) = run.outcomes
    began = outcome.began_at
    with log.open() as lines:
        waited = covered_s(spans(lines), began, began + run.seconds)
    return [Sample(case=case, server=name, value=100 * waited / run.seconds, foreign=run.foreign)]


def _folder(bench: Bench) -> "tempfile.TemporaryDirectory[str]":
    bench.disk.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix="crossdock-bench-", dir=bench.disk)


def disk_cases(plan: Plan) -> Sequence[Case]:
    shapes = [
        ("up-disk", "Upload on a disk", False),
        ("small-up-disk", f"{plan.small_files:,} files up on a disk", True),
    ]
    found = []
    for case, title, is_small in shapes:
        unit, per = ("files/s", "file") if is_small else ("MB/s", "GiB")
        fsync = f"{case}-fsync"
        speed = Kind(case=case, title=title, unit=unit, per=per)
        share = Kind(case=fsync, title=f"{title}: share of fsync", unit="% of the time", more_is_better=False)
        ours = frozenset({CROSSDOCK})
        found += [
            Case(name=case, kinds=[speed], measure_fresh=partial(on_disk, case=case, is_small=is_small), only=ours),
            Case(
                name=fsync,
                kinds=[share],
                measure_fresh=partial(share_of_fsync, case=fsync, is_small=is_small),
                only=ours,
                runs=1,
            ),
        ]
    return found
