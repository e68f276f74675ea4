"""Certificates and private keys as PEM texts: read, matched, written. RFC 7468."""

from collections.abc import Iterable
from hashlib import sha256

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from crossdock.core.errors import CrossdockError

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


class BadPem(CrossdockError):
    """A text that does not hold what it should. The message says what is wrong, and nothing of a key."""


def read_certificates(text: bytes) -> tuple[x509.Certificate, ...]:
    """The certificates of a text, at least one, in its order; what stands around them is passed over. Raises BadPem."""
    try:
        return tuple(x509.load_pem_x509_certificates(text))
    except ValueError as error:
        raise BadPem("there is no certificate in PEM") from error


def read_private_key(text: bytes) -> PrivateKey:
    """An RSA or elliptic curve key; checking one takes some milliseconds. Raises BadPem."""
    try:
        key = load_pem_private_key(text, password=None)
    except TypeError:
        # Not the cause: its text says what was tried.
        raise BadPem("the private key is encrypted: give it without a passphrase") from None
    except (ValueError, UnsupportedAlgorithm):
        raise BadPem("there is no private key in PEM that can be read") from None
    if not isinstance(key, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey):
        raise BadPem("the private key is neither RSA nor elliptic curve")
    return key


def belongs_to(certificate: x509.Certificate, key: PrivateKey) -> bool:
    """Whether the certificate is of this key. Raises BadPem for one whose public key cannot be read."""
    try:
        public = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadPem("the certificate's public key cannot be read") from error
    return _spki(public) == _spki(key.public_key())


def read_chain_and_key(
    chain: bytes, key: bytes, *, chain_in: object, key_in: object
) -> tuple[tuple[x509.Certificate, ...], PrivateKey]:
    """A chain that begins with the certificate of this key. `chain_in` and `key_in` are what errors name.

    Raises BadPem.
    """
    try:
        certificates = read_certificates(chain)
    except BadPem as error:
        raise BadPem(f"{chain_in}: {error}") from error
    try:
        private = read_private_key(key)
        is_match = belongs_to(certificates[0], private)
    except BadPem as error:
        raise BadPem(f"{key_in}: {error}") from error
    if not is_match:
        raise BadPem(f"the key in {key_in} is not the key of the first certificate in {chain_in}")
    return certificates, private


def certificates_pem(certificates: Iterable[x509.Certificate]) -> str:
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)


def private_key_pem(key: PrivateKey) -> str:
    """PKCS #8, not encrypted."""
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def fingerprint(chain: Iterable[x509.Certificate]) -> str:
    """SHA-256 in hex digits: of one certificate its usual fingerprint, of more what changes when one of them does."""
    return sha256(b"".join(certificate.public_bytes(Encoding.DER) for certificate in chain)).hexdigest()


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
