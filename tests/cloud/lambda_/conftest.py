"""Every test here has a Lambda of its own."""

import pytest
from tests.fakes.lambda_ import EmbeddedLambda, make_lambda


@pytest.fixture
async def cloud() -> EmbeddedLambda:
    return await make_lambda()
