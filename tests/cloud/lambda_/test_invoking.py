"""Invoke: what goes in, what comes out, and how every failure is told."""

import json
from base64 import b64decode, b64encode
from typing import Any

import pytest
from tests.fakes.aws_models import model_of, parse_response
from tests.fakes.cloud import HUB, ORIGIN, PARTNER, REGION
from tests.fakes.functions import EchoRunner
from tests.fakes.lambda_ import ROLE, ZIP, EmbeddedLambda, function_arn, make_lambda

from crossdock.cloud.lambda_.invoking import MAX_CLIENT_CONTEXT, MAX_EVENT_PAYLOAD, MAX_PAYLOAD
from crossdock.core.errors import Fault, OutOfSpace, ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, ServiceOperations, needs_nothing
from crossdock.ports.functions import FunctionsBusy, FunctionSpec, FunctionUnusable, InvocationResult
from crossdock.wire.protocols import format_error, format_response


async def test_a_runner_is_told_all_it_needs(cloud: EmbeddedLambda):
    await cloud.make("f", Timeout=7, MemorySize=256, Environment={"Variables": {"AB": "x"}})
    await cloud("Invoke", FunctionName="f", Payload=b'{"a":1}')
    ((spec, payload, context),) = cloud.runner.invocations
    assert (payload, context) == (b'{"a":1}', "")
    assert (spec.arn, spec.name, spec.account_id, spec.region) == (function_arn("f"), "f", HUB, REGION)
    assert (spec.runtime, spec.handler, spec.timeout_s, spec.memory_mib) == ("python3.11", "index.handler", 7, 256)
    assert spec.environment == {"AB": "x"}
    assert await spec.code() == ZIP


async def test_a_function_acts_as_its_role_under_its_own_name(cloud: EmbeddedLambda):
    for name in ("provider", "f"):
        await cloud.make(name)
        await cloud("Invoke", FunctionName=f"{name}:$LATEST")
        credentials = await cloud.runner.invocations[-1][0].credentials()
        key = await cloud.parts.access_keys.find(credentials.access_key_id, credentials.session_token)
        assert key is not None
        session = name if name != "f" else "f_"
        assert key.caller.principal.arn == f"arn:aws:sts::{HUB}:assumed-role/execution/{session}"
        assert (credentials.expires_at - cloud.parts.clock.now()).total_seconds() == 3600


async def test_a_role_that_trusts_lambda_no_more_gives_no_credentials(cloud: EmbeddedLambda):
    await cloud.make("f")
    await cloud("Invoke", FunctionName="f")
    await cloud.call("iam", "DeleteRole", RoleName="execution")
    with pytest.raises(ServiceError) as refused:
        await cloud.runner.invocations[0][0].credentials()
    assert (refused.value.code, refused.value.status) == ("AccessDeniedException", 403)
    assert refused.value.message == "The role defined for the function cannot be assumed by Lambda."
    assert "AssumeRole" in refused.value.reason

    async def fail(_call: Call):
        raise ServiceError("ServiceUnavailable", "later", status=503, fault=Fault.RECEIVER)

    row = Operation(handler=fail, permissions=needs_nothing)
    cloud.operations.add(ServiceOperations(service="sts", operations={"AssumeRole": row}))
    with pytest.raises(ServiceError, match="ServiceUnavailable"):
        await cloud.runner.invocations[0][0].credentials()


