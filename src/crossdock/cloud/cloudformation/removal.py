"""Takes resources away: those of a deleted stack, those no longer wanted, and the steps of a failed update."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from crossdock.cloud.cloudformation.journal import leftovers_of, resources_of
from crossdock.cloud.cloudformation.making import Site, Step, failure
from crossdock.cloud.cloudformation.resources.kind import CannotUpdate
from crossdock.cloud.cloudformation.resources.table import kind_of
from crossdock.cloud.cloudformation.store import ResourceRecord
from crossdock.core.errors import ServiceError


@dataclass(frozen=True, slots=True)
class Removal:
    site: Site

    async def everything(self, *, retained: Collection[str] = (), is_rollback: bool = False) -> list[str]:
        """Delete all resources, the last made first; returns the logical ids that could not be deleted."""
        state, stack = self.site.call.house.state, self.site.journal.stack
        leftovers = await leftovers_of(state, stack)
        failed: list[str] = []
        for record in last_made_first([*(await resources_of(state, stack)).values(), *leftovers]):
            is_leftover = record in leftovers
            if record.logical_id in retained or _is_retained(record, is_rollback=is_rollback):
                await self.site.journal.forget(record, "DELETE_SKIPPED", is_leftover=is_leftover)
            elif not await self._delete(record, is_leftover=is_leftover):
                failed.append(record.logical_id)
        return failed

    async def unwanted(self, removed: Iterable[ResourceRecord]) -> None:
        """Delete what a finished update no longer wants, and what it or an earlier one replaced.

        A failure is an event; as at AWS the update is complete all the same, and here it is tried again next time.
        """
        state, stack = self.site.call.house.state, self.site.journal.stack
        present = {record.physical_id for record in (await resources_of(state, stack)).values()}
        leftovers = await leftovers_of(state, stack)
        gone = list(removed)
        present -= {record.physical_id for record in gone}
        for record in last_made_first([*leftovers, *gone]):
            is_leftover = record in leftovers
            if _is_retained(record, is_rollback=False) or (is_leftover and record.physical_id in present):
                await self.site.journal.forget(record, "DELETE_SKIPPED", is_leftover=is_leftover)
            else:
                await self._delete(record, is_leftover=is_leftover)

    async def undo(self, steps: Sequence[Step]) -> list[str]:
        """Take back every step, the last first. Returns the logical ids of what could not be taken back."""
        failed: list[str] = []
        for step in reversed(steps):
            if step.before is None:
                is_undone = await self._undo_making(step.after)
            elif step.is_replacement:
                is_undone = await self._undo_replacing(step.before, step.after)
            else:
                is_undone = await self._undo_change(step.before, step.after)
            if not is_undone:
                failed.append(step.after.logical_id)
        return failed

    async def _undo_making(self, made: ResourceRecord) -> bool:
        if _is_retained(made, is_rollback=True):
            await self.site.journal.forget(made, "DELETE_SKIPPED", is_leftover=False)
            return True
        return await self._delete(made, is_leftover=False)

    async def _undo_replacing(self, before: ResourceRecord, after: ResourceRecord) -> bool:
        await self.site.journal.restore(before)
        if not after.physical_id or after.physical_id == before.physical_id:
            return True
        # From here on it is one of the leftovers, so that it is not forgotten if it cannot be deleted now.
        await self.site.journal.leave(after)
        return await self._delete(after, is_leftover=True)

    async def _undo_change(self, before: ResourceRecord, after: ResourceRecord) -> bool:
        journal = self.site.journal
        wanted = journal.states(before)[0]
        changed = [state for state in journal.states(after) if state != wanted] if after != before else []
        try:
            for state in changed:
                at = self.site.workplace(after.logical_id)
                await kind_of(after.type).update(at, after.physical_id, state, wanted)
        except (ServiceError, CannotUpdate) as error:
            reason = failure(error) if isinstance(error, ServiceError) else "It would have to be replaced."
            await journal.fail(after, "UPDATE_FAILED", reason)
            return False
        if changed:
            await journal.announce(before, "UPDATE_COMPLETE")
        await journal.restore(before)
        return True

    async def _delete(self, record: ResourceRecord, *, is_leftover: bool) -> bool:
        journal = self.site.journal
        if record.physical_id:
            await journal.announce(record, "DELETE_IN_PROGRESS")
        try:
            await self.site.delete(record)
        except ServiceError as error:
            if is_leftover:
                await journal.announce(record, "DELETE_FAILED", failure(error))
            else:
                await journal.fail(record, "DELETE_FAILED", failure(error))
            return False
        await journal.forget(record, is_leftover=is_leftover)
        return True


def _is_retained(record: ResourceRecord, *, is_rollback: bool) -> bool:
    """`RetainExceptOnCreate` keeps nothing of an operation that is taken back. What was never complete is not kept."""
    if not record.is_complete:
        return False
    return record.deletion_policy == "Retain" or (record.deletion_policy == "RetainExceptOnCreate" and not is_rollback)


def last_made_first(records: Iterable[ResourceRecord]) -> list[ResourceRecord]:
    return sorted(records, key=lambda record: record.position, reverse=True)
