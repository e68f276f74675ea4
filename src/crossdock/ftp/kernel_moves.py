"""Bytes between sockets and files without passing through Python: bounded jobs for pool threads."""

import errno
import fcntl
import os
import socket
import threading

from crossdock.core.errors import CrossdockError, FileError, OutOfSpace, Unavailable
from crossdock.ftp.data_socket import JOB_BYTES, TransferBroken
from crossdock.ftp.replies import DataFailure

PIPE_BYTES = 1 << 20
SCRATCH_BYTES = 1 << 20
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


class Scratch(threading.local):
    """Each pool thread's own buffer and pipe: the kernel gives an ordinary user few pipes of this size.

    `pipe` is None until it is first asked for, and where the kernel gives none so large: a smaller one gains nothing.
    """

    def __init__(self, pipe_bytes: int = PIPE_BYTES) -> None:
        self._pipe_bytes = pipe_bytes
        self.view = memoryview(bytearray(SCRATCH_BYTES))
        self.pipe: tuple[int, int] | None = None
        self._is_refused = False

    def large_pipe(self) -> tuple[int, int] | None:
        if self.pipe is None and not self._is_refused:
            ends = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
            try:
                fcntl.fcntl(ends[1], fcntl.F_SETPIPE_SZ, self._pipe_bytes)
            except OSError:
                self._is_refused = True
                _close(ends)
            else:
                self.pipe = ends
        return self.pipe

    def drop_pipe(self) -> None:
        """Bytes are left in it that belong to nobody."""
        if self.pipe is not None:
            _close(self.pipe)
            self.pipe = None


_scratch = Scratch()


def socket_to_file(
    source: socket.socket, target: int, scratch: Scratch = _scratch
) -> tuple[int, CrossdockError | None]:
    """Receive into a file at its position, at most `JOB_BYTES`. Not even 0 says that the stream has ended."""
    try:
        pipe = scratch.large_pipe()
    except OSError:
        pipe = None  # no descriptor is free for one; the buffer is there
    if pipe is None:
        return _copy(source, target, scratch)
    return _splice(source, target, scratch, *pipe)


def file_to_socket(target: socket.socket, source: int, offset: int, size: int) -> tuple[int, CrossdockError | None]:
    """Send part of a file until it would block, at most `JOB_BYTES`."""
    sent = 0
    size = min(size, JOB_BYTES)
    while sent < size:
        try:
            count = os.sendfile(target.fileno(), source, offset + sent, size - sent)
        except BlockingIOError:
            break
        except OSError:
            return sent, TransferBroken(DataFailure.CUT)
        if count == 0:
            return sent, Unavailable("a stored file is shorter than its object")
        sent += count
    return sent, None


def write_all(target: int, data: memoryview) -> None:
    while data:
        data = data[os.write(target, data) :]


def file_error(error: OSError) -> FileError:
    if error.errno in _NO_ROOM:
        return OutOfSpace(str(error))
    return Unavailable(str(error))


def _splice(
    source: socket.socket, target: int, scratch: Scratch, outlet: int, inlet: int
) -> tuple[int, CrossdockError | None]:
    moved = 0
    while moved < JOB_BYTES:
        try:
            waiting = os.splice(source.fileno(), inlet, PIPE_BYTES, flags=os.SPLICE_F_MOVE | os.SPLICE_F_NONBLOCK)
        except BlockingIOError:
            break
        except OSError:
            return moved, TransferBroken(DataFailure.CUT)
        if waiting == 0:
            break
        try:
            _empty(outlet, target, waiting, scratch)
        except OSError as error:
            scratch.drop_pipe()
            return moved, file_error(error)
        moved += waiting
    if moved == 0:
        # splice() stands before an urgent byte (RFC 9293 §3.8.5) for good, as if nothing had come, or the end had.
        return _copy(source, target, scratch)
    return moved, None


def _empty(outlet: int, target: int, waiting: int, scratch: Scratch) -> None:
    """Move what waits in the pipe to the file. Raises OSError."""
    try:
        while waiting:
            waiting -= os.splice(outlet, target, waiting, flags=os.SPLICE_F_MOVE)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        # Not every file system can take bytes from a pipe.
        while waiting:
            count = os.readv(outlet, [scratch.view[:waiting]])
            write_all(target, scratch.view[:count])
            waiting -= count


def _copy(source: socket.socket, target: int, scratch: Scratch) -> tuple[int, CrossdockError | None]:
    moved = 0
    while moved < JOB_BYTES:
        try:
            count = source.recv_into(scratch.view)
        except BlockingIOError:
            break
        except OSError:
            return moved, TransferBroken(DataFailure.CUT)
        if count == 0:
            break
        try:
            write_all(target, scratch.view[:count])
        except OSError as error:
            return moved, file_error(error)
        moved += count
    return moved, None


def _close(ends: tuple[int, int]) -> None:
    for end in ends:
        os.close(end)
