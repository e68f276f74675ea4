"""The authority `aws`, put together: AWS vouches for users, assumes roles, keeps the log and holds the bytes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager

from crossdock.adapters.aws.begun_uploads import BegunUploads
from crossdock.adapters.aws.clients import ServiceClients, open_clients
from crossdock.adapters.aws.cloudwatch_sink import CloudWatchSink
from crossdock.adapters.aws.invocation_roles import AwsInvocationRoles
from crossdock.adapters.aws.provider_functions import AwsProviderFunctions
from crossdock.adapters.aws.role_assumer import AwsRoleAssumer, AwsRoleIssuer
from crossdock.adapters.aws.secrets import AwsSecrets
from crossdock.adapters.aws.upload import abort_upload
from crossdock.adapters.host.workers.calls import ISSUE_ROLE
from crossdock.adapters.host.workers.line import Answer
from crossdock.app.aws_stores import open_aws_stores, open_session, verify_of
from crossdock.app.sessions_authority import SessionsAuthority
from crossdock.cloud.logs.writer import LogWriter
from crossdock.files.resumable_uploads import resumable_upload_ids
from crossdock.operations.call import House
from crossdock.ports.logs import LogLines
from crossdock.ports.resumable_uploads import ResumableUpload
from crossdock.ports.upload_ledger import BegunUpload
from crossdock.settings import Settings

SWEEPER = "sweep@crossdock"
"""The session's name, as CloudTrail has it."""


@asynccontextmanager
async def open_aws_authority(
    settings: Settings, house: House, *, local_log: LogLines, ledger: BegunUploads
) -> AsyncIterator[SessionsAuthority]:
    """Reaches nobody yet: what is wrong with credentials or addresses shows at the first login.

    Args:
        local_log: where sessions are logged when `aws.logs` is off.
        ledger: of uploads that are begun at its S3.
    """
    aws = settings.aws
    session = open_session(aws)
    async with AsyncExitStack() as stack:
        clients = await stack.enter_async_context(
            open_clients(
                read_timeout_s=settings.login.timeout_s,
                endpoint_url=aws.endpoint_url,
                verify=verify_of(aws),
                session=session,
            )
        )
        stores = await stack.enter_async_context(
            open_aws_stores(aws, region=settings.region, clock=house.clock, ledger=ledger, session=session)
        )
        issuer = AwsRoleIssuer(
            clients=clients,
            external_id=aws.external_id,
            duration_s=aws.session_duration_s,
            tag_sessions=aws.tag_sessions,
            tags=aws.session_tags,
        )

        async def end_upload(upload: BegunUpload) -> None:
            issued = await issuer.credentials(upload.role_arn, session_name=SWEEPER, region=settings.region)
            await abort_upload(stores.connection.bound(issued.credentials, issued.principal), upload)

        async def end_resumable(upload: ResumableUpload) -> None:
            role_arn = upload.owner.role_arn
            await end_upload(BegunUpload(place=upload.place, upload_id=upload.upload_id, role_arn=role_arn))

        house.tasks.start(_sweep(ledger, end_upload, house), name="sweep of begun uploads")
        lines = local_log
        if aws.logs:
            lines = await stack.enter_async_context(_cloudwatch_log(clients, house))
        yield SessionsAuthority(
            assumer=AwsRoleAssumer(roles=issuer, store=stores),
            roles=Answer(ISSUE_ROLE, issuer.issue),
            functions=AwsProviderFunctions(clients),
            log_lines=lines,
            secrets=AwsSecrets(clients),
            invocation_roles=AwsInvocationRoles(issuer),
            end_upload=end_resumable,
        )


@asynccontextmanager
async def _cloudwatch_log(clients: ServiceClients, house: House) -> AsyncIterator[LogWriter]:
    writer = LogWriter(sink=CloudWatchSink(clients), clock=house.clock)
    house.tasks.start(writer.run(), name="CloudWatch log writer")
    try:
        yield writer
    finally:
        await writer.close()


async def _sweep(uploads: BegunUploads, abort: Callable[[BegunUpload], Awaitable[None]], house: House) -> None:
    """Abort the multipart uploads that an earlier run left behind, each as the role that began it."""
    (await uploads.sweep(abort, spared=await resumable_upload_ids(house.state))).log()
