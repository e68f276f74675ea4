"""What tells about stacks, resources, events, exports and templates, without changing anything."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crossdock.cloud.cloudformation.checks import read_template
from crossdock.cloud.cloudformation.events import event_key
from crossdock.cloud.cloudformation.loading import invalid
from crossdock.cloud.cloudformation.outputs import all_exports, live_stacks
from crossdock.cloud.cloudformation.parameters import hidden_parameters, literal
from crossdock.cloud.cloudformation.requests import find_stack, needed_capabilities, on_stack, template_text
from crossdock.cloud.cloudformation.resources.table import KINDS
from crossdock.cloud.cloudformation.stacks import Stacks
from crossdock.cloud.cloudformation.store import (
    EVENT_COUNTS,
    EVENTS,
    RESOURCES,
    STACKS,
    EventRecord,
    Output,
    ResourceRecord,
    StackRecord,
    outputs_of,
)
from crossdock.cloud.cloudformation.template import Template
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Result, needs
from crossdock.operations.paging import page_key, page_token

EVENTS_PER_PAGE = 100


@dataclass(frozen=True, slots=True)
class Descriptions:
    stacks: Stacks

    def operations(self) -> dict[str, Operation]:
        return {
            "DescribeStackEvents": Operation(handler=describe_events, permissions=on_stack("DescribeStackEvents")),
            "DescribeStackResource": Operation(handler=describe_one, permissions=on_stack("DescribeStackResource")),
            "DescribeStackResources": Operation(
                handler=describe_resources, permissions=on_stack("DescribeStackResources")
            ),
            "DescribeStacks": Operation(handler=self.describe, permissions=on_stack("DescribeStacks")),
            "GetTemplateSummary": Operation(handler=self.template_summary, permissions=on_stack("GetTemplateSummary")),
            "ListExports": Operation(handler=self.list_exports, permissions=needs("cloudformation:ListExports")),
            "ListStackResources": Operation(handler=list_resources, permissions=on_stack("ListStackResources")),
            "ListStacks": Operation(handler=list_stacks, permissions=needs("cloudformation:ListStacks")),
            "ValidateTemplate": Operation(
                handler=validate_template, permissions=needs("cloudformation:ValidateTemplate")
            ),
        }

    async def describe(self, call: Call) -> Result:
        if "StackName" in call.params:
            return {"Stacks": [self._described(await find_stack(call, call.params["StackName"]))]}
        return {"Stacks": [self._described(stack) for stack in await live_stacks(call)]}

    async def template_summary(self, call: Call) -> Result:
        if "StackName" in call.params:
            source = self.stacks.source_of(await find_stack(call, call.params["StackName"]))
            text = source.template
        else:
            text = await template_text(call)
        template = read_template(text)
        return {
            **_summary(template),
            "ResourceTypes": sorted({resource.type for resource in template.resources.values()}),
            "Parameters": [
                {**parameter, "ParameterType": template.parameters[parameter["ParameterKey"]].get("Type", "String")}
                for parameter in _declared(template)
            ],
        }

    async def list_exports(self, call: Call) -> Result:
        found = await all_exports(call, self.stacks.sealer)
        return {
            "Exports": [
                {"ExportingStackId": stack.stack_id, "Name": output.export_name, "Value": output.value}
                for stack, output in found
            ]
        }

    def _described(self, stack: StackRecord) -> dict[str, Any]:
        parameters = self.stacks.source_of(stack).parameters
        shown: dict[str, Any] = {
            **_times(stack),
            "StackId": stack.stack_id,
            "StackName": stack.name,
            "StackStatus": stack.status,
            "Parameters": [
                {"ParameterKey": key, "ParameterValue": "****" if key in stack.hidden else value}
                for key, value in parameters.items()
            ],
            "Capabilities": list(stack.capabilities),
            "Tags": [{"Key": key, "Value": value} for key, value in stack.tags.items()],
            "Outputs": [_output(output) for output in outputs_of(self.stacks.sealer, stack)],
            "DisableRollback": stack.on_failure == "DO_NOTHING",
            "NotificationARNs": [],
            "RollbackConfiguration": {},
            "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
            "EnableTerminationProtection": False,
        }
        if stack.timeout_minutes is not None:
            shown["TimeoutInMinutes"] = stack.timeout_minutes
        if stack.description:
            shown["Description"] = stack.description
        if stack.reason:
            shown["StackStatusReason"] = stack.reason
        return shown


def _times(stack: StackRecord) -> dict[str, Any]:
    times = {
        "CreationTime": stack.created_at,
        "LastUpdatedTime": stack.updated_at,
        "DeletionTime": stack.deleted_at,
    }
    return {name: moment for name, moment in times.items() if moment is not None}


def _output(output: Output) -> dict[str, str]:
    shown = {"OutputKey": output.key, "OutputValue": output.value}
    if output.description:
        shown["Description"] = output.description
    if output.export_name:
        shown["ExportName"] = output.export_name
    return shown


async def list_stacks(call: Call) -> Result:
    wanted = set(call.params.get("StackStatusFilter", []))
    async with call.reading() as tx:
        stacks = await STACKS.everything(tx, call.account_id, call.region)
    listed = [
        {
            **_times(stack),
            "StackId": stack.stack_id,
            "StackName": stack.name,
            "StackStatus": stack.status,
            **({"StackStatusReason": stack.reason} if stack.reason else {}),
            **({"TemplateDescription": stack.description} if stack.description else {}),
            "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        }
        for stack in sorted(stacks, key=lambda stack: stack.created_at, reverse=True)
        if not wanted or stack.status in wanted
    ]
    return {"StackSummaries": listed}


async def describe_events(call: Call) -> Result:
    """The newest event first, a page at a time; a page is told by the number of its newest event."""
    stack = await find_stack(call, call.params["StackName"])
    after = page_key(call.params.get("NextToken"), error_code="ValidationError")
    async with call.reading() as tx:
        count = await EVENT_COUNTS.get(tx, stack.uuid)
        end = count.events if count else 0
        if after is not None:
            end = min(end, int(after[0])) if after[0].isdecimal() and len(after[0]) < 10 else 0
        start = max(0, end - EVENTS_PER_PAGE)
        previous = event_key(stack, start - 1) if start else None
        events = await EVENTS.page(tx, stack.uuid, after=previous, limit=end - start) if end else []
    result: dict[str, Any] = {"StackEvents": [_event(event) for event in reversed(events)]}
    if start:
        result["NextToken"] = page_token((str(start),))
    return result


def _event(event: EventRecord) -> dict[str, Any]:
    shown = {
        "StackId": event.stack_id,
        "EventId": event.event_id,
        "StackName": event.stack_name,
        "LogicalResourceId": event.logical_id,
        "PhysicalResourceId": event.physical_id,
        "ResourceType": event.type,
        "Timestamp": event.happened_at,
        "ResourceStatus": event.status,
    }
    return {**shown, "ResourceStatusReason": event.reason} if event.reason else shown


async def describe_resources(call: Call) -> Result:
    if "StackName" not in call.params:
        raise invalid("StackName must be specified: finding a stack by PhysicalResourceId is not supported")
    stack = await find_stack(call, call.params["StackName"])
    wanted = call.params.get("LogicalResourceId")
    records = [record for record in await _resources(call, stack) if wanted in (None, record.logical_id)]
    if wanted and not records:
        raise invalid(f"Resource {wanted} does not exist for stack {stack.name}")
    of_stack = {"StackId": stack.stack_id, "StackName": stack.name}
    return {"StackResources": [{**of_stack, **_resource(record), "Timestamp": record.updated_at} for record in records]}


async def describe_one(call: Call) -> Result:
    stack = await find_stack(call, call.params["StackName"])
    name = call.params["LogicalResourceId"]
    record = next((record for record in await _resources(call, stack) if record.logical_id == name), None)
    if record is None:
        raise invalid(f"Resource {name} does not exist for stack {stack.name}")
    of_stack = {"StackId": stack.stack_id, "StackName": stack.name}
    return {"StackResourceDetail": {**of_stack, **_resource(record), "LastUpdatedTimestamp": record.updated_at}}


async def list_resources(call: Call) -> Result:
    stack = await find_stack(call, call.params["StackName"])
    return {
        "StackResourceSummaries": [
            {**_resource(record), "LastUpdatedTimestamp": record.updated_at} for record in await _resources(call, stack)
        ]
    }


async def _resources(call: Call, stack: StackRecord) -> Sequence[ResourceRecord]:
    async with call.reading() as tx:
        return await RESOURCES.everything(tx, stack.uuid)


def _resource(record: ResourceRecord) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "LogicalResourceId": record.logical_id,
        "ResourceType": record.type,
        "ResourceStatus": record.status,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }
    if record.physical_id:
        shown["PhysicalResourceId"] = record.physical_id
    if record.reason:
        shown["ResourceStatusReason"] = record.reason
    return shown


async def validate_template(call: Call) -> Result:
    template = read_template(await template_text(call))
    return {**_summary(template), "Parameters": _declared(template)}


def _summary(template: Template) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    if template.description:
        summary["Description"] = template.description
    if capabilities := needed_capabilities(template):
        iam = {r.type for r in template.resources.values() if r.type in KINDS and KINDS[r.type].is_iam}
        summary["Capabilities"] = list(capabilities)
        summary["CapabilitiesReason"] = f"The following resource(s) require capabilities: [{', '.join(sorted(iam))}]"
    return summary


def _declared(template: Template) -> list[dict[str, Any]]:
    hidden = hidden_parameters(template)
    return [
        {
            "ParameterKey": name,
            "NoEcho": name in hidden,
            **({"DefaultValue": literal(body["Default"])} if "Default" in body else {}),
            **({"Description": str(body["Description"])} if "Description" in body else {}),
        }
        for name, body in template.parameters.items()
    ]
