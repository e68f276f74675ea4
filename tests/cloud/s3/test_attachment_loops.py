"""Attached buckets that lead back to themselves are refused at the first turn, before they use up all connections."""

import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.fakes.backed_cloud import attach, credentials_of, elsewhere
from tests.fakes.http_cloud import HttpCloud, serve_cloud
from tests.fakes.stub_s3 import aws_session

from crossdock.adapters.aws.backings import BackingConnections, open_backings
from crossdock.adapters.aws.retrying import Patience
from crossdock.adapters.host.clock import SystemClock
from crossdock.cloud.s3.backing_probe import ProbeFailed, probe
from crossdock.core.backings import Backing
from crossdock.core.errors import ServiceError
from crossdock.settings import ApiSettings

CONNECTIONS = 20
"""Of each cloud: a loop that is not ended early is ended by these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two clouds, each of which has a bucket `plain` and reaches the other."""

    here: HttpCloud
    there: HttpCloud
    connections: BackingConnections
    directory: Path

    def backing(self, cloud: HttpCloud, bucket: str) -> Backing:
        return Backing(
            bucket=bucket,
            endpoint_url=cloud.url,
            path_style=True,
            credentials_file=str(self.directory / str(cloud.port)),
        )


@asynccontextmanager
async def open_pair(directory: Path) -> AsyncIterator[Pair]:
    async with AsyncExitStack() as stack:
        connections = await stack.enter_async_context(
            open_backings(clock=SystemClock(), patience=Patience(attempts=1), session=aws_session())
        )
        settings = ApiSettings(connections=CONNECTIONS)
        here, there = [
            await stack.enter_async_context(serve_cloud(foreign=connections, settings=settings)) for _ in range(2)
        ]
        for cloud in (here, there):
            (directory / str(cloud.port)).write_text(await credentials_of(cloud, "gateway"))
            await cloud.s3.bucket("plain")
        yield Pair(here=here, there=there, connections=connections, directory=directory)


@pytest.fixture
async def pair(tmp_path) -> AsyncIterator[Pair]:
    async with open_pair(tmp_path) as pair:
        yield pair


@pytest.mark.parametrize("is_one", [True, False])
async def test_a_loop_ends_at_its_first_turn(pair: Pair, is_one: bool):
    other = pair.here if is_one else pair.there
    await attach(pair.here, "loop", pair.backing(other, "loop"))
    if not is_one:
        await attach(other, "loop", pair.backing(pair.here, "loop"))
    for operation, params in (
        ("ListObjectsV2", {}),
        ("ListObjects", {}),
        ("GetObject", {"Key": "k"}),
        ("PutObject", {"Key": "k", "Body": b"x"}),
        ("CreateMultipartUpload", {"Key": "k"}),
    ):
        with pytest.raises(ServiceError, match="attached to another S3 itself") as failed:
            await pair.here.s3(operation, Bucket="loop", **params)
        assert failed.value.code == "InvalidRequest", operation


async def test_a_bucket_is_not_attached_to_an_attached_one(pair: Pair):
    """Before a loop closes, so that it cannot."""
    await attach(pair.there, "outer", pair.backing(pair.here, "plain"))
    with pytest.raises(ProbeFailed, match=r"failed the step list: .*outer is attached to another S3 itself"):
        await probe(pair.connections, pair.backing(pair.there, "outer"), entropy=os.urandom, lies_here=elsewhere)


async def test_one_turn_is_no_loop(pair: Pair):
    await attach(pair.here, "outer", pair.backing(pair.there, "plain"))
    await pair.here.s3.put("outer", "k", b"x")
    assert await pair.there.s3.keys("plain") == ["k"]
    assert await pair.here.s3.read("outer", "k") == b"x"
