"""A process of ours: its end is told once, however it ends."""

import asyncio
import signal
import subprocess
import sys

import pytest

from crossdock.adapters.host.child_process import ChildProcess

pytestmark = pytest.mark.slow


def begun(code: str) -> tuple[ChildProcess, "asyncio.Future[int]"]:
    gone: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    return ChildProcess(subprocess.Popen([sys.executable, "-c", code]), gone.set_result), gone


async def test_its_exit_status_is_told_and_killing_it_then_hurts_nobody() -> None:
    child, gone = begun("raise SystemExit(7)")
    async with asyncio.timeout(20):
        assert await gone == 7
    child.kill()


async def test_one_that_is_killed_is_told_with_the_signal() -> None:
    child, gone = begun("import time; time.sleep(60)")
    child.kill()
    async with asyncio.timeout(20):
        assert await gone == -signal.SIGKILL
