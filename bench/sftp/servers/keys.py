"""The user's key, which every server knows, and the host key of those that need one in a file: Ed25519 both."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from bench.harness.clients.jobs import Endpoint
from bench.sftp.ways import CIPHERS


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Files: private keys in OpenSSH's form; `authorized` is the line of the user's public key."""

    user: Path
    authorized: Path
    host: Path


def keys_in(folder: Path) -> Keys:
    """Those that `make_keys` made there."""
    return Keys(user=folder / "user_key", authorized=folder / "authorized_keys", host=folder / "host_key")


def make_keys(folder: Path) -> None:
    made = keys_in(folder)
    for path in (made.user, made.host):
        key = Ed25519PrivateKey.generate()
        path.touch(mode=0o600)
        path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
        if path == made.user:
            public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
            made.authorized.write_text(public.decode() + "\n")


def ways_to(host: str, port: int, user: str, shared: Path) -> Mapping[str, Endpoint]:
    """Of a server that has every cipher on one port."""
    key = str(keys_in(shared).user)
    return {way: Endpoint(host=host, port=port, user=user, key=key, cipher=cipher) for way, cipher in CIPHERS.items()}
