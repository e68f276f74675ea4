"""What DescribeStackEvents tells: an event for each status that a stack or a resource takes."""

from crossdock.cloud.cloudformation.store import (
    EVENT_COUNTS,
    EVENTS,
    EventCount,
    EventRecord,
    ResourceRecord,
    StackRecord,
)
from crossdock.core.ids import uuid4_text
from crossdock.operations.call import House
from crossdock.ports.state import Transaction


async def note_stack(house: House, tx: Transaction, stack: StackRecord) -> None:
    """An event of the stack itself."""
    await _put_event(
        house,
        tx,
        stack,
        logical_id=stack.name,
        physical_id=stack.stack_id,
        type_="AWS::CloudFormation::Stack",
        status=stack.status,
        reason=stack.reason,
    )


async def note_resource(house: House, tx: Transaction, stack: StackRecord, record: ResourceRecord) -> None:
    """An event of one of its resources."""
    await _put_event(
        house,
        tx,
        stack,
        logical_id=record.logical_id,
        physical_id=record.physical_id,
        type_=record.type,
        status=record.status,
        reason=record.reason,
    )


async def _put_event(
    house: House,
    tx: Transaction,
    stack: StackRecord,
    *,
    logical_id: str,
    physical_id: str,
    type_: str,
    status: str,
    reason: str,
) -> None:
    event = EventRecord(
        event_id=uuid4_text(house.entropy),
        stack_id=stack.stack_id,
        stack_name=stack.name,
        logical_id=logical_id,
        physical_id=physical_id,
        type=type_,
        status=status,
        reason=reason,
        happened_at=house.clock.now(),
    )
    count = await EVENT_COUNTS.get(tx, stack.uuid) or EventCount(events=0)
    await EVENT_COUNTS.put(tx, EventCount(events=count.events + 1), stack.uuid)
    await EVENTS.put(tx, event, *event_key(stack, count.events))


def event_key(stack: StackRecord, number: int) -> tuple[str, str]:
    """The key of a stack's event, counted from 0: so many digits that the order of the keys is that of the numbers."""
    return stack.uuid, f"{number:09}"
