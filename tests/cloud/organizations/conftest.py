"""The organization that these tests call."""

import pytest
from tests.fakes.organization import Organization, make_organization


@pytest.fixture
async def house() -> Organization:
    return await make_organization()
