"""The authority `aws`, put together: AWS vouches for users, assumes roles, keeps the log and holds the bytes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from aiobotocore.session import AioSession  # type: ignore[import-untyped]  # it ships no types

from crossdock.adapters.aws.begun_uploads import BegunUpload, BegunUploads
from crossdock.adapters.aws.clients import ServiceClients, open_clients
from crossdock.adapters.aws.cloudwatch_sink import CloudWatchSink
from crossdock.adapters.aws.connection import S3Connection, open_s3
from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.adapters.aws.provider_functions import AwsProviderFunctions
from crossdock.adapters.aws.role_assumer import AwsRoleAssumer
from crossdock.adapters.aws.secrets import AwsSecrets
from crossdock.adapters.aws.upload import abort_upload
from crossdock.app.sessions_authority import SessionsAuthority
from crossdock.cloud.logs.transfer_log import EmbeddedTransferLog
from crossdock.cloud.logs.writer import LogWriter
from crossdock.core.principals import AssumedRole
from crossdock.operations.call import House
from crossdock.ports.authority import TransferLog
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.objects import ObjectStore
from crossdock.settings import Settings

SWEEPER = "sweep@crossdock"
"""The session's name, as CloudTrail has it."""


@asynccontextmanager
async def open_aws_authority(
    settings: Settings, house: House, *, local_log: TransferLog
) -> AsyncIterator[SessionsAuthority]:
    """Reaches nobody yet: what is wrong with credentials or addresses shows at the first login.

    Args:
        local_log: where sessions are logged when `aws.logs` is off.
    """
    aws = settings.aws
    session = AioSession(profile=aws.profile or None)
    async with AsyncExitStack() as stack:
        clients = await stack.enter_async_context(
            open_clients(
                read_timeout_s=settings.login.timeout_s,
                endpoint_url=aws.endpoint_url,
                verify=_verify(settings),
                session=session,
            )
        )
        connection = await stack.enter_async_context(
            open_s3(
                region=settings.region,
                clock=house.clock,
                endpoint_url=aws.endpoint_url or None,
                path_style=aws.path_style,
                verify=_verify(settings),
                session=session,
            )
        )
        uploads = BegunUploads(house.state, node="", run=house.entropy(8).hex(), clock=house.clock)

        def store(credentials: TemporaryCredentials, principal: AssumedRole) -> ObjectStore:
            return AwsObjectStore(connection, credentials, principal=principal, ledger=uploads)

        assumer = AwsRoleAssumer(
            clients=clients,
            store=store,
            external_id=aws.external_id,
            duration_s=aws.session_duration_s,
            tag_sessions=aws.tag_sessions,
            tags=aws.session_tags,
        )
        house.tasks.start(_sweep(uploads, assumer, connection, settings.region), name="sweep of begun uploads")
        log = local_log
        if aws.logs:
            log = await stack.enter_async_context(_cloudwatch_log(clients, house))
        yield SessionsAuthority(
            assumer=assumer, functions=AwsProviderFunctions(clients), transfer_log=log, secrets=AwsSecrets(clients)
        )


@asynccontextmanager
async def _cloudwatch_log(clients: ServiceClients, house: House) -> AsyncIterator[TransferLog]:
    writer = LogWriter(sink=CloudWatchSink(clients), clock=house.clock)
    house.tasks.start(writer.run(), name="CloudWatch log writer")
    try:
        yield EmbeddedTransferLog(writer=writer, clock=house.clock)
    finally:
        await writer.close()


async def _sweep(uploads: BegunUploads, assumer: AwsRoleAssumer, connection: S3Connection, region: str) -> None:
    """Abort the multipart uploads that an earlier run left behind, each as the role that began it."""

    async def abort(upload: BegunUpload) -> None:
        credentials, principal = await assumer.credentials(upload.role_arn, session_name=SWEEPER, region=region)
        await abort_upload(connection.bound(credentials, principal), upload)

    (await uploads.sweep(abort)).log()


def _verify(settings: Settings) -> bool | str:
    return str(settings.aws.ca_file) if settings.aws.ca_file is not None else True
