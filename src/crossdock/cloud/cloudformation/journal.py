"""Writes down what happens to a stack: its status, its resources, its events, each in a commit of its own."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.cloud.cloudformation.store import (
    EVENTS,
    RESOURCES,
    STACKS,
    EventRecord,
    ResourceRecord,
    StackRecord,
    seal_properties,
    unseal_properties,
)
from crossdock.cloud.cloudformation.template import Resource
from crossdock.core.ids import uuid4_text
from crossdock.operations.call import House
from crossdock.ports.host import Sealer
from crossdock.ports.state import Transaction


@dataclass(slots=True)
class Journal:
    """The one writer of a stack while it is deployed; `stack` is its latest record."""

    house: House
    sealer: Sealer
    stack: StackRecord

    async def set_stack(self, status: str, reason: str = "", **changes: Any) -> None:
        """Give the stack a status (and other fields), with an event."""
        self.stack = replace(self.stack, status=status, reason=reason, **changes)
        async with self.house.state.transaction() as tx:
            await self._put_stack(tx)
            await self._put_event(
                tx,
                logical_id=self.stack.name,
                physical_id=self.stack.stack_id,
                type_="AWS::CloudFormation::Stack",
                status=status,
                reason=reason,
            )

    async def resources(self) -> dict[str, ResourceRecord]:
        async with self.house.state.reading() as tx:
            records = await RESOURCES.everything(tx, self.stack.uuid)
        return {record.logical_id: record for record in records}

    async def begin(
        self, resource: Resource, status: str, *, position: int, properties: Mapping[str, Any], physical_id: str = ""
    ) -> ResourceRecord:
        record = ResourceRecord(
            logical_id=resource.logical_id,
            type=resource.type,
            position=position,
            status=status,
            updated_at=self.house.clock.now(),
            sealed=seal_properties(self.sealer, properties, context=self._context(resource.logical_id)),
            physical_id=physical_id,
            deletion_policy=resource.deletion_policy,
        )
        await self.put(record)
        return record

    async def complete(self, record: ResourceRecord, status: str, made: Made) -> ResourceRecord:
        done = replace(
            record,
            status=status,
            physical_id=made.physical_id,
            ref=made.ref,
            attributes=dict(made.attributes),
            reason="",
            updated_at=self.house.clock.now(),
        )
        await self.put(done)
        return done

    async def fail(self, record: ResourceRecord, status: str, reason: str) -> None:
        await self.put(replace(record, status=status, reason=reason, updated_at=self.house.clock.now()))

    async def put(self, record: ResourceRecord) -> None:
        async with self.house.state.transaction() as tx:
            await RESOURCES.put(tx, record, self.stack.uuid, record.logical_id)
            await self._resource_event(tx, record)

    async def restore(self, record: ResourceRecord) -> None:
        """Put a record back as it was, without an event: the resource was never away."""
        async with self.house.state.transaction() as tx:
            await RESOURCES.put(tx, record, self.stack.uuid, record.logical_id)

    async def announce(self, record: ResourceRecord, status: str, reason: str = "") -> None:
        """An event of a resource whose record is not, or no longer, the stack's."""
        async with self.house.state.transaction() as tx:
            await self._resource_event(tx, replace(record, status=status, reason=reason))

    async def forget(self, record: ResourceRecord) -> None:
        """The resource is gone: drop its record, keep an event."""
        async with self.house.state.transaction() as tx:
            await RESOURCES.delete(tx, self.stack.uuid, record.logical_id)
            await self._resource_event(tx, replace(record, status="DELETE_COMPLETE", reason=""))

    def properties(self, record: ResourceRecord) -> dict[str, Any]:
        return unseal_properties(self.sealer, record.sealed, context=self._context(record.logical_id))

    def _context(self, logical_id: str) -> str:
        return f"cloudformation:{self.stack.uuid}:{logical_id}"

    async def _put_stack(self, tx: Transaction) -> None:
        await STACKS.put(tx, self.stack, self.stack.account_id, self.stack.region, self.stack.uuid)

    async def _resource_event(self, tx: Transaction, record: ResourceRecord) -> None:
        await self._put_event(
            tx,
            logical_id=record.logical_id,
            physical_id=record.physical_id,
            type_=record.type,
            status=record.status,
            reason=record.reason,
        )

    async def _put_event(
        self, tx: Transaction, *, logical_id: str, physical_id: str, type_: str, status: str, reason: str
    ) -> None:
        now = self.house.clock.now()
        event = EventRecord(
            event_id=uuid4_text(self.house.entropy),
            stack_id=self.stack.stack_id,
            stack_name=self.stack.name,
            logical_id=logical_id,
            physical_id=physical_id,
            type=type_,
            status=status,
            reason=reason,
            happened_at=now,
        )
        existing = await EVENTS.everything(tx, self.stack.uuid)
        await EVENTS.put(tx, event, self.stack.uuid, f"{len(existing):06}")
