"""CreateStack, UpdateStack, DeleteStack, and what tells about stacks."""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, replace
from typing import Any

from crossdock.cloud.cloudformation.deploy import Deployment, RecordedExports
from crossdock.cloud.cloudformation.journal import Journal
from crossdock.cloud.cloudformation.outputs import all_exports
from crossdock.cloud.cloudformation.parameters import parameter_texts, resolve_parameters
from crossdock.cloud.cloudformation.requests import (
    check_capabilities,
    find_stack,
    given_parameters,
    hidden_parameters,
    look_up_stack,
    on_stack,
    tags_of,
    template_text,
)
from crossdock.cloud.cloudformation.store import (
    CHANGE_SETS,
    STACKS,
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
from crossdock.ports.host import Sealer

STABLE = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"})
PATIENCE_S = 5.0
NO_CHANGES = "No updates are to be performed."


@dataclass(frozen=True, slots=True)
class Stacks:
    """The operations that change stacks. Work goes on in the background after the answer, as at AWS."""

    sealer: Sealer

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateStack": Operation(handler=self.create, permissions=on_stack("CreateStack")),
            "DeleteStack": Operation(handler=self.delete, permissions=on_stack("DeleteStack")),
            "GetTemplate": Operation(handler=self.get_template, permissions=on_stack("GetTemplate")),
            "UpdateStack": Operation(handler=self.update, permissions=on_stack("UpdateStack")),
        }

    async def create(self, call: Call) -> Result:
        refuse_service_role(call)
        text = await template_text(call)
        template, source = self.checked(call, text, previous={})
        record = self.new_stack(
            call,
            call.params["StackName"],
            source,
            template,
            status="CREATE_IN_PROGRESS",
            on_failure=_on_failure(call),
            capabilities=call.params.get("Capabilities", []),
            tags=tags_of(call),
        )
        async with call.transaction() as tx:
            for other in await STACKS.everything(tx, call.account_id, call.region):
                if other.name == record.name and other.status != "DELETE_COMPLETE":
                    raise ServiceError("AlreadyExistsException", f"Stack [{record.name}] already exists")
            await STACKS.put(tx, record, call.account_id, call.region, record.uuid, is_new=True)
        await self.start_create(call, record, source)
        return {"StackId": record.stack_id}

    async def update(self, call: Call) -> Result:
        refuse_service_role(call)
        stack = await find_stack(call, call.params["StackName"])
        previous = self.source_of(stack)
        text = await template_text(call, previous=previous.template)
        template, source = self.checked(call, text, previous=previous.parameters)
        if source == previous and tags_of(call) in ({}, stack.tags):
            raise invalid(NO_CHANGES)
        await self.start_update(call, stack, source, template, call.params.get("Capabilities", []), tags_of(call))
        return {"StackId": stack.stack_id}

    async def delete(self, call: Call) -> Result:
        stack = await look_up_stack(call, call.params["StackName"])
        if stack is None or stack.status == "DELETE_COMPLETE":
            return {}
        if call.params.get("RetainResources"):
            raise invalid("RetainResources is not supported by Crossdock: set DeletionPolicy: Retain in the template")
        async with call.transaction() as tx:
            stack = await self.claim(call, stack, tx, status="DELETE_IN_PROGRESS", allowed=None)
            for change_set in await CHANGE_SETS.everything(tx, stack.uuid):
                await CHANGE_SETS.delete(tx, stack.uuid, change_set.name)
        deployment = await self._deployment(call, stack, self.source_of(stack))
        await deployment.journal.set_stack("DELETE_IN_PROGRESS", "User Initiated")
        await _begin(call, deployment.delete(), name=f"delete stack {stack.name}")
        return {}

    async def get_template(self, call: Call) -> Result:
        stack = await find_stack(call, call.params["StackName"])
        return {"TemplateBody": self.source_of(stack).template, "StagesAvailable": ["Original", "Processed"]}

    def checked(self, call: Call, text: str, *, previous: dict[str, str] | Any) -> tuple[Template, Source]:
        """The template and its parameters' texts, after every check that needs no resource."""
        template = parse_template(text, max_bytes=MAX_OBJECT_BYTES)
        given = given_parameters(call, previous=previous)
        resolve_parameters(template, given, {})
        check_capabilities(template, call.params.get("Capabilities", []))
        return template, Source(template=text, parameters=parameter_texts(template, given, {}))

    def new_stack(
        self,
        call: Call,
        name: str,
        source: Source,
        template: Template,
        *,
        status: str,
        capabilities: Iterable[str],
        tags: dict[str, str],
        on_failure: str = "ROLLBACK",
    ) -> StackRecord:
        uuid = uuid4_text(call.house.entropy)
        return StackRecord(
            stack_id=f"arn:aws:cloudformation:{call.region}:{call.account_id}:stack/{name}/{uuid}",
            name=name,
            account_id=call.account_id,
            region=call.region,
            status=status,
            created_at=call.now,
            sealed=seal_source(self.sealer, source, context=f"cloudformation:{uuid}"),
            description=template.description,
            capabilities=tuple(capabilities),
            tags=tags,
            on_failure=on_failure,
            hidden=hidden_parameters(template),
        )

    async def start_create(self, call: Call, stack: StackRecord, source: Source) -> None:
        deployment = await self._deployment(call, stack, source)
        await deployment.journal.set_stack("CREATE_IN_PROGRESS", "User Initiated")
        await _begin(call, deployment.create(), name=f"create stack {stack.name}")

    async def start_update(
        self,
        call: Call,
        stack: StackRecord,
        source: Source,
        template: Template,
        capabilities: Iterable[str],
        tags: dict[str, str],
    ) -> None:
        async with call.transaction() as tx:
            stack = await self.claim(call, stack, tx, status="UPDATE_IN_PROGRESS", allowed=STABLE)
            stack = replace(
                stack,
                capabilities=tuple(capabilities),
                tags=tags or stack.tags,
                updated_at=call.now,
                hidden=hidden_parameters(template),
            )
            await STACKS.put(tx, stack, call.account_id, call.region, stack.uuid)
        deployment = await self._deployment(call, stack, source)
        await deployment.journal.set_stack("UPDATE_IN_PROGRESS", "User Initiated")
        await _begin(call, deployment.update(), name=f"update stack {stack.name}")

    async def claim(
        self, call: Call, stack: StackRecord, tx: Any, *, status: str, allowed: frozenset[str] | None
    ) -> StackRecord:
        """Take the stack for an operation, inside the transaction that will store it, so that only one can have it."""
        present = await STACKS.get(tx, call.account_id, call.region, stack.uuid)
        if present is None or present.is_busy or (allowed is not None and present.status not in allowed):
            state = present.status if present else "DELETE_COMPLETE"
            raise invalid(f"Stack:{stack.stack_id} is in {state} state and can not be updated.")
        claimed = replace(present, status=status)
        await STACKS.put(tx, claimed, call.account_id, call.region, stack.uuid)
        return claimed

    def source_of(self, stack: StackRecord) -> Source:
        return unseal_source(self.sealer, stack.sealed, context=f"cloudformation:{stack.uuid}")

    async def _deployment(self, call: Call, stack: StackRecord, source: Source) -> Deployment:
        journal = Journal(house=call.house, sealer=self.sealer, stack=stack)
        exports = RecordedExports(await all_exports(call))
        return Deployment(call=call, journal=journal, source=source, exports=exports)


