"""Keys and certificates made for tests, on elliptic curves unless RSA is asked for: those take no time.

own = self_signed("ftp.example.com")
ca = self_signed("Tests CA", is_ca=True); leaf = issued_by(ca, "ftp.example.com")
own.body, own.key                       # PEM, as bytes
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import NameOID
from tests.fakes.clock import START


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    certificate: x509.Certificate
    private: Any = field(repr=False)

    @property
    def body(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key(self) -> bytes:
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    @property
    def locked_key(self) -> bytes:
        return self.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"phrase"))


def ec_key(curve: Any = ec.SECP256R1) -> Any:
    return ec.generate_private_key(curve())


@cache
def rsa_key(bits: int = 2048) -> Any:
    """The same in every test of a process: making one takes long."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def self_signed(name: str = "ftp.example.com", *, private: Any = None, **options: Any) -> Pair:
    private = private or ec_key()
    return Pair(
        certificate=_certificate(name, private, signer=private, issuer=_named(name), **options), private=private
    )


def issued_by(issuer: Pair, name: str = "ftp.example.com", *, private: Any = None, **options: Any) -> Pair:
    private = private or ec_key()
    certificate = _certificate(name, private, signer=issuer.private, issuer=issuer.certificate.subject, **options)
    return Pair(certificate=certificate, private=private)


def _certificate(
    name: str,
    private: Any,
    *,
    signer: Any,
    issuer: x509.Name,
    is_ca: bool = False,
    alternatives: Sequence[x509.GeneralName] = (),
    not_before: datetime = START - timedelta(days=1),
    not_after: datetime = START + timedelta(days=90),
    usages: Sequence[str] = (),
    extended: Sequence[x509.ObjectIdentifier] = (),
    extensions: Sequence[x509.ExtensionType] = (),
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(_named(name))
        .issuer_name(issuer)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
    )
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    if usages:
        builder = builder.add_extension(_key_usage(usages), critical=True)
    if extended:
        builder = builder.add_extension(x509.ExtendedKeyUsage(extended), critical=False)
    for extension in extensions:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(
        signer, SHA256() if isinstance(signer, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) else None
    )


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else [])


def _key_usage(usages: Sequence[str]) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: name in usages for name in names})
