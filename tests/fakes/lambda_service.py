"""Lambda with real processes behind a real API port: what a function sees when it calls AWS.

async with lambda_service(tmp_path) as service:
    lambda_ = service.client("lambda")              # boto3, the hub's administrator
    await in_thread(lambda_.invoke, FunctionName="f")
    await service.printed("f")                      # what the log group of a function holds
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
from tests.fakes.aws_models import model_of
from tests.fakes.cloud import HUB, REGION, CloudParts, admin_of, make_parts
from tests.fakes.functions import running

from crossdock.adapters.host.functions.code import ArchiveFiles
from crossdock.adapters.memory.log_events import MemoryLogEvents
from crossdock.api.endpoint import Endpoint
from crossdock.api.server import ApiServer
from crossdock.cloud.accounts import credentials_of
from crossdock.cloud.iam.authorize import EmbeddedAuthorizer
from crossdock.cloud.iam.operations import iam_operations
from crossdock.cloud.lambda_.log import EmbeddedFunctionLog
from crossdock.cloud.lambda_.resource_policy import LambdaPolicies
from crossdock.cloud.lambda_.table import lambda_operations
from crossdock.cloud.logs.group_sink import GroupSink
from crossdock.cloud.logs.writer import LogWriter
from crossdock.cloud.secrets.table import secrets_operations
from crossdock.cloud.sts.operations import sts_operations
from crossdock.operations.call import Operations
from crossdock.ports.logs import LogGroupId
from crossdock.settings import ApiSettings
from crossdock.wire.validation import validate_params

SERVICES = ("iam", "lambda", "s3", "secretsmanager", "sts")


async def in_thread(call: Callable[..., Any], **params: Any) -> Any:
    """boto3 waits for its answers; the loop that gives them must go on."""
    return await asyncio.to_thread(call, **params)


@dataclass(frozen=True, slots=True, kw_only=True)
class LambdaService:
    parts: CloudParts
    operations: Operations
    code: ArchiveFiles
    writer: LogWriter
    events: MemoryLogEvents
    session: boto3.Session
    url: str

    def client(self, service: str) -> Any:
        return self.session.client(service, endpoint_url=self.url)

    async def printed(self, name: str) -> list[str]:
        await self.writer.flush()
        group = LogGroupId(account_id=HUB, region=REGION, name=f"/aws/lambda/{name}")
        return [event.message for event in await self.events.read(group)]


@asynccontextmanager
async def lambda_service(directory: Path) -> AsyncIterator[LambdaService]:
    parts = make_parts()
    # Signatures carry the time of this computer.
    parts.clock.advance((datetime.now(UTC) - parts.clock.now()).total_seconds())
    events = MemoryLogEvents()
    writer = LogWriter(sink=GroupSink(events=events, state=parts.state, clock=parts.clock), clock=parts.clock)
    code = ArchiveFiles(directory / "archives", entropy=parts.house.entropy)
    models = {name: model_of(name) for name in SERVICES}
    url = ""
    async with running(directory, log=EmbeddedFunctionLog(writer), endpoint_url=lambda: url) as runner:
        operations = Operations(
            [
                iam_operations(epoch=parts.epoch, library=parts.library),
                sts_operations(principals=parts.principals, tokens=parts.tokens, library=parts.library),
                secrets_operations(sealer=parts.sealer, epoch=parts.epoch),
                lambda_operations(
                    runner=runner,
                    code=code,
                    sealer=parts.sealer,
                    access_keys=parts.access_keys,
                    epoch=parts.epoch,
                ),
            ],
            house=parts.house,
            authorizer=EmbeddedAuthorizer(
                state=parts.state, epoch=parts.epoch, principals=parts.principals, sources={"lambda": LambdaPolicies()}
            ),
            validate=lambda service, name, params: validate_params(models[service], name, params),
        )
        await admin_of(parts, "hub")
        keys = await credentials_of(parts.state, parts.sealer, parts.accounts, "hub")
        endpoint = Endpoint(
            models=models, operations=operations, keys=parts.access_keys, region=REGION, settings=ApiSettings()
        )
        api = ApiServer(endpoint, is_ready=lambda: True)
        await api.start("127.0.0.1", 0)
        url = f"http://127.0.0.1:{api.port}"
        session = boto3.Session(
            aws_access_key_id=keys.access_key_id,
            aws_secret_access_key=keys.secret_access_key,
            region_name=REGION,
        )
        try:
            yield LambdaService(
                parts=parts,
                operations=operations,
                code=code,
                writer=writer,
                events=events,
                session=session,
                url=url,
            )
        finally:
            await api.close()
            await parts.house.tasks.close()
