"""Ending the uploads that were left behind at the S3s behind attached buckets: at each by itself, for others may hang.

Of a bucket that is attached no more they are ended at once, as long as its S3 can be reached; then they are forgotten:
nobody has the credentials any more with which they could be aborted.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from crossdock.adapters.aws.begun_uploads import Swept, noted_nodes
from crossdock.app.upload_ledgers import AT_AWS, SWEEP_EVERY_S, LedgerOf, sweep_forever, sweep_unresumable
from crossdock.cloud.s3.attachments import all_buckets
from crossdock.core.backings import Backing
from crossdock.core.errors import FileError
from crossdock.operations.call import House
from crossdock.operations.outages import Outages
from crossdock.ports.upload_ledger import BegunUpload

PARTING_S = 20.0
"""How long the S3 of a bucket that was detached is waited for. Less than the command waits for its answer."""

_log = logging.getLogger(__name__)


class EndsUploads(Protocol):
    """What is used of `ports.backings.ForeignS3`."""

    async def abort_upload(self, backing: Backing, upload: BegunUpload) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parting:
    """How many unfinished uploads were aborted at the S3 of a bucket that was detached, and how many stay, and why.

    A reason though none stays is why nobody could look yet.
    """

    aborted: int = 0
    stayed: int = 0
    reason: str = ""

    def log(self, where: str) -> None:
        if self.aborted:
            _log.info("aborted uploads of a bucket that was detached", extra={"at": where, "uploads": self.aborted})
        if self.stayed:
            _log.warning(
                "the parts of unfinished uploads stay at the S3 of a bucket that was detached",
                extra={"at": where, "uploads": self.stayed, "reason": self.reason},
            )
        elif self.reason:
            _log.warning(
                "unfinished uploads at the S3 of a bucket that was detached cannot be seen, and are looked at again",
                extra={"at": where, "reason": self.reason},
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class BackingSweeps:
    house: House
    foreign: EndsUploads
    ledger_of: LedgerOf
    parting_s: float = PARTING_S
    _sweeping: dict[Backing, asyncio.Task[None]] = field(default_factory=dict, init=False)
    _parting: dict[Backing, asyncio.Lock] = field(default_factory=dict, init=False)
    """Those that are being parted from, and those of which what was left there could not be seen."""

    async def run(self, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        """Until it is cancelled."""
        outages = Outages(
            "which S3s are to be swept cannot be seen", "which S3s are to be swept can be seen again", pause_s=0
        )
        while True:
            try:
                await self.look()
            except FileError as error:
                outages.failed("", reason=str(error))
            else:
                outages.worked("")
            await sleep(SWEEP_EVERY_S)

    async def look(self) -> None:
        """Sweep from now on at the S3s of the buckets that are attached now, and nowhere else. Raises FileError."""
        attached = await self._attached()
        for backing in attached:
            task = self._sweeping.get(backing)
            # Ended by what nobody expected: another time it may go well.
            if task is None or task.done():
                sweeping = sweep_forever(partial(self.sweep, backing))
                self._sweeping[backing] = self.house.tasks.start(sweeping, name=f"sweep of {backing.where}")
        for backing in (self._sweeping.keys() | self._parting.keys()) - attached:
            if (task := self._sweeping.pop(backing, None)) is not None:
                task.cancel()
            (await self.part_from(backing)).log(backing.where)
        # Detached just before the service ended.
        known = {backing.where for backing in await self._attached() | self._parting.keys()}
        for where in await noted_nodes(self.house.state) - known - {AT_AWS}:
            count = await self.ledger_of(where).forget_left_behind()
            Parting(stayed=count, reason="no bucket is attached there any more").log(where)

    async def sweep(self, backing: Backing) -> Swept:
        """Abort what was left behind there, but for what users may go on with. Raises FileError."""
        abort = partial(self.foreign.abort_upload, backing)
        return await sweep_unresumable(self.ledger_of(backing.where), abort, self.house.state)

    async def part_from(self, backing: Backing) -> Parting:
        """Abort what was left behind at the S3 of a bucket that was detached, and forget it. Raises FileError.

        Also what users might have gone on with: they cannot reach it any more. What is under way ends by itself.
        """
        async with self._parting.setdefault(backing, asyncio.Lock()):
            parting = await self._part_from(backing)
            self._parting.pop(backing, None)
            return parting

    async def _part_from(self, backing: Backing) -> Parting:
        if backing.where in {one.where for one in await self._attached()}:
            return Parting()
        ledger = self.ledger_of(backing.where)
        before = len([upload async for upload in ledger.left_behind()])
        reasons, stayed = list[str](), 0
        try:
            async with asyncio.timeout(self.parting_s):
                swept = await ledger.sweep(partial(self.foreign.abort_upload, backing))
            reasons, stayed = [*swept.stayed.values(), *swept.forgotten], len(swept.forgotten)
        except TimeoutError:
            reasons = [f"it did not answer within {self.parting_s:g} s"]
        stayed += await ledger.forget_left_behind()
        reason = reasons[0] if stayed and reasons else ""
        return Parting(aborted=before - stayed, stayed=stayed, reason=reason)

    async def _attached(self) -> frozenset[Backing]:
        records = await all_buckets(self.house.state)
        return frozenset(record.backing for record in records if record.backing is not None)
