"""The S3s of others, in which the bytes of some buckets lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from crossdock.core.backings import Backing
from crossdock.core.errors import FileError, Unavailable
from crossdock.ports.objects import ObjectStore
from crossdock.ports.upload_ledger import BegunUpload


class ForeignS3(Protocol):
    """Reaches the bucket of a backing with the backing's own credentials. Places and keys are that bucket's.

    Whoever calls has asked the policies of our bucket before.
    """

    async def store_of(self, backing: Backing) -> ObjectStore:
        """With the credentials of this moment; what it gave before goes on with them too.

        Raises Unavailable when there are none, or the backing cannot be reached from here.
        """

    def kind_of(self, error: FileError) -> type[FileError]:
        """What an error of such a store is to whoever uses our bucket: that Crossdock is refused is no answer to them,
        nor that the bucket behind is gone."""

    async def call(self, backing: Backing, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """An operation of S3 as botocore spells it, without `Bucket`; the `Body` of an answer is an ObjectReader.

        Raises ServiceError as that S3 answers, ServiceUnavailable where it refuses Crossdock or does not answer.
        """

    async def send(self, backing: Backing, sent: "SentBody") -> Mapping[str, str]:
        """PutObject or UploadPart; the headers of the answer, whose names compare without case. Raises as `call`."""

    async def abort_upload(self, backing: Backing, upload: BegunUpload) -> None:
        """One that was left behind there; one that is gone was aborted. Raises FileError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SentBody:
    """A body that lies in memory or is mapped there, and what is said of it. `upload_id` makes it a part of that."""

    key: str
    body: Sequence[memoryview]
    headers: Mapping[str, str]
    upload_id: str = ""
    part_number: int = 0


class NoForeignS3:
    """Where nobody else's S3 is reached."""

    async def store_of(self, backing: Backing) -> ObjectStore:
        raise _unreached(backing)

    def kind_of(self, error: FileError) -> type[FileError]:
        return type(error)

    async def call(self, backing: Backing, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        raise _unreached(backing)

    async def send(self, backing: Backing, sent: SentBody) -> Mapping[str, str]:
        raise _unreached(backing)

    async def abort_upload(self, backing: Backing, upload: BegunUpload) -> None:
        raise _unreached(backing)


def _unreached(backing: Backing) -> Unavailable:
    return Unavailable(f"{backing.where} is not reached from this process")
