"""A worker's process: started with its two sockets, and known to be gone when it is."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

PROGRAM = ("-m", "crossdock.app.worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A process, and the parent's ends of its sockets."""

    process: "WorkerProcess"
    line: socket.socket
    orders: socket.socket


class WorkerProcess:
    """For the loop's thread, since the kernel ends a worker when the thread that started it ends."""

    def __init__(self, popen: "subprocess.Popen[bytes]", gone: Callable[[int], None]) -> None:
        self._popen = popen
        self._gone = gone
        self._loop = asyncio.get_running_loop()
        self._pidfd = os.pidfd_open(popen.pid)
        self._loop.add_reader(self._pidfd, self._reap)

    @property
    def pid(self) -> int:
        return self._popen.pid

    def kill(self) -> None:
        """Harmless for one that is gone."""
        if self._pidfd >= 0:
            self._popen.send_signal(signal.SIGKILL)

    def _reap(self) -> None:
        status = self._popen.poll()
        if status is not None:
            self._loop.remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
            self._gone(status)


def start_worker(
    gone: Callable[[int], None], *, variables: Mapping[str, str], program: Sequence[str] = PROGRAM
) -> Started:
    """Start one; `gone` is told its exit status, negative for a signal. Raises OSError.

    It gets these variables and where its modules are; on its command line, the numbers of its sockets and its parent's.
    Its standard output is the parent's standard error, for only the parent says what is ready.
    """
    ours_line, its_line = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    ours_orders, its_orders = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    its = (its_line.fileno(), its_orders.fileno())
    try:
        popen = subprocess.Popen(
            [sys.executable, *program, *map(str, its), str(os.getpid())],
            stdin=subprocess.DEVNULL,
            stdout=2,
            env={**variables, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "PYTHONUTF8": "1"},
            pass_fds=its,
        )
    except OSError:
        ours_line.close()
        ours_orders.close()
        raise
    finally:
        its_line.close()
        its_orders.close()
    return Started(process=WorkerProcess(popen, gone), line=ours_line, orders=ours_orders)
