"""Uploads that a worker has begun at an S3 of somebody else's, noted by the parent, whose state it is."""

import logging
from typing import Any

from crossdock.adapters.host.workers.calls import FORGET_BEGUN, NOTE_BEGUN, OfBegun
from crossdock.adapters.host.workers.line import Answer, CallingLine
from crossdock.core.errors import FileError
from crossdock.ports.upload_ledger import BegunUpload, WorkerLedgers

_log = logging.getLogger(__name__)


class RemoteUploadLedger:
    """See `ports.upload_ledger.UploadLedger`. `where` names the S3. Those of a worker that dies are over."""

    def __init__(self, line: CallingLine, where: str) -> None:
        self._line = line
        self._where = where

    async def note(self, upload: BegunUpload) -> None:
        await self._line.call(NOTE_BEGUN, OfBegun(where=self._where, upload=upload))

    async def forget(self, upload: BegunUpload) -> None:
        try:
            await self._line.call(FORGET_BEGUN, OfBegun(where=self._where, upload=upload))
        except FileError as error:
            _log.warning("an upload that has ended is still noted as begun", extra={"reason": str(error)})


class LedgerAnswers:
    """The parent's side, for one worker, whose `ledgers` are."""

    def __init__(self, ledgers: WorkerLedgers) -> None:
        self._ledgers = ledgers

    def all(self) -> list[Answer[Any, Any]]:
        return [Answer(NOTE_BEGUN, self._note), Answer(FORGET_BEGUN, self._forget)]

    def give_back(self) -> None:
        """The worker is no more."""
        self._ledgers.give_back()

    async def _note(self, asked: OfBegun) -> bool:
        await self._ledgers.of(asked.where).note(asked.upload)
        return True

    async def _forget(self, asked: OfBegun) -> bool:
        await self._ledgers.of(asked.where).forget(asked.upload)
        return True
