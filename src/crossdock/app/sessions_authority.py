"""What logins and the service itself need of the authority, whichever it is."""

from dataclasses import dataclass

from crossdock.adapters.embedded.provider_functions import EmbeddedProviderFunctions
from crossdock.app.administrators import AsAdministrator, as_administrator
from crossdock.app.cloud import Cloud
from crossdock.core.errors import ServiceError, Unavailable
from crossdock.operations.call import House
from crossdock.ports.authority import ProviderFunctions, RoleAssumer, SecretTexts, TransferLog


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
