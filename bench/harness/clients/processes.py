"""Runs jobs in client processes that begin at the same moment."""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from subprocess import PIPE, Popen

from bench.harness.clients.jobs import END, GO, READY, ClientFailed, Job, Outcome, parse_outcome

ROOT = Path(__file__).resolve().parents[3]
STOP_S = 60.0


@contextmanager
def clients(
    jobs: Sequence[Job], *, module: str, environment: Mapping[str, str]
) -> Iterator[Callable[[], list[Outcome]]]:
    """Client processes that are ready; calling it lets them work. Their sessions stay open until the block ends."""
    whole = {**os.environ, **environment}
    with ExitStack() as stack:
        processes = [stack.enter_context(_process(job, module, whole)) for job in jobs]
        for process in processes:
            _line(process, READY)

        def work() -> list[Outcome]:
            for process in processes:
                _tell(process, GO)
            return [parse_outcome(_line(process)) for process in processes]

        yield work
        for process in processes:
            _tell(process, END)
        for process in processes:
            if process.wait(STOP_S):
                raise ClientFailed(_last_words(process))


@contextmanager
def _process(job: Job, module: str, environment: Mapping[str, str]) -> Iterator["Popen[str]"]:
    command = [sys.executable, "-m", module]
    process = Popen(
        command, cwd=ROOT, env=environment, stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True, start_new_session=True
    )
    try:
        _tell(process, job.to_line())
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _tell(process: "Popen[str]", line: str) -> None:
    assert process.stdin is not None
    try:
        print(line, file=process.stdin, flush=True)
    except BrokenPipeError:
        raise ClientFailed(_last_words(process)) from None


def _line(process: "Popen[str]", expected: str = "") -> str:
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line or (expected and line != expected):
        raise ClientFailed(_last_words(process))
    return line


def _last_words(process: "Popen[str]") -> str:
    assert process.stderr is not None
    process.kill()
    return process.stderr.read().strip() or "a client process ended without a word"
