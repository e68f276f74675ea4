"""The authority, as a login needs it: who vouches for a user, who assumes the role, who keeps the log."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from crossdock.core.errors import CrossdockError
from crossdock.core.logins import Identity, LoginAttempt
from crossdock.core.principals import AssumedRole
from crossdock.core.servers import Server
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.objects import ObjectStore
from crossdock.ports.state import JsonValue


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityAnswer:
    """What an identity provider said, as TestIdentityProvider shows it.

    `identity` is None when it vouches for nobody. `remedy` says what to do about that, and `is_silent` that nothing
    answered, so that nobody knows what it would have said; both are for `explain`, and not shown by
    TestIdentityProvider.
    """

    identity: Identity | None
    response: str
    status_code: int
    message: str
    remedy: str = ""
    is_silent: bool = False


class IdentityProvider(Protocol):
    async def identify(self, server: Server, attempt: LoginAttempt) -> IdentityAnswer:
        """Ask whoever vouches for this server's users.

        Never raises for a user who is refused or a provider that fails.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionAnswer:
    """What a provider's function returned; `error` is empty, `Unhandled` or another of AWS's function errors."""

    payload: bytes
    error: str = ""


class ProviderUnreachable(CrossdockError):
    """An identity provider gave no answer; the message says why, `remedy` what to change, where that is known.

    `is_silent` where it, or what leads to it, does not answer, as against one that refuses to be asked.
    """

    def __init__(self, message: str, *, remedy: str = "", is_silent: bool = False) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.is_silent = is_silent


class FunctionUnreachable(ProviderUnreachable):
    """The function could not be invoked."""


class ProviderFunctions(Protocol):
    async def invoke(self, server: Server, attempt: LoginAttempt, *, function_arn: str, event: bytes) -> FunctionAnswer:
        """Invoke the function that vouches for a server's users. Raises FunctionUnreachable."""


class SecretTexts(Protocol):
    async def text(self, account: str, region: str, secret_id: str) -> str:
        """A secret, by name or ARN, for the service itself. Raises CrossdockError, without any secret in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleSession:
    principal: AssumedRole
    expires_at: datetime
    store: ObjectStore


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRequest:
    """What a user's role is assumed with. `session_policy` is the text that narrows it, if any."""

    server: Server
    username: str
    role_arn: str
    session_name: str
    session_policy: str | None


class AssumeRefused(CrossdockError):
    """The role cannot be assumed; the message says why, to go behind "the role … cannot be assumed:"."""


class RoleAssumer(Protocol):
    async def assume(self, asked: RoleRequest) -> RoleSession:
        """Assume a role as transfer.amazonaws.com, with SourceArn and SourceAccount. Raises AssumeRefused."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleHolder:
    """Who holds the credentials of an assumed role: all that the embedded authority needs to decide, and no secret."""

    principal: AssumedRole
    access_key_id: str
    issued_at: datetime
    expires_at: datetime
    tags: Mapping[str, str] = field(default_factory=dict)


class RoleHolders(Protocol):
    async def hold(self, asked: RoleRequest) -> RoleHolder:
        """As `RoleAssumer.assume`, without a store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedRole:
    """An assumed role with its credentials, for an S3 that is reached by them."""

    principal: AssumedRole
    credentials: TemporaryCredentials


class RoleIssuer(Protocol):
    async def issue(self, asked: RoleRequest) -> IssuedRole:
        """As `RoleAssumer.assume`, without a store."""


class TransferLog(Protocol):
    def record(self, server: Server, stream: str, event: Mapping[str, JsonValue]) -> None:
        """Note a session's event in the server's log group. Never blocks, never fails; written within a second."""
