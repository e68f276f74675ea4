"""Private host keys: read as Transfer reads them, and made for servers that bring none.

Source: AWS Transfer Family API Reference, CreateServer (HostKey) and ImportHostKey; User Guide, "Manage host keys for
your SFTP-enabled server".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_ssh_private_key,
)

from crossdock.core.ssh_public_keys import BadPublicKey, parse_public_key
from crossdock.transfer.faults import invalid_request

TYPES: Mapping[str, str] = {
    "ssh-rsa": "RSA",
    "ecdsa-sha2-nistp256": "ECDSA",
    "ecdsa-sha2-nistp384": "ECDSA",
    "ecdsa-sha2-nistp521": "ECDSA",
    "ssh-ed25519": "ED25519",
}
"""What AWS calls a key's type, by the algorithm: one key of each type is active, whatever its curve."""

GENERATED_RSA_BITS = 3072
"""What `ssh-keygen` makes, and what 128 bits of security ask for (NIST SP 800-57 part 1, table 2)."""

_OPENSSH = "-----BEGIN OPENSSH PRIVATE KEY-----"
_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKeyMaterial:
    """`fingerprint` is `SHA256:` and the digest in base64 with its padding, as AWS writes it.

    `private_key` is in OpenSSH's PEM form, unencrypted.
    """

    algorithm: str
    fingerprint: str
    private_key: bytes = field(repr=False)


def read_host_key(body: str) -> HostKeyMaterial:
    """A key as `ssh-keygen` writes it, in OpenSSH's form or in PEM. To check RSA takes some milliseconds.

    Raises:
        ServiceError: InvalidRequestException, with a sentence that says nothing of the key.
    """
    text = body.strip()
    load = load_ssh_private_key if text.startswith(_OPENSSH) else load_pem_private_key
    # Causes are not kept: their texts may quote the key, or say what was tried.
    try:
        key = load(text.encode() + b"\n", password=None)
    except TypeError:
        raise invalid_request("The host key is protected by a passphrase: import it without one") from None
    except (ValueError, UnsupportedAlgorithm, NotImplementedError):
        # NotImplementedError: a compressed point, which no tool writes into a key of SSH.
        raise invalid_request("Invalid host key format") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey):
        raise invalid_request("The host key must be an RSA, ECDSA or ED25519 key")
    try:
        return _material(key)
    except (BadPublicKey, ValueError, UnsupportedAlgorithm):
        raise invalid_request(
            "The host key must be an RSA key of at least 2048 bits, an ECDSA key on nistp256, nistp384 or nistp521, "
            "or an ED25519 key"
        ) from None


def generate_host_keys() -> tuple[HostKeyMaterial, ...]:
    """New keys, one of each type. To find an RSA key takes 100 ms and more."""
    return (
        _material(rsa.generate_private_key(public_exponent=65537, key_size=GENERATED_RSA_BITS)),
        _material(ec.generate_private_key(ec.SECP256R1())),
        _material(ed25519.Ed25519PrivateKey.generate()),
    )


def _material(key: _PrivateKey) -> HostKeyMaterial:
    public = parse_public_key(key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode())
    return HostKeyMaterial(
        algorithm=public.algorithm,
        # 32 bytes always leave one character of padding.
        fingerprint=f"{public.fingerprint}=",
        private_key=key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()),
    )
