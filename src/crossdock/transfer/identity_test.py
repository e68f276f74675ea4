"""TestIdentityProvider: the very code a login runs, told to the operator instead of to a client."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossdock.core.arns import server_arn
from crossdock.core.ids import ServerId
from crossdock.core.logins import Credential, LoginAttempt, Password, nothing_shown
from crossdock.core.servers import FileProtocol, IdentityProviderType, Server
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permission, Result
from crossdock.ports.servers import LoginTrial
from crossdock.transfer.faults import invalid_request
from crossdock.transfer.server_records import server_of
from crossdock.transfer.servers import find_server


@dataclass(frozen=True, slots=True)
class IdentityTest:
    trial: LoginTrial

    def operations(self) -> dict[str, Operation]:
        return {"TestIdentityProvider": Operation(handler=self.test, permissions=_permissions)}

    async def test(self, call: Call) -> Result:
        """The provider's answer; Message also says what a login would fail at after the provider agreed.

        Without a password the provider of an SFTP server is asked which keys the user has, as AWS shows it: the answer
        holds them. No key is tried, as the operation takes none.
        """
        async with call.reading() as tx:
            server = server_of(await find_server(tx, call))
        if server.identity_provider.kind is IdentityProviderType.SERVICE_MANAGED:
            raise invalid_request(f"{server.server_id} not configured for external auth")
        protocol = FileProtocol(call.params.get("ServerProtocol", server.protocols[0]))
        attempt = LoginAttempt(
            server_id=ServerId(server.server_id),
            username=call.params["UserName"],
            credential=_credential(call.params, server, protocol),
            protocol=protocol,
            source_ip=call.params.get("SourceIp", "127.0.0.1"),
        )
        outcome = await self.trial.try_login(server, attempt)
        return {
            "Response": outcome.answer.response,
            "StatusCode": outcome.answer.status_code,
            "Message": outcome.answer.message or outcome.refusal,
            "Url": server.identity_provider.url,
        }


def _credential(params: Mapping[str, Any], server: Server, protocol: FileProtocol) -> Credential:
    """The password if one is given, so that each of two factors can be tried.

    Source: AWS Transfer Family API Reference, TestIdentityProvider, the example whose answer holds a public key.
    """
    password = params.get("UserPassword", "")
    return Password(password) if password else nothing_shown(server, protocol)


def _permissions(call: Call) -> Sequence[Permission]:
    arn = server_arn(call.region, call.account_id, call.params["ServerId"])
    return (Permission(action="transfer:TestIdentityProvider", resource=str(arn)),)
