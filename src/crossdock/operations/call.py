"""The one road: every operation, whoever calls it, is authorised, run and audited here."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from inspect import isawaitable
from typing import Protocol

from crossdock.core.arns import no_such, parse_arn
from crossdock.core.errors import Fault, OutOfSpace, ServiceError, Unavailable
from crossdock.core.ids import Entropy, uuid4_text
from crossdock.operations.audit import record_audit
from crossdock.operations.caller import CallContext, Caller, Context, Origin
from crossdock.operations.credentials import credentials_answered
from crossdock.operations.operation import Operation, Params, Permission, Result, ServiceOperations
from crossdock.operations.tasks import TaskSupervisor
from crossdock.policy.evaluate import Decision
from crossdock.policy.remedies import remedy_of
from crossdock.ports.host import Clock
from crossdock.ports.state import State, Transaction

_log = logging.getLogger(__name__)


class Authorizer(Protocol):
    """Decides one permission for one caller with whatever policies the authority holds."""

    async def decide(self, caller: Caller, permission: Permission, context: Context) -> Decision:
        """`context` holds the global keys; the permission's own keys are added by the authorizer.

        Raises:
            ExpiredCredentials, UnknownCredentials: the caller is nobody any more.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What every operation stands on."""

    state: State
    clock: Clock
    entropy: Entropy
    tasks: TaskSupervisor


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call of one operation, as its handler sees it.

    `account_id` is the account in which the operation works: the caller's, as for every AWS API.
    """

    service: str
    operation: str
    params: Params
    caller: Caller
    account_id: str
    region: str
    origin: Origin
    request_id: str
    now: datetime
    operations: "Operations" = field(repr=False)

    @property
    def house(self) -> House:
        return self.operations.house

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """Change state; the audit record is part of the same commit."""
        async with self.house.state.transaction() as tx:
            yield tx
            await record_audit(tx, self, error_code="")

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        async with self.house.state.reading() as tx:
            yield tx

    async def decide(self, permission: Permission) -> Decision:
        """Ask about a permission without failing, as HeadObject does about ListBucket."""
        return await self.operations.decide(self, permission)

    async def demand(self, permission: Permission) -> None:
        """Require a permission that only the handler can know; ServiceError as the service words its denials."""
        await self.operations.demand(self, permission)

    async def invoke(self, service: str, operation: str, params: Params, *, region: str | None = None) -> Result:
        """Call another operation as the same caller, with its permissions."""
        return await self.operations.call(
            service,
            operation,
            params,
            caller=self.caller,
            account_id=self.account_id,
            region=region or self.region,
            origin=replace(self.origin, via=self.service),
        )


Validator = Callable[[str, str, Params], None]
"""Checks an operation's input against its model: service, operation, params. Raises ServiceError."""


def _accept(_service: str, _operation: str, _params: Params) -> None:
    return None


HouseRule = Callable[["Call"], None]
"""What a house refuses to whoever may do it. Raises ServiceError."""


def _no_rule(_call: Call) -> None:
    return None


