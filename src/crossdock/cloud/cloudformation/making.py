"""Makes one resource as a template wants it: new, changed in place, or replaced."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Scope, resolve
from crossdock.cloud.cloudformation.journal import Journal, leftovers_of
from crossdock.cloud.cloudformation.loading import invalid
from crossdock.cloud.cloudformation.resources.kind import CannotUpdate, ResourceKind, Workplace
from crossdock.cloud.cloudformation.resources.table import kind_of
from crossdock.cloud.cloudformation.store import ResourceRecord
from crossdock.cloud.cloudformation.template import Resource
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call

Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Something that was done and can be undone: `before` is None for what is new, `after` what it is now.

    `is_taken_back` marks a replacement by what an earlier update had replaced.
    """

    before: ResourceRecord | None
    after: ResourceRecord
    is_replacement: bool = False
    is_taken_back: bool = False


class Failed(Exception):
    """A resource could not be made; the message is the stack's reason."""


@dataclass(slots=True)
class Site:
    """What all work on the resources of one stack needs."""

    call: Call
    journal: Journal
    sleep: Sleep

    def workplace(self, logical_id: str, claim: Callable[[str], Awaitable[None]] | None = None) -> Workplace:
        return Workplace(
            call=self.call,
            stack_name=self.journal.stack.name,
            logical_id=logical_id,
            claim=claim or _claims_nothing,
            sleep=self.sleep,
        )

    async def delete(self, at: Workplace, record: ResourceRecord) -> None:
        """Delete what is, or may be, there. Raises ServiceError."""
        if record.physical_id:
            properties = _together(self.journal.states(record))
            await kind_of(record.type).delete(at, record.physical_id, properties)


