"""Asking an identity provider's function on AWS, with the gateway's own credentials."""

from dataclasses import dataclass

from botocore.exceptions import ClientError

from crossdock.adapters.aws.clients import ServiceClients, code_of, in_words
from crossdock.adapters.aws.parsing import AWS_FAILURES, AwsFailure
from crossdock.core.arns import parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.core.logins import LoginAttempt
from crossdock.core.servers import Server
from crossdock.ports.authority import FunctionAnswer, FunctionUnreachable

TOO_MANY, SERVERS_FAULT = 429, 500


@dataclass(frozen=True, slots=True)
class AwsProviderFunctions:
    """See `ports.authority.ProviderFunctions`. The function's region is its ARN's."""

    clients: ServiceClients

    async def invoke(self, server: Server, attempt: LoginAttempt, *, function_arn: str, event: bytes) -> FunctionAnswer:
        try:
            region = parse_arn(function_arn).region
        except InvalidArn as error:
            raise FunctionUnreachable(str(error)) from error
        try:
            lambda_ = await self.clients.client("lambda", region)
            answer = await lambda_.invoke(FunctionName=function_arn, Payload=event)
            async with answer["Payload"] as stream:
                payload = await stream.read()
        except AWS_FAILURES as error:
            remedy, is_silent = _remedy(error, function_arn), _is_silent(error)
            raise FunctionUnreachable(in_words(error), remedy=remedy, is_silent=is_silent) from error
        return FunctionAnswer(payload=bytes(payload), error=str(answer.get("FunctionError", "")))


def _is_silent(error: AwsFailure) -> bool:
    """Whether Lambda has not said yes or no: it was not reached, has no room, or is not well."""
    if not isinstance(error, ClientError):
        return True
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status == TOO_MANY or status >= SERVERS_FAULT


def _remedy(error: AwsFailure, function_arn: str) -> str:
    if isinstance(error, ClientError) and code_of(error) in ("AccessDeniedException", "AccessDenied"):
        return f"allow lambda:InvokeFunction on {function_arn} to the identity that this gateway runs as"
    return ""
