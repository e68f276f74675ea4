"""The S3s behind attached buckets are reached with the patience that the settings say."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.fakes.stub_s3 import StubS3, error, says_nothing, stub_s3
from tests.fakes.worker_lines import MemoryLedger

from crossdock.adapters.host.clock import SystemClock
from crossdock.app.late_backings import open_connections
from crossdock.core.backings import Backing
from crossdock.core.errors import Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import ObjectStore
from crossdock.settings import AwsSettings

PLACE = ObjectPlace(bucket="behind", key="k")


@asynccontextmanager
async def reached(settings: AwsSettings, folder: Path) -> AsyncIterator[tuple[StubS3, ObjectStore]]:
    keys = folder / "keys"
    keys.write_text("[default]\naws_access_key_id = ONE\naws_secret_access_key = secret\n")
    opening = open_connections(settings, SystemClock(), MemoryLedger, has_environment=False)
    async with stub_s3() as stub, opening as connections:
        backing = Backing(bucket="behind", endpoint_url=stub.url, path_style=True, credentials_file=str(keys))
        yield stub, await connections.store_of(backing)


@pytest.mark.parametrize("attempts", [1, 3])
async def test_a_request_is_sent_as_often_as_the_settings_say(tmp_path: Path, attempts: int):
    async with reached(AwsSettings(s3_attempts=attempts), tmp_path) as (stub, store):
        stub.then(*[error(500, "InternalError")] * attempts)
        with pytest.raises(Unavailable):
            await store.head(PLACE)
        assert len(stub.seen) == attempts


async def test_an_s3_that_says_nothing_is_waited_for_as_long_as_the_settings_say(tmp_path: Path):
    async with reached(AwsSettings(s3_attempts=1, s3_timeout_s=0.2), tmp_path) as (stub, store):
        stub.then(says_nothing)
        with pytest.raises(Unavailable, match="did not answer in time"):
            await store.head(PLACE)
