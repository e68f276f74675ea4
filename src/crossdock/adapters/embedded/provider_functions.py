"""Asking an identity provider's function of the embedded cloud."""

from dataclasses import dataclass

from crossdock.cloud.lambda_.records import FUNCTIONS
from crossdock.core.arns import function_name, no_such, parse_arn
from crossdock.core.errors import InvalidArn, ServiceError
from crossdock.core.logins import LoginAttempt
from crossdock.core.principals import TRANSFER
from crossdock.core.servers import Server
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller, Origin
from crossdock.ports.authority import FunctionAnswer, FunctionUnreachable
from crossdock.ports.state import State

_NO_ANSWER = (429, 503)
"""Too many at once, or the service itself is not well: asked again, the function may answer."""


@dataclass(frozen=True, slots=True)
class EmbeddedProviderFunctions:
    """See `ports.authority.ProviderFunctions`.

    Invokes on the same road as everybody, as `transfer.amazonaws.com` with the server as source.
    """

    operations: Operations

    async def invoke(self, server: Server, attempt: LoginAttempt, *, function_arn: str, event: bytes) -> FunctionAnswer:
        try:
            result = await self.operations.call(
                "lambda",
                "Invoke",
                {"FunctionName": function_arn, "Payload": event},
                caller=Caller(principal=TRANSFER, source_arn=str(server.arn), source_account=server.account_id),
                account_id=server.account_id,
                region=server.region,
                origin=Origin(source_ip=attempt.source_ip, is_secure=True, via=attempt.protocol),
            )
        except ServiceError as error:
            raise await self._unreachable(server, function_arn, error) from error
        return FunctionAnswer(payload=bytes(result.get("Payload", b"")), error=str(result.get("FunctionError") or ""))

    async def _unreachable(self, server: Server, function_arn: str, error: ServiceError) -> FunctionUnreachable:
        """Lambda tells nobody who may not invoke a function whether there is one. Whose account both are in is to know;
        of another account's function only the service's log says it."""
        is_refused = error.code in ("AccessDeniedException", "ResourceNotFoundException")
        if is_refused and (missing := await _missing(self.operations.house.state, server, function_arn)):
            return FunctionUnreachable(
                missing, remedy="create it, or name one that there is in the server's IdentityProviderDetails"
            )
        remedy = "" if error.remedy is None else error.remedy()
        return FunctionUnreachable(str(error), remedy=remedy, is_silent=error.status in _NO_ANSWER)


async def _missing(state: State, server: Server, function_arn: str) -> str:
    """The sentence that the server's account has no such function; empty when it has, or where it is no ARN of one."""
    try:
        arn = parse_arn(function_arn)
    except InvalidArn:
        return ""
    if arn.account_id != server.account_id or not (name := function_name(arn)):
        return ""
    async with state.reading() as tx:
        if await FUNCTIONS.get(tx, arn.account_id, arn.region, name) is not None:
            return ""
    return no_such(arn)
