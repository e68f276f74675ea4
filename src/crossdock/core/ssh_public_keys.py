"""SSH public keys in OpenSSH's one-line form: `algorithm base64 comment`. Pure.

Transfer admits RSA, ECDSA on the three NIST curves and ED25519; so does this module, and nothing else: no certificates,
no keys of security tokens, no options before the key.

Source: RFC 4253 §6.6 (ssh-rsa), RFC 5656 §3.1 (ecdsa-sha2-*), RFC 8709 §4 (ssh-ed25519); sshd(8), AUTHORIZED_KEYS FILE
FORMAT; AWS Transfer Family API Reference, ImportSshPublicKey.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import MappingProxyType

from crossdock.core.errors import CrossdockError

MIN_RSA_BITS = 2048
MAX_RSA_BITS = 16384
"""What OpenSSH reads at most (sshkey.h, SSHBUF_MAX_BIGNUM)."""

_LINE = re.compile(r"\s*([A-Za-z0-9@.-]+)[ \t]+([A-Za-z0-9+/=]+)(?:[ \t]+([^\r\n]*?))?\s*")


class BadPublicKey(CrossdockError, ValueError):
    """The text is no public key that can log in here; the message says why, and quotes none of the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKeyLine:
    """A public key. Two are equal when they are the same key, whatever their comments say.

    `blob` is the key as it is on the wire (RFC 4253 §6.6), beginning with its type.
    """

    algorithm: str
    blob: bytes
    comment: str = field(default="", compare=False)

    @property
    def fingerprint(self) -> str:
        """`SHA256:` and the digest in base64 without padding, as `ssh-keygen -l` prints it."""
        return fingerprint(self.blob)

    def __str__(self) -> str:
        """The one-line form in its normal spelling: single spaces, the comment if there is one."""
        key = f"{self.algorithm} {base64.b64encode(self.blob).decode()}"
        return f"{key} {self.comment}" if self.comment else key


@dataclass(frozen=True, slots=True, kw_only=True)
class _Curve:
    """y² = x³ - 3x + b over the integers modulo p. Source: NIST SP 800-186 §3.2.1."""

    name: str
    size: int
    p: int
    b: int

    def has(self, x: int, y: int) -> bool:
        return x < self.p and y < self.p and (y * y - (x * x - 3) * x - self.b) % self.p == 0


_CURVES: Mapping[str, _Curve] = MappingProxyType(
    {
        f"ecdsa-sha2-{curve.name}": curve
        for curve in (
            _Curve(
                name="nistp256",
                size=32,
                p=2**256 - 2**224 + 2**192 + 2**96 - 1,
                b=0x5AC635D8AA3A93E7B3EBBD55769886BC651D06B0CC53B0F63BCE3C3E27D2604B,
            ),
            _Curve(
                name="nistp384",
                size=48,
                p=2**384 - 2**128 - 2**96 + 2**32 - 1,
                b=int(
                    "B3312FA7E23EE7E4988E056BE3F82D19181D9C6EFE8141120314088F5013875AC656398D8A2ED19D2A85C8EDD3EC2AEF",
                    16,
                ),
            ),
            _Curve(
                name="nistp521",
                size=66,
                p=2**521 - 1,
                b=int(
                    "0051953EB9618E1C9A1F929A21A0B68540EEA2DA725B99B315F3B8B489918EF1"
                    "09E156193951EC7E937B1652C0BD3BB1BF073573DF883D2C34F1EF451FD46B503F00",
                    16,
                ),
            ),
        )
    }
)

KEY_TYPES = ("ssh-rsa", *_CURVES, "ssh-ed25519")
"""The types that may log in. One type of RSA key serves all its signature algorithms (RFC 8332 §3)."""


