"""The ledgers of uploads that this run of the service begins at S3s of others, itself or in its workers."""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import count

from crossdock.adapters.aws.begun_uploads import BegunUploads, Swept
from crossdock.core.errors import FileError
from crossdock.files.resumable_uploads import resumable_upload_ids
from crossdock.operations.call import House
from crossdock.operations.outages import Outages
from crossdock.operations.pauses import longer
from crossdock.ports.state import State
from crossdock.ports.upload_ledger import BegunUpload

AT_AWS = ""
"""How AWS's S3 is named, of which a gateway has one."""

LedgerOf = Callable[[str], BegunUploads]
"""By the name of the S3."""

SWEEP_EVERY_S, SELDOM_S = 300.0, 3600.0


async def sweep_forever(
    sweep: Callable[[], Awaitable[Swept]], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Now and every five minutes; twice as long after each in which something stayed, but never longer than an hour.

    What stays is told once, and again when it has stayed anew.
    """
    wait = SWEEP_EVERY_S / 2
    told = frozenset[str]()
    outages = Outages(
        "uploads that were left behind cannot be swept", "what was left behind can be swept again", pause_s=0
    )
    while True:
        try:
            swept = await sweep()
        except FileError as error:
            outages.failed("", reason=str(error))
            is_clean = False
        else:
            outages.worked("")
            swept.log(told)
            told = frozenset(swept.stayed)
            is_clean = not swept.stayed
        wait = SWEEP_EVERY_S if is_clean else longer(wait, SELDOM_S)
        await sleep(wait)


class UploadLedgers:
    """Called, it is the LedgerOf this process. What a worker begins is noted in a run of its own, which ends with it.

    So nothing is written at a worker's end, and nothing escapes: not even what is noted while it dies.
    """

    def __init__(self, house: House) -> None:
        self._house = house
        self._run = house.entropy(8).hex()
        self._living = {self._run}
        self._numbers = count(1)
        self._own: dict[str, BegunUploads] = {}

    def __call__(self, where: str) -> BegunUploads:
        # One for all sweeps: it knows what the last ones could not abort.
        return self._own.setdefault(where, self.of_run(self._run, where))

    def begin_run(self) -> str:
        run = f"{self._run}.{next(self._numbers)}"
        self._living.add(run)
        return run

    def of_run(self, run: str, where: str) -> BegunUploads:
        house = self._house
        return BegunUploads(house.state, node=where, run=run, clock=house.clock, living=self._living)

    def end_run(self, run: str) -> None:
        self._living.discard(run)


async def sweep_unresumable(
    ledger: BegunUploads, abort: Callable[[BegunUpload], Awaitable[None]], state: State
) -> Swept:
    """Abort the uploads that were left behind, but for what their users may go on with. Raises FileError."""
    return await ledger.sweep(abort, is_spared=_Resumable(state))


class _Resumable:
    """Whether the user of an upload may go on with it. One for each sweep: what once was spared stays so."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._ids: frozenset[str] = frozenset()
        self._generation: int | None = None

    async def __call__(self, upload: BegunUpload) -> bool:
        generation = self._state.generation()
        if upload.upload_id not in self._ids and generation != self._generation:
            # A sweep takes its time, and another may have been noted since.
            self._ids, self._generation = await resumable_upload_ids(self._state), generation
        return upload.upload_id in self._ids
