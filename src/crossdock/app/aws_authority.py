"""The authority `aws`, put together: AWS vouches for users, assumes roles, keeps the log and holds the bytes."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial

from crossdock.adapters.aws.begun_uploads import BegunUploads
from crossdock.adapters.aws.clients import ServiceClients, open_clients
from crossdock.adapters.aws.cloudwatch_sink import CloudWatchSink
from crossdock.adapters.aws.gateway_identity import tell_identity
from crossdock.adapters.aws.invocation_roles import AwsInvocationRoles
from crossdock.adapters.aws.provider_functions import AwsProviderFunctions
from crossdock.adapters.aws.role_assumer import AwsRoleAssumer, AwsRoleIssuer
from crossdock.adapters.aws.secrets import AwsSecrets
from crossdock.adapters.host.workers.calls import ISSUE_ROLE
from crossdock.adapters.host.workers.line import Answer
from crossdock.app.aws_stores import open_aws_stores, open_session, verify_of
from crossdock.app.aws_sweeping import AwsSweeper
from crossdock.app.sessions_authority import SessionsAuthority
from crossdock.app.upload_ledgers import sweep_forever, sweep_unresumable
from crossdock.cloud.logs.writer import LogWriter
from crossdock.operations.call import House
from crossdock.ports.logs import LogLines
from crossdock.settings import Settings


@asynccontextmanager
async def open_aws_authority(
    settings: Settings, house: House, *, local_log: LogLines, ledger: BegunUploads
) -> AsyncIterator[SessionsAuthority]:
    """Waits for nobody: what is wrong with credentials or addresses is told by the log, and at each login.

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
                verify=verify_of(aws, session),
                session=session,
            )
        )
        telling = house.tasks.start(tell_identity(clients, settings.region), name="whom AWS takes the gateway for")
        stack.callback(telling.cancel)
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
        sweeper = AwsSweeper(issuer=issuer, stores=stores, region=settings.region, entropy=house.entropy)
        sweep = partial(sweep_unresumable, ledger, sweeper.end_begun, house.state)
        house.tasks.start(sweep_forever(sweep), name="sweep of begun uploads")
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
            end_upload=sweeper.end_resumable,
        )


@asynccontextmanager
async def _cloudwatch_log(clients: ServiceClients, house: House) -> AsyncIterator[LogWriter]:
    writer = LogWriter(sink=CloudWatchSink(clients), clock=house.clock)
    house.tasks.start(writer.run(), name="CloudWatch log writer")
    try:
        yield writer
    finally:
        await writer.close()
