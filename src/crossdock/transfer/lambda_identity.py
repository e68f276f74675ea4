"""The identity provider AWS_LAMBDA: ask the server's function about a login.

Source: AWS Transfer Family User Guide, "Using AWS Lambda to integrate your identity provider".
"""

import json
from collections.abc import Mapping

from crossdock.core.arns import function_name, parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.core.logins import LoginAttempt, Password
from crossdock.core.servers import IdentityProviderType, Server
from crossdock.ports.authority import FunctionUnreachable, IdentityAnswer, ProviderFunctions
from crossdock.transfer.identity_answers import answered, unasked


class LambdaIdentityProvider:
    """See `ports.authority.IdentityProvider`."""

    def __init__(self, functions: ProviderFunctions) -> None:
        self._functions = functions

    async def identify(self, server: Server, attempt: LoginAttempt) -> IdentityAnswer:
        choice = server.identity_provider
        if choice.kind is not IdentityProviderType.AWS_LAMBDA:
            return unasked(f"identity providers of type {choice.kind} cannot be asked by this server yet")
        function_arn, event = choice.function_arn, json.dumps(_event(attempt)).encode()
        try:
            answer = await self._functions.invoke(server, attempt, function_arn=function_arn, event=event)
        except FunctionUnreachable as error:
            said = f"the identity provider {function_arn} could not be invoked: {error}"
            return unasked(said, error.remedy, is_silent=error.is_silent)
        log = _log(function_arn)
        if answer.error:
            said = f"the identity provider's function failed ({answer.error}): {_error_text(answer.payload)}"
            return unasked(said, f"look into {log}")
        return answered(answer.payload, username=attempt.username, provider="Lambda IDP", log=log)


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


def _log(function_arn: str) -> str:
    """Where a function's log is, unless its LoggingConfig says otherwise."""
    try:
        arn = parse_arn(function_arn)
    except InvalidArn:
        return f"the log of {function_arn}"
    return f"the log group /aws/lambda/{function_name(arn)} of account {arn.account_id} in {arn.region}"


def _error_text(payload: bytes) -> str:
    """The function's own words, without the stack trace: that is in the function's log group.

    Never cut here, nor what `identity_answers` quotes: the login check looks for the password in it first.
    """
    try:
        error = json.loads(payload)
        return f"{error['errorType']}: {error['errorMessage']}"
    except (ValueError, KeyError, TypeError):
        return payload.decode(errors="replace")
