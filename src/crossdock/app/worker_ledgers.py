"""What workers have noted of uploads that they begin: nothing but what the service could begin itself."""

from collections.abc import Callable
from dataclasses import dataclass

from crossdock.app.upload_ledgers import AT_AWS, UploadLedgers
from crossdock.cloud.s3.attachments import all_buckets
from crossdock.core.errors import Unavailable
from crossdock.ports.state import State
from crossdock.ports.upload_ledger import BegunUpload, UploadLedger


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLedger:
    """The ledger of an S3 as a worker names it: AWS's where `is_at_aws`, else one that a bucket is attached to."""

    where: str
    ledger: UploadLedger
    state: State
    is_at_aws: bool

    async def note(self, upload: BegunUpload) -> None:
        if not await self._is_known():
            raise Unavailable(f"no upload begins at {self.where or 'AWS'}: this service keeps no files there")
        await self.ledger.note(upload)

    async def forget(self, upload: BegunUpload) -> None:
        # Also where a bucket was attached to when it began.
        await self.ledger.forget(upload)

    async def _is_known(self) -> bool:
        if self.is_at_aws:
            return self.where == AT_AWS
        backings = [record.backing for record in await all_buckets(self.state)]
        return any(backing is not None and backing.where == self.where for backing in backings)


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgersOfWorker:
    """See `ports.upload_ledger.WorkerLedgers`. `run` is the worker's own."""

    ledgers: UploadLedgers
    run: str
    state: State
    is_at_aws: bool

    def of(self, where: str) -> WorkerLedger:
        ledger = self.ledgers.of_run(self.run, where)
        return WorkerLedger(where=where, ledger=ledger, state=self.state, is_at_aws=self.is_at_aws)

    def give_back(self) -> None:
        self.ledgers.end_run(self.run)


def worker_ledgers(ledgers: UploadLedgers, state: State, *, is_at_aws: bool) -> Callable[[], LedgersOfWorker]:
    """Each call is for one more worker."""

    def begin() -> LedgersOfWorker:
        return LedgersOfWorker(ledgers=ledgers, run=ledgers.begin_run(), state=state, is_at_aws=is_at_aws)

    return begin
