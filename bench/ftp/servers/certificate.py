"""A self-signed certificate for all servers: RSA of 2,048 bits, as ACM's are by default."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

TLS_CONFIG = """openssl_conf = conf
[conf]
ssl_conf = tls
[tls]
system_default = suites
[suites]
Ciphersuites = TLS_AES_128_GCM_SHA256
"""
"""What makes clients choose AES-128-GCM with TLS 1.3 too (config(5ssl)); Python's `ssl` has no call for that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """Self-signed, in PEM; `both` is the key and then the certificate in one file."""

    certificate: Path
    key: Path
    both: Path


def certificate_in(folder: Path) -> Certificate:
    """The one that `make_certificate` made there."""
    return Certificate(certificate=folder / "server.crt", key=folder / "server.key", both=folder / "server.pem")


def make_certificate(folder: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    made = certificate_in(folder)
    key_pem = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    certificate_pem = certificate.public_bytes(Encoding.PEM)
    for path, content in (
        (made.certificate, certificate_pem),
        (made.key, key_pem),
        (made.both, key_pem + certificate_pem),
    ):
        path.touch(mode=0o600)
        path.write_bytes(content)


def write_tls_config(folder: Path) -> Path:
    path = folder / "openssl.cnf"
    path.write_text(TLS_CONFIG)
    return path
