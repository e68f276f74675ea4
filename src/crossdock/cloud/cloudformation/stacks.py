"""CreateStack, UpdateStack, DeleteStack, GetTemplate: the operations that change stacks."""

import asyncio
from collections.abc import Collection, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from crossdock.cloud.cloudformation.deploy import Deployment, interrupted
from crossdock.cloud.cloudformation.events import note_stack
from crossdock.cloud.cloudformation.journal import Journal
from crossdock.cloud.cloudformation.loading import invalid
from crossdock.cloud.cloudformation.making import Site, Sleep
from crossdock.cloud.cloudformation.requests import (
    Wanted,
    find_stack,
    look_up_stack,
    on_stack,
    read_wanted,
    refuse_undone,
)
from crossdock.cloud.cloudformation.store import (
    CHANGE_SETS,
    STACKS,
    Source,
    StackRecord,
    unseal_source,
)
from crossdock.core.errors import ServiceError
from crossdock.core.ids import uuid4_text
from crossdock.operations.call import Call, House
from crossdock.operations.operation import Operation, Result
from crossdock.ports.host import Sealer
from crossdock.ports.state import Transaction

STABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
# A stack that failed half-way is mended by an update, which makes good whatever is missing or different. (AWS wants
# ContinueUpdateRollback first after UPDATE_ROLLBACK_FAILED.)
MENDABLE = frozenset({"CREATE_FAILED", "UPDATE_FAILED", "UPDATE_ROLLBACK_FAILED"})
PATIENCE_S = 5.0
NO_CHANGES = "No updates are to be performed."
INITIATED = "User Initiated"


@dataclass(frozen=True, slots=True)
class Stacks:
    """The operations that change stacks. Work goes on in the background after the answer, as at AWS."""

    sealer: Sealer
    sleep: Sleep = asyncio.sleep

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateStack": Operation(handler=self.create, permissions=on_stack("CreateStack")),
            "DeleteStack": Operation(handler=self.delete, permissions=on_stack("DeleteStack")),
            "GetTemplate": Operation(handler=self.get_template, permissions=on_stack("GetTemplate")),
            "UpdateStack": Operation(handler=self.update, permissions=on_stack("UpdateStack")),
        }

    async def create(self, call: Call) -> Result:
        refuse_undone(call)
        wanted = await read_wanted(call, previous=Source(template="", parameters={}))
        record = replace(
            self.new_stack(call, wanted, status="CREATE_IN_PROGRESS", on_failure=_on_failure(call)),
            timeout_minutes=call.params.get("TimeoutInMinutes"),
        )
        async with call.transaction() as tx:
            await put_new_stack(call, tx, record)
            await note_stack(call.house, tx, record)
        await self.start_create(call, record, wanted)
        return {"StackId": record.stack_id}

    async def update(self, call: Call) -> Result:
        refuse_undone(call)
        stack = await find_stack(call, call.params["StackName"])
        check_updatable(stack)
        wanted = await read_wanted(call, previous=self.source_of(stack))
        if not self.has_changes(stack, wanted):
            raise invalid(NO_CHANGES)
        async with call.transaction() as tx:
            stack = await self.claim_update(call, tx, stack)
        await self.start_update(call, stack, wanted, is_rolled_back=not call.params.get("DisableRollback"))
        return {"StackId": stack.stack_id}

    async def delete(self, call: Call) -> Result:
        refuse_undone(call)
        stack = await look_up_stack(call, call.params["StackName"])
        if stack is None or stack.status in ("DELETE_COMPLETE", "DELETE_IN_PROGRESS"):
            return {}
        retained = call.params.get("RetainResources", [])
        if retained and stack.status != "DELETE_FAILED":
            raise invalid(
                "Invalid operation on stack. RetainResources can be given only for a stack in DELETE_FAILED state"
            )
        async with call.transaction() as tx:
            status_before = (await STACKS.get(tx, call.account_id, call.region, stack.uuid) or stack).status
            stack = await claim(call, tx, stack, status="DELETE_IN_PROGRESS", allowed=None)
            await drop_change_sets(tx, stack)
        work = self._deployment(call, stack, None).delete(retained=retained, status_before=status_before)
        await _begin(call, work, name=f"delete stack {stack.name}")
        return {}

    async def get_template(self, call: Call) -> Result:
        if call.params.get("ChangeSetName"):
            raise invalid("ChangeSetName is not supported by Crossdock: the template of a stack is shown")
        if "StackName" not in call.params:
            raise invalid("StackName must be specified")
        stack = await find_stack(call, call.params["StackName"])
        return {"TemplateBody": self.source_of(stack).template, "StagesAvailable": ["Original", "Processed"]}

    def has_changes(self, stack: StackRecord, wanted: Wanted) -> bool:
        """Whether an update would do anything; what failed half-way can be asked for again."""
        return (
            stack.status in MENDABLE
            or wanted.source != self.source_of(stack)
            or (wanted.tags is not None and wanted.tags != stack.tags)
        )

    def new_stack(self, call: Call, wanted: Wanted, *, status: str, on_failure: str = "ROLLBACK") -> StackRecord:
        name = call.params["StackName"]
        uuid = uuid4_text(call.house.entropy)
        record = StackRecord(
            stack_id=f"arn:aws:cloudformation:{call.region}:{call.account_id}:stack/{name}/{uuid}",
            name=name,
            account_id=call.account_id,
            region=call.region,
            status=status,
            reason=INITIATED,
            created_at=call.now,
            sealed="",
            on_failure=on_failure,
        )
        return replace(record, **wanted.fields(self.sealer, record.context))

    async def start_create(self, call: Call, stack: StackRecord, wanted: Wanted) -> None:
        work = self._deployment(call, stack, wanted).create(wanted)
        await _begin(call, work, name=f"create stack {stack.name}")

    async def claim_update(self, call: Call, tx: Transaction, stack: StackRecord) -> StackRecord:
        """Take the stack for an update; its change sets have become obsolete."""
        stack = await claim(call, tx, stack, status="UPDATE_IN_PROGRESS", allowed=STABLE | MENDABLE)
        stack = replace(stack, updated_at=call.now)
        await STACKS.put(tx, stack, call.account_id, call.region, stack.uuid)
        await drop_change_sets(tx, stack)
        return stack

    async def start_update(self, call: Call, stack: StackRecord, wanted: Wanted, *, is_rolled_back: bool) -> None:
        work = self._deployment(call, stack, wanted).update(wanted, is_rolled_back=is_rolled_back)
        await _begin(call, work, name=f"update stack {stack.name}")

    def source_of(self, stack: StackRecord) -> Source:
        return unseal_source(self.sealer, stack.sealed, context=stack.context)

    def _deployment(self, call: Call, stack: StackRecord, wanted: Wanted | None) -> Deployment:
        secrets = _hidden_texts(self.source_of(stack), stack.hidden)
        if wanted is not None:
            secrets |= _hidden_texts(wanted.source, wanted.hidden)
        journal = Journal(house=call.house, sealer=self.sealer, stack=stack, secrets=tuple(secrets))
        return Deployment(Site(call=call, journal=journal, sleep=self.sleep))


