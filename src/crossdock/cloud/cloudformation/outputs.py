"""What stacks give away: outputs and exports, and who uses the exports."""

from collections.abc import Mapping
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import NO_VALUE, Scope, condition_holds, resolve
from crossdock.cloud.cloudformation.loading import invalid
from crossdock.cloud.cloudformation.parameters import literal
from crossdock.cloud.cloudformation.store import STACKS, Output, StackRecord, outputs_of
from crossdock.operations.call import Call
from crossdock.ports.host import Sealer

MAX_EXPORT_CHARS = 255


class RecordedExports(dict[str, str]):
    """Exports of the account and region that remember which of them were used."""

    def __init__(self, exports: Mapping[str, str]) -> None:
        super().__init__(exports)
        self.used: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.used.add(name)
        return super().__getitem__(name)


async def recorded_exports(call: Call, sealer: Sealer) -> RecordedExports:
    return RecordedExports({output.export_name: output.value for _, output in await all_exports(call, sealer)})


async def resolve_outputs(call: Call, sealer: Sealer, stack: StackRecord, scope: Scope) -> tuple[Output, ...]:
    """Outputs whose conditions hold.

    Raises:
        ServiceError: ValidationError for a value that is no text, a name that another stack exports already, or a
            change of an export that another stack uses.
    """
    outputs = tuple(
        _output(key, body, scope)
        for key, body in scope.template.outputs.items()
        if not body.get("Condition") or condition_holds(body["Condition"], scope)
    )
    exported = _exported(outputs)
    if len(exported) < sum(1 for output in outputs if output.export_name):
        raise invalid("Template format error: two Outputs are exported under one name")
    for other in await live_stacks(call):
        if other.stack_id == stack.stack_id:
            continue
        if taken := sorted(exported.keys() & _exported(outputs_of(sealer, other)).keys()):
            raise invalid(f"Export with name {taken[0]} is already exported by stack {other.name}")
    await _check_users(call, sealer, stack, exported, "updated")
    return outputs


def _output(key: str, body: Mapping[str, Any], scope: Scope) -> Output:
    value = resolve(body["Value"], scope)
    if value is NO_VALUE or not isinstance(value, str | int | float):
        raise invalid(f"Template format error: Output {key} is malformed. The Value field must be a String.")
    export: Any = ""
    if body.get("Export"):
        export = resolve(body["Export"]["Name"], scope)
        if not isinstance(export, str) or not 1 <= len(export) <= MAX_EXPORT_CHARS:
            raise invalid(f"Template format error: Output {key} is malformed. The Name of an Export must be a String.")
    return Output(
        key=key, value=literal(value), description=literal(body.get("Description", "")), export_name=str(export)
    )


def _exported(outputs: tuple[Output, ...]) -> dict[str, str]:
    return {output.export_name: output.value for output in outputs if output.export_name}


async def live_stacks(call: Call) -> list[StackRecord]:
    """The stacks of the caller's account and region that are not deleted, the newest first."""
    async with call.reading() as tx:
        stacks = await STACKS.everything(tx, call.account_id, call.region)
    alive = [stack for stack in stacks if stack.status != "DELETE_COMPLETE"]
    return sorted(alive, key=lambda stack: stack.created_at, reverse=True)


async def all_exports(call: Call, sealer: Sealer) -> list[tuple[StackRecord, Output]]:
    """Every exported output with the stack that exports it, by name."""
    found = [
        (stack, output)
        for stack in await live_stacks(call)
        for output in outputs_of(sealer, stack)
        if output.export_name
    ]
    return sorted(found, key=lambda pair: pair[1].export_name)


async def check_exports_unused(call: Call, sealer: Sealer, stack: StackRecord) -> None:
    """Raises ServiceError when another stack imports what this one exports."""
    await _check_users(call, sealer, stack, {}, "deleted")


async def _check_users(call: Call, sealer: Sealer, stack: StackRecord, kept: Mapping[str, str], verb: str) -> None:
    own = _exported(outputs_of(sealer, stack))
    lost = {name for name, value in own.items() if kept.get(name) != value}
    for other in await live_stacks(call):
        if other.stack_id != stack.stack_id and (used := sorted(lost & set(other.imports))):
            raise invalid(f"Export {used[0]} cannot be {verb} as it is in use by {other.name}")
