"""Starting, killing and talking to a real service."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Address
from pathlib import Path
from queue import Empty, Queue
from types import MappingProxyType
from typing import Any, TypeVar

import boto3
from botocore.config import Config

from crossdock.cli.client import ask_service

START_S = 60.0
COMMAND_S = 60.0
POLL_S = 0.02
HOST = str(IPv4Address("127.64.0.0") + os.getpid())
"""Where services listen: an address of this process's tests alone. What clients connect from is 127.0.0.1, so none of
them, and no other test's service, is ever given a port that a service comes back to. Numbers of processes have 22 bits.
"""
FREE_PORTS = ("--api-port", "0", "--ftp-port", "0", "--sftp-port", "0", "--passive-ports", "0")
CLEAN = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "TZ": "UTC", "TERM": "dumb"}
"""What the clients' processes get: nothing of the caller's AWS settings."""


T = TypeVar("T")


@cache
def aws_session() -> boto3.session.Session:
    """One for all clients: it reads AWS's service models once, which takes longer than most calls."""
    return boto3.session.Session()


@dataclass(slots=True)
class Service:
    data_dir: Path
    process: subprocess.Popen
    lines: "Queue[str]"
    said: list[str] = field(default_factory=list)
    known: dict[str, dict[str, str]] = field(default_factory=dict)
    clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    @property
    def api_url(self) -> str:
        return self.line_beginning("ready api ").removeprefix("ready api ")

    def line_beginning(self, start: str, *, word: str = "", timeout_s: float = START_S) -> str:
        """The first line on standard output that begins so, and has this word; waits for it."""

        def is_wanted(line: str) -> bool:
            return line.startswith(start) and (not word or word in line.split())

        for line in self.said:
            if is_wanted(line):
                return line
        while True:
            try:
                line = self.lines.get(timeout=timeout_s)
            except Empty:
                raise AssertionError(f"no line {start!r} {word} in {timeout_s} s; said {self.said}") from None
            assert line is not None, f"the service ended before {start!r}; its log:\n{self.log()[-3000:]}"
            self.said.append(line)
            if is_wanted(line):
                return line

    def ftp_endpoint(self, server_id: str, *, protocol: str = "ftp") -> tuple[str, int]:
        """Host and port of a server, as `crossdock endpoints` says once it is online."""
        line = self.line_beginning(f"ready {protocol} ", word=f"server={server_id}")
        host, _, port = line.split()[2].rpartition(":")
        return host, int(port)

    def sftp_endpoint(self, server_id: str) -> tuple[str, int]:
        return self.ftp_endpoint(server_id, protocol="sftp")

    def log(self) -> str:
        return (self.data_dir.parent / "service.log").read_text()

    def crossdock(
        self, *arguments: str, check: bool = True, input_text: str | None = None
    ) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "crossdock", *arguments, "--data-dir", str(self.data_dir)]
        return run(command, check=check, input_text=input_text)

    def environment(self, account: str) -> dict[str, str]:
        """What `crossdock env` prints, asked as that command asks, for each of these takes a third of a second.

        Asked for once: it does not change.
        """
        if account not in self.known:
            self.known[account] = ask_service(self.data_dir, f"/accounts/{account}/environment")
        return self.known[account]

    def client(self, account: str, service: str, **config):
        """One for every place of a test, unless it is a special one: to make one takes longer than most calls."""
        place = account, service
        if config or place not in self.clients:
            variables = self.environment(account)
            made = aws_session().client(
                service,
                aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
                region_name=variables["AWS_REGION"],
                endpoint_url=variables["AWS_ENDPOINT_URL"],
                config=Config(retries={"max_attempts": 0}, **config),
            )
            if config:
                return made
            self.clients[place] = made
        return self.clients[place]

    def aws(self, command: str, account: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        """The `aws` command as a user of that account runs it."""
        environment = {**CLEAN, **self.environment(account), "HOME": str(self.data_dir.parent), "AWS_PAGER": ""}
        return run([command, *arguments], environment=environment, check=check)

    def aws_json(self, command: str, account: str, *arguments: str):
        return json.loads(self.aws(command, account, *arguments, "--output", "json").stdout)

    def kill(self) -> None:
        """`kill -9`: nothing gets the chance to clean up."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(60)


@contextmanager
def start_service(
    data_dir: Path,
    *arguments: str,
    host: str = HOST,
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Service]:
    """Run `crossdock serve` until the block ends; the block begins when it is ready.

    `variables` are environment variables for it besides `CLEAN`.
    """
    log = (data_dir.parent / "service.log").open("a")
    process = subprocess.Popen(
        _serve(data_dir, "--host", host, *arguments),
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
        env={**CLEAN, "HOME": str(data_dir.parent), **variables},
    )
    service = Service(data_dir, process, Queue())
    threading.Thread(target=_read, args=(process, service.lines), daemon=True).start()
    try:
        service.line_beginning("crossdock ready")
        yield service
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        process.stdout.close()
        log.close()


def refused_start(data_dir: Path, *arguments: str, variables=MappingProxyType({})):
    """A `crossdock serve` that is expected to end by itself: how it ended and what it said."""
    environment = {**CLEAN, "HOME": str(data_dir.parent), **variables}
    return run(_serve(data_dir, "--host", HOST, *arguments), environment=environment, check=False)


def _serve(data_dir: Path, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "crossdock", "serve", "--data-dir", str(data_dir), *FREE_PORTS, *arguments]


def until(what: str, condition: Callable[[], T], *, timeout_s: float = START_S) -> T:
    """What `condition` answers once that is true; asks again and again, and fails after the time."""
    ends_at = time.monotonic() + timeout_s
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < ends_at, f"not within {timeout_s} s: {what}; last seen: {found!r}"
        time.sleep(POLL_S)


def _read(process, lines) -> None:
    for line in process.stdout:
        lines.put(line.rstrip("\n"))
    lines.put(None)


def run(command: Sequence[str], *, environment=None, check=True, input_text=None) -> subprocess.CompletedProcess:
    done = subprocess.run(
        list(command),
        env=environment or CLEAN,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
        input=input_text,
    )
    assert not check or done.returncode == 0, f"{command} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}"
    return done


def lftp(host: str, port: int, user: str, password: str, script: str, *, cwd: Path) -> subprocess.CompletedProcess:
    """A user with lftp; the password goes by environment, as a careful user does it."""
    settings = "set net:max-retries 1; set net:timeout 20; set net:reconnect-interval-base 1; set cmd:fail-exit yes;"
    return subprocess.run(
        ["lftp", "--norc", "--env-password", "-u", user, "-p", str(port), host, "-e", f"{settings} {script}; bye"],
        env={**CLEAN, "HOME": str(cwd), "LFTP_PASSWORD": password},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=COMMAND_S,
        check=False,
    )
