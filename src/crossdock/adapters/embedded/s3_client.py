"""S3's operations as one caller calls them: the one road, and errors in the words of file protocols."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from crossdock.adapters.embedded.file_errors import file_errors
from crossdock.adapters.embedded.pieces import Piece
from crossdock.cloud.s3.etags import quoted
from crossdock.cloud.s3.get_object import find_object, open_object
from crossdock.cloud.s3.put_object import commit_staged, whole_seconds
from crossdock.cloud.s3.reading import WindowReader
from crossdock.cloud.s3.storage import Storage
from crossdock.core.homes import ObjectPlace
from crossdock.core.ids import uuid4_text
from crossdock.operations.call import Call, Operations
from crossdock.operations.caller import Caller, Origin
from crossdock.operations.operation import Params, Result
from crossdock.ports.objects import ObjectInfo
from crossdock.ports.storage import ObjectEntry, StagedBlob


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Client:
    """`caller`'s permissions apply to every call, and are looked up anew at each."""

    operations: Operations
    storage: Storage
    caller: Caller
    region: str
    origin: Origin

    async def call(self, operation: str, params: Params) -> Result:
        request_id = uuid4_text(self.operations.house.entropy)
        with file_errors(params, request_id=request_id):
            return await self.operations.call(
                "s3",
                operation,
                params,
                caller=self.caller,
                account_id=self.caller.principal.account_id,
                region=self.region,
                origin=self.origin,
                request_id=request_id,
            )

    async def read(self, place: ObjectPlace, *, if_match: str | None = None) -> WindowReader:
        """An object from its beginning, of this ETag if one is told."""
        condition = {} if if_match is None else {"IfMatch": quoted(if_match)}
        params = {"Bucket": place.bucket, "Key": place.key, **condition}
        call = await self.authorise("GetObject", params)
        with file_errors(params, request_id=call.request_id):
            return await open_object(self.storage, call)

    async def head(self, place: ObjectPlace) -> ObjectInfo:
        params = {"Bucket": place.bucket, "Key": place.key}
        call = await self.authorise("HeadObject", params)
        with file_errors(params, request_id=call.request_id):
            return await find_object(self.storage, call)

    async def authorise(self, operation: str, params: Params) -> Call:
        """Authorise what is yet to come, as a PutObject's bytes are, or what another store does.

        Whoever goes on without `call` does so only about a bucket whose objects lie here.
        """
        with file_errors(params):
            call = self.operations.begin(
                "s3",
                operation,
                params,
                caller=self.caller,
                account_id=self.caller.principal.account_id,
                region=self.region,
                origin=self.origin,
            )
            await self.operations.authorise(call)
        return call

    async def stage(self) -> StagedBlob:
        with file_errors():
            return await self.storage.blobs.stage()

    async def commit(self, params: Params, staged: StagedBlob | None, rest: Piece) -> ObjectEntry:
        """Authorise that PutObject again, and do it."""
        call = await self.authorise("PutObject", params)
        with file_errors(params, request_id=call.request_id):
            return await commit_staged(self.storage, call, staged, rest)

    def now(self) -> datetime:
        """The time as S3 tells it."""
        return whole_seconds(self.operations.house.clock.now())


@runtime_checkable
class OnClient(Protocol):
    """A store that calls the embedded S3, and as whom."""

    @property
    def client(self) -> S3Client: ...
