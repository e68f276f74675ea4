"""What an act fails with is told; a mistake of the program is raised."""

import pytest

from crossdock.core.errors import Denied, ServiceError
from crossdock.operations.failures import failure_of
from crossdock.ports.authority import AssumeRefused


async def act(error: Exception | None) -> None:
    if error is not None:
        raise error


@pytest.mark.parametrize("error", [None, Denied("no"), ServiceError("NoSuchUpload", "no"), AssumeRefused("no")])
async def test_what_a_store_or_sts_says_is_told(error: Exception | None):
    assert await failure_of(act(error)) is error


async def test_a_mistake_is_raised():
    with pytest.raises(ZeroDivisionError):
        await failure_of(act(ZeroDivisionError()))
