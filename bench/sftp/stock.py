"""Clients that people have, OpenSSH's `sftp` and `lftp`, told by pipe what to do in a session that is there already.

So neither their start nor their login is in the time; their CPU is counted with that of the ssh that each starts.
"""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import PIPE, Popen

from bench.harness.accounting import Meter, meter
from bench.harness.clients.jobs import ClientFailed, Endpoint, Outcome
from bench.harness.measuring import Clock, Run
from bench.harness.plan import Bench
from bench.harness.servers.processes import family_ended
from bench.harness.servers.running import Running

STOP_S = 30.0
SSH_OPTIONS = {
    "BatchMode": "yes",
    "IdentitiesOnly": "yes",
    "IdentityAgent": "none",
    "LogLevel": "ERROR",
    "PreferredAuthentications": "publickey",
    "StrictHostKeyChecking": "no",
    "UserKnownHostsFile": os.devnull,
}
"""The host key is new in every run."""
LFTP_SETTINGS = (
    "set cmd:fail-exit on",
    "set net:max-retries 1",
    "set sftp:auto-confirm yes",
    "set xfer:clobber on",
    "set xfer:log no",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stock:
    """How a client is started, and what makes it print a line (that begins so) when all before is done."""

    command: Callable[[Endpoint], list[str]]
    mark: str
    marked: str
    download: str
    upload: str
    listing: str


def ssh_arguments(endpoint: Endpoint) -> list[str]:
    options = [f"-o{name}={value}" for name, value in SSH_OPTIONS.items()]
    return ["-F", "none", "-i", endpoint.key, "-c", endpoint.cipher, *options]


def sftp_command(endpoint: Endpoint) -> list[str]:
    where = ["-P", str(endpoint.port), f"{endpoint.user}@{endpoint.host}"]
    return ["sftp", "-q", "-b", "-", *ssh_arguments(endpoint), *where]


def lftp_command(endpoint: Endpoint) -> list[str]:
    program = " ".join(["ssh", "-a", "-x", *ssh_arguments(endpoint)])
    settings = "; ".join([*LFTP_SETTINGS, f"set sftp:connect-program '{program}'"])
    return [
        "lftp",
        "--norc",
        "-e",
        settings,
        "-u",
        f"{endpoint.user},",
        "-p",
        str(endpoint.port),
        f"sftp://{endpoint.host}",
    ]


SFTP = Stock(
    command=sftp_command,
    mark="pwd",
    marked="Remote working directory:",
    download="get {remote} {local}",
    upload="put {local} {remote}",
    listing="ls -l {remote}",
)
LFTP = Stock(
    command=lftp_command,
    mark="echo all is done",
    marked="all is done",
    download="get {remote} -o {local}",
    upload="put {local} -o {remote}",
    listing="cls -l {remote}",
)


class Talk:
    """A session. `cpu_s` is of the client and all that it started, since then."""

    def __init__(self, process: "Popen[str]", stock: Stock, counted: Meter, log: Path) -> None:
        self._process = process
        self._stock = stock
        self._log = log
        self.cpu_s = counted.cpu_s

    def tell(self, *lines: str) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write("".join(f"{line}\n" for line in (*lines, self._stock.mark)))
            self._process.stdin.flush()
        except BrokenPipeError:
            raise ClientFailed(self._last_words()) from None

    def wait(self) -> list[str]:
        """What it printed until all that it was told is done. Raises ClientFailed."""
        assert self._process.stdout is not None
        printed: list[str] = []
        for line in self._process.stdout:
            if line.startswith(self._stock.marked):
                return printed
            printed.append(line.rstrip("\n"))
        raise ClientFailed(self._last_words())

    def ask(self, *lines: str) -> list[str]:
        self.tell(*lines)
        return self.wait()

    def _last_words(self) -> str:
        program = Path(str(self._process.args[-1] if isinstance(self._process.args, list) else "")).name
        return f"the client of {program} ended: {self._log.read_text(errors='replace').strip()[-500:]}"


@contextmanager
def talk(stock: Stock, endpoint: Endpoint, scratch: Path) -> Iterator[Talk]:
    """A session that is logged in. Raises ClientFailed."""
    roots: list[int] = []
    name = f"client-{time.monotonic_ns()}"
    log = scratch / f"{name}.log"
    with meter(name, roots) as counted, log.open("w") as errors:
        process = Popen(
            counted.launcher(stock.command(endpoint)),
            env={"PATH": os.defpath, "HOME": str(scratch), "TERM": "dumb", "LANG": "C.UTF-8"},
            stdin=PIPE,
            stdout=PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        roots.append(process.pid)
        try:
            session = Talk(process, stock, counted, log)
            session.ask()
            yield session
        finally:
            stop(process)
    log.unlink()


def stop(process: "Popen[str]") -> None:
    """At the end of its input the client leaves; one that does not is ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    with family_ended(process.pid):
        with suppress(BrokenPipeError):  # it is gone
            process.stdin.close()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    process.stdout.close()


def run_stock(
    bench: Bench,
    server: Running,
    endpoint: Endpoint,
    works: Sequence[Sequence[str]],
    *,
    stock: Stock = SFTP,
    nbytes: int,
    check: Callable[[Talk], None] | None = None,
) -> Run:
    """A session for each of the works, which are lines and begin together; `check` comes after the clock has stopped.

    `nbytes` is what each moves. Raises ClientFailed.
    """
    with ExitStack() as stack:
        sessions = [stack.enter_context(talk(stock, endpoint, bench.scratch)) for _ in works]
        used = [session.cpu_s() for session in sessions]
        clock, began, began_at = Clock(server), time.monotonic(), time.time()
        for session, lines in zip(sessions, works, strict=True):
            session.tell(*lines)
        outcomes = []
        for session, before in zip(sessions, used, strict=True):
            session.wait()
            ended = time.monotonic()
            outcome = Outcome(
                began=began, ended=ended, began_at=began_at, nbytes=nbytes, cpu_s=session.cpu_s() - before
            )
            outcomes.append(outcome)
        run = clock.run(outcomes)
        if check is not None:
            check(sessions[0])
    return run
