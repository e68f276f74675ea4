"""Certificates of TLS servers: which one a server shows, whether it may name one, and who uses one."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from crossdock.core.errors import CrossdockError
from crossdock.core.servers import Server
from crossdock.ports.state import Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsCertificate:
    """What a TLS server shows: `chain_pem` begins with its own certificate.

    `fingerprint` is the SHA-256 of the chain in hex digits, so of a certificate without one its own.
    """

    chain_pem: str
    key_pem: str = field(repr=False)
    fingerprint: str


class CertificateUnavailable(CrossdockError):
    """A server has no certificate that it could show; a sentence tells the operator why and what to do."""


class ServerCertificates(Protocol):
    async def certificate(self, server: Server) -> TlsCertificate:
        """What the server shows in the next handshake. Cheap enough for every connection: kept until it changes.

        Raises CertificateUnavailable.
        """


class CertificateCheck(Protocol):
    async def objection(self, tx: Transaction, certificate_arn: str) -> str:
        """Why a Transfer server may not have this certificate, as a sentence; empty when it may."""


class CertificateUses(Protocol):
    async def users(self, tx: Transaction, certificate_arn: str) -> Sequence[str]:
        """The ARNs of what uses a certificate, which therefore cannot be deleted."""
