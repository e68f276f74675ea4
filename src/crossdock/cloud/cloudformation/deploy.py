"""Brings a stack's resources in line with a template, and back again when that fails."""

import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from crossdock.cloud.cloudformation.dependencies import creation_order
from crossdock.cloud.cloudformation.intrinsics import (
    Made,
    Scope,
    condition_holds,
    pseudo_parameters,
)
from crossdock.cloud.cloudformation.journal import Journal
from crossdock.cloud.cloudformation.making import Failed, Making
from crossdock.cloud.cloudformation.outputs import check_exports_unused, resolve_outputs
from crossdock.cloud.cloudformation.parameters import resolve_parameters
from crossdock.cloud.cloudformation.removal import Removal, last_made_first
from crossdock.cloud.cloudformation.store import ResourceRecord, Source, seal_source
from crossdock.cloud.cloudformation.template import MAX_OBJECT_BYTES, Template, parse_template
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call

_log = logging.getLogger(__name__)


class RecordedExports(dict[str, str]):
    """Exports of the account and region that remember which of them were used."""

    def __init__(self, exports: Mapping[str, str]) -> None:
        super().__init__(exports)
        self.used: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.used.add(name)
        return super().__getitem__(name)


@dataclass(slots=True)
class Deployment:
    """One create, update or delete of one stack, done as the caller of `call`."""

    call: Call
    journal: Journal
    source: Source
    exports: RecordedExports
    _making: Making = field(init=False)
    _removal: Removal = field(init=False)

    def __post_init__(self) -> None:
        self._making = Making(self.call, self.journal)
        self._removal = Removal(self.call, self.journal)

    async def create(self) -> None:
        """From CREATE_IN_PROGRESS to CREATE_COMPLETE, or to what `on_failure` asks for."""
        await self._guarded(self._create())

    async def update(self) -> None:
        """From UPDATE_IN_PROGRESS to UPDATE_COMPLETE or UPDATE_ROLLBACK_COMPLETE."""
        await self._guarded(self._update())

    async def delete(self) -> None:
        """From DELETE_IN_PROGRESS to DELETE_COMPLETE or DELETE_FAILED."""
        await self._guarded(self._delete())

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:  # the task's boundary: a stack must never stay "in progress" for ever
            _log.exception("stack operation failed", extra={"stack": self.journal.stack.stack_id})
            verb = self.journal.stack.status.split("_", 1)[0]
            await self.journal.set_stack(f"{verb}_FAILED", "Internal failure; the service's log has the details.")

    async def _create(self) -> None:
        try:
            await self._apply()
        except Failed as failure:
            await self._abandon(str(failure))
            return
        await self.journal.set_stack("CREATE_COMPLETE")

    async def _abandon(self, reason: str) -> None:
        match self.journal.stack.on_failure:
            case "DO_NOTHING":
                await self.journal.set_stack("CREATE_FAILED", reason)
            case "DELETE":
                await self.journal.set_stack("DELETE_IN_PROGRESS", reason)
                await self._delete()
            case _:
                await self.journal.set_stack("ROLLBACK_IN_PROGRESS", f"{reason} Rollback requested by user.")
                failed = await self._removal.everything()
                await self.journal.set_stack(
                    "ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE", _failed_to_delete(failed)
                )

    async def _update(self) -> None:
        previous = self.journal.stack
        try:
            replaced, removed = await self._apply()
        except Failed as failure:
            await self.journal.set_stack("UPDATE_ROLLBACK_IN_PROGRESS", str(failure))
            problems = await self._removal.undo(self._making.steps)
            await self.journal.set_stack(
                "UPDATE_ROLLBACK_FAILED" if problems else "UPDATE_ROLLBACK_COMPLETE",
                problems,
                outputs=previous.outputs,
            )
            return
        await self.journal.set_stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        for record in last_made_first(replaced + removed):
            await self._removal.leftover(record, is_replaced=record in replaced)
        context = f"cloudformation:{self.journal.stack.uuid}"
        await self.journal.set_stack(
            "UPDATE_COMPLETE", sealed=seal_source(self.journal.sealer, self.source, context=context)
        )

    async def _delete(self) -> None:
        try:
            await check_exports_unused(self.call, self.journal.stack)
        except ServiceError as error:
            await self.journal.set_stack("DELETE_FAILED", error.message)
            return
        failed = await self._removal.everything()
        if failed:
            await self.journal.set_stack("DELETE_FAILED", _failed_to_delete(failed))
        else:
            now = self.call.house.clock.now()
            await self.journal.set_stack("DELETE_COMPLETE", deleted_at=now, outputs=(), imports=())

    async def _apply(self) -> tuple[list[ResourceRecord], list[ResourceRecord]]:
        """Make and change everything; returns what was replaced, and what is no longer wanted. Raises Failed."""
        made: dict[str, Made] = {}
        try:
            template = parse_template(self.source.template, max_bytes=MAX_OBJECT_BYTES)
            scope = self._scope(template, made)
            present = {
                name: resource
                for name, resource in template.resources.items()
                if not resource.condition or condition_holds(resource.condition, scope)
            }
            order = creation_order(template, present)
        except ServiceError as error:
            raise Failed(error.message) from error
        old = await self.journal.resources()
        for position, name in enumerate(order):
            made[name] = (await self._making.bring(present[name], old.get(name), scope, position)).made
        try:
            outputs = await resolve_outputs(self.call, self.journal.stack, template, scope)
        except ServiceError as error:
            raise Failed(error.message) from error
        self.journal.stack = replace(
            self.journal.stack,
            description=template.description,
            outputs=outputs,
            imports=tuple(sorted(self.exports.used)),
        )
        replaced = [step.before for step in self._making.steps if step.is_replacement and step.before is not None]
        return replaced, [record for name, record in old.items() if name not in present]

    def _scope(self, template: Template, made: Mapping[str, Made]) -> Scope:
        stack = self.journal.stack
        return Scope(
            template=template,
            parameters=resolve_parameters(template, self.source.parameters, {}),
            pseudo=pseudo_parameters(
                account_id=stack.account_id, region=stack.region, stack_id=stack.stack_id, stack_name=stack.name
            ),
            exports=self.exports,
            resources=made,
        )


def _failed_to_delete(logical_ids: list[str]) -> str:
    return f"The following resource(s) failed to delete: [{', '.join(logical_ids)}]." if logical_ids else ""
