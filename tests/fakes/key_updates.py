"""A client of TLS 1.3 that asks for new keys without end, which Python's own cannot (RFC 8446 §4.6.3).

context.keylog_filename = str(path)
…
data = KeyUpdates.of_last_client(path, client.cipher()[0]).records(1000)
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

RECORD_BYTES = 27
_APPLICATION_DATA, _HANDSHAKE = 23, 22
_KEY_UPDATE_REQUESTED = b"\x18\0\0\x01\x01"
_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    "TLS_AES_128_GCM_SHA256": hashes.SHA256(),
    "TLS_AES_256_GCM_SHA384": hashes.SHA384(),
}


@dataclass(slots=True)
class KeyUpdates:
    """`secret` is what the client's keys come from; it has sent nothing under them yet."""

    secret: bytes
    cipher: str

    @classmethod
    def of_last_client(cls, key_log: Path, cipher: str) -> Self:
        lines = [
            line.split() for line in key_log.read_text().splitlines() if line.startswith("CLIENT_TRAFFIC_SECRET_0")
        ]
        return cls(bytes.fromhex(lines[-1][2]), cipher)

    def records(self, count: int) -> bytes:
        return b"".join(self._asking() for _ in range(count))

    def plain(self, data: bytes) -> bytes:
        """A record of application data; the last that this object can make."""
        return self._sealed(data, _APPLICATION_DATA)

    def _asking(self) -> bytes:
        record = self._sealed(_KEY_UPDATE_REQUESTED, _HANDSHAKE)
        self.secret = self._expanded("traffic upd", len(self.secret))
        return record

    def _sealed(self, content: bytes, kind: int) -> bytes:
        """The first record under these keys (RFC 8446 §5.2), so its nonce is the IV itself."""
        key = AESGCM(self._expanded("key", 16 if "AES_128" in self.cipher else 32))
        header = b"\x17\x03\x03" + (len(content) + 17).to_bytes(2)
        return header + key.encrypt(self._expanded("iv", 12), content + bytes([kind]), header)

    def _expanded(self, label: str, size: int) -> bytes:
        """HKDF-Expand-Label (RFC 8446 §7.1)."""
        name = f"tls13 {label}".encode()
        info = size.to_bytes(2) + bytes([len(name)]) + name + b"\0"
        return HKDFExpand(_DIGESTS[self.cipher], size, info).derive(self.secret)
