"""Every contract test of objects runs once in each adapter."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.contract.object_stores import ADAPTERS, Adapter
from tests.contract.object_worlds import World


@asynccontextmanager
async def open_world(adapter: Adapter, directory: Path) -> AsyncIterator[World]:
    async with adapter.open(directory) as stores:
        bucket = await stores.add_bucket()
        yield World(stores, bucket, (await stores.caller(bucket)).store)


@pytest.fixture(params=ADAPTERS)
async def world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(ADAPTERS[request.param], tmp_path) as world:
        yield world


@pytest.fixture(params=[name for name, adapter in ADAPTERS.items() if adapter.stages])
async def staging_world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(ADAPTERS[request.param], tmp_path) as world:
        yield world


@pytest.fixture(params=[name for name, adapter in ADAPTERS.items() if adapter.is_portable])
async def portable_world(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    async with open_world(ADAPTERS[request.param], tmp_path) as world:
        yield world
