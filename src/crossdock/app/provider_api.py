"""How identity providers of the type API_GATEWAY are reached, as the settings say."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from crossdock.adapters.host.provider_api import open_provider_api
from crossdock.app.cloud import is_embedded
from crossdock.operations.call import House
from crossdock.ports.provider_api import InvocationRoles, ProviderApi
from crossdock.settings import BadSetting, Settings

LONGEST_ANSWER_S = 29.0
"""What API Gateway gives an integration. Source: API Gateway Developer Guide, "Quotas", integration timeout."""
SHARE = 0.9
"""Of the time that a login has, so that it is told which of its steps took too long."""


@asynccontextmanager
async def open_logins_api(settings: Settings, house: House, roles: InvocationRoles) -> AsyncIterator[ProviderApi]:
    """Raises BadSetting for certificate authorities that cannot be read."""
    ca_file = settings.login.provider_ca_file or (None if is_embedded(settings) else settings.aws.ca_file)
    async with AsyncExitStack() as stack:
        timeout_s = min(LONGEST_ANSWER_S, SHARE * settings.login.timeout_s)
        opening = open_provider_api(roles, clock=house.clock, timeout_s=timeout_s, ca_file=ca_file)
        try:
            api = await stack.enter_async_context(opening)
        except OSError as error:  # an ssl.SSLError too
            raise BadSetting(f"login.provider_ca_file: {ca_file} has no certificates to be read: {error}") from error
        yield api
