"""SSH's transport layer with one choice of everything: curve25519-sha256 and aes128-gcm@openssh.com.

The host key's signature is not checked: who is spoken to is known, and checking would be the client's work, not the
server's. Keys are not exchanged anew, which a gigabyte or an hour would ask for.

Source: RFC 4253 (packets §6, key exchange §7), RFC 8731 (curve25519-sha256), RFC 5647 §7 (AES-GCM).
"""

import hashlib
import os
import socket
import struct

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench.harness.clients.jobs import ClientFailed

TIMEOUT_S = 300.0
IDENTIFICATION = b"SSH-2.0-bench"
KEX = "curve25519-sha256,curve25519-sha256@libssh.org"
HOST_KEYS = "ssh-ed25519,ecdsa-sha2-nistp256,rsa-sha2-256"
CIPHER = "aes128-gcm@openssh.com"
MACS = "hmac-sha2-256"
TAG_SIZE = 16
RECEIVE_SIZE = 1 << 16

DISCONNECT, IGNORE, UNIMPLEMENTED, DEBUG, EXT_INFO = 1, 2, 3, 4, 7
KEXINIT, NEWKEYS, KEX_ECDH_INIT, KEX_ECDH_REPLY = 20, 21, 30, 31
GLOBAL_REQUEST, REQUEST_FAILURE = 80, 82


def string(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def mpint(value: bytes) -> bytes:
    """Of an unsigned number, the most significant byte first (RFC 4251 §5)."""
    value = value.lstrip(b"\0")
    return string(b"\0" + value if value and value[0] & 0x80 else value)


def split(packet: bytes, at: int) -> tuple[bytes, int]:
    """The string that begins there, and where it ends."""
    (size,) = struct.unpack_from(">I", packet, at)
    return packet[at + 4 : at + 4 + size], at + 4 + size


class Seal:
    """One direction's cipher; the nonce counts packets."""

    def __init__(self, key: bytes, nonce: bytes) -> None:
        self._cipher = AESGCM(key)
        self._fixed, self._count = nonce[:4], int.from_bytes(nonce[4:])

    def nonce(self) -> bytes:
        nonce = self._fixed + self._count.to_bytes(8)
        self._count = (self._count + 1) % (1 << 64)
        return nonce

    def encrypt(self, size: bytes, plain: bytes) -> bytes:
        return size + self._cipher.encrypt(self.nonce(), plain, size)

    def decrypt(self, size: bytes, sealed: bytes) -> bytes:
        return self._cipher.decrypt(self.nonce(), sealed, size)


class Transport:
    """A connection whose keys are exchanged. `session_id` is what logins sign."""

    def __init__(self, host: str, port: int, *, source: str = "") -> None:
        self._socket = socket.create_connection((host, port), TIMEOUT_S, (source, 0) if source else None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = bytearray()
        self._sending: Seal | None = None
        self._receiving: Seal | None = None
        try:
            self.session_id = self._exchange_keys()
        except BaseException:
            self.close()
            raise

    def fileno(self) -> int:
        return self._socket.fileno()

    def close(self) -> None:
        self._socket.close()

    def send(self, *payloads: bytes) -> None:
        """Packets, in one write."""
        self._socket.sendall(b"".join(map(self._packet, payloads)))

    def receive(self) -> bytes:
        """The next packet that is not the transport's own; the server's questions are answered on the way.

        Raises ClientFailed when it ends.
        """
        while (payload := self.take()) is None:
            pass
        return payload

    def take(self) -> bytes | None:
        """The next packet, or None when it was the transport's own. Raises ClientFailed when the connection ends."""
        payload = self._payload()
        if payload[0] == GLOBAL_REQUEST:
            self._refuse(payload)
        elif payload[0] == DISCONNECT:
            raise ClientFailed(f"the server disconnects: {split(payload, 5)[0].decode(errors='replace')}")
        elif payload[0] not in (IGNORE, UNIMPLEMENTED, DEBUG, EXT_INFO):
            return payload
        return None

    def take_what_is_there(self) -> None:
        """Of an idle connection that can be read: what has come at once must not wait for more to come."""
        self.take()
        while len(self._received) >= 4 and len(self._received) >= 4 + int.from_bytes(self._received[:4]) + TAG_SIZE:
            self.take()

    def expect(self, kind: int) -> bytes:
        """Raises ClientFailed for a packet of another kind."""
        payload = self.receive()
        if payload[0] != kind:
            raise ClientFailed(f"message {payload[0]} came instead of {kind}: {payload[1:200]!r}")
        return payload

    def _refuse(self, request: bytes) -> None:
        """keepalive@openssh.com among them: that it is answered is what counts."""
        _, end = split(request, 1)
        if request[end]:
            self.send(bytes([REQUEST_FAILURE]))

    def _packet(self, payload: bytes) -> bytes:
        block, counted = (8, 5 + len(payload)) if self._sending is None else (16, 1 + len(payload))
        padding = block - counted % block
        padding += block if padding < 4 else 0
        plain = bytes([padding]) + payload + bytes(padding)
        size = struct.pack(">I", len(plain))
        return size + plain if self._sending is None else self._sending.encrypt(size, plain)

    def _payload(self) -> bytes:
        size = self._exactly(4)
        if self._receiving is None:
            plain = self._exactly(int.from_bytes(size))
        else:
            plain = self._receiving.decrypt(size, self._exactly(int.from_bytes(size) + TAG_SIZE))
        return plain[1 : len(plain) - plain[0]]

    def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            self._more()
        found = bytes(self._received[:size])
        del self._received[:size]
        return found

    def _more(self) -> None:
        data = self._socket.recv(RECEIVE_SIZE)
        if not data:
            raise ClientFailed("the server closed the connection")
        self._received += data

    def _identification(self) -> bytes:
        while True:
            while (end := self._received.find(b"\n")) < 0:
                self._more()
            line = bytes(self._received[:end]).rstrip(b"\r")
            del self._received[: end + 1]
            if line.startswith(b"SSH-"):
                return line

    def _exchange_keys(self) -> bytes:
        ours = kexinit()
        self._socket.sendall(IDENTIFICATION + b"\r\n" + self._packet(ours))
        identification = self._identification()
        theirs = self.expect(KEXINIT)
        secret = X25519PrivateKey.generate()
        public = secret.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.send(bytes([KEX_ECDH_INIT]) + string(public))
        reply = self.expect(KEX_ECDH_REPLY)
        host_key, at = split(reply, 1)
        their_public, _ = split(reply, at)
        shared = mpint(secret.exchange(X25519PublicKey.from_public_bytes(their_public)))
        parts = (IDENTIFICATION, identification, ours, theirs, host_key, public, their_public)
        exchange_hash = hashlib.sha256(b"".join(map(string, parts)) + shared).digest()

        def key(letter: bytes, size: int) -> bytes:
            return hashlib.sha256(shared + exchange_hash + letter + exchange_hash).digest()[:size]

        self.send(bytes([NEWKEYS]))
        self._sending = Seal(key(b"C", 16), key(b"A", 12))
        self.expect(NEWKEYS)
        self._receiving = Seal(key(b"D", 16), key(b"B", 12))
        return exchange_hash


def kexinit() -> bytes:
    names = [KEX, HOST_KEYS, CIPHER, CIPHER, MACS, MACS, "none", "none", "", ""]
    return bytes([KEXINIT]) + os.urandom(16) + b"".join(string(name.encode()) for name in names) + bytes(5)
