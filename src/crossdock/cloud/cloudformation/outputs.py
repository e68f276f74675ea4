"""What stacks give away: outputs and exports, and who uses the exports."""

from crossdock.cloud.cloudformation.intrinsics import NO_VALUE, Scope, condition_holds, resolve
from crossdock.cloud.cloudformation.store import STACKS, Output, StackRecord
from crossdock.cloud.cloudformation.template import Template, invalid
from crossdock.operations.call import Call


async def resolve_outputs(call: Call, stack: StackRecord, template: Template, scope: Scope) -> tuple[Output, ...]:
    """Outputs whose conditions hold. Raises ServiceError, also when another stack exports a name already."""
    taken = {
        output.export_name: other.name
        for other in await live_stacks(call)
        if other.stack_id != stack.stack_id
        for output in other.outputs
        if output.export_name
    }
    found: list[Output] = []
    for key, body in template.outputs.items():
        if body.get("Condition") and not condition_holds(body["Condition"], scope):
            continue
        if "Value" not in body:
            raise invalid(f"Template format error: Output {key} is malformed. Every Outputs member must have a Value")
        value = resolve(body["Value"], scope)
        export = resolve(body.get("Export", {}).get("Name", ""), scope)
        if value is NO_VALUE or not isinstance(value, str | int | float | bool):
            raise invalid(f"Template format error: Output {key} is malformed. Its Value must be a text")
        if export in taken:
            raise invalid(f"Export with name {export} is already exported by stack {taken[export]}")
        found.append(
            Output(key=key, value=str(value), description=str(body.get("Description", "")), export_name=str(export))
        )
    return tuple(found)


async def live_stacks(call: Call) -> list[StackRecord]:
    """The stacks of the caller's account and region that are not deleted, the newest first."""
    async with call.reading() as tx:
        stacks = await STACKS.everything(tx, call.account_id, call.region)
    alive = [stack for stack in stacks if stack.status != "DELETE_COMPLETE"]
    return sorted(alive, key=lambda stack: stack.created_at, reverse=True)


async def all_exports(call: Call) -> dict[str, str]:
    """Export names and their values."""
    return {
        output.export_name: output.value
        for stack in await live_stacks(call)
        for output in stack.outputs
        if output.export_name
    }


async def check_exports_unused(call: Call, stack: StackRecord) -> None:
    """Raises ServiceError when another stack imports what this one exports."""
    own = {output.export_name for output in stack.outputs if output.export_name}
    for other in await live_stacks(call):
        if other.stack_id != stack.stack_id and (used := sorted(own & set(other.imports))):
            raise invalid(f"Export {used[0]} cannot be deleted as it is in use by {other.name}")
