"""Fixtures for tests of SFTP."""

import pytest
from tests.fakes.filesystems import make_s3
from tests.fakes.object_store import MemoryS3


@pytest.fixture
def s3() -> MemoryS3:
    return make_s3()