def _together(states: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The properties of a resource that is in one of these states, or between them: it may have all of their items."""
    together = dict(states[0])
    for state in states[1:]:
        for name, value in state.items():
            if isinstance(value, list):
                known = together.get(name, [])
                together[name] = [*known, *(item for item in value if item not in known)]
    return together


async def _claims_nothing(_physical_id: str) -> None:
    return None


def failure(error: ServiceError) -> str:
    return f"{error.message} (Service error code: {error.code})"


@dataclass(slots=True)
class Making:
    """Makes a stack's resources one by one; `steps` is what was done, so that it can be undone."""

    site: Site
    steps: list[Step] = field(default_factory=list)

    async def bring(
        self, resource: Resource, old: ResourceRecord | None, scope: Scope, position: int
    ) -> ResourceRecord:
        """One resource as the template wants it. Raises Failed after its event is written."""
        try:
            kind = kind_of(resource.type)
            properties = kind.check(resolve(resource.properties, scope))
        except ServiceError as error:
            raise await self._refused(resource, old, error, position) from error
        if old is not None and not old.is_complete:
            old = await self._clear(old)
        if old is None or old.type != resource.type:
            return await self._make(resource, kind, properties, position, replaces=old)
        states = self.site.journal.states(old)
        if states == [properties]:
            return await self._keep(resource, old, position)
        try:
            return await self._change(resource, kind, old, properties, position)
        except CannotUpdate:
            if (left := await self._leftover_like(old, properties)) is not None:
                return await self._take_back(resource, left, position, replaces=old)
            if (kept := _name_is_kept(kind, old, states, properties)) is not None:
                raise await self._refused(resource, old, kept, position) from kept
            return await self._make(resource, kind, properties, position, replaces=old)

    async def _keep(self, resource: Resource, old: ResourceRecord, position: int) -> ResourceRecord:
        kept = await self.site.journal.keep(old, resource, position)
        if kept != old:
            self.steps.append(Step(before=old, after=kept))
        return kept

    async def _leftover_like(self, old: ResourceRecord, properties: Mapping[str, Any]) -> ResourceRecord | None:
        """What the resource was before an update that failed half-way, if that is just what is wanted again."""
        journal = self.site.journal
        for left in await leftovers_of(journal.house.state, journal.stack):
            is_the_same = (left.logical_id, left.type) == (old.logical_id, old.type) and left.is_complete
            if is_the_same and journal.states(left) == [properties]:
                return left
        return None

    async def _take_back(
        self, resource: Resource, left: ResourceRecord, position: int, *, replaces: ResourceRecord
    ) -> ResourceRecord:
        record = await self.site.journal.take_back(left, resource, position, replaces=replaces)
        self.steps.append(Step(before=replaces, after=record, is_replacement=True, is_taken_back=True))
        return record

    async def _refused(
        self, resource: Resource, old: ResourceRecord | None, error: ServiceError, position: int
    ) -> Failed:
        """Nothing was tried: note that, and say why the stack fails."""
        if old is not None:
            await self.site.journal.announce(old, "UPDATE_FAILED", error.message)
            await self.site.journal.restore(old)
            return Failed(f"The following resource(s) failed to update: [{resource.logical_id}].")
        record = await self.site.journal.begin(resource, position=position, properties={})
        record = await self.site.journal.fail(record, "CREATE_FAILED", error.message)
        self.steps.append(Step(before=None, after=record))
        return Failed(f"The following resource(s) failed to create: [{resource.logical_id}].")

    async def _clear(self, half_made: ResourceRecord) -> ResourceRecord | None:
        """Take away what an interrupted or failed operation may have left; returns what it should have replaced."""
        try:
            await self.site.delete(self.site.workplace(half_made.logical_id), half_made)
        except ServiceError as error:
            await self.site.journal.fail(half_made, "DELETE_FAILED", failure(error))
            raise Failed(f"The following resource(s) failed to update: [{half_made.logical_id}].") from error
        return await self.site.journal.fall_back(half_made)

    async def _make(
        self,
        resource: Resource,
        kind: ResourceKind,
        properties: Mapping[str, Any],
        position: int,
        *,
        replaces: ResourceRecord | None,
    ) -> ResourceRecord:
        journal = self.site.journal
        verb = "UPDATE" if replaces else "CREATE"
        record = await journal.begin(resource, position=position, properties=properties, replaces=replaces)

        async def claim(physical_id: str) -> None:
            nonlocal record
            record = await journal.claim(record, physical_id)

        at = self.site.workplace(resource.logical_id, claim)
        is_replacement = replaces is not None
        try:
            made = await kind.create(at, properties)
        except ServiceError as error:
            record = await journal.fail(
                record, f"{verb}_FAILED", failure(error), physical_id=record.physical_id if at.has_changed else ""
            )
            self.steps.append(Step(before=replaces, after=record, is_replacement=is_replacement))
            raise Failed(f"The following resource(s) failed to {verb.lower()}: [{resource.logical_id}].") from error
        done = await journal.complete(record, f"{verb}_COMPLETE", made, properties)
        self.steps.append(Step(before=replaces, after=done, is_replacement=is_replacement))
        return done

    async def _change(
        self,
        resource: Resource,
        kind: ResourceKind,
        old: ResourceRecord,
        properties: Mapping[str, Any],
        position: int,
    ) -> ResourceRecord:
        journal = self.site.journal
        record = await journal.begin_change(old, resource, position=position, properties=properties)
        at = self.site.workplace(resource.logical_id)
        made = old.made
        try:
            # After an interruption it may be in more than one state: each difference is made good.
            for state in journal.states(old):
                if state != properties:
                    made = await kind.update(at, old.physical_id, state, properties)
        except ServiceError as error:
            record = await journal.fail(record, "UPDATE_FAILED", failure(error))
            self.steps.append(Step(before=old, after=record if at.has_changed else old))
            raise Failed(f"The following resource(s) failed to update: [{resource.logical_id}].") from error
        done = await journal.complete(record, "UPDATE_COMPLETE", made, properties)
        self.steps.append(Step(before=old, after=done))
        return done


def _name_is_kept(
    kind: ResourceKind, old: ResourceRecord, states: Sequence[Mapping[str, Any]], properties: Mapping[str, Any]
) -> ServiceError | None:
    """Two resources cannot have one name, so one whose name the template gives cannot be replaced under it."""
    name = properties.get(kind.name_property)
    if name is None or name not in (old.physical_id, *(state.get(kind.name_property) for state in states)):
        return None
    return invalid(
        f"CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename {name} and "
        "update the stack again."
    )