async def test_what_a_function_returns_is_handed_back_byte_for_byte(cloud: EmbeddedLambda):
    await cloud.make("f")
    payload = '{"é": "\\u0000", "b":  [1.50]}'.encode()
    answer = await cloud("Invoke", FunctionName="f", Payload=payload)
    assert answer == {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": payload}


@pytest.mark.parametrize("given", [{}, {"Payload": b""}])
async def test_no_payload_is_an_empty_object(cloud: EmbeddedLambda, given: dict[str, bytes]):
    await cloud.make("f")
    assert (await cloud("Invoke", FunctionName="f", **given))["Payload"] == b"{}"


async def test_an_error_of_the_function_is_an_answer(cloud: EmbeddedLambda):
    error = b'{"errorType":"NameError","errorMessage":"no"}'
    cloud.runner.answers = [InvocationResult(payload=error, error="Unhandled", log_tail=b"the end")]
    await cloud.make("f")
    answer = await cloud("Invoke", FunctionName="f", LogType="Tail")
    assert (answer["StatusCode"], answer["FunctionError"], answer["Payload"]) == (200, "Unhandled", error)
    assert b64decode(answer["LogResult"]) == b"the end"


async def test_the_answer_reads_in_botocore_as_it_was_meant(cloud: EmbeddedLambda):
    await cloud.make("f")
    answer = await cloud(
        "Invoke", FunctionName="f", Payload=b'"text"', LogType="Tail", InvocationType="RequestResponse"
    )
    response = format_response(model_of("lambda"), "Invoke", answer, request_id="r")
    read = parse_response(model_of("lambda"), "Invoke", response)
    assert (read["StatusCode"], read["ExecutedVersion"], b64decode(read["LogResult"])) == (200, "$LATEST", b"END\n")
    assert response.body == b'"text"'


async def test_without_asking_no_log_is_sent(cloud: EmbeddedLambda):
    await cloud.make("f")
    assert "LogResult" not in await cloud("Invoke", FunctionName="f", LogType="None")


async def test_a_dry_run_only_says_that_one_may(cloud: EmbeddedLambda):
    await cloud.make("f")
    assert await cloud("Invoke", FunctionName="f", InvocationType="DryRun") == {"StatusCode": 204}
    assert cloud.runner.invocations == []
    code, _ = await cloud.refusal("Invoke", as_=cloud.partner, FunctionName=function_arn("f"), InvocationType="DryRun")
    assert code == "AccessDeniedException"


async def test_a_kind_of_invocation_that_there_is_not_is_refused(cloud: EmbeddedLambda):
    await cloud.make("f")
    assert (await cloud.refusal("Invoke", FunctionName="f", InvocationType="Later"))[0] == "ValidationException"
    cloud.operations._validate = lambda *_: None  # as from inside the house
    code, _ = await cloud.refusal("Invoke", FunctionName="f", InvocationType="Later")
    assert code == "InvalidParameterValueException"


@pytest.mark.parametrize(
    "payload", [b"{", b"nonsense", b"\xff", '{"a":1}'.encode("utf-16"), b"[" * 100_000, b'{"a":1} x']
)
async def test_a_payload_that_is_no_json_is_refused_before_anything_runs(cloud: EmbeddedLambda, payload: bytes):
    await cloud.make("f")
    code, message = await cloud.refusal("Invoke", FunctionName="f", Payload=payload)
    assert code == "InvalidRequestContentException"
    assert message.startswith("Could not parse request body into json: ")
    assert cloud.runner.invocations == []


async def test_payloads_have_their_limits(cloud: EmbeddedLambda):
    await cloud.make("f")
    longest = b'"' + b"x" * (MAX_PAYLOAD - 2) + b'"'
    assert (await cloud("Invoke", FunctionName="f", Payload=longest))["StatusCode"] == 200
    code, message = await cloud.refusal("Invoke", FunctionName="f", Payload=longest + b" ")
    assert (code, message) == (
        "RequestTooLargeException",
        "Request must be smaller than 6291456 bytes for the InvokeFunction operation",
    )
    event = b'"' + b"x" * (MAX_EVENT_PAYLOAD - 1) + b'"'
    code, message = await cloud.refusal("Invoke", FunctionName="f", Payload=event, InvocationType="Event")
    assert code == "RequestTooLargeException"
    assert "too large for the Event invocation type" in message


async def test_a_client_context_reaches_the_function_in_one_line(cloud: EmbeddedLambda):
    await cloud.make("f")
    context = b64encode(b'{\n  "custom": {"a": "\xc3\xa9"}\r\n}').decode()
    await cloud("Invoke", FunctionName="f", ClientContext=context)
    assert cloud.runner.invocations[-1][2] == '{"custom":{"a":"\\u00e9"}}'


@pytest.mark.parametrize(
    "context",
    ["no base64!", b64encode(b"no json").decode(), b64encode(b"[1]").decode(), b64encode(b"[" * 2000).decode()],
)
async def test_a_client_context_that_is_none_is_refused(cloud: EmbeddedLambda, context: str):
    await cloud.make("f")
    assert await cloud.refusal("Invoke", FunctionName="f", ClientContext=context) == (
        "InvalidRequestContentException",
        "Client context must be a valid Base64-encoded JSON object.",
    )


async def test_a_client_context_has_a_limit(cloud: EmbeddedLambda):
    await cloud.make("f")
    code, message = await cloud.refusal("Invoke", FunctionName="f", ClientContext="x" * (MAX_CLIENT_CONTEXT + 1))
    assert code == "InvalidRequestContentException"
    assert "at most 3583 bytes" in message


FAILURES: list[tuple[Exception, str, int, str]] = [
    (FunctionsBusy("2 functions run and 10 invocations wait"), "TooManyRequestsException", 429, "Rate Exceeded."),
    (FunctionUnusable("no interpreter"), "InvalidRuntimeException", 502, "no interpreter"),
    (OutOfSpace("scratch"), "ServiceUnavailableException", 503, "disk is full"),
]


@pytest.mark.parametrize(("error", "code", "status", "words"), FAILURES, ids=lambda value: type(value).__name__)
async def test_a_function_that_cannot_run_is_told_by_aws_code(error: Exception, code: str, status: int, words: str):
    cloud = await make_lambda(EchoRunner(error))
    await cloud.make("f")
    with pytest.raises(ServiceError) as refused:
        await cloud("Invoke", FunctionName="f")
    assert (refused.value.code, refused.value.status) == (code, status)
    assert words in refused.value.message
    assert format_error(model_of("lambda"), refused.value, request_id="r").status == status


class Overtaken(EchoRunner):
    """The function changes, or goes, after it was looked up and before its process could be started."""

    def __init__(self, change: Any) -> None:
        super().__init__()
        self.change = change

    async def invoke(
        self, function: FunctionSpec, payload: bytes, *, request_id: str, client_context: str = ""
    ) -> InvocationResult:
        change, self.change = self.change, None
        if change is not None:
            await change()
            raise FunctionUnusable("the code is gone")
        return await super().invoke(function, payload, request_id=request_id, client_context=client_context)


async def test_an_invocation_that_a_change_overtakes_runs_what_came_with_it():
    async def update() -> None:
        await cloud("UpdateFunctionConfiguration", FunctionName="f", Timeout=9)

    cloud = await make_lambda(Overtaken(update))
    await cloud.make("f")
    assert (await cloud("Invoke", FunctionName="f"))["StatusCode"] == 200
    assert [spec.timeout_s for spec, _, _ in cloud.runner.invocations] == [9]


async def test_an_invocation_that_a_deletion_overtakes_finds_no_function():
    async def delete() -> None:
        await cloud("DeleteFunction", FunctionName="f")

    cloud = await make_lambda(Overtaken(delete))
    await cloud.make("f")
    assert (await cloud.refusal("Invoke", FunctionName="f"))[0] == "ResourceNotFoundException"


async def test_the_request_id_of_the_call_is_that_of_the_invocation():
    class Noting(EchoRunner):
        async def invoke(
            self, function: FunctionSpec, payload: bytes, *, request_id: str, client_context: str = ""
        ) -> InvocationResult:
            return InvocationResult(payload=json.dumps(request_id).encode())

    cloud = await make_lambda(Noting())
    await cloud.make("f")
    answer = await cloud.operations.call(
        "lambda",
        "Invoke",
        {"FunctionName": "f"},
        caller=cloud.hub,
        account_id=HUB,
        region=REGION,
        origin=ORIGIN,
        request_id="4f5b1f3e-0000-4000-8000-000000000000",
    )
    assert answer["Payload"] == b'"4f5b1f3e-0000-4000-8000-000000000000"'


async def test_a_function_of_the_partner_runs_with_the_role_of_the_partner():
    cloud = await make_lambda()
    await cloud.call(
        "iam",
        "CreateRole",
        as_=cloud.partner,
        RoleName="execution",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": {
                    "Effect": "Allow",
                    "Principal": {"Service": "lambda.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                },
            }
        ),
    )
    role = ROLE.replace(HUB, PARTNER)
    await cloud("CreateFunction", as_=cloud.partner, **cloud.function("f", Role=role))
    await cloud(
        "AddPermission",
        as_=cloud.partner,
        FunctionName="f",
        StatementId="hub",
        Action="lambda:InvokeFunction",
        Principal=HUB,
    )
    await cloud("Invoke", FunctionName=function_arn("f", account=PARTNER))
    spec = cloud.runner.invocations[-1][0]
    assert spec.account_id == PARTNER
    credentials = await spec.credentials()
    key = await cloud.parts.access_keys.find(credentials.access_key_id, credentials.session_token)
    assert key is not None
    assert key.caller.principal.account_id == PARTNER
