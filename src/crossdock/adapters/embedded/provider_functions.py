"""Asking an identity provider's function of the embedded cloud."""

from dataclasses import dataclass

from crossdock.core.errors import ServiceError
from crossdock.core.logins import LoginAttempt
from crossdock.core.principals import TRANSFER
from crossdock.core.servers import Server
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller, Origin
from crossdock.ports.authority import FunctionAnswer, FunctionUnreachable


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
            raise FunctionUnreachable(str(error), remedy="" if error.remedy is None else error.remedy()) from error
        return FunctionAnswer(payload=bytes(result.get("Payload", b"")), error=str(result.get("FunctionError") or ""))
