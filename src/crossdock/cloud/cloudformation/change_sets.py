"""Change sets: what would happen first, then making it happen, as `aws cloudformation deploy` does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Scope, condition_holds, pseudo_parameters
from crossdock.cloud.cloudformation.parameters import resolve_parameters
from crossdock.cloud.cloudformation.requests import (
    find_stack,
    hidden_parameters,
    look_up_stack,
    on_stack,
    tags_of,
    template_text,
)
from crossdock.cloud.cloudformation.stacks import Stacks, refuse_service_role
from crossdock.cloud.cloudformation.store import (
    CHANGE_SETS,
    RESOURCES,
    STACKS,
    Change,
    ChangeSetRecord,
    ResourceRecord,
    Source,
    StackRecord,
    seal_source,
    unseal_source,
)
from crossdock.cloud.cloudformation.template import MAX_OBJECT_BYTES, Template, invalid, parse_template
from crossdock.core.errors import ServiceError
from crossdock.core.ids import uuid4_text
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Result

_EMPTY = "The submitted information didn't contain changes. Submit different information to create a change set."


@dataclass(frozen=True, slots=True)
class ChangeSets:
    stacks: Stacks

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateChangeSet": Operation(handler=self.create, permissions=on_stack("CreateChangeSet")),
            "DeleteChangeSet": Operation(handler=self.delete, permissions=on_stack("DeleteChangeSet")),
            "DescribeChangeSet": Operation(handler=self.describe, permissions=on_stack("DescribeChangeSet")),
            "ExecuteChangeSet": Operation(handler=self.execute, permissions=on_stack("ExecuteChangeSet")),
            "ListChangeSets": Operation(handler=self.list, permissions=on_stack("ListChangeSets")),
        }

    async def create(self, call: Call) -> Result:
        refuse_service_role(call)
        kind = call.params.get("ChangeSetType", "UPDATE")
        if kind not in ("CREATE", "UPDATE"):
            raise invalid("ChangeSetType IMPORT is not supported by Crossdock")
        stack = await look_up_stack(call, call.params["StackName"])
        is_new = stack is None
        previous = Source(template="", parameters={})
        if kind == "UPDATE":
            stack = await find_stack(call, call.params["StackName"])
            if stack.status == "REVIEW_IN_PROGRESS":
                raise invalid(f"Stack [{stack.name}] does not exist")
            previous = self.stacks.source_of(stack)
        elif stack is not None and stack.status != "REVIEW_IN_PROGRESS":
            raise ServiceError(
                "AlreadyExistsException", f"Stack [{stack.name}] already exists and cannot be created again"
            )
        text = await template_text(call, previous=previous.template)
        template, source = self.stacks.checked(call, text, previous=previous.parameters)
        if stack is None:
            stack = self.stacks.new_stack(
                call,
                call.params["StackName"],
                source,
                template,
                status="REVIEW_IN_PROGRESS",
                capabilities=call.params.get("Capabilities", []),
                tags=tags_of(call),
            )
        has_changes = source != previous or tags_of(call) not in ({}, stack.tags)
        changes = await self._changes(call, stack, template, source, previous)
        record = self._record(call, stack, source, template, kind, changes, has_changes=has_changes)
        async with call.transaction() as tx:
            if is_new:
                await STACKS.put(tx, stack, call.account_id, call.region, stack.uuid, is_new=True)
            if await CHANGE_SETS.get(tx, stack.uuid, record.name) is not None:
                raise ServiceError("AlreadyExistsException", f"ChangeSet {record.name} already exists")
            await CHANGE_SETS.put(tx, record, stack.uuid, record.name, is_new=True)
        return {"Id": record.change_set_id, "StackId": stack.stack_id}

    def _record(
        self,
        call: Call,
        stack: StackRecord,
        source: Source,
        template: Template,
        kind: str,
        changes: tuple[Change, ...],
        *,
        has_changes: bool,
    ) -> ChangeSetRecord:
        uuid = uuid4_text(call.house.entropy)
        name = call.params["ChangeSetName"]
        arn = f"arn:aws:cloudformation:{call.region}:{call.account_id}:changeSet/{name}/{uuid}"
        return ChangeSetRecord(
            change_set_id=arn,
            name=name,
            stack_id=stack.stack_id,
            stack_name=stack.name,
            kind=kind,
            status="CREATE_COMPLETE" if has_changes else "FAILED",
            reason="" if has_changes else _EMPTY,
            execution_status="AVAILABLE" if has_changes else "UNAVAILABLE",
            created_at=call.now,
            sealed=seal_source(self.stacks.sealer, source, context=f"cloudformation:{arn}"),
            description=call.params.get("Description", ""),
            capabilities=tuple(call.params.get("Capabilities", [])),
            tags=tags_of(call),
            changes=changes,
            hidden=hidden_parameters(template),
        )

    async def _changes(
        self, call: Call, stack: StackRecord, template: Template, source: Source, previous: Source
    ) -> tuple[Change, ...]:
        """What would be added, changed and removed, as far as it can be told before anything is made."""
        scope = Scope(
            template=template,
            parameters=resolve_parameters(template, source.parameters, {}),
            pseudo=pseudo_parameters(
                account_id=call.account_id, region=call.region, stack_id=stack.stack_id, stack_name=stack.name
            ),
            exports={},
        )
        async with call.reading() as tx:
            existing = {record.logical_id: record for record in await RESOURCES.everything(tx, stack.uuid)}
        before = parse_template(previous.template, max_bytes=MAX_OBJECT_BYTES) if previous.template else Template()
        present = {
            name: resource
            for name, resource in template.resources.items()
            if not resource.condition or condition_holds(resource.condition, scope)
        }
        changes: list[Change] = []
        for name, resource in present.items():
            if name not in existing:
                changes.append(Change(action="Add", logical_id=name, type=resource.type))
            elif resource != before.resources.get(name) or source.parameters != previous.parameters:
                changes.append(_modified(existing[name]))
        changes.extend(
            Change(action="Remove", logical_id=name, type=record.type, physical_id=record.physical_id)
            for name, record in existing.items()
            if name not in present
        )
        return tuple(changes)

    async def describe(self, call: Call) -> Result:
        record = await self._find(call)
        source = self._source(record)
        return {
            **_summary(record),
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in _shown(record, source).items()],
            "Changes": [{"Type": "Resource", "ResourceChange": _change(change)} for change in record.changes],
            "Capabilities": list(record.capabilities),
            "Tags": [{"Key": key, "Value": value} for key, value in record.tags.items()],
            "NotificationARNs": [],
        }

    async def list(self, call: Call) -> Result:
        stack = await find_stack(call, call.params["StackName"])
        async with call.reading() as tx:
            records = await CHANGE_SETS.everything(tx, stack.uuid)
        return {"Summaries": [_summary(record) for record in records]}

    async def execute(self, call: Call) -> Result:
        record = await self._find(call)
        if record.execution_status != "AVAILABLE":
            raise ServiceError(
                "InvalidChangeSetStatus",
                f"ChangeSet [{record.change_set_id}] cannot be executed in its current status of [{record.status}]",
            )
        source = self._source(record)
        stack = await find_stack(call, record.stack_id)
        template = parse_template(source.template, max_bytes=MAX_OBJECT_BYTES)
        if record.kind == "CREATE":
            async with call.transaction() as tx:
                stack = await self.stacks.claim(
                    call, stack, tx, status="CREATE_IN_PROGRESS", allowed=frozenset({"REVIEW_IN_PROGRESS"})
                )
                await _mark_executed(tx, record)
            await self.stacks.start_create(call, replace(stack, sealed=self._sealed_for(stack, source)), source)
        else:
            await self.stacks.start_update(call, stack, source, template, record.capabilities, record.tags)
            async with call.transaction() as tx:
                await _mark_executed(tx, record)
        return {}

    def _sealed_for(self, stack: StackRecord, source: Source) -> str:
        return seal_source(self.stacks.sealer, source, context=f"cloudformation:{stack.uuid}")

    async def delete(self, call: Call) -> Result:
        record = await self._find(call)
        async with call.transaction() as tx:
            await CHANGE_SETS.delete(tx, record.stack_id.rsplit("/", 1)[-1], record.name)
        return {}

    async def _find(self, call: Call) -> ChangeSetRecord:
        name = call.params["ChangeSetName"]
        async with call.reading() as tx:
            if name.startswith("arn:"):
                for record in await CHANGE_SETS.everything(tx):
                    if record.change_set_id == name and f":{call.account_id}:" in name:
                        return record
                raise _not_found(name)
        if "StackName" not in call.params:
            raise invalid("StackName must be specified if ChangeSetName is not specified as an ARN.")
        stack = await find_stack(call, call.params["StackName"])
        async with call.reading() as tx:
            found = await CHANGE_SETS.get(tx, stack.uuid, name)
        if found is None:
            raise _not_found(name)
        return found

    def _source(self, record: ChangeSetRecord) -> Source:
        return unseal_source(self.stacks.sealer, record.sealed, context=f"cloudformation:{record.change_set_id}")


def _not_found(name: str) -> ServiceError:
    return ServiceError("ChangeSetNotFound", f"ChangeSet [{name}] does not exist", status=404)


async def _mark_executed(tx: Any, record: ChangeSetRecord) -> None:
    uuid = record.stack_id.rsplit("/", 1)[-1]
    await CHANGE_SETS.put(tx, replace(record, execution_status="EXECUTE_COMPLETE"), uuid, record.name)


def _modified(record: ResourceRecord) -> Change:
    return Change(
        action="Modify",
        logical_id=record.logical_id,
        type=record.type,
        physical_id=record.physical_id,
        replacement="Conditional",
    )


def _change(change: Change) -> dict[str, Any]:
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


def _shown(record: ChangeSetRecord, source: Source) -> Mapping[str, str]:
    return {key: "****" if key in record.hidden else value for key, value in source.parameters.items()}


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
