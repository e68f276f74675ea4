"""The gateway's side, put together: who is admitted, through which edge, on which ports."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from crossdock.adapters.host.certificate_files import CertificateFiles
from crossdock.adapters.host.workers.answers import Parent
from crossdock.adapters.host.workers.crew import Crew
from crossdock.app.announce import announce_endpoint
from crossdock.app.budgets import block_pool
from crossdock.app.certificates import build_server_certificates
from crossdock.app.cloud import Cloud, is_embedded
from crossdock.app.disk import Disk
from crossdock.app.resumable_uploads import build_resumable_uploads
from crossdock.app.sessions_authority import SessionsAuthority
from crossdock.app.upload_ledgers import UploadLedgers
from crossdock.app.worker_ledgers import worker_ledgers
from crossdock.app.workers import build_crew
from crossdock.cloud.acm.serving import AcmCertificateCheck
from crossdock.cloud.logs.transfer_log import EmbeddedTransferLog
from crossdock.core.exposure import exposure_refusal
from crossdock.core.ports_text import parse_ports
from crossdock.core.servers import Endpoint, FileProtocol, Server
from crossdock.files.limits import LoginLimits
from crossdock.files.login import Admission, Trial
from crossdock.files.login_check import LoginCheck
from crossdock.files.session_limits import SessionLimits
from crossdock.files.unfinished import Unfinished
from crossdock.ftp.server import FtpEdge
from crossdock.gateway import Gateway
from crossdock.operations.call import House
from crossdock.ports.ingress import Ingress
from crossdock.ports.provider_api import ProviderApi
from crossdock.settings import Settings, certificate_paths
from crossdock.sftp.server import SftpEdge
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.directory import StateServerDirectory
from crossdock.transfer.host_key_directory import StateHostKeys
from crossdock.transfer.host_key_vault import HostKeyVault
from crossdock.transfer.identity_providers import IdentityProviders
from crossdock.transfer.table import transfer_operations, without_passed_roles
from crossdock.transfer.user_directory import StateUserDirectory


@dataclass(frozen=True, slots=True, kw_only=True)
class Gatehouse:
    directory: StateServerDirectory
    gateway: Gateway
    edge: FtpEdge
    sftp_edge: SftpEdge
    crew: Crew | None


async def build_gatehouse(
    settings: Settings,
    disk: Disk,
    house: House,
    cloud: Cloud,
    authority: SessionsAuthority,
    api: ProviderApi,
    ledger_of: UploadLedgers,
    unfinished: Unfinished,
) -> Gatehouse:
    """Also adds the Transfer API to the cloud, whose identity test runs the code of a login."""
    changes = ServerChanges()
    directory = StateServerDirectory(disk.state, changes, interrupted=settings.uploads.kept)
    provider = IdentityProviders(authority.functions, api, StateUserDirectory(disk.state))
    check = LoginCheck(
        provider=provider,
        assumer=authority.assumer,
        entropy=house.entropy,
        concurrent=settings.login.concurrent,
        timeout_s=settings.login.timeout_s,
    )
    host_key_vault = HostKeyVault(sealer=disk.sealer, threads=disk.threads, entropy=house.entropy)
    table = transfer_operations(
        changes=changes,
        trial=Trial(check),
        certificates=AcmCertificateCheck(house.clock),
        host_keys=host_key_vault,
        in_files=CertificateFiles(certificate_paths(settings.ftps.certificates)).cover,
    )
    cloud.operations.add(table if is_embedded(settings) else without_passed_roles(table))
    places = SessionLimits(per_server=settings.login.sessions_per_server, per_user=settings.login.sessions_per_user)
    resumable = build_resumable_uploads(settings.uploads, house, authority.end_upload)
    admission = Admission(
        servers=directory,
        check=check,
        log=EmbeddedTransferLog(writer=authority.log_lines, clock=house.clock),
        clock=house.clock,
        blocks=block_pool(settings.uploads, disk.spilled.take),
        limits=places,
        sleep=asyncio.sleep,
        failure_delay_s=settings.login.failure_delay_s,
        resumable=resumable,
        unfinished=unfinished,
    )
    limits = LoginLimits(per_address=settings.login.connections_per_address, total=settings.login.connections)
    edge = FtpEdge(
        admit=admission.admit,
        limits=limits,
        certificates=build_server_certificates(settings, disk, house),
        ingress=cloud.ingress,
        tasks=house.tasks,
        clock=house.clock,
        entropy=house.entropy,
        passive_ports=parse_ports(settings.passive_ports),
        kept_passive_ports=_kept_passive_ports(await directory.endpoints()),
        passive_ip=settings.passive_ip,
        ftp=settings.ftp,
        login=settings.login,
    )
    host_keys = StateHostKeys(state=disk.state, vault=host_key_vault, clock=house.clock)
    crew = None
    if settings.workers:
        parent = Parent(
            provider=provider,
            roles=authority.roles,
            host_keys=host_keys,
            places=places,
            log=authority.log_lines,
            objects=disk.objects.objects,
            uploads=disk.objects.uploads,
            blobs=disk.blobs,
            resumable=resumable,
            unfinished=unfinished,
            new_ledgers=worker_ledgers(ledger_of, disk.state, is_at_aws=not is_embedded(settings)),
        )
        crew = build_crew(settings, disk, house, parent)
    sftp_edge = SftpEdge(
        admission=admission,
        limits=limits,
        host_keys=host_keys,
        ingress=cloud.ingress,
        tasks=house.tasks,
        clock=house.clock,
        settings=settings.sftp,
        allow_append=settings.ftp.allow_append,
        rename_directories=settings.ftp.rename_directories,
        elsewhere=crew,
    )
    gateway = Gateway(
        directory,
        {FileProtocol.FTP: edge, FileProtocol.FTPS: edge, FileProtocol.SFTP: sftp_edge},
        host=settings.host,
        default_ports={
            FileProtocol.FTP: settings.ftp_port,
            FileProtocol.FTPS: settings.ftp_port,
            FileProtocol.SFTP: settings.sftp_port,
        },
        drain_timeout_s=settings.drain_timeout,
        announce=announce_endpoint,
        tasks=house.tasks,
        objection=partial(_exposure, settings, cloud.ingress),
    )
    return Gatehouse(directory=directory, gateway=gateway, edge=edge, sftp_edge=sftp_edge, crew=crew)


def _exposure(settings: Settings, ingress: Ingress, server: Server, protocol: FileProtocol, host: str) -> str:
    return exposure_refusal(
        protocol=protocol,
        host=host,
        is_restricted=ingress.is_restricted(server),
        allow_public_ftp=settings.allow_public_ftp,
        allow_open_servers=settings.allow_open_servers,
    )


def _kept_passive_ports(known: Sequence[Endpoint]) -> tuple[int, ...]:
    """What the system chose before, where it chooses."""
    return next((endpoint.passive_ports for endpoint in known if endpoint.passive_ports), ())
