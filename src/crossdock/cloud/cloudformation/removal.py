"""Takes resources away: those of a deleted stack, those no longer wanted, and the steps of a failed update."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

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
        """Delete all resources, the last made first; returns the logical ids that could not be deleted.

        After an update that ended half-way the order may be that of two templates: what another resource was in the
        way of is tried again.
        """
        state, stack = self.site.call.house.state, self.site.journal.stack
        leftovers = await leftovers_of(state, stack)
        waiting = last_made_first([*(await resources_of(state, stack)).values(), *leftovers])
        while True:
            failed: list[ResourceRecord] = []
            has_progressed = False
            for record in waiting:
                is_leftover = record in leftovers
                is_kept = _is_retained(record, is_rollback=is_rollback) or (is_leftover and _is_left_alone(record))
                if record.logical_id in retained or is_kept:
                    await self.site.journal.forget(record, "DELETE_SKIPPED", is_leftover=is_leftover)
                elif (left := await self._delete(record, is_leftover=is_leftover)) is not None:
                    failed.append(left)
                else:
                    has_progressed = has_progressed or bool(failed)
            if not has_progressed:
                return [record.logical_id for record in failed]
            leftovers = [record for record in failed if record in await leftovers_of(state, stack)]
            waiting = failed

    async def unwanted(self, removed: Iterable[ResourceRecord]) -> None:
        """Delete what a finished update no longer wants, and what it or an earlier one replaced.

        A failure is an event; as at AWS the update is complete all the same, and here it is tried again next time.
        """
        state, stack = self.site.call.house.state, self.site.journal.stack
        # A bucket and its policy have one physical id.
        present = {(record.type, record.physical_id) for record in (await resources_of(state, stack)).values()}
        leftovers = await leftovers_of(state, stack)
        gone = list(removed)
        present -= {(record.type, record.physical_id) for record in gone}
        for record in last_made_first([*leftovers, *gone]):
            is_leftover = record in leftovers
            if is_leftover:
                is_kept = _is_left_alone(record) or (record.type, record.physical_id) in present
            else:
                is_kept = _is_retained(record, is_rollback=False)
            if is_kept:
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
                is_undone = await self._undo_replacing(step.before, step.after, is_taken_back=step.is_taken_back)
            else:
                is_undone = await self._undo_change(step.before, step.after)
            if not is_undone:
                failed.append(step.after.logical_id)
        return failed

    async def _undo_making(self, made: ResourceRecord) -> bool:
        if _is_retained(made, is_rollback=True):
            await self.site.journal.forget(made, "DELETE_SKIPPED", is_leftover=False)
            return True
        return await self._delete(made, is_leftover=False) is None

    async def _undo_replacing(self, before: ResourceRecord, after: ResourceRecord, *, is_taken_back: bool) -> bool:
        if not after.physical_id or after.physical_id == before.physical_id:
            await self.site.journal.restore(before)
            return True
        await self.site.journal.restore(before, leaving=after)
        # What was taken back had been left over before, and is so again.
        return is_taken_back or await self._delete(after, is_leftover=True) is None

    async def _undo_change(self, before: ResourceRecord, after: ResourceRecord) -> bool:
        journal = self.site.journal
        wanted = journal.states(before)[0]
        changed = [state for state in journal.states(after) if state != wanted] if after != before else []
        if changed:
            # Written down first, for the change may be taken back in part when the service is killed.
            pending = (*after.pending, before.sealed)
            after = await journal.note(replace(after, status="UPDATE_IN_PROGRESS", reason="", pending=pending))
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

    async def _delete(self, record: ResourceRecord, *, is_leftover: bool) -> ResourceRecord | None:
        """Delete a resource; returns what is left of it if that fails."""
        journal = self.site.journal
        at = self.site.workplace(record.logical_id)
        begun = replace(record, status="DELETE_IN_PROGRESS", reason="", ref="")
        if record.physical_id:
            # From now on it may be gone, or be there in part.
            begun = await journal.note(begun, is_leftover=is_leftover)
        try:
            await self.site.delete(at, record)
        except ServiceError as error:
            # What nothing was done to is as complete as before.
            left = begun if at.has_changed else record
            return await journal.fail(left, "DELETE_FAILED", failure(error), is_leftover=is_leftover)
        await journal.forget(begun, is_leftover=is_leftover)
        return None


def _is_retained(record: ResourceRecord, *, is_rollback: bool) -> bool:
    """`RetainExceptOnCreate` keeps nothing of an operation that is taken back. What was never complete is not kept."""
    if not record.is_complete:
        return False
    return record.deletion_policy == "Retain" or (record.deletion_policy == "RetainExceptOnCreate" and not is_rollback)


def _is_left_alone(leftover: ResourceRecord) -> bool:
    return leftover.is_complete and leftover.replace_policy == "Retain"


def last_made_first(records: Iterable[ResourceRecord]) -> list[ResourceRecord]:
    return sorted(records, key=lambda record: record.position, reverse=True)
