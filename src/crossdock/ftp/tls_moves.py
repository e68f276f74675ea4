"""Bytes between a TLS stream, its socket and files: bounded steps for the loop, and for pool threads the long ones.

OpenSSL lets go of Python's lock while it works, so that two clients use two cores.
"""

import logging
import os
import socket
import threading
from contextlib import suppress

from crossdock.core.errors import CrossdockError, Unavailable
from crossdock.ftp.data_socket import JOB_BYTES, TransferBroken
from crossdock.ftp.kernel_moves import file_error, write_all
from crossdock.ftp.replies import DataFailure
from crossdock.ftp.tls import TlsFailed, TlsStream, TlsTruncated

_log = logging.getLogger(__name__)

SOCKET_BYTES = 256 << 10
PLAIN_BYTES = 1 << 20
UNSENT_BYTES = 64 << 10
"""Of answers to who sends a file; a client that asks for them and does not read them would fill our memory."""
_OVERHEAD_BYTES = 64 << 10
"""What comes in one step beside plain bytes; a client that sends nothing else would keep the thread for ever."""


class _Scratch(threading.local):
    """Each thread's own buffers: ciphertext from the socket, and plain bytes."""

    def __init__(self) -> None:
        self.cipher = memoryview(bytearray(SOCKET_BYTES))
        self.plain = memoryview(bytearray(PLAIN_BYTES))


_scratch = _Scratch()


class TlsMoves:
    """One step at a time, never two at once. `must_close`: an end without close_notify is no end.

    `unsent` is what was encrypted and could not be sent yet.
    """

    def __init__(self, connection: socket.socket, stream: TlsStream, *, must_close: bool) -> None:
        self._socket = connection
        self._stream = stream
        self._must_close = must_close
        self.unsent = memoryview(b"")
        self.has_ended = False

    def fill(self) -> int | None:
        """Take what has come from the socket, at most `SOCKET_BYTES`: how many, 0 at its end, None when nothing has.

        Raises TransferBroken.
        """
        try:
            count = self._socket.recv_into(_scratch.cipher)
        except BlockingIOError:
            return None
        except OSError as error:
            raise TransferBroken(DataFailure.CUT) from error
        if count:
            self._stream.feed(_scratch.cipher[:count])
        else:
            self._stream.feed_end()
        return count

    def decrypt_into(self, view: memoryview) -> tuple[int, CrossdockError | None]:
        """Fill the view as far as what has come allows, and what may be taken in one step."""
        count = 0
        taken = 0
        while count < len(view):
            try:
                got = self._stream.read_into(view[count:])
                if got is None:
                    self._answer()
                    filled = self.fill() if taken - count <= _OVERHEAD_BYTES else None
                    if filled is None:
                        break
                    taken += filled
                    continue
            except TlsTruncated:
                return count, self._truncated()
            except TlsFailed as error:
                return count, _broken(error)
            except TransferBroken as broken:
                return count, broken
            if got == 0:
                self.has_ended = True
                break
            count += got
        return count, None

    def decrypt_to_file(self, target: int) -> tuple[int, CrossdockError | None]:
        moved = 0
        while moved < JOB_BYTES:
            count, error = self.decrypt_into(_scratch.plain)
            try:
                write_all(target, _scratch.plain[:count])
            except OSError as failure:
                return moved, file_error(failure)
            moved += count
            if error is not None or count < PLAIN_BYTES:
                return moved, error
        return moved, None

    def encrypt_file(self, source: int, offset: int, size: int) -> tuple[int, CrossdockError | None]:
        """Encrypt and send until it would block; what could not be sent any more waits for `_flush`."""
        moved = 0
        size = min(size, JOB_BYTES)
        while moved < size and not self.unsent:
            piece = _scratch.plain[: min(SOCKET_BYTES, size - moved)]
            try:
                count = os.preadv(source, [piece], offset + moved)
            except OSError as error:
                return moved, file_error(error)
            if count == 0:
                return moved, Unavailable("a stored file is shorter than its object")
            try:
                self.encrypt(piece[:count])
                self.send_now()
            except TransferBroken as broken:
                return moved, broken
            moved += count
        return moved, None

    def encrypt(self, data: memoryview) -> None:
        try:
            self._stream.write(data)
        except TlsFailed as error:
            raise _broken(error) from error

    def send_now(self) -> None:
        """Send what is encrypted until it would block. Raises TransferBroken."""
        if more := self._stream.take():
            self.unsent = memoryview(b"".join((self.unsent, more)) if self.unsent else more)
        while self.unsent:
            try:
                count = self._socket.send(self.unsent)
            except BlockingIOError:
                return
            except OSError as error:
                raise TransferBroken(DataFailure.CUT) from error
            self.unsent = self.unsent[count:]

    def _answer(self) -> None:
        """Send what the protocol itself has to say (RFC 8446 §4.6.3) as far as the client takes it.

        Raises TransferBroken.
        """
        with suppress(TransferBroken):  # it has gone: reading tells whether everything had come
            self.send_now()
        if len(self.unsent) > UNSENT_BYTES:
            _log.info("a client asks for answers and does not read them")
            raise TransferBroken(DataFailure.CUT)

    def _truncated(self) -> CrossdockError | None:
        self.has_ended = True
        _log.info("data connection ended without close_notify", extra={"is_refused": self._must_close})
        return TransferBroken(DataFailure.TLS_TRUNCATED) if self._must_close else None


def _broken(error: TlsFailed) -> TransferBroken:
    _log.info("tls of a data connection broke", extra={"reason": str(error)})
    return TransferBroken(DataFailure.CUT)
