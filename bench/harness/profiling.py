"""Where Crossdock's time goes during a case: samples that py-spy takes from outside."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

from bench.harness.figures import CROSSDOCK
from bench.harness.plan import Bench, Case
from bench.harness.servers.running import Running, Unavailable
from bench.harness.stacks import shares, top_table

RATE_HZ = 250
SECONDS = 6
LONGER = 4
"""Times the file of the figures, so that most samples are of the transfer and few of the sessions around it."""


def profile(bench: Bench, peers: Path, cases: Sequence[Case]) -> str:
    """One table a case. Raises Unavailable without py-spy, or when it may not look at the process."""
    sampler = peers / "venv/bin/py-spy"
    if not sampler.exists():
        raise Unavailable(f"py-spy is not in {peers.name}: run scripts/install-peers")
    bench = replace(bench, plan=replace(bench.plan, size=LONGER * bench.plan.size))
    with bench.start(CROSSDOCK) as server:
        parts = [_one(bench, server, case, sampler) for case in cases if case.measure is not None]
    return "\n\n".join(parts)


def _one(bench: Bench, server: Running, case: Case, sampler: Path) -> str:
    assert case.measure is not None
    try:
        case.measure(bench, server)
    except Unavailable as error:
        return f"{case.name}: left out: {error}"
    stacks = bench.scratch / f"{case.name}.stacks"
    with _sampling(sampler, server.roots[0], stacks) as sampling:
        while sampling.poll() is None:
            case.measure(bench, server)
        if sampling.returncode:
            assert sampling.stderr is not None
            raise Unavailable(f"py-spy failed: {sampling.stderr.read().decode(errors='replace').strip()}")
    with stacks.open() as lines:
        return f"{case.name}, {SECONDS} s at {RATE_HZ} Hz\n{top_table(shares(lines))}"


def _sampling(sampler: Path, pid: int, stacks: Path) -> "Popen[bytes]":
    """Of the process alone, not of the functions that it runs; C code is seen too."""
    command = [str(sampler), "record", "--pid", str(pid), "--rate", str(RATE_HZ), "--duration", str(SECONDS)]
    more = ["--format", "raw", "--output", str(stacks), "--native", "--threads"]
    return Popen([*command, *more], stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE)
