"""Uploads that have not become the file, over a restart in order: lftp, which tries again by itself, outlives that.

A crash forgets them. What the last end in order left is read once, so that nothing older is ever taken for true.
"""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from crossdock.core.errors import FileError
from crossdock.core.homes import ObjectPlace
from crossdock.files.unfinished import UnfinishedUploads
from crossdock.operations.records import Records
from crossdock.ports.state import State, TableSpec

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class UnfinishedRecord:
    user: str
    bucket: str
    key: str


KEPT: Records[UnfinishedRecord] = Records(TableSpec(name="unfinished_uploads"), UnfinishedRecord)


@asynccontextmanager
async def open_unfinished(state: State) -> AsyncIterator[UnfinishedUploads]:
    """Those of the last run, to go on with; at the end of the block they are kept for the next."""
    uploads = UnfinishedUploads()
    async with state.transaction() as tx:
        for number, record in enumerate(await KEPT.everything(tx)):
            uploads.note(record.user, ObjectPlace(bucket=record.bucket, key=record.key))
            await KEPT.delete(tx, _row(number))
    try:
        yield uploads
    finally:
        try:
            await _keep(state, uploads)
        except FileError as error:
            _log.warning("unfinished uploads are forgotten", extra={"reason": str(error)})


async def _keep(state: State, uploads: UnfinishedUploads) -> None:
    async with state.transaction() as tx:
        for number, (user, place) in enumerate(uploads.all()):
            await KEPT.put(tx, UnfinishedRecord(user=user, bucket=place.bucket, key=place.key), _row(number))


def _row(number: int) -> str:
    """The eldest first, as keys are ordered."""
    return f"{number:08}"
