"""The role as which an identity provider's URL is asked, assumed by AWS's STS."""

from dataclasses import dataclass

from crossdock.adapters.aws.role_assumer import AwsRoleIssuer
from crossdock.core.servers import Server
from crossdock.ports.functions import TemporaryCredentials


@dataclass(frozen=True, slots=True)
class AwsInvocationRoles:
    """See `ports.provider_api.InvocationRoles`."""

    roles: AwsRoleIssuer

    async def credentials(self, server: Server) -> TemporaryCredentials:
        issued = await self.roles.credentials(
            server.identity_provider.invocation_role,
            session_name=f"identity-provider@{server.server_id}",
            region=server.region,
        )
        return issued.credentials
