"""Makes one resource as a template wants it: new, changed in place, or replaced."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Scope, resolve
from crossdock.cloud.cloudformation.journal import Journal
from crossdock.cloud.cloudformation.resources.kind import CannotUpdate, ResourceKind, Workplace
from crossdock.cloud.cloudformation.resources.table import kind_of
from crossdock.cloud.cloudformation.store import ResourceRecord
from crossdock.cloud.cloudformation.template import Resource
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that was done and can be undone: `before` is None for what is new, `after` what it is now."""

    before: ResourceRecord | None
    after: ResourceRecord
    is_replacement: bool = False


class Failed(Exception):
    """A resource could not be made; the message is the stack's reason."""


def workplace(call: Call, journal: Journal, logical_id: str) -> Workplace:
    stack = journal.stack
    return Workplace(call=call, stack_id=stack.stack_id, stack_name=stack.name, logical_id=logical_id)


@dataclass(slots=True)
class Making:
    """Makes a stack's resources one by one; `steps` is what was done, so that it can be undone."""

    call: Call
    journal: Journal
    steps: list[Step] = field(default_factory=list)

    async def bring(
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
            made = await kind.create(workplace(self.call, self.journal, resource.logical_id), properties)
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
        at = workplace(self.call, self.journal, resource.logical_id)
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
