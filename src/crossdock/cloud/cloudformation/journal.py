"""Writes down what happens to a stack: its status, its resources, its events, each in a commit of its own.

What is going to happen is written before it happens, so that a service that was killed in between knows what to look
for. No text of a NoEcho parameter gets into a reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from crossdock.cloud.cloudformation.events import note_resource, note_stack
from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.cloud.cloudformation.store import (
    LEFTOVERS,
    RESOURCES,
    STACKS,
    ResourceRecord,
    StackRecord,
    seal_properties,
    unseal_properties,
)
from crossdock.cloud.cloudformation.template import Resource
from crossdock.operations.call import House
from crossdock.ports.host import Sealer
from crossdock.ports.state import State, Transaction

MASK = "****"
INITIATED = "Resource creation Initiated"
REPLACING = "Requested update requires the creation of a new physical resource; hence creating one."


@dataclass(slots=True)
class Journal:
    """The one writer of a stack while it is deployed; `stack` is its latest record."""

    house: House
    sealer: Sealer
    stack: StackRecord
    secrets: tuple[str, ...] = ()

    async def set_stack(self, status: str, reason: str = "", **changes: Any) -> None:
        """Give the stack a status (and other fields), with an event."""
        stack = replace(self.stack, status=status, reason=_masked(reason, self.secrets), **changes)
        async with self.house.state.transaction() as tx:
            await STACKS.put(tx, stack, stack.account_id, stack.region, stack.uuid)
            await note_stack(self.house, tx, stack)
        self.stack = stack

    async def begin(
        self,
        resource: Resource,
        *,
        position: int,
        properties: Mapping[str, Any],
        replaces: ResourceRecord | None = None,
    ) -> ResourceRecord:
        """A resource is going to be made; what it replaces is left over from now on."""
        record = ResourceRecord(
            logical_id=resource.logical_id,
            type=resource.type,
            position=position,
            status="UPDATE_IN_PROGRESS" if replaces else "CREATE_IN_PROGRESS",
            reason=REPLACING if replaces else "",
            updated_at=self.house.clock.now(),
            sealed=self._sealed(resource.logical_id, properties),
            deletion_policy=resource.deletion_policy,
            replaces=replaces.physical_id if replaces else "",
        )
        async with self.house.state.transaction() as tx:
            if replaces is not None:
                await _leave(tx, self.stack, replace(replaces, replace_policy=resource.replace_policy))
            await _put(tx, self.stack, record)
            await note_resource(self.house, tx, self.stack, record)
        return record

    async def take_back(
        self, left: ResourceRecord, resource: Resource, position: int, *, replaces: ResourceRecord
    ) -> ResourceRecord:
        """What was replaced and is still there is wanted again; what had replaced it is left over from now on."""
        record = replace(
            left,
            status="UPDATE_COMPLETE",
            reason="",
            position=position,
            updated_at=self.house.clock.now(),
            deletion_policy=resource.deletion_policy,
            replace_policy="Delete",
        )
        async with self.house.state.transaction() as tx:
            await LEFTOVERS.delete(tx, *_leftover_key(self.stack, left))
            await _leave(tx, self.stack, replace(replaces, replace_policy=resource.replace_policy))
            await _put(tx, self.stack, record)
            await note_resource(self.house, tx, self.stack, record)
        return record

    async def fall_back(self, half_made: ResourceRecord) -> ResourceRecord | None:
        """What was half made is gone; what it should have replaced, if there is such, is the resource again."""
        async with self.house.state.transaction() as tx:
            await RESOURCES.delete(tx, self.stack.uuid, half_made.logical_id)
            await note_resource(self.house, tx, self.stack, replace(half_made, status="DELETE_COMPLETE", reason=""))
            key = self.stack.uuid, half_made.logical_id, half_made.replaces
            left = await LEFTOVERS.get(tx, *key) if half_made.replaces else None
            if left is None or not left.is_complete:
                return None
            await LEFTOVERS.delete(tx, *key)
            restored = replace(left, replace_policy="Delete")
            await _put(tx, self.stack, restored)
        return restored

    async def begin_change(
        self, old: ResourceRecord, resource: Resource, *, position: int, properties: Mapping[str, Any]
    ) -> ResourceRecord:
        """A resource is going to be changed in place: from now on it may have these properties, or parts of them."""
        return await self.note(
            replace(
                old,
                status="UPDATE_IN_PROGRESS",
                reason="",
                position=position,
                deletion_policy=resource.deletion_policy,
                pending=(*old.pending, self._sealed(old.logical_id, properties)),
            )
        )

    async def claim(self, record: ResourceRecord, physical_id: str) -> ResourceRecord:
        """The resource that is being made is, or will be, this one."""
        if record.physical_id == physical_id:
            return record
        claimed = replace(record, physical_id=physical_id, reason=INITIATED)
        if not record.physical_id:
            return await self.note(claimed)
        # It is known by another id from now on; that it was begun is told already.
        async with self.house.state.transaction() as tx:
            await _put(tx, self.stack, claimed)
        return claimed

    async def complete(
        self, record: ResourceRecord, status: str, made: Made, properties: Mapping[str, Any]
    ) -> ResourceRecord:
        return await self.note(
            replace(
                record,
                status=status,
                physical_id=made.physical_id,
                ref=made.ref,
                attributes=dict(made.attributes),
                reason="",
                sealed=self._sealed(record.logical_id, properties),
                replaces="",
                pending=(),
            )
        )

    async def fail(
        self,
        record: ResourceRecord,
        status: str,
        reason: str,
        *,
        physical_id: str | None = None,
        is_leftover: bool = False,
    ) -> ResourceRecord:
        physical_id = record.physical_id if physical_id is None else physical_id
        failed = replace(record, status=status, reason=_masked(reason, self.secrets), physical_id=physical_id)
        return await self.note(failed, is_leftover=is_leftover)

    async def note(self, record: ResourceRecord, *, is_leftover: bool = False) -> ResourceRecord:
        """Write down what is, or may be by now, with an event."""
        noted = replace(record, updated_at=self.house.clock.now())
        async with self.house.state.transaction() as tx:
            await (_leave if is_leftover else _put)(tx, self.stack, noted)
            await note_resource(self.house, tx, self.stack, noted)
        return noted

    async def keep(self, record: ResourceRecord, resource: Resource, position: int) -> ResourceRecord:
        """A resource that the new template wants as it is: only its place and its policy may be others."""
        kept = replace(record, position=position, deletion_policy=resource.deletion_policy)
        if record.status == "DELETE_FAILED":
            kept = replace(kept, status="UPDATE_COMPLETE", reason="")
        if kept != record:
            await self.restore(kept)
        return kept

    async def restore(self, record: ResourceRecord, *, leaving: ResourceRecord | None = None) -> None:
        """Put a record back as it was, without an event: the resource was never away.

        What stood in its place is one of the leftovers from now on (`leaving`), so that it is not forgotten.
        """
        async with self.house.state.transaction() as tx:
            await LEFTOVERS.delete(tx, *_leftover_key(self.stack, record))
            if leaving is not None:
                await _leave(tx, self.stack, leaving)
            await _put(tx, self.stack, record)

    async def announce(self, record: ResourceRecord, status: str, reason: str = "") -> None:
        """An event of a resource, whose record stays as it is."""
        async with self.house.state.transaction() as tx:
            await note_resource(
                self.house, tx, self.stack, replace(record, status=status, reason=_masked(reason, self.secrets))
            )

    async def forget(self, record: ResourceRecord, status: str = "DELETE_COMPLETE", *, is_leftover: bool) -> None:
        """The resource is gone, or no longer the stack's: drop its record, keep an event."""
        async with self.house.state.transaction() as tx:
            if is_leftover:
                await LEFTOVERS.delete(tx, *_leftover_key(self.stack, record))
            else:
                await RESOURCES.delete(tx, self.stack.uuid, record.logical_id)
            await note_resource(self.house, tx, self.stack, replace(record, status=status, reason=""))

    def states(self, record: ResourceRecord) -> list[dict[str, Any]]:
        """The properties that a resource has, or may have if it was being changed; the last known ones first."""
        context = _context(self.stack, record.logical_id)
        return [unseal_properties(self.sealer, sealed, context=context) for sealed in (record.sealed, *record.pending)]

    def _sealed(self, logical_id: str, properties: Mapping[str, Any]) -> str:
        return seal_properties(self.sealer, properties, context=_context(self.stack, logical_id))


async def resources_of(state: State, stack: StackRecord) -> dict[str, ResourceRecord]:
    async with state.reading() as tx:
        records = await RESOURCES.everything(tx, stack.uuid)
    return {record.logical_id: record for record in records}


async def leftovers_of(state: State, stack: StackRecord) -> list[ResourceRecord]:
    """What earlier operations should have deleted."""
    async with state.reading() as tx:
        return await LEFTOVERS.everything(tx, stack.uuid)


async def _put(tx: Transaction, stack: StackRecord, record: ResourceRecord) -> None:
    await RESOURCES.put(tx, record, stack.uuid, record.logical_id)


async def _leave(tx: Transaction, stack: StackRecord, record: ResourceRecord) -> None:
    await LEFTOVERS.put(tx, record, *_leftover_key(stack, record))


def _leftover_key(stack: StackRecord, record: ResourceRecord) -> tuple[str, str, str]:
    return stack.uuid, record.logical_id, record.physical_id


def _context(stack: StackRecord, logical_id: str) -> str:
    return f"{stack.context}:{logical_id}"


def _masked(text: str, secrets: tuple[str, ...]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, MASK)
    return text
