"""A login by key, as OpenSSH's client goes about it, and SFTP version 3 in a channel.

Source: RFC 4252 §7 (public keys), RFC 4254 §5 (channels), draft-ietf-secsh-filexfer-02 (SFTP).
"""

import struct
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_ssh_private_key

from bench.harness.clients.jobs import ClientFailed, Endpoint
from bench.sftp.client.transport import Transport, split, string

SERVICE_REQUEST, SERVICE_ACCEPT = 5, 6
USERAUTH_REQUEST, USERAUTH_FAILURE, USERAUTH_SUCCESS, USERAUTH_BANNER, USERAUTH_PK_OK = 50, 51, 52, 53, 60
CHANNEL_OPEN, CHANNEL_OPEN_CONFIRMATION, CHANNEL_WINDOW_ADJUST, CHANNEL_DATA = 90, 91, 93, 94
CHANNEL_EOF, CHANNEL_CLOSE, CHANNEL_REQUEST, CHANNEL_SUCCESS = 96, 97, 98, 99
WINDOW = (1 << 31) - 1
"""So much that the server never waits for more."""
PACKET = 32 << 10

INIT, VERSION, OPEN, CLOSE, WRITE, OPENDIR, READDIR, STATUS, HANDLE, NAME = 1, 2, 3, 4, 6, 11, 12, 101, 102, 104
OK, EOF = 0, 1
WRITE_CREATE_TRUNCATE = 0x02 | 0x08 | 0x10


@cache
def private_key(path: str) -> Ed25519PrivateKey:
    key = load_ssh_private_key(Path(path).read_bytes(), None)
    assert isinstance(key, Ed25519PrivateKey)
    return key


class Session:
    """A login and, with `begin`, SFTP in it."""

    def __init__(self, endpoint: Endpoint, *, source: str = "") -> None:
        self.transport = Transport(endpoint.host, endpoint.port, source=source)
        self._channel = 0
        self._window = 0
        self._answers = bytearray()
        try:
            self._login(endpoint.user.encode(), private_key(endpoint.key))
            self._open_channel()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.transport.close()

    def request(self, *requests: tuple[int, bytes]) -> None:
        """SFTP requests (type, what follows), in one write; waits where the server's window is full."""
        packets = [struct.pack(">IB", len(body) + 1, kind) + body for kind, body in requests]
        waiting = sum(map(len, packets))
        while self._window < waiting:
            self._take(self.transport.receive())
        self._window -= waiting
        head = struct.pack(">BI", CHANNEL_DATA, self._channel)
        whole = b"".join(packets)
        pieces = [whole[at : at + PACKET] for at in range(0, waiting, PACKET)]
        self.transport.send(*(head + string(piece) for piece in pieces))

    def answer(self) -> tuple[int, bytes]:
        """The next SFTP answer: its type, and what follows that."""
        while len(self._answers) < 4 or len(self._answers) < 4 + self._size():
            self._take(self.transport.receive())
        end = 4 + self._size()
        kind, body = self._answers[4], bytes(self._answers[5:end])
        del self._answers[:end]
        return kind, body

    def expect(self, kind: int) -> bytes:
        """What follows the type of the next answer. Raises ClientFailed for one of another type."""
        found, body = self.answer()
        if found != kind:
            raise ClientFailed(f"SFTP answer {found} came instead of {kind}: {body[:200]!r}")
        return body

    def _size(self) -> int:
        return int.from_bytes(self._answers[:4])

    def _take(self, packet: bytes) -> None:
        if packet[0] == CHANNEL_DATA:
            self._answers += packet[9:]
        elif packet[0] == CHANNEL_WINDOW_ADJUST:
            self._window += int.from_bytes(packet[5:9])
        elif packet[0] in (CHANNEL_EOF, CHANNEL_CLOSE):
            raise ClientFailed("the server closed the channel")

    def _login(self, user: bytes, key: Ed25519PrivateKey) -> None:
        transport = self.transport
        transport.send(bytes([SERVICE_REQUEST]) + string(b"ssh-userauth"))
        transport.expect(SERVICE_ACCEPT)
        who = bytes([USERAUTH_REQUEST]) + string(user) + string(b"ssh-connection")
        transport.send(who + string(b"none"))
        self._authenticated(USERAUTH_FAILURE)
        name = b"ssh-ed25519"
        public = string(name) + string(key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw))
        asked = string(b"publickey"), string(name) + string(public)
        transport.send(who + asked[0] + b"\0" + asked[1])
        self._authenticated(USERAUTH_PK_OK)
        signed = who + asked[0] + b"\1" + asked[1]
        signature = key.sign(string(transport.session_id) + signed)
        transport.send(signed + string(string(name) + string(signature)))
        self._authenticated(USERAUTH_SUCCESS)

    def _authenticated(self, kind: int) -> None:
        while (answer := self.transport.receive())[0] == USERAUTH_BANNER:
            pass
        if answer[0] != kind:
            raise ClientFailed(f"message {answer[0]} came instead of {kind} at the login")

    def _open_channel(self) -> None:
        transport = self.transport
        transport.send(bytes([CHANNEL_OPEN]) + string(b"session") + struct.pack(">III", 0, WINDOW, PACKET))
        confirmed = transport.expect(CHANNEL_OPEN_CONFIRMATION)
        _, self._channel, self._window = struct.unpack_from(">III", confirmed, 1)
        wanted = string(b"subsystem") + b"\1" + string(b"sftp")
        transport.send(struct.pack(">BI", CHANNEL_REQUEST, self._channel) + wanted)
        while (answer := transport.receive())[0] != CHANNEL_SUCCESS:
            if answer[0] != CHANNEL_WINDOW_ADJUST:
                raise ClientFailed(f"message {answer[0]} came instead of the subsystem")
            self._take(answer)
        self.request((INIT, struct.pack(">I", 3)))
        self.expect(VERSION)


def opening(number: int, path: str) -> tuple[int, bytes]:
    """A file to be written anew."""
    return OPEN, struct.pack(">I", number) + string(path.encode()) + struct.pack(">II", WRITE_CREATE_TRUNCATE, 0)


def handle_of(answer: bytes) -> bytes:
    return split(answer, 4)[0]


def check_ok(answer: bytes) -> None:
    """Raises ClientFailed for a STATUS that is not OK."""
    number, code = struct.unpack_from(">II", answer)
    if code != OK:
        raise ClientFailed(f"request {number} ended with status {code}: {split(answer, 8)[0].decode(errors='replace')}")
