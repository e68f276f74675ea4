"""Runs of the fast client, all under one cipher."""

import re
from collections.abc import Sequence

from bench.harness.clients.jobs import ClientFailed, Job, Outcome
from bench.harness.measuring import Run, run_jobs
from bench.harness.plan import Bench
from bench.harness.servers.running import Running

AES_128_GCM = re.compile("AES_?128[-_]GCM")


def run_checked(bench: Bench, server: Running, jobs: Sequence[Job]) -> Run:
    """Raises ClientFailed."""
    run = run_jobs(bench, server, jobs)
    check_ciphers(run.outcomes)
    return run


def check_ciphers(outcomes: Sequence[Outcome]) -> None:
    """Servers are compared under one cipher, whichever version of TLS they have. Raises ClientFailed."""
    chosen = {outcome.cipher for outcome in outcomes if outcome.cipher}
    others = sorted(cipher for cipher in chosen if not AES_128_GCM.search(cipher))
    if others:
        raise ClientFailed(f"it chose {', '.join(others)} instead of AES-128-GCM")
