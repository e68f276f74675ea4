"""Takes resources away: those of a deleted stack, those no longer wanted, and the steps of a failed update."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crossdock.cloud.cloudformation.journal import Journal
from crossdock.cloud.cloudformation.making import Step, workplace
from crossdock.cloud.cloudformation.resources.kind import CannotUpdate
from crossdock.cloud.cloudformation.resources.table import kind_of
from crossdock.cloud.cloudformation.store import ResourceRecord
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call


@dataclass(slots=True)
class Removal:
    call: Call
    journal: Journal

    async def everything(self) -> list[str]:
        """Delete all resources, the last made first; returns the logical ids that could not be deleted."""
        failed: list[str] = []
        for record in last_made_first((await self.journal.resources()).values()):
            try:
                await self._delete_made(record)
            except ServiceError as error:
                await self.journal.fail(record, "DELETE_FAILED", f"{error.message} (Service error code: {error.code})")
                failed.append(record.logical_id)
            else:
                await self.journal.forget(record)
        return failed

    async def leftover(self, record: ResourceRecord, *, is_replaced: bool) -> None:
        """Delete what is no longer wanted. A failure is an event; AWS completes the update all the same."""
        try:
            await self._delete_made(record)
        except ServiceError as error:
            await self.journal.announce(record, "DELETE_FAILED", error.message)
            return
        if is_replaced:
            await self.journal.announce(record, "DELETE_COMPLETE")
        else:
            await self.journal.forget(record)

    async def undo(self, steps: Sequence[Step]) -> str:
        """Take back every step, the last first. Returns what could not be taken back, empty if nothing."""
        problems: list[str] = []
        for step in reversed(steps):
            kind = kind_of(step.after.type) if step.after.physical_id else None
            at = workplace(self.call, self.journal, step.after.logical_id)
            try:
                if step.before is None or step.is_replacement:
                    if kind is not None:
                        await kind.delete(at, step.after.physical_id, self.journal.properties(step.after))
                    await self.journal.forget(step.after)
                elif kind is not None:
                    await kind.update(
                        at,
                        step.after.physical_id,
                        self.journal.properties(step.after),
                        self.journal.properties(step.before),
                    )
            except (ServiceError, CannotUpdate) as error:
                problems.append(f"{step.after.logical_id}: {error}")
            if step.before is not None:
                await self.journal.restore(step.before)
        return "; ".join(problems)

    async def _delete_made(self, record: ResourceRecord) -> None:
        if not record.physical_id:
            return
        if record.deletion_policy != "Delete":
            await self.journal.announce(record, "DELETE_SKIPPED")
            return
        await self.journal.announce(record, "DELETE_IN_PROGRESS")
        kind = kind_of(record.type)
        await kind.delete(
            workplace(self.call, self.journal, record.logical_id), record.physical_id, self.journal.properties(record)
        )


def last_made_first(records: Iterable[ResourceRecord]) -> list[ResourceRecord]:
    return sorted(records, key=lambda record: record.position, reverse=True)