def _on_failure(call: Call) -> str:
    if "OnFailure" in call.params and "DisableRollback" in call.params:
        raise invalid("You can specify either DisableRollback or OnFailure, but not both.")
    if call.params.get("DisableRollback"):
        return "DO_NOTHING"
    return str(call.params.get("OnFailure", "ROLLBACK"))


def refuse_service_role(call: Call) -> None:
    """Stacks are made as their caller; acting as another role is not built."""
    if call.params.get("RoleARN"):
        raise invalid("RoleARN is not supported by Crossdock: resources are made with the caller's own permissions")
    if call.params.get("NotificationARNs"):
        raise invalid("NotificationARNs are not supported by Crossdock: there is no SNS")


async def _begin(call: Call, work: Coroutine[Any, Any, None], *, name: str) -> None:
    """Start work on a stack; what is done soon is done when the request is answered.

    `aws cloudformation deploy` and the waiters look once and then only after 30 seconds, and here most stacks take one.
    """
    await asyncio.wait({call.house.tasks.start(work, name=name)}, timeout=PATIENCE_S)


async def recover_interrupted(house: Any) -> int:
    """At start: a stack that was being worked on when the service ended has failed. Returns how many."""
    count = 0
    async with house.state.transaction() as tx:
        for stack in await STACKS.everything(tx):
            if stack.is_busy:
                verb = stack.status.split("_", 1)[0]
                reason = "The service was restarted during the operation; delete the stack or update it again."
                status = {"UPDATE": "UPDATE_ROLLBACK_COMPLETE"}.get(verb, f"{verb}_FAILED")
                await STACKS.put(
                    tx, replace(stack, status=status, reason=reason), stack.account_id, stack.region, stack.uuid
                )
                count += 1
    return count