@lru_cache(maxsize=256)  # a login reads the key that is shown and those that are listed several times
def parse_public_key(text: str) -> PublicKeyLine:
    """Read one key; white space around it is allowed, as Transfer allows it.

    Raises:
        BadPublicKey: not one line of this form, a type that is not admitted, base64 that is none, bytes that are not a
            key of the type the line names, or an RSA key of less than MIN_RSA_BITS or more than MAX_RSA_BITS.
    """
    found = _LINE.fullmatch(text)
    if found is None:
        raise BadPublicKey("the public key is not one line of key type, base64 and comment")
    algorithm, encoded, comment = found[1], found[2], found[3] or ""
    if algorithm not in KEY_TYPES:
        raise BadPublicKey(f"the key type is none of {', '.join(KEY_TYPES)}")
    try:
        blob = base64.b64decode(encoded, validate=True)
    except binascii.Error as error:
        raise BadPublicKey("the public key's body is not base64") from error
    # Bits that no byte needs would let one key be written in several ways.
    if base64.b64encode(blob).decode() != encoded:
        raise BadPublicKey("the public key's body is not base64 in its normal form")
    check_blob(algorithm, blob)
    return PublicKeyLine(algorithm=algorithm, blob=blob, comment=comment)


def check_blob(algorithm: str, blob: bytes) -> None:
    """Whether the bytes are a key of this type, one of KEY_TYPES, and nothing more. Raises BadPublicKey."""
    named, rest = _string(blob)
    if named != algorithm.encode():
        raise BadPublicKey(f"the public key's body is not a key of the type {algorithm} that the line names")
    if algorithm == "ssh-rsa":
        rest = _check_rsa(rest)
    elif algorithm == "ssh-ed25519":
        point, rest = _string(rest)
        if len(point) != 32:
            raise BadPublicKey("an ssh-ed25519 key has 32 bytes")
    else:
        rest = _check_ecdsa(_CURVES[algorithm], rest)
    if rest:
        raise BadPublicKey("the public key's body has bytes behind the key")


def fingerprint(blob: bytes) -> str:
    """The SHA256 fingerprint of a key as it is on the wire, `SHA256:…`."""
    return f"SHA256:{base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip('=')}"


def _check_rsa(rest: bytes) -> bytes:
    exponent, rest = _mpint(rest)
    modulus, rest = _mpint(rest)
    if exponent < 3 or exponent % 2 == 0 or modulus % 2 == 0:
        raise BadPublicKey("the public key's body is not an RSA key")
    if not MIN_RSA_BITS <= modulus.bit_length() <= MAX_RSA_BITS:
        raise BadPublicKey(
            f"an RSA key must have {MIN_RSA_BITS} to {MAX_RSA_BITS} bits; this one has {modulus.bit_length()}"
        )
    return rest


def _check_ecdsa(curve: _Curve, rest: bytes) -> bytes:
    name, rest = _string(rest)
    point, rest = _string(rest)
    # SEC 1 §2.3.3: the first octet 4 says that both co-ordinates follow. RFC 5656 leaves compressed points open, and
    # no implementation sends them.
    if name != curve.name.encode() or len(point) != 1 + 2 * curve.size or point[0] != 4:
        raise BadPublicKey(f"the public key's body is not a point of {curve.name}")
    x, y = point[1 : 1 + curve.size], point[1 + curve.size :]
    if not curve.has(int.from_bytes(x), int.from_bytes(y)):
        raise BadPublicKey(f"the public key's body is not a point of {curve.name}")
    return rest


def _string(data: bytes) -> tuple[bytes, bytes]:
    """RFC 4251 §5: a length of four bytes, and as many bytes; and what follows."""
    end = 4 + int.from_bytes(data[:4])
    if len(data) < 4 or len(data) < end:
        raise BadPublicKey("the public key's body ends too early")
    return data[4:end], data[end:]


def _mpint(data: bytes) -> tuple[int, bytes]:
    """RFC 4251 §5: two's complement, no needless zero bytes. Negative numbers are in no key."""
    number, rest = _string(data)
    if not number or number[0] & 0x80 or (number[0] == 0 and (len(number) == 1 or not number[1] & 0x80)):
        raise BadPublicKey("the public key's body has a number that is not in its normal form")
    return int.from_bytes(number), rest
