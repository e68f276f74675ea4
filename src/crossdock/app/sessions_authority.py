"""What logins and the service itself need of the authority, whichever it is."""

from dataclasses import dataclass
from typing import Any

from crossdock.adapters.embedded.invocation_roles import EmbeddedInvocationRoles
from crossdock.adapters.embedded.provider_functions import EmbeddedProviderFunctions
from crossdock.adapters.host.workers.calls import HOLD_ROLE
from crossdock.adapters.host.workers.line import Answer
from crossdock.app.administrators import AsAdministrator, as_administrator
from crossdock.app.cloud import Cloud
from crossdock.app.resumable_uploads import embedded_upload_end
from crossdock.core.errors import ServiceError, Unavailable
from crossdock.files.resumable_uploads import Abort
from crossdock.operations.call import House
from crossdock.ports.authority import ProviderFunctions, RoleAssumer, RoleRequest, SecretTexts
from crossdock.ports.logs import LogLines
from crossdock.ports.provider_api import InvocationRoles


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionsAuthority:
    """`roles` answers workers: HOLD_ROLE or ISSUE_ROLE."""

    assumer: RoleAssumer
    roles: Answer[RoleRequest, Any]
    functions: ProviderFunctions
    log_lines: LogLines
    secrets: SecretTexts
    invocation_roles: InvocationRoles
    end_upload: Abort


def embedded_sessions(cloud: Cloud, house: House) -> SessionsAuthority:
    return SessionsAuthority(
        assumer=cloud.assumer,
        functions=EmbeddedProviderFunctions(cloud.operations),
        log_lines=cloud.log_lines,
        roles=Answer(HOLD_ROLE, cloud.assumer.roles.hold),
        secrets=_EmbeddedSecrets(as_administrator(cloud, house, via="secrets")),
        invocation_roles=EmbeddedInvocationRoles(operations=cloud.operations, access_keys=cloud.keys),
        end_upload=embedded_upload_end(cloud, house),
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
