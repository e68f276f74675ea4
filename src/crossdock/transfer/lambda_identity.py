"""The identity provider AWS_LAMBDA: ask the server's function about a login.

Source: AWS Transfer Family User Guide, "Using AWS Lambda to integrate your identity provider".
"""

import json
from collections.abc import Mapping

from crossdock.core.errors import ServiceError
from crossdock.core.logins import LoginAttempt, Password
from crossdock.core.principals import ServicePrincipal
from crossdock.core.servers import IdentityProviderType, Server
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller, Origin
from crossdock.ports.authority import IdentityAnswer
from crossdock.transfer.identity_answers import MalformedAnswer, NotVouchedFor, read_identity

TRANSFER = ServicePrincipal(name="transfer.amazonaws.com")


class LambdaIdentityProvider:
    """Invokes the function on the same road as everybody, as `transfer.amazonaws.com` with the server as source."""

    def __init__(self, operations: Operations) -> None:
        self._operations = operations

    async def identify(self, server: Server, attempt: LoginAttempt) -> IdentityAnswer:
        choice = server.identity_provider
        if choice.kind is not IdentityProviderType.AWS_LAMBDA:
            return _failure(f"identity providers of type {choice.kind} cannot be asked by this server yet")
        try:
            result = await self._operations.call(
                "lambda",
                "Invoke",
                {"FunctionName": choice.function_arn, "Payload": json.dumps(_event(attempt)).encode()},
                caller=Caller(principal=TRANSFER, source_arn=str(server.arn), source_account=server.account_id),
                account_id=server.account_id,
                region=server.region,
                origin=Origin(source_ip=attempt.source_ip, is_secure=True, via=attempt.protocol),
            )
        except ServiceError as error:
            remedy = "" if error.remedy is None else error.remedy()
            return _failure(f"the identity provider {choice.function_arn} could not be invoked: {error}", remedy)
        payload = bytes(result.get("Payload", b""))
        if error_kind := result.get("FunctionError"):
            return _failure(f"the identity provider's function failed ({error_kind}): {_error_text(payload)}")
        return _read(payload, attempt)


def _event(attempt: LoginAttempt) -> Mapping[str, str]:
    """The function's input. Without a password the member is left out, which tells the function to return keys."""
    event = {
        "username": attempt.username,
        "protocol": attempt.protocol.value,
        "serverId": attempt.server_id,
        "sourceIp": attempt.source_ip,
    }
    if isinstance(attempt.credential, Password):
        event["password"] = attempt.credential.value
    return event


def _read(payload: bytes, attempt: LoginAttempt) -> IdentityAnswer:
    text = payload.decode(errors="replace")
    try:
        identity = read_identity(payload, username=attempt.username)
    except NotVouchedFor:
        return IdentityAnswer(
            identity=None, response=text, status_code=200, message="Lambda IDP authentication failure"
        )
    except MalformedAnswer as error:
        return IdentityAnswer(
            identity=None, response=text, status_code=200, message=f"Lambda IDP response is malformed: {error}"
        )
    return IdentityAnswer(identity=identity, response=text, status_code=200, message="")


def _failure(reason: str, remedy: str = "") -> IdentityAnswer:
    return IdentityAnswer(identity=None, response="", status_code=500, message=reason, remedy=remedy)


def _error_text(payload: bytes) -> str:
    """The function's own words, without the stack trace: that is in the function's log group.

    Never cut here, nor what `identity_answers` quotes: the login check looks for the password in it first.
    """
    try:
        error = json.loads(payload)
        return f"{error['errorType']}: {error['errorMessage']}"
    except (ValueError, KeyError, TypeError):
        return payload.decode(errors="replace")
