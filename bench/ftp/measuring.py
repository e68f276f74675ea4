"""One run: clients that begin together, and what they and the server used meanwhile."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.ftp.accounting import busy_s
from bench.ftp.client.control import Control
from bench.ftp.client.jobs import Endpoint, Job, Outcome
from bench.ftp.client.processes import ClientFailed, clients
from bench.ftp.plan import Bench
from bench.ftp.servers.running import Running

SEEDING_SESSIONS = 4
AES_128_GCM = re.compile("AES_?128[-_]GCM")


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


def run_jobs(bench: Bench, server: Running, jobs: Sequence[Job]) -> Run:
    """Raises ClientFailed."""
    with clients(jobs, tls_config=bench.tls_config) as work:
        busy, used = busy_s(), server.meter.cpu_s()
        outcomes = work()
        busy, used = busy_s() - busy, server.meter.cpu_s() - used
    check_ciphers(outcomes)
    ours = used + sum(outcome.cpu_s for outcome in outcomes)
    seconds = max(outcome.ended for outcome in outcomes) - min(outcome.began for outcome in outcomes)
    return Run(outcomes=outcomes, server_cpu_s=used, foreign=max(0.0, busy - ours) / seconds)


def check_ciphers(outcomes: Sequence[Outcome]) -> None:
    """Servers are compared under one cipher, whichever version of TLS they have. Raises ClientFailed."""
    chosen = {outcome.cipher for outcome in outcomes if outcome.cipher}
    others = sorted(cipher for cipher in chosen if not AES_128_GCM.search(cipher))
    if others:
        raise ClientFailed(f"it chose {', '.join(others)} instead of AES-128-GCM")


def seed(bench: Bench, server: Running, folder: str, count: int, size: int) -> None:
    """`count` files of `size` bytes in a directory, a multiple of four; written at once where it is a folder.

    Their names are a digit, as four sessions upload them, and then six, from 000000 on.
    """
    if (server.name, folder) in bench.prepared:
        return
    each = count // SEEDING_SESSIONS
    if server.content is None:
        commands(server.plain, [f"MKD {folder}"], "257")
        jobs = [
            Job(what="small-up", endpoint=server.plain, path=f"{folder}/{part}", size=size, count=each)
            for part in range(SEEDING_SESSIONS)
        ]
        run_jobs(bench, server, jobs)
    else:
        write_files(server.content / folder, each, size)
    bench.prepared.add((server.name, folder))


def write_files(folder: Path, each: int, size: int) -> None:
    folder.mkdir(mode=0o755)
    for part in range(SEEDING_SESSIONS):
        for number in range(each):
            (folder / f"{part}{number:06}").write_bytes(bytes(size))


def seed_one(bench: Bench, server: Running, path: str, size: int) -> None:
    """One file, uploaded."""
    if (server.name, path) not in bench.prepared:
        run_jobs(bench, server, [Job(what="up", endpoint=server.plain, path=path, size=size)])
        bench.prepared.add((server.name, path))


def commands(endpoint: Endpoint, lines: Sequence[str], *codes: str) -> None:
    """In a session of their own, each answered by one of the codes; raises UnexpectedReply."""
    control = Control(endpoint)
    try:
        control.login()
        for line in lines:
            control.ask(line, *codes)
        control.quit()
    finally:
        control.close()
