"""The fast path of SFTP: an own way for file data through an SSH connection that is asyncssh's in all else.

asyncssh's work for each packet, not the files, is what limits a transfer. So once a client has logged in, the bytes of
its connection are read and sealed here: data of `sftp` channels goes to their conversations and back without asyncssh,
and every other packet still takes asyncssh's way. Keys, windows, sequence numbers and the states of channels are kept
in asyncssh's own objects, so that both can send and key exchanges stay asyncssh's.

`fast_reliance.fast_paths` makes the FastPaths, unless asyncssh differs from what this relies on. Without fast paths the
plain pipe serves.

    paths = fast_paths()                    # one for all connections of an event loop; None: there are none
    path = paths.take_over(conn)            # after the login; None: not for this connection
    pipe = path.pipe(chan)                  # when the channel's subsystem starts
    pipe.attach(conversation)
"""

from typing import Any

from asyncssh.channel import SSHServerChannel
from asyncssh.connection import SSHServerConnection

from crossdock.sftp.fast_ciphers import KINDS
from crossdock.sftp.fast_pipe import FastPipe
from crossdock.sftp.fast_receiving import Receiver, ReceivingSpace
from crossdock.sftp.fast_sending import WRITE_BYTES, Sender, SendingSpace


class FastPath:
    """Of one connection."""

    def __init__(self, receiver: Receiver, sender: Sender) -> None:
        self._receiver = receiver
        self._sender = sender

    def pipe(self, chan: SSHServerChannel[Any]) -> FastPipe:
        """The pipe of a channel of this connection that is open."""
        pipe = FastPipe(chan, self)
        self._receiver.pipes[pipe.number] = pipe
        self._sender.pipes.append(pipe)
        return pipe

    def flush(self) -> None:
        self._sender.flush()

    def forget(self, pipe: FastPipe) -> None:
        if pipe in self._sender.pipes:
            self._sender.pipes.remove(pipe)
            self._receiver.pipes.pop(pipe.number, None)


class FastPaths:
    """Makes fast paths, for all connections of one event loop, which must be a selector loop."""

    def __init__(self) -> None:
        self._sending = SendingSpace()
        self._receiving = ReceivingSpace()

    def take_over(self, conn: SSHServerConnection) -> FastPath | None:
        """Lead the data of a connection over the fast path, from the next packet on; once only.

        None if that is impossible: then asyncssh goes on as it did.
        """
        transport = conn._transport
        if transport is None or transport.get_protocol() is not conn or not conn._auth_complete:
            return None
        if list(conn._cmp_algs) != [b"none"] or type(conn._send_encryption) not in KINDS:
            return None
        transport.set_write_buffer_limits(high=WRITE_BYTES)
        sender = Sender(conn, self._sending)
        return FastPath(Receiver(conn, sender, self._receiving), sender)
