"""A process that this one started, and is told of when it is gone."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable


class ChildProcess:
    """`gone` is told the exit status once, negative for a signal.

    For the loop's thread: processes that the kernel ends with their parent go when the thread that started them does.
    """

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
