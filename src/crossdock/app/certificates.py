"""Certificates put together: those of files before those of Certificate Manager, and who may name and delete one."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

from crossdock.adapters.host.certificate_files import CertificateFiles
from crossdock.app.disk import Disk
from crossdock.cloud.acm.serving import AcmServerCertificates
from crossdock.core.pem import read_certificates
from crossdock.core.servers import Server
from crossdock.operations.call import House
from crossdock.ports.certificates import ServerCertificates, TlsCertificate
from crossdock.ports.host import Clock
from crossdock.settings import Settings, certificate_paths

WARNED_BEFORE = timedelta(days=30)

_log = logging.getLogger(__name__)


def build_server_certificates(settings: Settings, disk: Disk, house: House) -> ServerCertificates:
    return FilesBeforeAcm(
        files=CertificateFiles(certificate_paths(settings.ftps.certificates)),
        acm=AcmServerCertificates(state=disk.state, sealer=disk.sealer, epoch=disk.epoch),
        clock=house.clock,
    )


@dataclass(slots=True, kw_only=True)
class _End:
    fingerprint: str
    not_after: datetime
    is_told: bool = False


class FilesBeforeAcm:
    """See `ports.certificates.ServerCertificates`. Logs once of a server's certificate that ends soon, or has."""

    def __init__(self, *, files: CertificateFiles, acm: ServerCertificates, clock: Clock) -> None:
        self._files = files
        self._acm = acm
        self._clock = clock
        self._ends: dict[str, _End] = {}

    async def certificate(self, server: Server) -> TlsCertificate:
        source = self._files if self._files.cover(server.server_id) else self._acm
        found = await source.certificate(server)
        known = self._ends.get(server.server_id)
        if known is None or known.fingerprint != found.fingerprint:
            not_after = read_certificates(found.chain_pem.encode())[0].not_valid_after_utc
            known = self._ends[server.server_id] = _End(fingerprint=found.fingerprint, not_after=not_after)
        if not known.is_told and known.not_after - self._clock.now() < WARNED_BEFORE:
            known.is_told = True
            _log.warning(
                "the certificate of a server ends soon or has ended, after which clients refuse it",
                extra={"server_id": server.server_id, "not_after": known.not_after.isoformat()},
            )
        return found
