"""An ordinary `crossdock serve` with its default settings, on a new data directory and free ports."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from queue import Queue

from bench.harness.servers.processes import stop
from bench.harness.servers.running import Unavailable, Workplace
from crossdock.cli.demo.service import DemoFailed, Service
from crossdock.settings import foreign_variables

REGION = "us-east-1"
START_S = 30.0
FREE_PORTS = ("--api-port", "0", "--ftp-port", "0", "--passive-ports", "0", "--sftp-port", "0")


@contextmanager
def crossdock_service(place: Workplace, *, serve_args: Sequence[str], wrapper: Sequence[str]) -> Iterator[Service]:
    """`serve_args` follow its own; `wrapper` is a command that it is started under. Raises Unavailable."""
    data_dir = place.folder / "data"
    command = [sys.executable, "-m", "crossdock", "serve", "--data-dir", str(data_dir), "--region", REGION]
    with (place.folder / "service.log").open("w") as log:
        process = subprocess.Popen(
            place.meter.launcher([*wrapper, *command, *FREE_PORTS, *serve_args]),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=foreign_variables(),
            start_new_session=True,
        )
    lines: Queue[str] = Queue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    service = Service(data_dir, process, lines)
    try:
        try:
            service.api_url = service.line("ready api ", timeout_s=START_S).removeprefix("ready api ")
            service.line("crossdock ready", timeout_s=START_S)
        except DemoFailed as error:
            raise Unavailable(f"{error}: {last_words(place)}") from error
        place.roots.append(process.pid)
        yield service
    finally:
        if process.pid in place.roots:
            place.roots.remove(process.pid)
        stop(process)


async def address(service: Service, protocol: str, server_id: str) -> tuple[str, int]:
    """Of the `ready PROTOCOL HOST:PORT server=…` line of this server. Raises DemoFailed."""
    find: Callable[[], str] = partial(service.line, f"ready {protocol}", timeout_s=START_S)
    while f"server={server_id}" not in (line := await asyncio.to_thread(find)):
        pass
    host, _, port = line.split()[2].rpartition(":")
    return host, int(port)


def last_words(place: Workplace) -> str:
    return (place.folder / "service.log").read_text(errors="replace").strip()[-500:]


def _read(process: "subprocess.Popen[str]", lines: "Queue[str]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line.rstrip("\n"))
    lines.put("")
