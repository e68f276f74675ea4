"""Every test here has an S3 of its own, and must leave it without a blob that nothing refers to."""

from collections.abc import AsyncIterator

import pytest
from tests.fakes.s3 import EmbeddedS3, make_s3


@pytest.fixture
async def s3() -> AsyncIterator[EmbeddedS3]:
    made = await make_s3()
    yield made
    made.close()
    await made.check_tidy()
