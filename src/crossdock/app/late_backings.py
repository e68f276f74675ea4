"""The S3s behind attached buckets, for processes that most often have none."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import TYPE_CHECKING, Any

from crossdock.core.backings import Backing
from crossdock.core.errors import FileError
from crossdock.ports.backings import ForeignS3, SentBody
from crossdock.ports.host import Clock
from crossdock.ports.objects import ObjectStore
from crossdock.ports.upload_ledger import BegunUpload, UploadLedger
from crossdock.settings import AwsSettings

if TYPE_CHECKING:
    from crossdock.adapters.aws.backings import BackingConnections

Opening = Callable[[], AbstractAsyncContextManager[ForeignS3]]


def open_connections(
    aws: AwsSettings, clock: Clock, ledger_of: Callable[[str], UploadLedger], *, has_environment: bool
) -> "AbstractAsyncContextManager[BackingConnections]":
    """As the service reaches them, or a worker, which does not have its environment. Takes 20 MB."""
    from crossdock.adapters.aws.backings import open_backings
    from crossdock.adapters.aws.retrying import patience_of

    return open_backings(
        clock=clock,
        has_environment=has_environment,
        ledger_of=lambda backing: ledger_of(backing.where),
        patience=patience_of(attempts=aws.s3_attempts, timeout_s=aws.s3_timeout_s),
        read_timeout_s=aws.s3_timeout_s,
    )


class LateBackings:
    """See `ports.backings.ForeignS3`. What it stands on is opened, and imported, when it is first asked.

    Args:
        stack: closes what was opened.
        opening: imports what it opens.
    """

    def __init__(self, stack: AsyncExitStack, opening: Opening) -> None:
        self._stack = stack
        self._opening = opening
        self._turn = asyncio.Lock()
        self._opened: ForeignS3 | None = None

    async def store_of(self, backing: Backing) -> ObjectStore:
        return await (await self.open()).store_of(backing)

    async def call(self, backing: Backing, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return await (await self.open()).call(backing, operation, params)

    async def send(self, backing: Backing, sent: SentBody) -> Mapping[str, str]:
        return await (await self.open()).send(backing, sent)

    async def abort_upload(self, backing: Backing, upload: BegunUpload) -> None:
        await (await self.open()).abort_upload(backing, upload)

    def kind_of(self, error: FileError) -> type[FileError]:
        return type(error) if self._opened is None else self._opened.kind_of(error)

    async def open(self) -> ForeignS3:
        """Open it now, if it is not open yet."""
        async with self._turn:
            if self._opened is None:
                self._opened = await self._stack.enter_async_context(self._opening())
            return self._opened
