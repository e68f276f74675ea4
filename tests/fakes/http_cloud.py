"""The embedded cloud on memory behind its real HTTP edge, on a loopback port that the system chooses.

    async with serve_cloud() as cloud:
        key = await cloud.key_of("hub")                       # the administrator's
        session = await cloud.session("visitor", "s3:GetObject", "arn:aws:s3:::box/*")
        cloud.url, cloud.port, cloud.s3                        # `s3`: the same services without HTTP

Clients sign with this computer's time, so the cloud's clock stands where it stood when the cloud was made.
"""

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from botocore.model import ServiceModel
from tests.fakes.aws_models import model_of
from tests.fakes.s3 import EmbeddedS3, document, make_s3

from crossdock.api.endpoint import Endpoint
from crossdock.api.server import ApiServer
from crossdock.app.models import SELDOM
from crossdock.cloud.accounts import AccountCredentials, credentials_of
from crossdock.cloud.sts.assume import assume_role
from crossdock.operations.operation import ServiceOperations
from crossdock.ports.backings import ForeignS3
from crossdock.ports.functions import TemporaryCredentials
from crossdock.settings import ApiSettings

SERVICES = (
    "acm",
    "s3",
    "iam",
    "sts",
    "lambda",
    "transfer",
    "secretsmanager",
    "logs",
    "cloudformation",
    "ec2",
    "organizations",
)
REGION = "us-east-1"


@dataclass(slots=True, kw_only=True)
class HttpCloud:
    s3: EmbeddedS3
    endpoint: Endpoint
    server: ApiServer
    is_ready: bool = True

    @property
    def port(self) -> int:
        return self.server.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def key_of(self, account: str) -> AccountCredentials:
        parts = self.s3.parts
        return await credentials_of(parts.state, parts.sealer, parts.accounts, account)

    async def role(self, name: str, actions: Sequence[str], resources: Sequence[str]) -> str:
        """A new role of the hub that may do this, and that everyone of the hub may assume; its ARN."""
        trust = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111111111111:root"}, "Action": "sts:AssumeRole"}
        made = await self.s3.iam("CreateRole", RoleName=name, AssumeRolePolicyDocument=document(trust))
        await self.limit_role(name, actions, resources)
        return str(made["Role"]["Arn"])

    async def limit_role(self, name: str, actions: Sequence[str], resources: Sequence[str]) -> None:
        """What the role may do from now on, and nothing else."""
        # A policy must name something.
        allowed = {"Effect": "Allow", "Action": list(actions) or ["s3:NoSuchAction"], "Resource": list(resources)}
        await self.s3.iam("PutRolePolicy", RoleName=name, PolicyName="what", PolicyDocument=document(allowed))

    async def session_of(self, role_arn: str, *, duration_s: int = 3600) -> TemporaryCredentials:
        credentials, _ = await assume_role(
            self.s3.operations,
            self.s3.parts.access_keys,
            caller=self.s3.hub,
            account_id="111111111111",
            region=REGION,
            origin=self.s3.origin,
            role_arn=role_arn,
            session_name="session",
            duration_s=duration_s,
        )
        return credentials


@asynccontextmanager
async def serve_cloud(
    *services: ServiceOperations,
    settings: ApiSettings | None = None,
    absent: Collection[str] = (),
    indexed_bytes: int = 0,
    foreign: ForeignS3 | None = None,
    models: Mapping[str, ServiceModel] | None = None,
) -> AsyncIterator[HttpCloud]:
    """S3, IAM, STS and these services, until the block ends. What is `absent` has no model, as in the true service.

    `models` are in place of those of all services.
    """
    s3 = await make_s3(indexed_bytes=indexed_bytes, foreign=foreign)
    clock = s3.parts.clock
    clock.advance((datetime.now(UTC) - clock.now()).total_seconds())
    for service in services:
        s3.operations.add(service)
    endpoint = Endpoint(
        models=models or {name: model_of(name) for name in SERVICES if name not in absent},
        seldom=SELDOM,
        operations=s3.operations,
        keys=s3.parts.access_keys,
        region=REGION,
        settings=settings or ApiSettings(),
    )
    cloud: HttpCloud
    server = ApiServer(endpoint, is_ready=lambda: cloud.is_ready)
    cloud = HttpCloud(s3=s3, endpoint=endpoint, server=server)
    await server.start("127.0.0.1", 0)
    try:
        yield cloud
    finally:
        await server.close()
        s3.close()
