"""curl or lftp in place of the fast client: a process a file, its start and its login in the time."""

import os
import time
from collections.abc import Sequence
from pathlib import Path
from subprocess import DEVNULL, Popen

from bench.harness.clients.jobs import ClientFailed, Endpoint, Job, Outcome
from bench.harness.measuring import Clock, Run
from bench.harness.plan import Bench
from bench.harness.seeding import source_file
from bench.harness.servers.running import Running

COMMANDS = ("curl", "lftp")


def command_of(client: str, job: Job, source: Path) -> list[str]:
    """The password goes by environment or by a file of its own, never by argument."""
    return _curl(job, source) if client == "curl" else _lftp(job, source)


def _curl(job: Job, source: Path) -> list[str]:
    where = f"ftp://{job.endpoint.host}:{job.endpoint.port}/{path_of(job)}"
    tls = ["--ssl-reqd", "--insecure", "--tls13-ciphers", "TLS_AES_128_GCM_SHA256"] if job.endpoint.is_tls else []
    work = ["--upload-file", str(source)] if job.what == "up" else ["--output", os.devnull]
    return ["curl", "--silent", "--show-error", "--netrc-file", str(source.with_name("netrc")), *tls, *work, where]


def _lftp(job: Job, source: Path) -> list[str]:
    tls = "on" if job.endpoint.is_tls else "off"
    settings = [
        f"set ftp:ssl-allow {tls}",
        f"set ftp:ssl-force {tls}",
        "set ssl:verify-certificate off",
        "set ssl:priority NORMAL:-CIPHER-ALL:+AES-128-GCM",
        "set net:max-retries 1",
        "set xfer:clobber on",
        "set xfer:log no",
        "set cmd:fail-exit on",
    ]
    work = f"put {source} -o {path_of(job)}" if job.what == "up" else f"get {path_of(job)} -o {os.devnull}"
    script = "; ".join([*settings, work, "bye"])
    where = ["-u", job.endpoint.user, "-p", str(job.endpoint.port), job.endpoint.host]
    return ["lftp", "--norc", "--env-password", *where, "-e", script]


def run_commands(bench: Bench, server: Running, jobs: Sequence[Job]) -> Run:
    """Raises ClientFailed."""
    source = source_file(bench.scratch, jobs[0].size)
    write_netrc(source.with_name("netrc"), jobs[0].endpoint)
    environment = {"PATH": os.defpath, "HOME": os.devnull, "LFTP_PASSWORD": jobs[0].endpoint.password, "TERM": "dumb"}
    clock, began = Clock(server), time.monotonic()
    running = [
        Popen(command_of(bench.client, job, source), env=environment, stdin=DEVNULL, stdout=DEVNULL) for job in jobs
    ]
    return clock.run([_outcome(process, job, began) for process, job in zip(running, jobs, strict=True)])


def path_of(job: Job) -> str:
    return f"{job.endpoint.folder}/{job.path}" if job.endpoint.folder else job.path


def write_netrc(path: Path, endpoint: Endpoint) -> None:
    path.touch(mode=0o600)
    path.write_text(f"machine {endpoint.host} login {endpoint.user} password {endpoint.password}\n")


def _outcome(process: "Popen[bytes]", job: Job, began: float) -> Outcome:
    _, status, usage = os.wait4(process.pid, 0)
    ended = time.monotonic()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise ClientFailed(f"{process.args!r} ended with {process.returncode}")
    used = usage.ru_utime + usage.ru_stime
    return Outcome(began=began, ended=ended, began_at=time.time(), nbytes=job.size, cpu_s=used)
