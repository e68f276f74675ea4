"""Certificates of servers in memory, and a client that believes them."""

import ssl
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from tests.fakes.clock import START

from crossdock.core.servers import Server
from crossdock.ports.certificates import CertificateUnavailable, TlsCertificate


@cache
def self_signed(name: str = "localhost") -> TlsCertificate:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(START - timedelta(days=3650))
        .not_valid_after(START + timedelta(days=3650))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return TlsCertificate(
        chain_pem=certificate.public_bytes(Encoding.PEM).decode(),
        key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(),
    )


@dataclass
class FakeCertificates:
    """Implements `ports.certificates.ServerCertificates`; unavailable while there is none."""

    current: TlsCertificate | None = field(default_factory=self_signed)

    async def certificate(self, server: Server) -> TlsCertificate:
        if self.current is None:
            raise CertificateUnavailable("the certificate is gone")
        return self.current


OWN_CERTIFICATES = FakeCertificates()


def server_context(directory: Path) -> ssl.SSLContext:
    """What a server uses that is `self_signed`; its key passes through that directory."""
    pem = directory / "server.pem"
    pem.write_text(self_signed().chain_pem + self_signed().key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


def client_context(
    certificate: TlsCertificate | None = None, *, version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
) -> ssl.SSLContext:
    """What a client of `localhost` uses that trusts this certificate and no other, and speaks this version at most."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=(certificate or self_signed()).chain_pem)
    context.maximum_version = version
    return context
