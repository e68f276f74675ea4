"""What one of many acts fails with, where the others go on."""

from collections.abc import Awaitable

from crossdock.core.errors import FileError, ServiceError
from crossdock.ports.authority import AssumeRefused


async def failure_of(act: Awaitable[None]) -> FileError | ServiceError | AssumeRefused | None:
    """None of an act that goes well. Raises any other error."""
    try:
        await act
    except (FileError, ServiceError, AssumeRefused) as error:
        return error
    return None
