"""A login in three truths: claimed (`LoginAttempt`), vouched for (`Identity`), admitted (a session, in `files/`)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from crossdock.core.homes import HomeDirectory, PathHome
from crossdock.core.ids import ServerId
from crossdock.core.servers import FileProtocol, IdentityProviderType, Server, ServerState

USERNAME_PATTERN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_@.-]{2,99}")
MAX_SESSION_NAME = 64
_SESSION_NAME = re.compile(r"(?P<user>.{3,27})\.[0-9a-f]{16}@(?P<server>s-[0-9a-f]{17})")


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

NO_KEY = PublicKey("")
"""No key at all: asks a provider which keys the user has. It is in no list of keys, so it logs nobody in."""


class Factor(StrEnum):
    """What a user shows to log in, by SSH's names for it (RFC 4252 §7 and §8)."""

    PUBLIC_KEY = "publickey"
    PASSWORD = "password"


_KEY, _PASSWORD = frozenset({Factor.PUBLIC_KEY}), frozenset({Factor.PASSWORD})
_BY_METHODS: Mapping[str, tuple[frozenset[Factor], ...]] = MappingProxyType(
    {
        "": (_KEY, _PASSWORD),
        "PUBLIC_KEY_OR_PASSWORD": (_KEY, _PASSWORD),
        "PUBLIC_KEY_AND_PASSWORD": (_KEY | _PASSWORD,),
        "PUBLIC_KEY": (_KEY,),
        "PASSWORD": (_PASSWORD,),
    }
)
_BY_KIND: Mapping[IdentityProviderType, tuple[frozenset[Factor], ...]] = MappingProxyType(
    {
        IdentityProviderType.SERVICE_MANAGED: (_KEY,),
        IdentityProviderType.AWS_DIRECTORY_SERVICE: (_PASSWORD,),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SshFacts:
    """What is known of an SSH connection, for the log. `ciphers` are those to the server and from it.

    `key_line` is the public key that the user has proved, in OpenSSH's form, if it was a key. `proxy_header` is what
    became of a load balancer's header, "applied" or "ignored", if there was one.
    """

    client: str
    ciphers: str
    kex: str
    key_line: str = ""
    proxy_header: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginAttempt:
    server_id: ServerId
    username: str
    credential: Credential
    protocol: FileProtocol
    source_ip: str
    ssh: SshFacts | None = None


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
    factor = factor_of(attempt.credential)
    if not any(factor in way for way in ways_in(server, attempt.protocol)):
        return Refusal(reason=f"server {server.server_id} admits nobody by {factor} over {attempt.protocol}")
    if not is_username(attempt.username):
        return Refusal(reason="the user name is not well formed (3 to 100 of A-Z a-z 0-9 _ @ . -)")
    return None


def factor_of(credential: Credential) -> Factor:
    return Factor.PASSWORD if isinstance(credential, Password) else Factor.PUBLIC_KEY


def ways_in(server: Server, protocol: FileProtocol) -> tuple[frozenset[Factor], ...]:
    """The ways to log in: each is a set of factors that suffices, and of which each is needed.

    A setting that is not known leaves no way. Over FTP and FTPS there are passwords only.

    Source: AWS Transfer Family API Reference, IdentityProviderDetails, SftpAuthenticationMethods; User Guide, "AWS
    Transfer Family server endpoints", which identity provider takes keys and which passwords.
    """
    if protocol is not FileProtocol.SFTP:
        return (_PASSWORD,)
    choice = server.identity_provider
    return _BY_KIND.get(choice.kind) or _BY_METHODS.get(choice.sftp_authentication_methods, ())


def next_factors(ways: tuple[frozenset[Factor], ...], shown: frozenset[Factor]) -> frozenset[Factor]:
    """What may be shown next, after what was shown. Where both are needed, the key comes first, as at AWS.

    Source: AWS Transfer Family User Guide, "Using multiple authentication methods".
    """
    left = [way - shown for way in ways if shown < way]
    return frozenset(Factor.PUBLIC_KEY if Factor.PUBLIC_KEY in factors else Factor.PASSWORD for factors in left)


def nothing_shown(server: Server, protocol: FileProtocol) -> Credential:
    """What an attempt holds that only asks: NO_KEY where a login begins with a key, else an empty password."""
    first = next_factors(ways_in(server, protocol), frozenset())
    return NO_KEY if Factor.PUBLIC_KEY in first else Password("")


def is_username(text: str) -> bool:
    """Transfer's rule for user names, with the letters of ASCII only."""
    return USERNAME_PATTERN.fullmatch(text) is not None


def session_name(username: str, session_id: str, server_id: ServerId) -> str:
    """The RoleSessionName of a file session: `username.sessionid@server-id`, cut at STS's 64 characters.

    `session_id` is 16 hex digits. A long user name is cut first, so that the session id always stays whole.
    """
    return f"{username[:47]}.{session_id}@{server_id}"[:MAX_SESSION_NAME]


def whose_session(name: str) -> tuple[str, str] | None:
    """The user and the server id that a `session_name` tells; None where it was cut, or is of another form."""
    found = _SESSION_NAME.fullmatch(name)
    return (found["user"], found["server"]) if found else None
