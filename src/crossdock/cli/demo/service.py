"""The demo's own `crossdock serve`: a process on a throw-away directory and free ports."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Empty, Queue

from crossdock.cli.client import ask_service
from crossdock.core.errors import CrossdockError
from crossdock.settings import foreign_variables

START_S = 30.0
STOP_S = 40.0


class DemoFailed(CrossdockError):
    """A step did not turn out as it must; the message says which and what was seen instead."""


class Service:
    """A running service and what it says on standard output."""

    def __init__(self, data_dir: Path, process: subprocess.Popen[str], lines: "Queue[str]") -> None:
        self.data_dir = data_dir
        self.process = process
        self._lines = lines
        self.api_url = ""

    def line(self, beginning: str, *, timeout_s: float) -> str:
        """The next line that begins so; lines before it are passed over. Raises DemoFailed when none comes in time."""
        while True:
            try:
                line = self._lines.get(timeout=timeout_s)
            except Empty:
                raise DemoFailed(f"the service did not say {beginning!r} within {timeout_s:g} s") from None
            if line.startswith(beginning):
                return line
            if not line:
                raise DemoFailed("the service ended; the last lines of its log are below")

    def environment(self, account: str) -> dict[str, str]:
        """An account's variables, as `crossdock env` gives them."""
        variables: dict[str, str] = ask_service(self.data_dir, f"/accounts/{account}/environment")
        return variables


@contextmanager
def running_service(data_dir: Path, log_path: Path, *, region: str) -> Iterator[Service]:
    """Start a service and end it with the block, whatever happens in it."""
    arguments = ["--data-dir", str(data_dir), "--region", region]
    ports = ["--api-port", "0", "--ftp-port", "0", "--passive-ports", "0"]
    with log_path.open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "crossdock", "serve", *arguments, *ports],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            # The caller's own settings are of another service: the demo's accounts, ports and directory are its own.
            env=foreign_variables(),
        )
    lines: Queue[str] = Queue()
    reader = threading.Thread(target=_read, args=(process, lines), daemon=True)
    reader.start()
    service = Service(data_dir, process, lines)
    try:
        service.api_url = service.line("ready api ", timeout_s=START_S).removeprefix("ready api ")
        service.line("crossdock ready", timeout_s=START_S)
        yield service
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _read(process: subprocess.Popen[str], lines: "Queue[str]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line.rstrip("\n"))
    lines.put("")
