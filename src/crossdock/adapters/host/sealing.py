"""Secrets at rest: AES-256-GCM under a key that lies in a file of its own.

A sealed text is `v1.<key id>.<nonce and ciphertext>`. The key id tells which key opens it, so that a new key can be
taken while old texts are still read. Nonces are random: NIST SP 800-38D §8.3 allows 2^32 texts under one key.
"""

import os
import re
import stat
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crossdock.adapters.host.whole_files import write_new_file
from crossdock.core.errors import CrossdockError
from crossdock.core.ids import Entropy
from crossdock.ports.host import SealBroken

KEY_BYTES = 32
NONCE_BYTES = 12
_FORMAT = "v1"
_KEY_FILE = re.compile(rb"[0-9a-fA-F]{64}")


class KeyUnusable(CrossdockError):
    """The key file cannot be used; the message says what to change, and nothing of the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealingKey:
    """`key_id` is public: the beginning of the key's hash."""

    key_id: str
    secret: bytes = field(repr=False)


def sealed_under(sealed: str) -> str:
    """The id of the key under which a text was sealed."""
    return sealed.split(".", 2)[1]


class AesGcmSealer:
    """See `ports.host.Sealer`. Seals with `key`; what was sealed with one of `older` can still be unsealed."""

    def __init__(self, key: SealingKey, *, older: Sequence[SealingKey] = (), entropy: Entropy = os.urandom) -> None:
        self._key_id = key.key_id
        self._ciphers = {known.key_id: AESGCM(known.secret) for known in (*older, key)}
        self._entropy = entropy

    def seal(self, plaintext: bytes, *, context: str) -> str:
        nonce = self._entropy(NONCE_BYTES)
        sealed = self._ciphers[self._key_id].encrypt(nonce, plaintext, _bound_to(self._key_id, context))
        return f"{_FORMAT}.{self._key_id}.{urlsafe_b64encode(nonce + sealed).decode()}"

    def unseal(self, sealed: str, *, context: str) -> bytes:
        version, _, rest = sealed.partition(".")
        key_id, _, text = rest.partition(".")
        cipher = self._ciphers.get(key_id)
        if version != _FORMAT:
            raise SealBroken("the text is not sealed in a known format")
        if cipher is None:
            raise SealBroken(f"the text was sealed under a key {key_id[:16]!r} that this service does not have")
        try:
            raw = urlsafe_b64decode(text.encode("ascii"))
            if urlsafe_b64encode(raw).decode() != text:
                raise ValueError("not the one way to write these bytes")
            return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], _bound_to(key_id, context))
        except (InvalidTag, ValueError) as error:
            raise SealBroken("the sealed text was changed, or belongs somewhere else") from error


def load_or_create_key(path: Path, *, entropy: Entropy = os.urandom) -> SealingKey:
    """The key in a file: 64 hex digits, readable by its owner only. A new one is on disk before it is returned.

    Raises KeyUnusable.
    """
    try:
        if not path.exists():
            write_new_file(path, entropy(KEY_BYTES).hex().encode() + b"\n", mode=0o600)
        return load_key(path)
    except FileExistsError:
        return load_key(path)
    except OSError as error:
        raise KeyUnusable(f"cannot make the key file {path}: {error.strerror}") from error


def load_key(path: Path) -> SealingKey:
    """Raises KeyUnusable."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            text = file.read(KEY_BYTES * 2 + 2).strip()
    except OSError as error:
        raise KeyUnusable(f"cannot read the key file {path}: {error.strerror}") from error
    if mode & 0o077:
        raise KeyUnusable(f"others may read the key file {path} (mode {mode:04o}): chmod 600 it")
    if not _KEY_FILE.fullmatch(text):
        raise KeyUnusable(f"the key file {path} does not hold 64 hex digits: restore it, or name another one")
    secret = bytes.fromhex(text.decode())
    return SealingKey(key_id=sha256(b"crossdock key id" + secret).hexdigest()[:8], secret=secret)


def _bound_to(key_id: str, context: str) -> bytes:
    """What is authenticated besides: a text moved to another row, or named after another key, does not open."""
    return f"{_FORMAT}.{key_id}.{context}".encode("utf-8", "surrogatepass")
