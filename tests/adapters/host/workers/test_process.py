"""A worker's process: what it is given, and that it ends with its parent."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crossdock.adapters.host.workers.process import Started, start_worker

PARENTAL = "crossdock.adapters.host.workers.parental"
TELLS = "import os, socket, sys; s = socket.socket(fileno=int(sys.argv[1])); "
ENVIRONMENT = TELLS + "s.sendall(repr(dict(os.environ)).encode())"
STAYS = (
    TELLS
    + f"from {PARENTAL} import leave_signals_to; leave_signals_to(int(sys.argv[3])); "
    + "s.sendall(b'here'); s.recv(1); s.sendall(b'still'); s.recv(1)"
)
PARENT = """
import asyncio, os, sys
from crossdock.adapters.host.workers.process import start_worker
async def main():
    started = start_worker(lambda _: None, variables={}, program=("-c", sys.argv[1]))
    started.line.recv(10)
    print(started.process.pid, flush=True)
    sys.stdin.read()
    os._exit(1)
asyncio.run(main())
"""

pytestmark = pytest.mark.slow


async def begun(code: str) -> tuple[Started, "asyncio.Future[int]"]:
    gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    started = start_worker(gone.set_result, variables={"AWS_PROFILE": "there"}, program=("-c", code))
    for end in (started.line, started.orders):
        end.setblocking(False)
    return started, gone


async def said(started: Started) -> bytes:
    async with asyncio.timeout(20):
        return await asyncio.get_running_loop().sock_recv(started.line, 10_000)


def command_of(pid: int) -> list[bytes]:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")


def close(started: Started) -> None:
    started.line.close()
    started.orders.close()


async def test_it_gets_the_variables_that_it_is_given_only_and_nothing_on_its_command_line(monkeypatch):
    monkeypatch.setenv("CROSSDOCK_KEYS", "hub=AKID:SECRET")
    started, gone = await begun(ENVIRONMENT)
    command = command_of(started.process.pid)
    assert all(word.isdigit() for word in command[3:-1])
    variables = eval((await said(started)).decode())
    assert set(variables) - {"LC_CTYPE"} == {"AWS_PROFILE", "PYTHONPATH", "PYTHONUTF8"}
    assert await gone == 0
    close(started)


async def test_it_hears_no_signal_but_the_last_and_its_end_is_told():
    started, gone = await begun(STAYS)
    assert await said(started) == b"here"
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        os.kill(started.process.pid, number)
    await asyncio.get_running_loop().sock_sendall(started.line, b"x")
    assert await said(started) == b"still"
    assert not gone.done()
    started.process.kill()
    assert await gone == -signal.SIGKILL
    started.process.kill()
    close(started)


async def test_it_ends_at_once_when_its_parent_is_another_by_then():
    started, gone = await begun(STAYS.replace("int(sys.argv[3])", "1 << 22"))
    assert await gone == 0
    close(started)


def test_it_is_killed_when_its_parent_ends_however_that_ends():
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, STAYS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    pid = int(parent.stdout.readline())
    watch = os.pidfd_open(pid)
    parent.kill()
    parent.communicate()
    assert select.select([watch], [], [], 20)[0]
    os.close(watch)
