"""Uploads that a worker has begun at an S3 of somebody else's, noted by the parent, whose state it is."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from crossdock.adapters.host.workers.calls import FORGET_BEGUN, NOTE_BEGUN, OfBegun
from crossdock.adapters.host.workers.line import Answer, CallingLine
from crossdock.core.errors import FileError
from crossdock.ports.upload_ledger import BegunUpload, UploadLedger

MOST_BEGUN = 10_000
"""Of one worker. What a user may go on with is among them for as long as the worker lives; the eldest are left out."""

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
    """The parent's side, for one worker. `ledger_of` has the ledger of an S3."""

    def __init__(self, ledger_of: Callable[[str], UploadLedger]) -> None:
        self._ledger_of = ledger_of
        self._begun: dict[tuple[str, str], OfBegun] = {}

    def all(self) -> list[Answer[Any, Any]]:
        return [Answer(NOTE_BEGUN, self._note), Answer(FORGET_BEGUN, self._forget)]

    async def give_back(self) -> None:
        """The worker is no more: what it had begun is to be swept, but for what its user may go on with."""
        begun, self._begun = self._begun, {}
        for asked in begun.values():
            try:
                await self._ledger_of(asked.where).note(replace(asked.upload, is_over=True))
            except FileError as error:
                extra = {"place": str(asked.upload.place), "reason": str(error)}
                _log.warning("an upload of a worker that is gone stays until the next start", extra=extra)

    async def _note(self, asked: OfBegun) -> bool:
        # Before it is: of an answer that is cut off nobody knows whether it was.
        self._begun[_name(asked)] = asked
        if len(self._begun) > MOST_BEGUN:
            self._begun.pop(next(iter(self._begun)))
        await self._ledger_of(asked.where).note(asked.upload)
        return True

    async def _forget(self, asked: OfBegun) -> bool:
        await self._ledger_of(asked.where).forget(asked.upload)
        self._begun.pop(_name(asked), None)
        return True


def _name(asked: OfBegun) -> tuple[str, str]:
    return asked.where, asked.upload.upload_id
