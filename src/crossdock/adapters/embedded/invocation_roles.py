"""The role as which an identity provider's URL is asked, assumed in the embedded cloud."""

from dataclasses import dataclass

from crossdock.adapters.embedded.assumer import ORIGIN, why_refused
from crossdock.cloud.sts.access_keys import AccessKeys
from crossdock.cloud.sts.assume import assume_role
from crossdock.core.errors import ServiceError
from crossdock.core.principals import TRANSFER
from crossdock.core.servers import Server
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller
from crossdock.ports.authority import AssumeRefused
from crossdock.ports.functions import TemporaryCredentials

LASTS_S = 900


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedInvocationRoles:
    """See `ports.provider_api.InvocationRoles`."""

    operations: Operations
    access_keys: AccessKeys

    async def credentials(self, server: Server) -> TemporaryCredentials:
        """By STS AssumeRole as Transfer, with the server's ARN and account for the trust policy to look at.

        Source: Transfer Family User Guide, "Cross-service confused deputy prevention".
        """
        role_arn = server.identity_provider.invocation_role
        try:
            credentials, _ = await assume_role(
                self.operations,
                self.access_keys,
                caller=Caller(principal=TRANSFER, source_arn=str(server.arn), source_account=server.account_id),
                account_id=server.account_id,
                region=server.region,
                origin=ORIGIN,
                role_arn=role_arn,
                session_name=f"identity-provider@{server.server_id}",
                duration_s=LASTS_S,
            )
        except ServiceError as error:
            raise AssumeRefused(await why_refused(self.operations.house.state, role_arn, error)) from error
        return credentials
