"""What Transfer servers get from here: whether a certificate fits, and what their listeners show.

Source: AWS Transfer Family API Reference, CreateServer, Certificate, for the keys that fit.
"""

from datetime import datetime

from crossdock.cloud.acm.finding import certificate_at
from crossdock.cloud.acm.records import CertificateRecord, CertificateStatus
from crossdock.cloud.acm.store import open_key
from crossdock.cloud.iam.epoch_cache import EpochCache
from crossdock.core.errors import FileError, ServiceError
from crossdock.core.pem import fingerprint, read_certificates
from crossdock.core.servers import Server
from crossdock.ports.certificates import CertificateUnavailable, TlsCertificate
from crossdock.ports.host import Clock, Epoch, SealBroken, Sealer
from crossdock.ports.state import State, Transaction

FITTING_KEYS = ("RSA_2048", "RSA_4096", "EC_prime256v1", "EC_secp384r1", "EC_secp521r1")
_KEPT = 1000


class AcmCertificateCheck:
    """See `ports.certificates.CertificateCheck`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def objection(self, tx: Transaction, certificate_arn: str) -> str:
        try:
            record = await certificate_at(tx, certificate_arn)
        except ServiceError as error:
            return error.message
        if record is None:
            return f"Certificate {certificate_arn} does not exist"
        return objection_to(record, self._clock.now())


def objection_to(record: CertificateRecord, now: datetime) -> str:
    if record.status(now) is CertificateStatus.EXPIRED:
        return f"Certificate {record.arn} has expired"
    if record.facts.key_algorithm not in FITTING_KEYS:
        fitting = ", ".join(FITTING_KEYS)
        return f"Certificate {record.arn} has the key {record.facts.key_algorithm}, and FTPS takes {fitting} only"
    return ""


class AcmServerCertificates:
    """See `ports.certificates.ServerCertificates`: the one that the server names, kept until the epoch rises."""

    def __init__(self, *, state: State, sealer: Sealer, epoch: Epoch) -> None:
        self._state = state
        self._sealer = sealer
        self._kept: EpochCache[TlsCertificate] = EpochCache(epoch, capacity=_KEPT)

    async def certificate(self, server: Server) -> TlsCertificate:
        arn = server.certificate_arn
        if not arn:
            raise CertificateUnavailable(
                f"{server.server_id} names no certificate: aws transfer update-server --certificate ARN"
            )
        return await self._kept.get(arn, lambda: self._load(arn))

    async def _load(self, arn: str) -> TlsCertificate:
        try:
            async with self._state.reading() as tx:
                record = await certificate_at(tx, arn)
        except (FileError, ServiceError) as error:
            raise CertificateUnavailable(f"the certificate {arn} cannot be read: {error}") from error
        if record is None:
            raise CertificateUnavailable(
                f"there is no certificate {arn}: import it, and name it with aws transfer update-server --certificate"
            )
        try:
            key = open_key(self._sealer, record)
        except SealBroken as error:
            raise CertificateUnavailable(f"the key of the certificate {arn} cannot be opened: {error}") from error
        chain = record.body + record.chain
        return TlsCertificate(chain_pem=chain, key_pem=key, fingerprint=fingerprint(read_certificates(chain.encode())))
