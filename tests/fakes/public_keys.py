"""SSH public keys that no private key belongs to, and true ones of every type."""

import base64
import hashlib
from functools import cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVES = {"ecdsa-sha2-nistp256": ec.SECP256R1, "ecdsa-sha2-nistp384": ec.SECP384R1, "ecdsa-sha2-nistp521": ec.SECP521R1}


def string(data: bytes) -> bytes:
    """RFC 4251 §5."""
    return len(data).to_bytes(4) + data


def mpint(number: int) -> bytes:
    return string(number.to_bytes(number.bit_length() // 8 + 1) if number else b"")


def line(algorithm: str, blob: bytes, comment: str = "") -> str:
    return " ".join(filter(None, (algorithm, base64.b64encode(blob).decode(), comment)))


def ed25519_line(name: str = "key", comment: str = "") -> str:
    """The same name gives the same key."""
    point = hashlib.sha256(name.encode()).digest()
    return line("ssh-ed25519", string(b"ssh-ed25519") + string(point), comment)


@cache
def true_line(algorithm: str) -> str:
    """A key as `cryptography` writes it."""
    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
    if algorithm == "ssh-rsa":
        private = rsa.generate_private_key(65537, 2048)
    elif algorithm == "ssh-ed25519":
        private = ed25519.Ed25519PrivateKey.generate()
    else:
        private = ec.generate_private_key(CURVES[algorithm]())
    return private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()
