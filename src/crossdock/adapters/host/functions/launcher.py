"""The supervisor of one function: started first, as a program of its own, and never imported by the service.

It makes the limits hard, gives up the service's uid, becomes the reaper of everything the function starts, and ends
all of it when the function ends, when the service asks for it, or when the service dies. The service asks by closing
the pipe that is this program's standard input, which the kernel does for a service that is killed. Its first line is
the instruction, a JSON object as `process` writes it.

    service ──(pipe: instruction, then a life line)── launcher ──fork── exec the function's interpreter
"""

import ctypes
import json
import os
import resource
import select
import signal
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

CANNOT_START = 126
"""The exit status, as in a shell, of a function whose interpreter could not be started."""

_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    instruction = _read_instruction()
    woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(waker)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    _die_with_parent(signal.SIGTERM, instruction["parent"])
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    supervisor = os.getpid()
    function = os.fork()
    if function == 0:
        _become_function(instruction, supervisor)
    status = _watch(function, woken)
    _end_all(function)
    _exit_like(status)


def _read_instruction() -> dict[str, Any]:
    text = b""
    while not text.endswith(b"\n"):
        chunk = os.read(0, 65536)
        if not chunk:
            sys.exit(0)
        text += chunk
    instruction: dict[str, Any] = json.loads(text)
    return instruction


def _become_function(instruction: dict[str, Any], supervisor: int) -> None:
    """Runs in the child, and does not return: limits first, then the uid, then the function's own program."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        _prefer_as_victim()
        for number, value in instruction["limits"]:
            hard = resource.getrlimit(number)[1]
            bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(number, (bound, bound))
        # Relative to a directory that other uids may not be able to reach by its path.
        os.chdir(instruction["cwd"])
        if instruction["uid"] is not None:
            os.setgroups([])
            os.setgid(instruction["gid"])
            os.setuid(instruction["uid"])
        # After setuid, which clears it; the parent may have died before it was set.
        _die_with_parent(signal.SIGKILL, supervisor)
        _prctl(PR_SET_NO_NEW_PRIVS, 1)
        os.umask(0o077)
        os.execve(instruction["argv"][0], instruction["argv"], instruction["environment"])
    except OSError as error:
        print(f"crossdock: cannot start {instruction['argv'][0]}: {error}", file=sys.stderr, flush=True)
    finally:
        os._exit(CANNOT_START)


def _watch(function: int, woken: int) -> int | None:
    """Wait for the function's end or the service's wish; the wait status, None when the function still runs."""
    poll = select.poll()
    poll.register(0, select.POLLIN | select.POLLHUP)
    poll.register(woken, select.POLLIN)
    while True:
        for fd, _events in poll.poll():
            if fd == 0:
                return None
            signals = os.read(woken, 512)
            if signal.SIGTERM in signals:
                return None
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == function:
                return status
            if pid == 0:
                break


def _end_all(function: int) -> None:
    """Kill every descendant. One that leaves its session or its parent becomes ours, so it is found as well."""
    _kill_group(function)
    while True:
        for pid in _descendants(os.getpid()):
            _kill(pid)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        select.select([], [], [], 0.002)


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:
                    # proc(5): "pid (comm) state ppid …", and comm may contain anything, brackets too.
                    parent = int(stat.read().rpartition(b")")[2].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(name))
    found: list[int] = []
    ahead = [root]
    while ahead:
        below = children.get(ahead.pop(), [])
        found += below
        ahead += below
    return found


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _kill_group(group: int) -> None:
    """At once, before any of them can start another."""
    try:
        os.killpg(group, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        return


def _exit_like(status: int | None) -> None:
    """End as the function ended, so that the service sees its exit status or signal."""
    if status is None:
        os._exit(0)
    if os.WIFSIGNALED(status):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.kill(os.getpid(), os.WTERMSIG(status))
    os._exit(os.waitstatus_to_exitcode(status) & 0xFF)


def _die_with_parent(number: int, parent: int) -> None:
    _prctl(PR_SET_PDEATHSIG, number)
    if os.getppid() != parent:
        os._exit(0)


def _prctl(option: int, value: int) -> None:
    if _libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}")


def _prefer_as_victim() -> None:
    """When memory runs out, the kernel should end a function and not the service."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:
            file.write("500")
    except OSError:
        return


if __name__ == "__main__":
    main()
