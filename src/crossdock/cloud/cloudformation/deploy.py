"""Brings a stack's resources in line with a template, and back again when that fails."""

import logging
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from crossdock.cloud.cloudformation.dependencies import creation_order
from crossdock.cloud.cloudformation.intrinsics import (
    Made,
    Scope,
    condition_holds,
    pseudo_parameters,
    resolve,
)
from crossdock.cloud.cloudformation.journal import Journal
from crossdock.cloud.cloudformation.outputs import check_exports_unused, resolve_outputs
from crossdock.cloud.cloudformation.parameters import resolve_parameters
from crossdock.cloud.cloudformation.resources.kind import CannotUpdate, ResourceKind, Workplace
from crossdock.cloud.cloudformation.resources.table import kind_of
from crossdock.cloud.cloudformation.store import ResourceRecord, Source, seal_source
from crossdock.cloud.cloudformation.template import MAX_OBJECT_BYTES, Resource, Template, parse_template
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that was done and can be undone: `before` is None for what is new, `after` what it is now."""

    before: ResourceRecord | None
    after: ResourceRecord
    is_replacement: bool = False


class Failed(Exception):
    """A resource could not be made; the message is the stack's reason."""


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
    steps: list[Step] = field(default_factory=list)

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
                failed = await self._delete_resources()
                await self.journal.set_stack(
                    "ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE", _failed_to_delete(failed)
                )

    async def _update(self) -> None:
        previous = self.journal.stack
        try:
            replaced, removed = await self._apply()
        except Failed as failure:
            await self.journal.set_stack("UPDATE_ROLLBACK_IN_PROGRESS", str(failure))
            problems = await self._undo()
            await self.journal.set_stack(
                "UPDATE_ROLLBACK_FAILED" if problems else "UPDATE_ROLLBACK_COMPLETE",
                problems,
                outputs=previous.outputs,
            )
            return
        await self.journal.set_stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
        for record in _last_made_first(replaced + removed):
            await self._remove_leftover(record, is_replaced=record in replaced)
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
        failed = await self._delete_resources()
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
            made[name] = (await self._bring(present[name], old.get(name), scope, position)).made
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
        replaced = [step.before for step in self.steps if step.is_replacement and step.before is not None]
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

    async def _bring(
        self, resource: Resource, old: ResourceRecord | None, scope: Scope, position: int
    ) -> ResourceRecord:
        """One resource as the template wants it. Raises Failed after its event is written."""
        try:
            properties = resolve(resource.properties, scope)
            kind = kind_of(resource.type)
            kind.check(properties)
        except ServiceError as error:
            record = await self.journal.begin(resource, "CREATE_IN_PROGRESS", position=position, properties={})
            await self.journal.fail(record, "CREATE_FAILED", error.message)
            if old is None:
                self.steps.append(Step(before=None, after=record))
            else:
                await self.journal.restore(old)
            raise Failed(f"The following resource(s) failed to create: [{resource.logical_id}].") from error
        if old is None or old.type != resource.type:
            return await self._make(resource, kind, properties, position, replaces=old)
        if self.journal.properties(old) == properties and old.physical_id:
            return old
        try:
            return await self._change(resource, kind, old, properties, position)
        except CannotUpdate:
            return await self._make(resource, kind, properties, position, replaces=old)

    async def _make(
        self,
        resource: Resource,
        kind: ResourceKind,
        properties: Mapping[str, Any],
        position: int,
        *,
        replaces: ResourceRecord | None,
    ) -> ResourceRecord:
        verb = "UPDATE" if replaces else "CREATE"
        record = await self.journal.begin(resource, f"{verb}_IN_PROGRESS", position=position, properties=properties)
        try:
            made = await kind.create(self._workplace(resource.logical_id), properties)
        except ServiceError as error:
            await self._note_failure(record, f"{verb}_FAILED", error, restored=replaces)
            if replaces is None:
                self.steps.append(Step(before=None, after=record))
            raise Failed(f"The following resource(s) failed to {verb.lower()}: [{resource.logical_id}].") from error
        done = await self.journal.complete(record, f"{verb}_COMPLETE", made)
        self.steps.append(Step(before=replaces, after=done, is_replacement=replaces is not None))
        return done

    async def _change(
        self,
        resource: Resource,
        kind: ResourceKind,
        old: ResourceRecord,
        properties: Mapping[str, Any],
        position: int,
    ) -> ResourceRecord:
        at = self._workplace(resource.logical_id)
        try:
            made = await kind.update(at, old.physical_id, self.journal.properties(old), properties)
        except ServiceError as error:
            await self._note_failure(old, "UPDATE_FAILED", error, restored=old)
            # The change may have been made in part: undoing puts the old properties back.
            self.steps.append(Step(before=old, after=old))
            raise Failed(f"The following resource(s) failed to update: [{resource.logical_id}].") from error
        record = await self.journal.begin(
            resource,
            "UPDATE_IN_PROGRESS",
            position=position,
            properties=properties,
            physical_id=old.physical_id,
        )
        done = await self.journal.complete(record, "UPDATE_COMPLETE", made)
        self.steps.append(Step(before=old, after=done))
        return done

    async def _note_failure(
        self, record: ResourceRecord, status: str, error: ServiceError, *, restored: ResourceRecord | None
    ) -> None:
        reason = f"{error.message} (Service error code: {error.code})"
        await self.journal.fail(record, status, reason)
        if restored is not None:
            await self.journal.restore(restored)

    async def _undo(self) -> str:
        """Take back every step, the last first. Returns what could not be taken back, empty if nothing."""
        problems: list[str] = []
        for step in reversed(self.steps):
            kind = kind_of(step.after.type) if step.after.physical_id else None
            at = self._workplace(step.after.logical_id)
            try:
                if step.before is None or step.is_replacement:
                    if kind is not None:
                        await kind.delete(at, step.after.physical_id, self.journal.properties(step.after))
                    await self.journal.forget(step.after)
                elif kind is not None:
                    await kind.update(
                        at,
                        step.after.physical_id,
                        self.journal.properties(step.after),
                        self.journal.properties(step.before),
                    )
            except (ServiceError, CannotUpdate) as error:
                problems.append(f"{step.after.logical_id}: {error}")
            if step.before is not None:
                await self.journal.restore(step.before)
        return "; ".join(problems)

    async def _remove_leftover(self, record: ResourceRecord, *, is_replaced: bool) -> None:
        """Delete what is no longer wanted. A failure is an event; AWS completes the update all the same."""
        try:
            await self._delete_made(record)
        except ServiceError as error:
            await self.journal.announce(record, "DELETE_FAILED", error.message)
            return
        if is_replaced:
            await self.journal.announce(record, "DELETE_COMPLETE")
        else:
            await self.journal.forget(record)

    async def _delete_resources(self) -> list[str]:
        """Delete all resources, the last made first; returns the logical ids that could not be deleted."""
        failed: list[str] = []
        for record in _last_made_first((await self.journal.resources()).values()):
            try:
                await self._delete_made(record)
            except ServiceError as error:
                await self.journal.fail(record, "DELETE_FAILED", f"{error.message} (Service error code: {error.code})")
                failed.append(record.logical_id)
            else:
                await self.journal.forget(record)
        return failed

    async def _delete_made(self, record: ResourceRecord) -> None:
        if not record.physical_id:
            return
        if record.deletion_policy != "Delete":
            await self.journal.announce(record, "DELETE_SKIPPED")
            return
        await self.journal.announce(record, "DELETE_IN_PROGRESS")
        kind = kind_of(record.type)
        await kind.delete(self._workplace(record.logical_id), record.physical_id, self.journal.properties(record))

    def _workplace(self, logical_id: str) -> Workplace:
        stack = self.journal.stack
        return Workplace(call=self.call, stack_id=stack.stack_id, stack_name=stack.name, logical_id=logical_id)


def _last_made_first(records: Iterable[ResourceRecord]) -> list[ResourceRecord]:
    return sorted(records, key=lambda record: record.position, reverse=True)


def _failed_to_delete(logical_ids: list[str]) -> str:
    return f"The following resource(s) failed to delete: [{', '.join(logical_ids)}]." if logical_ids else ""
