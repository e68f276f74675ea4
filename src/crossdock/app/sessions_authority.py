"""What logins and the service itself need of the authority, whichever it is."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crossdock.adapters.embedded.provider_functions import EmbeddedProviderFunctions
from crossdock.app.cloud import Cloud
from crossdock.app.declared_servers import Do
from crossdock.cloud.accounts import admin_caller
from crossdock.core.errors import ServiceError, Unavailable
from crossdock.operations.call import House
from crossdock.operations.caller import Origin
from crossdock.ports.authority import ProviderFunctions, RoleAssumer, SecretTexts, TransferLog

AsAdministrator = Callable[[str, str, str, str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Calls an operation as an account's administrator: account (name or id), region, service, operation, parameters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsAuthority:
    assumer: RoleAssumer
    functions: ProviderFunctions
    transfer_log: TransferLog
    secrets: SecretTexts


def embedded_sessions(cloud: Cloud, house: House) -> SessionsAuthority:
    return SessionsAuthority(
        assumer=cloud.assumer,
        functions=EmbeddedProviderFunctions(cloud.operations),
        transfer_log=cloud.transfer_log,
        secrets=_EmbeddedSecrets(as_administrator(cloud, house, via="secrets")),
    )


def as_administrator(cloud: Cloud, house: House, *, via: str) -> AsAdministrator:
    """`via` is what the audit calls this way in."""
    origin = Origin(source_ip="127.0.0.1", is_secure=True, user_agent="crossdock serve", via=via)

    async def call(
        account: str, region: str, service: str, operation: str, params: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        account_id = cloud.accounts.id_of(account)
        caller = await admin_caller(house.state, account_id)
        return await cloud.operations.call(
            service, operation, params, caller=caller, account_id=account_id, region=region, origin=origin
        )

    return call


def transfer_as_administrator(cloud: Cloud, house: House) -> Do:
    """For the servers of a file."""
    call = as_administrator(cloud, house, via="servers")

    async def do(account: str, region: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        return await call(account, region, "transfer", operation, params)

    return do


@dataclass(frozen=True, slots=True)
class _EmbeddedSecrets:
    """See `ports.authority.SecretTexts`. Reads as the account's administrator."""

    call: AsAdministrator

    async def text(self, account: str, region: str, secret_id: str) -> str:
        try:
            answer = await self.call(account, region, "secretsmanager", "GetSecretValue", {"SecretId": secret_id})
        except ServiceError as error:
            raise Unavailable(f"the secret {secret_id}: {error}") from error
        if "SecretString" not in answer:
            raise Unavailable(f"the secret {secret_id} is binary: it must be a text")
        return str(answer["SecretString"])
