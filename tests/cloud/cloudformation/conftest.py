"""Every test here has a cloud of its own."""

import pytest
from tests.fakes.stacks import EmbeddedStacks, make_stacks


@pytest.fixture
async def cloud() -> EmbeddedStacks:
    return await make_stacks()
