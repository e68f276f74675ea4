"""Brings a stack's resources in line with a template, and back again when that fails."""

import logging
from collections.abc import Collection, Coroutine, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

from crossdock.cloud.cloudformation.dependencies import creation_order
from crossdock.cloud.cloudformation.intrinsics import (
    Made,
    Scope,
    condition_holds,
    present_resources,
    pseudo_parameters,
)
from crossdock.cloud.cloudformation.journal import resources_of
from crossdock.cloud.cloudformation.making import Failed, Making, Site
from crossdock.cloud.cloudformation.outputs import check_exports_unused, recorded_exports, resolve_outputs
from crossdock.cloud.cloudformation.parameters import typed_parameters
from crossdock.cloud.cloudformation.removal import Removal
from crossdock.cloud.cloudformation.requests import Wanted
from crossdock.cloud.cloudformation.store import ResourceRecord, StackRecord, seal_outputs
from crossdock.core.errors import FileError, ServiceError
from crossdock.operations.call import Call

_RETRY_S = 5.0

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Deployment:
    """One create, update or delete of one stack, done as the caller of `site.call`."""

    site: Site
    _making: Making = field(init=False)
    _removal: Removal = field(init=False)

    def __post_init__(self) -> None:
        self._making = Making(self.site)
        self._removal = Removal(self.site)

    async def create(self, wanted: Wanted) -> None:
        """From CREATE_IN_PROGRESS to CREATE_COMPLETE, or to what the stack's `on_failure` asks for."""
        await self._guarded(self._create(wanted))

    async def update(self, wanted: Wanted, *, is_rolled_back: bool) -> None:
        """From UPDATE_IN_PROGRESS to UPDATE_COMPLETE, or back to what was, or to UPDATE_FAILED as it then is."""
        await self._guarded(self._update(wanted, is_rolled_back=is_rolled_back))

    async def delete(self, *, retained: Collection[str] = (), status_before: str) -> None:
        """From DELETE_IN_PROGRESS to DELETE_COMPLETE or DELETE_FAILED, or back to what it was when it is in use."""
        await self._guarded(self._cancel_or_delete(retained, status_before))

    async def _guarded(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception:  # the task's boundary: a stack must never stay "in progress" for ever
            _log.exception("stack operation failed", extra={"stack": self.site.journal.stack.stack_id})
            await self._give_up()

    async def _give_up(self) -> None:
        """Say so, as soon as it can be said: perhaps the disk is full."""
        journal = self.site.journal
        status = INTERRUPTED.get(journal.stack.status, journal.stack.status)
        while True:
            try:
                await journal.set_stack(status, "Internal failure; the service's log has the details.")
                return
            except FileError:
                await self.site.sleep(_RETRY_S)

    async def _create(self, wanted: Wanted) -> None:
        journal = self.site.journal
        try:
            changes = await self._apply(wanted)
        except Failed as failure:
            await self._abandon(str(failure))
        else:
            await journal.set_stack("CREATE_COMPLETE", **changes.fields)

    async def _abandon(self, reason: str) -> None:
        journal = self.site.journal
        match journal.stack.on_failure:
            case "DO_NOTHING":
                await journal.set_stack("CREATE_FAILED", reason)
            case "DELETE":
                await journal.set_stack("DELETE_IN_PROGRESS", reason)
                await self._delete(is_rollback=True)
            case _:
                await journal.set_stack("ROLLBACK_IN_PROGRESS", f"{reason} Rollback requested by user.")
                failed = await self._removal.everything(is_rollback=True)
                await journal.set_stack("ROLLBACK_FAILED" if failed else "ROLLBACK_COMPLETE", _not_deleted(failed))

    async def _update(self, wanted: Wanted, *, is_rolled_back: bool) -> None:
        journal = self.site.journal
        try:
            changes = await self._apply(wanted)
        except Failed as failure:
            if not is_rolled_back:
                await journal.set_stack("UPDATE_FAILED", str(failure))
                return
            await journal.set_stack("UPDATE_ROLLBACK_IN_PROGRESS", str(failure))
            failed = await self._removal.undo(self._making.steps)
            await journal.set_stack(
                "UPDATE_ROLLBACK_FAILED" if failed else "UPDATE_ROLLBACK_COMPLETE",
                f"The following resource(s) failed to update: [{', '.join(failed)}]." if failed else "",
            )
            return
        await journal.set_stack("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", **changes.fields)
        await self._removal.unwanted(changes.removed)
        await journal.set_stack("UPDATE_COMPLETE")

    async def _cancel_or_delete(self, retained: Collection[str], status_before: str) -> None:
        journal = self.site.journal
        try:
            await check_exports_unused(self.site.call, journal.sealer, journal.stack)
        except ServiceError as error:
            # Nothing was touched: the stack can be updated as before.
            await journal.set_stack(status_before, f"Delete canceled. {error.message}")
            return
        await self._delete(retained)

    async def _delete(self, retained: Collection[str] = (), *, is_rollback: bool = False) -> None:
        call, journal = self.site.call, self.site.journal
        failed = await self._removal.everything(retained=retained, is_rollback=is_rollback)
        if failed:
            await journal.set_stack("DELETE_FAILED", _not_deleted(failed))
        else:
            now = call.house.clock.now()
            await journal.set_stack("DELETE_COMPLETE", deleted_at=now, sealed_outputs="", imports=())

    async def _apply(self, wanted: Wanted) -> "_Changes":
        """Make and change everything. Raises Failed."""
        journal = self.site.journal
        exports = await recorded_exports(self.site.call, journal.sealer)
        made: dict[str, Made] = {}
        scope = stack_scope(self.site.call, journal.stack, wanted, exports, made)
        try:
            present = present_resources(scope)
            order = creation_order(scope.template, present, lambda name: condition_holds(name, scope))
        except ServiceError as error:
            raise Failed(error.message) from error
        old = await resources_of(self.site.call.house.state, journal.stack)
        for position, name in enumerate(order):
            self._check_time()
            made[name] = (await self._making.bring(present[name], old.get(name), scope, position)).made
        try:
            outputs = await resolve_outputs(self.site.call, journal.sealer, journal.stack, scope)
        except ServiceError as error:
            raise Failed(error.message) from error
        context = journal.stack.context
        return _Changes(
            fields={
                **wanted.fields(journal.sealer, context),
                "sealed_outputs": seal_outputs(journal.sealer, outputs, context=context),
                "imports": tuple(sorted(exports.used)),
            },
            removed=[record for name, record in old.items() if name not in present],
        )

    def _check_time(self) -> None:
        """Raises Failed when a stack's creation takes longer than its caller wanted to wait."""
        stack, minutes = self.site.journal.stack, self.site.journal.stack.timeout_minutes
        if minutes is None or stack.status != "CREATE_IN_PROGRESS":
            return
        if self.site.call.house.clock.now() > self.site.call.now + timedelta(minutes=minutes):
            raise Failed(f"Stack creation time exceeded the specified timeout of {minutes} minutes.")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Changes:
    """What the stack's record says from now on, and which resources it no longer has."""

    fields: Mapping[str, Any]
    removed: list[ResourceRecord]


def stack_scope(
    call: Call, stack: StackRecord, wanted: Wanted, exports: Mapping[str, str], made: Mapping[str, Made]
) -> Scope:
    """What the functions of a stack's template can refer to."""
    return Scope(
        template=wanted.template,
        parameters=typed_parameters(wanted.template, wanted.source.parameters),
        pseudo=pseudo_parameters(
            account_id=call.account_id, region=call.region, stack_id=stack.stack_id, stack_name=stack.name
        ),
        exports=exports,
        resources=made,
    )


INTERRUPTED: Mapping[str, str] = {
    "CREATE_IN_PROGRESS": "CREATE_FAILED",
    "DELETE_IN_PROGRESS": "DELETE_FAILED",
    "ROLLBACK_IN_PROGRESS": "ROLLBACK_FAILED",
    "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS": "UPDATE_COMPLETE",
    "UPDATE_IN_PROGRESS": "UPDATE_FAILED",
    "UPDATE_ROLLBACK_IN_PROGRESS": "UPDATE_ROLLBACK_FAILED",
}
"""What becomes of a stack whose operation ended half-way. What was left to clean up is cleaned up next time."""


def interrupted(stack: StackRecord) -> StackRecord:
    """A stack that was being worked on when the service ended."""
    status = INTERRUPTED[stack.status]
    reason = "The service was restarted during the operation; update the stack again, or delete it."
    return replace(stack, status=status, reason="" if status == "UPDATE_COMPLETE" else reason)


def _not_deleted(logical_ids: list[str]) -> str:
    return f"The following resource(s) failed to delete: [{', '.join(logical_ids)}]." if logical_ids else ""
