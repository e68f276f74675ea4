"""Every contract test of objects runs once in each adapter."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.contract.object_stores import ADAPTERS, Adapter
from tests.contract.object_worlds import World


def adapters(choose: Callable[[Adapter], bool] = lambda _: True) -> list[Any]:
    return [pytest.param(name, marks=adapter.marks, id=name) for name, adapter in ADAPTERS.items() if choose(adapter)]


@asynccontextmanager
async def open_world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    adapter = ADAPTERS[request.param]
    test = request.node.originalname
    others = (value for name, value in request.node.callspec.params.items() if name != request.fixturename)
    for name in (test, f"{test}[{'-'.join(map(str, others))}]"):
        if name in adapter.lacks:
            # Strictly: should it pass one day, the list is to be shortened.
            request.node.add_marker(pytest.mark.xfail(reason=adapter.lacks[name], strict=True))
    async with adapter.open(request.getfixturevalue(adapter.ground)) as stores:
        bucket = await stores.add_bucket()
        yield World(stores, bucket, (await stores.caller(bucket)).store, adapter.longest_key)


@pytest.fixture(params=adapters())
async def world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with open_world(request) as world:
        yield world


@pytest.fixture(params=adapters(lambda adapter: adapter.stages))
async def staging_world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with open_world(request) as world:
        yield world


@pytest.fixture(params=adapters(lambda adapter: adapter.is_portable))
async def portable_world(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    async with open_world(request) as world:
        yield world