async def put_new_stack(call: Call, tx: Transaction, record: StackRecord) -> None:
    """Raises AlreadyExistsException when a live stack has the name."""
    for other in await STACKS.everything(tx, call.account_id, call.region):
        if other.name == record.name and other.status != "DELETE_COMPLETE":
            raise ServiceError("AlreadyExistsException", f"Stack [{record.name}] already exists")
    await STACKS.put(tx, record, call.account_id, call.region, record.uuid, is_new=True)


async def claim(
    call: Call, tx: Transaction, stack: StackRecord, *, status: str, allowed: Collection[str] | None
) -> StackRecord:
    """Take the stack for an operation, inside the transaction that will store it, so that only one can have it.

    Raises ValidationError when another operation has it, or when it is in none of the `allowed` states (None = any).
    """
    present = await STACKS.get(tx, call.account_id, call.region, stack.uuid)
    if present is None or present.is_busy or (allowed is not None and present.status not in allowed):
        raise cannot_be(
            stack, present.status if present else "DELETE_COMPLETE", "deleted" if not allowed else "updated"
        )
    claimed = replace(present, status=status, reason=INITIATED)
    await STACKS.put(tx, claimed, call.account_id, call.region, stack.uuid)
    await note_stack(call.house, tx, claimed)
    return claimed


def check_updatable(stack: StackRecord) -> None:
    """Raises ValidationError for a stack that is being worked on, or that can only be deleted."""
    if stack.status not in STABLE | MENDABLE:
        raise cannot_be(stack, stack.status, "updated")


def cannot_be(stack: StackRecord, status: str, verb: str) -> ServiceError:
    return invalid(f"Stack:{stack.stack_id} is in {status} state and can not be {verb}.")


async def drop_change_sets(tx: Transaction, stack: StackRecord) -> None:
    """Forget what was prepared for a stack as it was before."""
    for change_set in await CHANGE_SETS.everything(tx, stack.uuid):
        await CHANGE_SETS.delete(tx, stack.uuid, change_set.name)


def _hidden_texts(source: Source, hidden: Collection[str]) -> set[str]:
    return {text for name, text in source.parameters.items() if name in hidden and text}


def _on_failure(call: Call) -> str:
    if "OnFailure" in call.params and "DisableRollback" in call.params:
        raise invalid("You can specify either DisableRollback or OnFailure, but not both.")
    if call.params.get("DisableRollback"):
        return "DO_NOTHING"
    return str(call.params.get("OnFailure", "ROLLBACK"))


async def _begin(call: Call, work: Coroutine[Any, Any, None], *, name: str) -> None:
    """Start work on a stack; what is done soon is done when the request is answered.

    `aws cloudformation deploy` and the waiters look once and then only after 30 seconds, and here most stacks take one.
    """
    await asyncio.wait({call.house.tasks.start(work, name=name)}, timeout=PATIENCE_S)


async def recover_interrupted(house: House) -> int:
    """At start: a stack that was being worked on when the service ended has failed. Returns how many."""
    count = 0
    async with house.state.transaction() as tx:
        for stack in await STACKS.everything(tx):
            if stack.is_busy:
                failed = interrupted(stack)
                await STACKS.put(tx, failed, stack.account_id, stack.region, stack.uuid)
                await note_stack(house, tx, failed)
                count += 1
    return count
