"""A worker's process: started with its two sockets, and known to be gone when it is."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from crossdock.adapters.host.child_process import ChildProcess

PROGRAM = ("-m", "crossdock.app.worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A process, and the parent's ends of its sockets."""

    process: ChildProcess
    line: socket.socket
    orders: socket.socket


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
    return Started(process=ChildProcess(popen, gone), line=ours_line, orders=ours_orders)