class Operations:
    """Every operation of every service, and how they are called."""

    def __init__(
        self,
        services: Sequence[ServiceOperations],
        *,
        house: House,
        authorizer: Authorizer,
        validate: Validator = _accept,
        rule: HouseRule = _no_rule,
    ) -> None:
        self._services = {service.service: service for service in services}
        self._authorizer = authorizer
        self._validate = validate
        self._rule = rule
        self.house = house

    def add(self, service: ServiceOperations) -> None:
        """Join a service whose own parts call operations, such as Transfer's identity test."""
        self._services[service.service] = service

    @property
    def services(self) -> Mapping[str, ServiceOperations]:
        return self._services

    async def call(
        self,
        service: str,
        operation: str,
        params: Params,
        *,
        caller: Caller,
        account_id: str,
        region: str,
        origin: Origin,
        request_id: str = "",
    ) -> Result:
        """Authorise, run and audit one operation.

        Args:
            service: botocore's name of the service (`s3`, `secretsmanager`).
            params: the input as AWS spells it; checked here, whoever brings it.

        Raises:
            ServiceError: whatever AWS would answer: not implemented, denied, or the operation's own errors.
        """
        call = self.begin(
            service,
            operation,
            params,
            caller=caller,
            account_id=account_id,
            region=region,
            origin=origin,
            request_id=request_id,
        )
        try:
            await self.authorise(call)
            self._rule(call)
            return await self._row(service, operation).handler(call)
        except OutOfSpace as error:
            raise _unavailable(service, "The service's disk is full.") from error
        except Unavailable as error:
            raise _unavailable(service, str(error)) from error

    def begin(
        self,
        service: str,
        operation: str,
        params: Params,
        *,
        caller: Caller,
        account_id: str,
        region: str,
        origin: Origin,
        request_id: str = "",
    ) -> Call:
        """A call whose input is checked and that has not run, for work that goes on longer than one call: an upload is
        authorised when it begins and again when it is committed."""
        self._row(service, operation)
        self._validate(service, operation, params)
        return Call(
            service=service,
            operation=operation,
            params=params,
            caller=caller,
            account_id=account_id,
            region=region,
            origin=origin,
            request_id=request_id or uuid4_text(self.house.entropy),
            now=self.house.clock.now(),
            operations=self,
        )

    async def authorise(self, call: Call) -> None:
        """Demand every permission that the call's operation needs."""
        for permission in await self.permissions(call):
            await self.demand(call, permission)

    async def permissions(self, call: Call) -> Sequence[Permission]:
        """What the call's operation needs, before anybody is asked. Raises ServiceError where it cannot be known."""
        with credentials_answered(call.service, call.caller):
            permissions = self._row(call.service, call.operation).permissions(call)
            return await permissions if isawaitable(permissions) else permissions

    async def decide(self, call: Call, permission: Permission) -> Decision:
        context = CallContext(call.caller, call.origin, region=call.region, now=call.now)
        with credentials_answered(call.service, call.caller):
            return await self._authorizer.decide(call.caller, permission, context)

    async def demand(self, call: Call, permission: Permission) -> None:
        decision = await self.decide(call, permission)
        if decision.is_allowed:
            return
        explained = decision.explain()
        reason = no_such(parse_arn(permission.resource)) if decision.request.is_missing else explained
        _log.info(
            "denied",
            extra={
                "request_id": call.request_id,
                "principal": call.caller.principal.arn,
                "action": permission.action,
                "resource": permission.resource,
                "reason": reason,
            },
        )
        table = self._services[call.service]
        if not table.operations[call.operation].is_data:
            async with self.house.state.transaction() as tx:
                await record_audit(tx, call, error_code=table.denied_code)
        raise ServiceError(
            table.denied_code,
            f"User: {call.caller.principal.arn} is not authorized to perform: {permission.action} "
            f"on resource: {permission.resource} because {_public_reason(decision, permission, explained)}",
            status=table.denied_status,
            reason=f"{_question(decision, permission)}: {reason} (request {call.request_id})",
            remedy=partial(remedy_of, decision),
        )

    def _row(self, service: str, operation: str) -> Operation:
        table = self._services.get(service)
        row = table.operations.get(operation) if table else None
        if row is None:
            raise not_implemented(service, operation)
        return row


def _question(decision: Decision, permission: Permission) -> str:
    owner = decision.request.resource_account
    return f"{permission.action} on {permission.resource}" + (f" of account {owner}" if owner else "")


def _public_reason(decision: Decision, permission: Permission, reason: str) -> str:
    """What the caller may hear. Who asks from another account learns which kind of policy, and nothing of its text.

    The policy of a bucket is another account's also for the owner of an object that lies there.

    Source: IAM User Guide, "Troubleshoot access denied error messages".
    """
    if (decision.same_account and not decision.request.bucket_account) or decision.blocked_by is None:
        return reason
    return f"no {decision.blocked_by} allows the {permission.action} action"


def not_implemented(service: str, operation: str) -> ServiceError:
    """What a service says of an operation that exists at AWS and not here."""
    code = "NotImplemented" if service == "s3" else "UnknownOperationException"
    return ServiceError(code, f"Crossdock does not implement {service} {operation}.", status=501, fault=Fault.RECEIVER)


def _unavailable(service: str, sentence: str) -> ServiceError:
    code = "ServiceUnavailable" if service == "s3" else "ServiceUnavailableException"
    return ServiceError(code, sentence, status=503, fault=Fault.RECEIVER)
