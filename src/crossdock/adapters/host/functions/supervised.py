"""A program under the supervisor of `launcher`: started, watched, and ended with everything that it began."""

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from crossdock.adapters.host.child_process import ChildProcess

_log = logging.getLogger(__name__)

LAUNCHER = Path(__file__).with_name("launcher.py")

_END_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """How a program is to be started. `uid` None keeps the service's own; `limits` are pairs for setrlimit."""

    argv: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    cwd: Path
    uid: int | None
    limits: Sequence[tuple[int, int]]


class SupervisedProgram:
    """`exit` has the exit status once everything is over, negative for a signal; `on_exit` is called just before.

    All methods belong to the loop's thread: the kernel ends a supervisor when the thread that started it ends.
    """

    def __init__(self, on_exit: Callable[[], None]) -> None:
        self._on_exit = on_exit
        self._supervisor: ChildProcess | None = None
        self._life_line = -1
        self.exit: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def start(self, launch: Launch, *, output: int) -> None:
        """`output` is where the program's standard output and error go. Raises OSError."""
        instruction, life_line = os.pipe()
        try:
            popen = subprocess.Popen(
                [sys.executable, "-I", "-S", str(LAUNCHER)],
                stdin=instruction,
                stdout=output,
                stderr=output,
                env={},
                cwd="/",
                start_new_session=True,
            )
        except OSError:
            os.close(life_line)
            raise
        finally:
            os.close(instruction)
        self._life_line = life_line
        self._supervisor = ChildProcess(popen, self._finish)
        # A pipe takes 64 KiB at once, and an instruction is far smaller: AWS allows 4 KiB of variables.
        os.set_blocking(life_line, False)
        os.write(life_line, _instruction(launch))

    def begin_end(self) -> None:
        """Tell the supervisor to end everything, by letting go of its life line."""
        if self._life_line >= 0:
            os.close(self._life_line)
            self._life_line = -1

    async def end(self) -> None:
        """End, and wait until nothing of it is left."""
        self.begin_end()
        _, late = await asyncio.wait({self.exit}, timeout=_END_TIMEOUT_S)
        if late and self._supervisor is not None:
            _log.error("a function's supervisor does not end", extra={"pid": self._supervisor.pid})
            self._supervisor.kill()
            await asyncio.wait({self.exit})

    def give_up(self) -> None:
        """For a program that could not be started."""
        self._finish(-signal.SIGKILL)

    def peak_memory_mib(self) -> int:
        """The most physical memory that the program's first process has had; 0 when it is gone."""
        supervisor = self._supervisor.pid if self._supervisor else 0
        try:
            children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
            status = Path(f"/proc/{children[0]}/status").read_bytes()
        except (OSError, IndexError):
            return 0
        _, found, rest = status.partition(b"VmHWM:")
        return -(-int(rest.split(None, 1)[0]) // 1024) if found else 0

    def _finish(self, status: int) -> None:
        self.begin_end()
        if not self.exit.done():
            self._on_exit()
            self.exit.set_result(status)


def _instruction(launch: Launch) -> bytes:
    document = {
        "parent": os.getpid(),
        "argv": list(launch.argv),
        "environment": dict(launch.environment),
        "cwd": str(launch.cwd),
        "uid": launch.uid,
        "gid": launch.uid,
        "limits": list(launch.limits),
    }
    return json.dumps(document).encode() + b"\n"
