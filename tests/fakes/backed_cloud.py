"""An embedded cloud whose buckets are backed by another one's over HTTP, with credentials from a file.

async with backed_cloud(tmp_path) as backed:
    await backed.attach("box", prefix="below/")       # of the hub; its objects are in `backed.behind`
    await backed.cloud.s3.put("box", "key", b"x")
    await backed.behind.s3.keys("behind")             # ["below/key"]
    await backed.change_credentials()                 # in the file; the former ones may do nothing any more
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path

from tests.fakes.http_cloud import REGION, HttpCloud, serve_cloud
from tests.fakes.s3 import HUB, ORIGIN
from tests.fakes.stub_s3 import aws_session

from crossdock.adapters.aws.backings import BackingConnections, open_backings
from crossdock.adapters.aws.retrying import Patience
from crossdock.adapters.host.clock import SystemClock
from crossdock.cloud.s3.attachments import attach_bucket
from crossdock.core.backings import Backing

BEHIND = "behind"


async def attach(cloud: HttpCloud, name: str, backing: Backing) -> None:
    """A bucket of the hub, from now on backed so."""
    s3 = cloud.s3
    call = s3.operations.begin(
        "s3", "CreateBucket", {"Bucket": name}, caller=s3.hub, account_id=HUB, region=REGION, origin=ORIGIN
    )
    await attach_bucket(s3.storage, call, backing)


async def elsewhere(_key: str) -> bool:
    """Where the S3 behind is certainly another."""
    return False


async def credentials_of(cloud: HttpCloud, role: str) -> str:
    """A file of those of a new role of the hub that may do everything."""
    key = await cloud.session_of(await cloud.role(role, ["s3:*"], ["*"]))
    return (
        "[default]\n"
        f"aws_access_key_id = {key.access_key_id}\n"
        f"aws_secret_access_key = {key.secret_access_key}\n"
        f"aws_session_token = {key.session_token}\n"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackedCloud:
    cloud: HttpCloud
    behind: HttpCloud
    connections: BackingConnections
    credentials_file: Path
    numbers: Iterator[int] = field(default_factory=count)

    def backing(self, *, bucket: str = BEHIND, prefix: str = "") -> Backing:
        return Backing(
            bucket=bucket,
            prefix=prefix,
            endpoint_url=self.behind.url,
            path_style=True,
            credentials_file=str(self.credentials_file),
        )

    async def attach(
        self,
        name: str,
        *,
        bucket: str = BEHIND,
        prefix: str = "",
        credentials_file: Path | None = None,
        keeps_keys: bool = True,
    ) -> Backing:
        backing = replace(self.backing(bucket=bucket, prefix=prefix), keeps_keys=keeps_keys)
        if credentials_file is not None:
            backing = replace(backing, credentials_file=str(credentials_file))
        await attach(self.cloud, name, backing)
        return backing

    async def change_credentials(self) -> None:
        number = next(self.numbers)
        self.credentials_file.write_text(await credentials_of(self.behind, f"gateway-{number}"))
        if number:
            await self.behind.limit_role(f"gateway-{number - 1}", [], ["*"])


@asynccontextmanager
async def backed_cloud(directory: Path) -> AsyncIterator[BackedCloud]:
    """The other S3 has a role that may do everything with S3, and the bucket `behind`."""
    async with (
        serve_cloud() as behind,
        open_backings(clock=SystemClock(), patience=Patience(attempts=1), session=aws_session()) as connections,
        serve_cloud(foreign=connections) as cloud,
    ):
        await behind.s3.bucket(BEHIND)
        backed = BackedCloud(
            cloud=cloud, behind=behind, connections=connections, credentials_file=directory / "credentials"
        )
        await backed.change_credentials()
        yield backed
