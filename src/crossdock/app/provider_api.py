"""How identity providers of the type API_GATEWAY are reached, as the settings say."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crossdock.adapters.aws.bundles import BundleTrust
from crossdock.adapters.host.provider_api import Trusted, open_provider_api
from crossdock.app.cloud import is_embedded
from crossdock.core.servers import Server
from crossdock.operations.call import House
from crossdock.ports.provider_api import InvocationRoles, ProviderApi
from crossdock.settings import Settings
from crossdock.settings.trusted_files import trusting

LONGEST_ANSWER_S = 29.0
"""What API Gateway gives an integration. Source: API Gateway Developer Guide, "Quotas", integration timeout."""
SHARE = 0.9
"""Of the time that a login has, so that it is told which of its steps took too long."""


@asynccontextmanager
async def open_logins_api(settings: Settings, house: House, roles: InvocationRoles) -> AsyncIterator[ProviderApi]:
    """Raises BadSetting for certificate authorities that cannot be read."""
    timeout_s = min(LONGEST_ANSWER_S, SHARE * settings.login.timeout_s)
    opening = open_provider_api(roles, clock=house.clock, timeout_s=timeout_s, trusted=_trusted(settings))
    async with opening as api:
        yield api


def _trusted(settings: Settings) -> Trusted:
    """What a setting names is read now, and what else names authorities when a provider is first asked."""
    if settings.login.provider_ca_file is not None:
        return _always(trusting(settings.login.provider_ca_file, named_by="login.provider_ca_file"))
    if is_embedded(settings):
        return BundleTrust(lambda _: "")
    if settings.aws.ca_file is not None:
        return _always(trusting(settings.aws.ca_file, named_by="aws.ca_file"))
    return BundleTrust(lambda _: settings.aws.profile)


def _always(context: ssl.SSLContext) -> Trusted:
    async def trusted(_server: Server) -> ssl.SSLContext:
        return context

    return trusted
