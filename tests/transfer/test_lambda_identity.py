"""The identity provider AWS_LAMBDA: what the function gets, and what becomes of its answers."""

import json
from dataclasses import replace

import pytest
from tests.fakes.house import AllowEverything, make_house
from tests.fakes.transfer import FUNCTION, HUB, REGION

from crossdock.adapters.embedded.provider_functions import EmbeddedProviderFunctions
from crossdock.core.errors import ServiceError
from crossdock.core.logins import NO_KEY, LoginAttempt, Password, PublicKey
from crossdock.core.servers import EndpointType, FileProtocol, IdentityProviderChoice, IdentityProviderType, Server
from crossdock.operations.call import Operations
from crossdock.operations.operation import Operation, ServiceOperations, needs_nothing
from crossdock.transfer.lambda_identity import LambdaIdentityProvider

SERVER = Server(
    server_id="s-0123456789abcdef0",
    account_id=HUB,
    region=REGION,
    protocols=(FileProtocol.FTP,),
    endpoint_type=EndpointType.VPC,
    identity_provider=IdentityProviderChoice(kind=IdentityProviderType.AWS_LAMBDA, function_arn=FUNCTION),
)
ATTEMPT = LoginAttempt(
    server_id=SERVER.server_id,
    username="anna",
    credential=Password("pw"),
    protocol=FileProtocol.FTP,
    source_ip="192.0.2.9",
)


class ScriptedFunction:
    """A Lambda service whose one function answers what the test says."""

    def __init__(self, **result):
        self.result = result
        self.calls = []

    async def invoke(self, call):
        self.calls.append(call)
        if isinstance(self.result.get("error"), ServiceError):
            raise self.result["error"]
        return self.result

    def provider(self):
        table = ServiceOperations(
            service="lambda", operations={"Invoke": Operation(handler=self.invoke, permissions=needs_nothing)}
        )
        return LambdaIdentityProvider(
            EmbeddedProviderFunctions(Operations([table], house=make_house(), authorizer=AllowEverything()))
        )


async def test_the_function_is_invoked_as_transfer_on_behalf_of_the_server():
    function = ScriptedFunction(Payload=b"{}")
    await function.provider().identify(SERVER, ATTEMPT)
    (call,) = function.calls
    assert call.caller.principal.arn == "transfer.amazonaws.com"
    assert call.caller.source_arn == f"arn:aws:transfer:{REGION}:{HUB}:server/{SERVER.server_id}"
    assert call.caller.source_account == HUB
    assert call.params["FunctionName"] == FUNCTION
    assert json.loads(call.params["Payload"]) == {
        "username": "anna",
        "password": "pw",
        "protocol": "FTP",
        "serverId": SERVER.server_id,
        "sourceIp": "192.0.2.9",
    }


@pytest.mark.parametrize(
    ("credential", "shown"),
    [(PublicKey("ssh-ed25519 AAAA"), {}), (NO_KEY, {}), (Password("pw"), {"password": "pw"})],
)
async def test_over_sftp_a_key_is_not_sent_and_the_lack_of_a_password_asks_for_the_keys(credential, shown):
    function = ScriptedFunction(Payload=b"{}")
    await function.provider().identify(SERVER, replace(ATTEMPT, credential=credential, protocol=FileProtocol.SFTP))
    assert json.loads(function.calls[0].params["Payload"]) == {
        "username": "anna",
        "protocol": "SFTP",
        "serverId": SERVER.server_id,
        "sourceIp": "192.0.2.9",
        **shown,
    }


async def test_a_role_in_the_answer_is_an_identity():
    payload = json.dumps({"Role": f"arn:aws:iam::{HUB}:role/users", "HomeDirectory": "/bucket"}).encode()
    answer = await ScriptedFunction(Payload=payload).provider().identify(SERVER, ATTEMPT)
    assert answer.identity is not None
    assert (answer.status_code, answer.message, answer.response) == (200, "", payload.decode())


@pytest.mark.parametrize(
    ("result", "status", "message"),
    [
        ({"Payload": b"{}"}, 200, "Lambda IDP authentication failure"),
        ({"Payload": b'{"Role": 7}'}, 200, "Lambda IDP response is malformed: Role must be a text"),
        (
            {
                "FunctionError": "Unhandled",
                "Payload": b'{"errorType": "NameError", "errorMessage": "response_data", "stackTrace": []}',
            },
            500,
            "function failed (Unhandled): NameError: response_data",
        ),
        ({"FunctionError": "Unhandled", "Payload": b"oops"}, 500, "oops"),
        ({"error": ServiceError("AccessDeniedException", "no permission")}, 500, "could not be invoked"),
    ],
)
async def test_a_failure_vouches_for_nobody_and_says_why(result, status, message):
    answer = await ScriptedFunction(**result).provider().identify(SERVER, ATTEMPT)
    assert answer.identity is None
    assert answer.status_code == status
    assert message in answer.message


async def test_another_kind_of_provider_is_refused_in_words():
    choice = IdentityProviderChoice(kind=IdentityProviderType.AWS_DIRECTORY_SERVICE, directory_id="d-0123456789")
    answer = await ScriptedFunction().provider().identify(replace(SERVER, identity_provider=choice), ATTEMPT)
    assert answer.identity is None
    assert "AWS_DIRECTORY_SERVICE" in answer.message


@pytest.mark.parametrize(
    ("result", "why"),
    [
        ({"Payload": b"{}"}, " for why the identity provider returned no Role: as to a wrong password"),
        ({"FunctionError": "Unhandled", "Payload": b"oops"}, ""),
    ],
)
async def test_what_vouches_for_nobody_is_looked_for_in_the_functions_log_group(result, why):
    provider = ScriptedFunction(**result).provider()
    name = FUNCTION.rpartition(":")[2]
    for function_arn in (FUNCTION, f"{FUNCTION}:live"):
        choice = replace(SERVER.identity_provider, function_arn=function_arn)
        answer = await provider.identify(replace(SERVER, identity_provider=choice), ATTEMPT)
        assert answer.remedy.startswith(f"look into the log group /aws/lambda/{name} of account {HUB} in {REGION}{why}")
        assert "log group" not in answer.message
    choice = replace(SERVER.identity_provider, function_arn=name)
    answer = await provider.identify(replace(SERVER, identity_provider=choice), ATTEMPT)
    assert answer.remedy.startswith(f"look into the log of {name}")


async def test_a_function_that_is_busy_is_silent():
    busy = ServiceError("TooManyRequestsException", "Rate Exceeded.", status=429)
    assert (await ScriptedFunction(error=busy).provider().identify(SERVER, ATTEMPT)).is_silent
    assert not (await ScriptedFunction(Payload=b"{}").provider().identify(SERVER, ATTEMPT)).is_silent
