"""An identity provider behind an API Gateway, or behind any HTTP service that answers as one does."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from crossdock.core.servers import Server
from crossdock.ports.authority import ProviderUnreachable
from crossdock.ports.functions import TemporaryCredentials


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiAnswer:
    status: int
    body: bytes = field(repr=False)


class ApiUnreachable(ProviderUnreachable):
    """There is no answer, or one that is too large."""


class ProviderApi(Protocol):
    async def get(self, server: Server, *, url: str, headers: Mapping[str, str]) -> ApiAnswer:
        """GET, signed for `execute-api` as the server's invocation role. Follows no redirect.

        Raises ApiUnreachable.
        """


class InvocationRoles(Protocol):
    async def credentials(self, server: Server) -> TemporaryCredentials:
        """New ones of the server's invocation role, which trusts whoever asks. Raises AssumeRefused."""
