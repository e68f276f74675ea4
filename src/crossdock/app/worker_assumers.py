"""Who assumes the roles of a worker's sessions, and has their objects: the parent assumes, the worker uses."""

from contextlib import AsyncExitStack
from functools import partial

from crossdock.adapters.embedded.assumer import EmbeddedRoleAssumer
from crossdock.adapters.host.data_directory import DataDirectory
from crossdock.adapters.host.disk_blobs import open_disk_blobs
from crossdock.adapters.host.epoch import MmapEpoch
from crossdock.adapters.host.workers.line import CallingLine
from crossdock.adapters.host.workers.orders import Begin
from crossdock.adapters.host.workers.remote_blobs import RemoteBlobs
from crossdock.adapters.host.workers.remote_index import RemoteObjects
from crossdock.adapters.host.workers.remote_ledger import RemoteUploadLedger
from crossdock.adapters.host.workers.remote_login import RemoteRoleHolders, RemoteRoleIssuer
from crossdock.app.authority import build_authority
from crossdock.app.budgets import CHECKSUM_THREADS
from crossdock.app.late_backings import LateBackings, open_connections
from crossdock.app.upload_ledgers import AT_AWS
from crossdock.cloud.organizations.management import keep_management_empty
from crossdock.cloud.s3.table import s3_operations
from crossdock.operations.call import House, Operations
from crossdock.operations.threads import Threads
from crossdock.ports.authority import RoleAssumer
from crossdock.settings import AwsSettings


async def open_embedded_assumer(
    begin: Begin, line: CallingLine, house: House, directory: DataDirectory, stack: AsyncExitStack
) -> RoleAssumer:
    """The embedded cloud as far as files need it: read here, written by the parent."""
    objects = RemoteObjects(line, directory.objects_db)
    stack.callback(objects.close)
    blobs = await open_disk_blobs(directory.blobs, mark=bytes.fromhex(begin.mark), sweeps=False)
    stack.push_async_callback(blobs.close)
    epoch = MmapEpoch(directory.epoch)
    stack.callback(epoch.close)
    authority = build_authority(
        house,
        epoch=epoch,
        objects=objects.objects,
        uploads=objects.uploads,
        blobs=RemoteBlobs(line, blobs),
        executor=stack.enter_context(Threads(CHECKSUM_THREADS, name="checksums")),
        further={},
        foreign=LateBackings(
            stack,
            partial(open_connections, begin.aws, house.clock, partial(RemoteUploadLedger, line), has_environment=False),
        ),
    )
    operations = Operations(
        [s3_operations(authority.storage)], house=house, authorizer=authority.authorizer, rule=keep_management_empty
    )
    return EmbeddedRoleAssumer(roles=RemoteRoleHolders(line), operations=operations, storage=authority.storage)


async def open_aws_assumer(
    aws: AwsSettings, region: str, line: CallingLine, house: House, stack: AsyncExitStack
) -> RoleAssumer:
    """A worker has the credentials of its sessions, and reaches S3 by itself. Takes 20 MB."""
    from crossdock.adapters.aws.role_assumer import AwsRoleAssumer
    from crossdock.app.aws_stores import open_aws_stores, open_session

    ledger = RemoteUploadLedger(line, AT_AWS)
    session = open_session(aws)
    stores = await stack.enter_async_context(
        open_aws_stores(aws, region=region, clock=house.clock, ledger=ledger, session=session)
    )
    return AwsRoleAssumer(roles=RemoteRoleIssuer(line), store=stores)
