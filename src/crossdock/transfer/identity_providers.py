"""Which identity provider a login is brought before: the one that its server chose."""

from collections.abc import Mapping

from crossdock.core.logins import LoginAttempt
from crossdock.core.servers import IdentityProviderType, Server
from crossdock.ports.authority import IdentityAnswer, IdentityProvider, ProviderFunctions
from crossdock.ports.provider_api import ProviderApi
from crossdock.ports.users import UserDirectory
from crossdock.transfer.api_gateway_identity import ApiGatewayIdentityProvider
from crossdock.transfer.lambda_identity import LambdaIdentityProvider
from crossdock.transfer.managed_identity import ManagedIdentityProvider


class IdentityProviders:
    """Implements `ports.authority.IdentityProvider` for servers of every kind.

    A kind that is not among them goes to the Lambda provider, which refuses it and says why.
    """

    def __init__(self, functions: ProviderFunctions, api: ProviderApi, users: UserDirectory) -> None:
        self._lambda = LambdaIdentityProvider(functions)
        self._by_kind: Mapping[IdentityProviderType, IdentityProvider] = {
            IdentityProviderType.API_GATEWAY: ApiGatewayIdentityProvider(api),
            IdentityProviderType.AWS_LAMBDA: self._lambda,
            IdentityProviderType.SERVICE_MANAGED: ManagedIdentityProvider(users),
        }

    async def identify(self, server: Server, attempt: LoginAttempt) -> IdentityAnswer:
        return await self._by_kind.get(server.identity_provider.kind, self._lambda).identify(server, attempt)
