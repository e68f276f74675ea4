"""The gateway's side, put together: who is admitted, through which edge, on which ports."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from crossdock.app.announce import announce_endpoint
from crossdock.app.cloud import Cloud
from crossdock.app.disk import Disk
from crossdock.core.ports_text import parse_ports
from crossdock.core.servers import Endpoint, FileProtocol
from crossdock.files.blocks import BlockPool
from crossdock.files.limits import LoginLimits
from crossdock.files.login import Admission, Trial
from crossdock.files.login_check import LoginCheck
from crossdock.ftp.server import FtpEdge
from crossdock.gateway import Gateway
from crossdock.operations.call import House
from crossdock.settings import Settings
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.directory import StateServerDirectory
from crossdock.transfer.lambda_identity import LambdaIdentityProvider
from crossdock.transfer.table import transfer_operations

UPLOAD_MEMORY_BYTES = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Gatehouse:
    directory: StateServerDirectory
    gateway: Gateway
    edge: FtpEdge


async def build_gatehouse(settings: Settings, disk: Disk, house: House, cloud: Cloud) -> Gatehouse:
    """Also adds the Transfer API to the cloud, whose identity test runs the code of a login."""
    changes = ServerChanges()
    directory = StateServerDirectory(disk.state, changes)
    check = LoginCheck(
        provider=LambdaIdentityProvider(cloud.operations),
        assumer=cloud.assumer,
        entropy=house.entropy,
        concurrent=settings.login.concurrent,
        timeout_s=settings.login.timeout_s,
    )
    cloud.operations.add(transfer_operations(changes=changes, trial=Trial(check)))
    admission = Admission(
        servers=directory,
        check=check,
        log=cloud.transfer_log,
        clock=house.clock,
        blocks=BlockPool(budget=UPLOAD_MEMORY_BYTES, spill=disk.spilled.take),
        sleep=asyncio.sleep,
        failure_delay_s=settings.login.failure_delay_s,
    )
    edge = FtpEdge(
        admit=admission.admit,
        limits=LoginLimits(per_address=settings.login.connections_per_address, total=settings.login.connections),
        tasks=house.tasks,
        clock=house.clock,
        entropy=house.entropy,
        passive_ports=_passive_ports(settings, await directory.endpoints()),
        ftp=settings.ftp,
        login=settings.login,
    )
    gateway = Gateway(
        directory,
        {FileProtocol.FTP: edge},
        host=settings.host,
        default_ports={FileProtocol.FTP: settings.ftp_port, FileProtocol.SFTP: settings.sftp_port},
        drain_timeout_s=settings.drain_timeout,
        announce=announce_endpoint,
        tasks=house.tasks,
    )
    return Gatehouse(directory=directory, gateway=gateway, edge=edge)


def _passive_ports(settings: Settings, known: Sequence[Endpoint]) -> tuple[int, ...]:
    """The configured range; where the system chooses, what it chose before."""
    ports = parse_ports(settings.passive_ports)
    return ports or next((endpoint.passive_ports for endpoint in known if endpoint.passive_ports), ())
