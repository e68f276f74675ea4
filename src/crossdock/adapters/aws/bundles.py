"""Where the AWS tools look for certificate authorities of somebody's own.

Source: botocore, `Session.create_client` for `ca_bundle` and AWS_CA_BUNDLE, `EndpointCreator._get_verify_value` for
REQUESTS_CA_BUNDLE.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError

from crossdock.core.servers import Server
from crossdock.ports.provider_api import ApiUnreachable
from crossdock.settings import foreign_variables
from crossdock.settings.trusted_files import BadAuthorities, trusting


class ConfiguredSession(Protocol):
    """botocore's, or aiobotocore's."""

    @property
    def profile(self) -> str | None: ...

    def get_config_variable(self, logical_name: str) -> Any: ...

    def get_scoped_config(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Bundle:
    """A file of certificate authorities, and what names it."""

    file: str
    named_by: str

    def trusting(self) -> ssl.SSLContext:
        """Raises BadAuthorities."""
        return trusting(self.file, named_by=self.named_by)


def bundle_of(session: ConfiguredSession) -> Bundle | None:
    """The one in place of everybody's authorities; None where there is none.

    Our own connections must believe the same as botocore's clients. To it, a variable that is empty is an error, or in
    older versions nothing is verified; here it is as one that is not set, so that the profile's counts.
    """
    variables = foreign_variables()
    # botocore asks the profile only where the variable is not set at all.
    if found := session.get_config_variable("ca_bundle") or session.get_scoped_config().get("ca_bundle"):
        of_profile = f"ca_bundle of the profile {session.profile or 'default'}"
        return Bundle(file=found, named_by="AWS_CA_BUNDLE" if variables.get("AWS_CA_BUNDLE") else of_profile)
    if found := variables.get("REQUESTS_CA_BUNDLE"):
        return Bundle(file=found, named_by="REQUESTS_CA_BUNDLE")
    return None


def verified_by(bundle: Bundle | None) -> bool | str:
    """As `verify` wants it told. Raises BadAuthorities: botocore would say little, and not before it connects."""
    if bundle is None:
        return True
    bundle.trusting()
    return bundle.file


class BundleTrust:
    """See `adapters.host.provider_api.Trusted`: as a bundle says. Looked for when it is first asked.

    What is wrong with one that no server needs must not keep a service from starting; and reading profiles takes time.

    Args:
        profile_of: the profile for a server; empty for the one that the environment names.
    """

    def __init__(self, profile_of: Callable[[Server], str]) -> None:
        self._profile_of = profile_of
        self._found: dict[str, ssl.SSLContext | bool] = {}

    async def __call__(self, server: Server) -> ssl.SSLContext | bool:
        profile = self._profile_of(server)
        if profile not in self._found:
            self._found[profile] = await asyncio.to_thread(_look, profile)
        return self._found[profile]


def _look(profile: str) -> ssl.SSLContext | bool:
    # Only here: it takes long to import.
    from botocore.session import Session

    try:
        bundle = bundle_of(Session(profile=profile or None))
        return True if bundle is None else bundle.trusting()
    except (BadAuthorities, BotoCoreError) as error:
        raise ApiUnreachable(
            f"whose certificates are trusted cannot be known ({error})",
            remedy="mend that, or name the authorities in login.provider_ca_file",
        ) from error
