"""Change sets: what would happen first, then making it happen, as `aws cloudformation deploy` does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from crossdock.cloud.cloudformation.checks import read_template
from crossdock.cloud.cloudformation.deploy import stack_scope
from crossdock.cloud.cloudformation.events import note_stack
from crossdock.cloud.cloudformation.intrinsics import present_resources
from crossdock.cloud.cloudformation.journal import resources_of
from crossdock.cloud.cloudformation.loading import invalid
from crossdock.cloud.cloudformation.outputs import live_stacks
from crossdock.cloud.cloudformation.requests import (
    Wanted,
    find_stack,
    look_up_stack,
    on_stack,
    read_wanted,
    refuse_undone,
    stack_permission,
)
from crossdock.cloud.cloudformation.stacks import (
    Stacks,
    cannot_be,
    check_updatable,
    claim,
    drop_change_sets,
    put_new_stack,
)
from crossdock.cloud.cloudformation.store import (
    CHANGE_SETS,
    STACKS,
    Change,
    ChangeSetRecord,
    Source,
    StackRecord,
    seal_source,
    unseal_source,
)
from crossdock.cloud.cloudformation.template import Template
from crossdock.core.errors import ServiceError
from crossdock.core.ids import uuid4_text
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permission, Result
from crossdock.ports.state import Transaction

_EMPTY = "The submitted information didn't contain changes. Submit different information to create a change set."
_NO_SOURCE = Source(template="", parameters={})


@dataclass(frozen=True, slots=True)
class ChangeSets:
    stacks: Stacks

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateChangeSet": Operation(handler=self.create, permissions=on_stack("CreateChangeSet")),
            "DeleteChangeSet": Operation(handler=self.delete, permissions=_on_its_stack),
            "DescribeChangeSet": Operation(handler=self.describe, permissions=_on_its_stack),
            "ExecuteChangeSet": Operation(handler=self.execute, permissions=_on_its_stack),
            "ListChangeSets": Operation(handler=self.list, permissions=on_stack("ListChangeSets")),
        }

    async def create(self, call: Call) -> Result:
        refuse_undone(call)
        kind = call.params.get("ChangeSetType", "UPDATE")
        if kind not in ("CREATE", "UPDATE"):
            raise invalid("ChangeSetType IMPORT is not supported by Crossdock")
        stack = await look_up_stack(call, call.params["StackName"])
        if kind == "UPDATE":
            return await self._prepare_update(call, stack)
        if stack is not None and stack.status != "REVIEW_IN_PROGRESS":
            raise ServiceError(
                "AlreadyExistsException", f"Stack [{stack.name}] already exists and cannot be created again"
            )
        wanted = await read_wanted(call, previous=_NO_SOURCE)
        is_new = stack is None
        stack = stack or self.stacks.new_stack(call, wanted, status="REVIEW_IN_PROGRESS")
        return await self._keep(call, stack, wanted, before=Template(), kind=kind, has_changes=True, is_new=is_new)

    async def _prepare_update(self, call: Call, stack: StackRecord | None) -> Result:
        if stack is None or stack.status in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE"):
            raise invalid(f"Stack [{call.params['StackName']}] does not exist")
        check_updatable(stack)
        previous = self.stacks.source_of(stack)
        wanted = await read_wanted(call, previous=previous)
        return await self._keep(
            call,
            stack,
            wanted,
            before=_unchanged_part(previous, wanted),
            kind="UPDATE",
            has_changes=self.stacks.has_changes(stack, wanted),
        )

    async def _keep(
        self,
        call: Call,
        stack: StackRecord,
        wanted: Wanted,
        *,
        before: Template,
        kind: str,
        has_changes: bool,
        is_new: bool = False,
    ) -> Result:
        """Write a change set down, with its stack if that is new. `before` is what stays the same if it is written
        the same."""
        name = call.params["ChangeSetName"]
        arn = (
            f"arn:aws:cloudformation:{call.region}:{call.account_id}:changeSet/{name}/{uuid4_text(call.house.entropy)}"
        )
        record = ChangeSetRecord(
            change_set_id=arn,
            name=name,
            stack_id=stack.stack_id,
            stack_name=stack.name,
            kind=kind,
            status="CREATE_COMPLETE" if has_changes else "FAILED",
            reason="" if has_changes else _EMPTY,
            execution_status="AVAILABLE" if has_changes else "UNAVAILABLE",
            created_at=call.now,
            sealed=seal_source(self.stacks.sealer, wanted.source, context=_context(arn)),
            description=call.params.get("Description", ""),
            capabilities=wanted.capabilities,
            tags=None if wanted.tags is None else dict(wanted.tags),
            changes=await self._changes(call, stack, wanted, before) if has_changes else (),
            hidden=wanted.hidden,
            on_failure=call.params.get("OnStackFailure", "ROLLBACK"),
        )
        async with call.transaction() as tx:
            if is_new:
                await put_new_stack(call, tx, stack)
                await note_stack(call.house, tx, stack)
            else:
                await _check_unmoved(call, tx, stack)
            other = await CHANGE_SETS.get(tx, stack.uuid, name)
            # One that was executed is only history.
            if other is not None and other.execution_status != "EXECUTE_COMPLETE":
                raise ServiceError("AlreadyExistsException", f"ChangeSet {name} already exists")
            await CHANGE_SETS.put(tx, record, stack.uuid, name)
        return {"Id": arn, "StackId": stack.stack_id}

    async def _changes(self, call: Call, stack: StackRecord, wanted: Wanted, before: Template) -> tuple[Change, ...]:
        """What would be added, changed and removed, as far as it can be told before anything is made."""
        scope = stack_scope(call, stack, wanted, exports={}, made={})
        present = present_resources(scope)
        existing = await resources_of(call.house.state, stack)
        added = [
            Change(action="Add", logical_id=name, type=resource.type)
            for name, resource in present.items()
            if name not in existing
        ]
        modified = [
            Change(
                action="Modify",
                logical_id=name,
                type=resource.type,
                physical_id=existing[name].physical_id,
                replacement="Conditional",
            )
            for name, resource in present.items()
            if name in existing and resource != before.resources.get(name)
        ]
        removed = [
            Change(action="Remove", logical_id=name, type=record.type, physical_id=record.physical_id)
            for name, record in existing.items()
            if name not in present
        ]
        return (*added, *modified, *removed)

    async def describe(self, call: Call) -> Result:
        record = await _find(call)
        source = unseal_source(self.stacks.sealer, record.sealed, context=_context(record.change_set_id))
        return {
            **_summary(record),
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": "****" if key in record.hidden else value}
                for key, value in source.parameters.items()
            ],
            "Changes": [{"Type": "Resource", "ResourceChange": _change(change)} for change in record.changes],
            "Capabilities": list(record.capabilities),
            "Tags": [{"Key": key, "Value": value} for key, value in (record.tags or {}).items()],
            "NotificationARNs": [],
            "OnStackFailure": record.on_failure,
        }

    async def list(self, call: Call) -> Result:
        stack = await find_stack(call, call.params["StackName"])
        async with call.reading() as tx:
            records = await CHANGE_SETS.everything(tx, stack.uuid)
        return {"Summaries": [_summary(record) for record in records]}

    async def execute(self, call: Call) -> Result:
        record = await _find(call)
        stack = await find_stack(call, record.stack_id)
        wanted = self._wanted(record)
        on_failure = "DO_NOTHING" if call.params.get("DisableRollback") else record.on_failure
        async with call.transaction() as tx:
            # Looked up again, for two callers may execute it at once.
            present = await CHANGE_SETS.get(tx, stack.uuid, record.name)
            is_gone = present is None or present.change_set_id != record.change_set_id
            if present is None or is_gone or present.execution_status != "AVAILABLE":
                status = "OBSOLETE" if present is None or is_gone else present.execution_status
                raise ServiceError(
                    "InvalidChangeSetStatus",
                    f"ChangeSet [{record.change_set_id}] cannot be executed in its current execution status of "
                    f"[{status}]",
                )
            if record.kind == "CREATE":
                stack = await claim(call, tx, stack, status="CREATE_IN_PROGRESS", allowed={"REVIEW_IN_PROGRESS"})
                stack = replace(
                    stack, on_failure=on_failure, **wanted.fields(self.stacks.sealer, context=stack.context)
                )
                await STACKS.put(tx, stack, call.account_id, call.region, stack.uuid)
                await drop_change_sets(tx, stack)
            else:
                stack = await self.stacks.claim_update(call, tx, stack)
            executed = replace(record, execution_status="EXECUTE_COMPLETE")
            await CHANGE_SETS.put(tx, executed, stack.uuid, record.name)
        if record.kind == "CREATE":
            await self.stacks.start_create(call, stack, wanted)
        else:
            await self.stacks.start_update(call, stack, wanted, is_rolled_back=on_failure != "DO_NOTHING")
        return {}

    def _wanted(self, record: ChangeSetRecord) -> Wanted:
        source = unseal_source(self.stacks.sealer, record.sealed, context=_context(record.change_set_id))
        return Wanted(
            template=read_template(source.template),
            source=source,
            capabilities=record.capabilities,
            tags=record.tags,
        )

    async def delete(self, call: Call) -> Result:
        try:
            record = await _find(call)
        except ServiceError as error:
            if error.code == "ChangeSetNotFound":
                return {}
            raise
        async with call.transaction() as tx:
            await CHANGE_SETS.delete(tx, record.uuid, record.name)
        return {}


def _unchanged_part(previous: Source, wanted: Wanted) -> Template:
    """The stack's template, whose resources stay the same if they are written the same; nothing of it when they may
    mean something else by now."""
    before = read_template(previous.template)
    is_read_alike = (
        previous.parameters == wanted.source.parameters
        and before.mappings == wanted.template.mappings
        and before.conditions == wanted.template.conditions
    )
    return before if is_read_alike else Template()


async def _check_unmoved(call: Call, tx: Transaction, stack: StackRecord) -> None:
    """Raises ValidationError when the stack has got another status since it was looked at."""
    present = await STACKS.get(tx, call.account_id, call.region, stack.uuid)
    if present is None or present.status != stack.status:
        raise cannot_be(stack, present.status if present else "DELETE_COMPLETE", "updated")


async def _find(call: Call) -> ChangeSetRecord:
    """The change set that a call names, by name and stack or by ARN. Raises ServiceError."""
    name = call.params["ChangeSetName"]
    if name.startswith("arn:"):
        stacks = await live_stacks(call)
    elif "StackName" not in call.params:
        raise invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
    else:
        stacks = [await find_stack(call, call.params["StackName"])]
    async with call.reading() as tx:
        for stack in stacks:
            for record in await CHANGE_SETS.everything(tx, stack.uuid):
                if name in (record.change_set_id, record.name):
                    return record
    raise ServiceError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", status=404)


async def _on_its_stack(call: Call) -> tuple[Permission, ...]:
    """The permission on the stack of the change set that the call names, by whatever it is named."""
    if "StackName" not in call.params and call.params["ChangeSetName"].startswith("arn:"):
        try:
            stack_id = (await _find(call)).stack_id
        except ServiceError:
            stack_id = "*"  # whether it is there is told only to those who may ask about every stack
        return (stack_permission(call, call.operation, stack_id),)
    return (stack_permission(call, call.operation, call.params.get("StackName", "*")),)


def _context(arn: str) -> str:
    return f"cloudformation:{arn}"


def _change(change: Change) -> Mapping[str, Any]:
    shown: dict[str, Any] = {
        "Action": change.action,
        "LogicalResourceId": change.logical_id,
        "ResourceType": change.type,
        "Scope": ["Properties"] if change.action == "Modify" else [],
        "Details": [],
    }
    if change.physical_id:
        shown["PhysicalResourceId"] = change.physical_id
    if change.replacement:
        shown["Replacement"] = change.replacement
    return shown


def _summary(record: ChangeSetRecord) -> dict[str, Any]:
    summary: dict[str, Any] = {
        "ChangeSetId": record.change_set_id,
        "ChangeSetName": record.name,
        "StackId": record.stack_id,
        "StackName": record.stack_name,
        "Status": record.status,
        "ExecutionStatus": record.execution_status,
        "CreationTime": record.created_at,
    }
    if record.reason:
        summary["StatusReason"] = record.reason
    if record.description:
        summary["Description"] = record.description
    return summary
