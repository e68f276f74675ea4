"""Bodies that are streamed, never held: how S3 operations take and give bytes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from crossdock.ports.objects import ObjectReader


class BodyStream(Protocol):
    """A request body. `length` is the number of payload bytes when the client said so, -1 when it did not.

    Iterating raises ServiceError when the body is shorter than announced, badly signed or its checksum wrong, so that
    an operation that reached the end knows the body was whole.
    """

    @property
    def length(self) -> int: ...

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    @property
    def trailers(self) -> dict[str, str]:
        """Trailing headers (checksums), complete once the iteration has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BytesBody:
    """A body that is already in memory: for calls that come from inside the house."""

    content: bytes

    @property
    def length(self) -> int:
        return len(self.content)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.content

    @property
    def trailers(self) -> dict[str, str]:
        return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectBody:
    """A response body: `size` bytes of an object from `offset`.

    The reader gives just these: it stands at `offset` and ends after `size` bytes. Whoever sends it closes the reader.
    """

    reader: ObjectReader
    offset: int
    size: int
