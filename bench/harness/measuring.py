"""One run: clients that begin together, and what they and the server used meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.harness.accounting import busy_s
from bench.harness.clients.jobs import Job, Outcome
from bench.harness.clients.processes import clients
from bench.harness.figures import GIB, Sample
from bench.harness.plan import Bench
from bench.harness.servers.running import Running


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """From the first client's beginning until the last one's end."""

    outcomes: Sequence[Outcome]
    server_cpu_s: float
    foreign: float

    @property
    def seconds(self) -> float:
        return max(outcome.ended for outcome in self.outcomes) - min(outcome.began for outcome in self.outcomes)

    @property
    def nbytes(self) -> int:
        return sum(outcome.nbytes for outcome in self.outcomes)

    @property
    def client_cpu_s(self) -> float:
        return sum(outcome.cpu_s for outcome in self.outcomes)


class Clock:
    """What the server and the whole machine use from now on."""

    def __init__(self, server: Running) -> None:
        self._server = server
        self._busy_s, self._used_s, self._beside_s = busy_s(), server.meter.cpu_s(), _beside_s(server)

    def run(self, outcomes: Sequence[Outcome]) -> Run:
        used_s, everything_s = self._server.meter.cpu_s() - self._used_s, busy_s() - self._busy_s
        beside_s = _beside_s(self._server) - self._beside_s
        ours_s = used_s + beside_s + sum(outcome.cpu_s for outcome in outcomes)
        run = Run(outcomes=outcomes, server_cpu_s=used_s, foreign=0.0)
        return replace(run, foreign=max(0.0, everything_s - ours_s) / run.seconds)


def _beside_s(server: Running) -> float:
    return 0.0 if server.beside is None else server.beside.cpu_s()


def run_jobs(bench: Bench, server: Running, jobs: Sequence[Job]) -> Run:
    """Raises ClientFailed."""
    with clients(jobs, module=bench.client_module, environment=bench.environment) as work:
        clock = Clock(server)
        return clock.run(work())


def throughput(case: str, server: str, run: Run) -> Sample:
    """In MB/s, CPU per GiB."""
    gib = run.nbytes / GIB
    return Sample(
        case=case,
        server=server,
        value=run.nbytes / run.seconds / 1e6,
        server_cpu_s=run.server_cpu_s / gib,
        client_cpu_s=run.client_cpu_s / gib,
        foreign=run.foreign,
    )


def per_second(case: str, server: str, run: Run, count: int) -> Sample:
    """Files or logins a second, CPU per each."""
    return Sample(
        case=case,
        server=server,
        value=count / run.seconds,
        server_cpu_s=run.server_cpu_s / count,
        client_cpu_s=run.client_cpu_s / count,
        foreign=run.foreign,
    )
