"""Invoke: at once, as an event that nobody waits for, or only to see whether one may.

Source: Lambda API Reference, Invoke.
"""

import json
from base64 import b64decode, b64encode
from typing import Any

from crossdock.cloud.lambda_.events import Attempt, Event
from crossdock.cloud.lambda_.faults import (
    invalid_content,
    invalid_parameter,
    sealed_environment,
    too_large,
    too_many_requests,
    unusable,
)
from crossdock.cloud.lambda_.functions import Functions
from crossdock.cloud.lambda_.names import LATEST, FunctionRef, function_ref
from crossdock.cloud.lambda_.records import FunctionRecord
from crossdock.core.errors import OutOfSpace, ServiceError, Unavailable
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.ports.functions import (
    FunctionsBusy,
    FunctionSpec,
    FunctionUnusable,
    InvocationResult,
    TemporaryCredentials,
)
from crossdock.ports.host import SealBroken

MAX_PAYLOAD = 6_291_456
MAX_EVENT_PAYLOAD = 1_048_576
MAX_CLIENT_CONTEXT = 3583


async def invoke(functions: Functions, call: Call) -> Result:
    ref = function_ref(call)
    await functions.find(call, ref)
    kind = call.params.get("InvocationType", "RequestResponse")
    event = Event(payload=_payload(call, kind), client_context=_client_context(call.params.get("ClientContext")))
    match kind:
        case "DryRun":
            return {"StatusCode": 204}
        case "Event":
            return await _accept(functions, call, ref, event)
        case "RequestResponse":
            try:
                return _answer(call, await _run(functions, call, ref, event))
            except FunctionsBusy as error:
                raise too_many_requests() from error
        case _:
            raise invalid_parameter(f"InvocationType {str(kind)[:100]} is not supported.")


def _answer(call: Call, result: InvocationResult) -> Result:
    answer: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": LATEST, "Payload": result.payload}
    if result.error:
        answer["FunctionError"] = result.error
    if call.params.get("LogType") == "Tail":
        answer["LogResult"] = b64encode(result.log_tail).decode()
    return answer


async def _run(functions: Functions, call: Call, ref: FunctionRef, event: Event) -> InvocationResult:
    """One invocation of the function as it is now.

    Raises:
        FunctionsBusy: no process, and no room to wait for one.
        ServiceError: the function is gone or cannot be started.
    """
    record = await functions.find(call, ref)
    while True:
        try:
            spec = _spec(functions, call, ref, record)
            return await functions.runner.invoke(
                spec, event.payload, request_id=call.request_id, client_context=event.client_context
            )
        except FunctionUnusable as error:
            # Its code may have been replaced after it was looked up, and before a process could be started.
            latest = await functions.find(call, ref)
            if latest.deployment == record.deployment:
                raise unusable(f"The function {record.name} cannot be started: {error}") from error
            record = latest


def _spec(functions: Functions, call: Call, ref: FunctionRef, record: FunctionRecord) -> FunctionSpec:
    async def code() -> bytes:
        return await functions.code.get(record.code_id)

    async def credentials() -> TemporaryCredentials:
        try:
            return await functions.credentials(call, record.role, ref.unqualified)
        except ServiceError as error:
            if error.status >= 500:
                raise
            raise ServiceError(
                "AccessDeniedException",
                "The role defined for the function cannot be assumed by Lambda.",
                status=403,
                reason=error.reason,
            ) from error

    try:
        environment = functions.variables(record)
    except SealBroken as error:
        raise sealed_environment() from error
    return FunctionSpec(
        arn=record.arn,
        name=record.name,
        account_id=record.account_id,
        region=record.region,
        revision=record.deployment,
        runtime=record.runtime,
        handler=record.handler,
        timeout_s=record.timeout_s,
        memory_mib=record.memory_mib,
        code=code,
        environment=environment,
        credentials=credentials,
    )


async def _accept(functions: Functions, call: Call, ref: FunctionRef, event: Event) -> Result:
    async def attempt() -> Attempt:
        try:
            result = await _run(functions, call, ref, event)
        except (FunctionsBusy, OutOfSpace, Unavailable):
            return Attempt.BUSY
        except ServiceError as error:
            if error.code == "ResourceNotFoundException":
                return Attempt.GONE
            return Attempt.BUSY if error.status >= 500 else Attempt.FAILED
        return Attempt.FAILED if result.error else Attempt.DONE

    if not await functions.events.accept(call, ref, event, attempt):
        raise too_many_requests()
    return {"StatusCode": 202}


def _payload(call: Call, kind: str) -> bytes:
    """The event, `{}` when none is given.

    Raises:
        ServiceError: RequestTooLargeException, InvalidRequestContentException.
    """
    payload = bytes(call.params.get("Payload") or b"{}")
    if kind == "Event" and len(payload) > MAX_EVENT_PAYLOAD:
        raise too_large(
            f"{len(payload)} byte payload is too large for the Event invocation type (limit {MAX_EVENT_PAYLOAD} bytes)"
        )
    if len(payload) > MAX_PAYLOAD:
        raise too_large(f"Request must be smaller than {MAX_PAYLOAD} bytes for the InvokeFunction operation")
    try:
        json.loads(payload.decode())
    except (ValueError, RecursionError) as error:
        problem = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise invalid_content(f"Could not parse request body into json: {problem}") from error
    return payload


def _client_context(text: str | None) -> str:
    """The context's JSON in one line, for it becomes a header. Raises ServiceError InvalidRequestContentException."""
    if not text:
        return ""
    if len(text) > MAX_CLIENT_CONTEXT:
        raise invalid_content(f"The client context must be at most {MAX_CLIENT_CONTEXT} bytes.")
    try:
        found = json.loads(b64decode(text, validate=True))
    except (ValueError, RecursionError) as error:
        raise invalid_content("Client context must be a valid Base64-encoded JSON object.") from error
    if not isinstance(found, dict):
        raise invalid_content("Client context must be a valid Base64-encoded JSON object.")
    return json.dumps(found, separators=(",", ":"))
