"""Clients of AWS whose AWS is the embedded cloud over HTTP, with the keys of an account's administrator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiobotocore.session import AioSession
from tests.fakes.http_cloud import HttpCloud

from crossdock.adapters.aws.clients import AwsClients, open_clients


@asynccontextmanager
async def clients_of(cloud: HttpCloud, *, account: str = "hub") -> AsyncIterator[AwsClients]:
    key = await cloud.key_of(account)
    session = AioSession()
    session.set_credentials(key.access_key_id, key.secret_access_key)
    async with open_clients(read_timeout_s=10, endpoint_url=cloud.url, attempts=1, session=session) as clients:
        yield clients
