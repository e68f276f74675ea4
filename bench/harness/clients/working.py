"""One job by one process: it prepares, says `ready`, waits for `go`, works, says how that went, and waits for `end`.

    python -m bench.ftp.client      (the job as a line of standard input)

Sessions stay open until `end`, so that the server's processes can still be looked at.
"""

import resource
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field

from bench.harness.clients.jobs import END, GO, READY, ClientFailed, Job, Outcome, parse_job


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    nbytes: int = 0
    figures: Mapping[str, float] = field(default_factory=dict)
    cipher: str = ""


Work = Callable[[], Done]
Prepare = Callable[[Job, ExitStack], Work]
"""What the stack closes stays open until `end`."""


def main(jobs: Mapping[str, Prepare]) -> None:
    try:
        _work(jobs)
    except (ClientFailed, OSError) as error:
        sys.exit(f"the client failed: {error}")


def _work(jobs: Mapping[str, Prepare]) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    job = parse_job(sys.stdin.readline())
    with ExitStack() as stack:
        work = jobs[job.what](job, stack)
        _say(READY)
        _wait_for(GO)
        began_at, began, used = time.time(), time.monotonic(), _cpu_s()
        done = work()
        ended, used = time.monotonic(), _cpu_s() - used
        outcome = Outcome(
            began=began,
            ended=ended,
            began_at=began_at,
            nbytes=done.nbytes,
            cpu_s=used,
            figures=dict(done.figures),
            cipher=done.cipher,
        )
        _say(outcome.to_line())
        _wait_for(END)


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _say(line: str) -> None:
    print(line, flush=True)


def _wait_for(line: str) -> None:
    if sys.stdin.readline().strip() != line:
        raise SystemExit(f"the client was not told to {line}")
