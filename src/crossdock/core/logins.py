"""A login in three truths: claimed (`LoginAttempt`), vouched for (`Identity`), admitted (a session, in `files/`)."""

import re
from dataclasses import dataclass, field

from crossdock.core.homes import HomeDirectory, PathHome
from crossdock.core.ids import ServerId
from crossdock.core.servers import FileProtocol, Server, ServerState

USERNAME_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_@.-]{2,99}")
MAX_SESSION_NAME = 64


@dataclass(frozen=True, slots=True)
class Password:
    """A password that cannot be printed by accident."""

    value: str = field(repr=False)

    def __str__(self) -> str:
        return "****"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key in OpenSSH's one-line form that the client has shown to own, or claims to."""

    openssh: str


Credential = Password | PublicKey


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginAttempt:
    server_id: ServerId
    username: str
    credential: Credential
    protocol: FileProtocol
    source_ip: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PosixProfile:
    uid: int
    gid: int
    secondary_gids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What an identity provider says of a user; `session_policy` is its template, variables not yet filled."""

    role_arn: str
    home: HomeDirectory = field(default_factory=PathHome)
    session_policy: str | None = None
    public_keys: tuple[str, ...] = ()
    posix: PosixProfile | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why nobody was admitted: for the log and TestIdentityProvider, never for the client."""

    reason: str


def gate(server: Server, attempt: LoginAttempt) -> Refusal | None:
    """Refuse what no identity provider need be asked about."""
    # A port accepts an instant before its server is noted as ONLINE; whoever reached it must not be sent away for good.
    is_opening = server.is_wanted and server.state is ServerState.STARTING
    if server.state is not ServerState.ONLINE and not is_opening:
        return Refusal(reason=f"server {server.server_id} is {server.state}")
    if attempt.protocol not in server.protocols:
        return Refusal(reason=f"server {server.server_id} does not speak {attempt.protocol}")
    if not is_username(attempt.username):
        return Refusal(reason="the user name is not well formed (3 to 100 of A-Z a-z 0-9 _ @ . -)")
    return None


def is_username(text: str) -> bool:
    """Transfer's rule for user names, with the letters of ASCII only."""
    return USERNAME_PATTERN.fullmatch(text) is not None


def session_name(username: str, session_id: str, server_id: ServerId) -> str:
    """The RoleSessionName of a file session: `username.sessionid@server-id`, cut at STS's 64 characters.

    `session_id` is 16 hex digits. A long user name is cut first, so that the session id always stays whole.
    """
    return f"{username[:47]}.{session_id}@{server_id}"[:MAX_SESSION_NAME]
