"""What a Transfer server is, in our own words; AWS's spelling of it lives in `transfer/`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from crossdock.core.arns import Arn, server_arn
from crossdock.core.ids import AccountId, ServerId
from crossdock.core.security_policies import DEFAULT_SECURITY_POLICY


class FileProtocol(StrEnum):
    SFTP = "SFTP"
    FTP = "FTP"
    FTPS = "FTPS"
    AS2 = "AS2"


class ServerState(StrEnum):
    OFFLINE = "OFFLINE"
    ONLINE = "ONLINE"
    STARTING = "STARTING"
    STOPPING = "STOPPING"
    START_FAILED = "START_FAILED"
    STOP_FAILED = "STOP_FAILED"


class EndpointType(StrEnum):
    PUBLIC = "PUBLIC"
    VPC = "VPC"
    VPC_ENDPOINT = "VPC_ENDPOINT"


class IdentityProviderType(StrEnum):
    SERVICE_MANAGED = "SERVICE_MANAGED"
    API_GATEWAY = "API_GATEWAY"
    AWS_DIRECTORY_SERVICE = "AWS_DIRECTORY_SERVICE"
    AWS_LAMBDA = "AWS_LAMBDA"


class InterruptedUploads(StrEnum):
    """What becomes of an upload that does not come to its end: nothing, a shorter file, or one to go on with later."""

    DISCARD = "discard"
    KEEP = "keep"
    RESUME = "resume"


class TlsSessionResumption(StrEnum):
    DISABLED = "DISABLED"
    ENABLED = "ENABLED"
    ENFORCED = "ENFORCED"


HOSTNAME_TAG = "aws:transfer:customHostname"
"""AWS's own tag. Source: Transfer Family User Guide, "Working with custom hostnames"."""
FTPS_TAG = "crossdock:ftps"
"""`implicit` for FTPS as it was before RFC 4217."""
BEFORE_ALL = datetime(1, 1, 1, tzinfo=UTC)
"""When a server was made of which nobody knows."""
SERVER_ID_TAG = "crossdock:server-id"
"""The id that a new server shall have, so that every node of a fleet has the same."""
DECLARED_TAG = "crossdock:declared"
"""Marks a server that a file of servers declared: it goes when the file has it no more."""
INTERRUPTED_TAG = "crossdock:interrupted-uploads"
"""One of `InterruptedUploads`, for this server, in place of the setting for all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityProviderChoice:
    """Who vouches for a server's users: `function_arn` for AWS_LAMBDA, `url` and `invocation_role` for API_GATEWAY."""

    kind: IdentityProviderType
    function_arn: str = ""
    url: str = ""
    invocation_role: str = ""
    directory_id: str = ""
    sftp_authentication_methods: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """One Transfer server, as the gateway sees it.

    `is_wanted` is what the owner asked for (StartServer, StopServer); `state` is what became of it.
    `passive_ip` is `AUTO`, a dotted quad, or `0.0.0.0`. `security_policy` is a name of `core.security_policies`.
    `setstat_is_no_op`: attributes that a client sets after an upload are ignored, not refused.
    `needs_proxy_header`: connections for SFTP must come through a load balancer that says for whom, in version 2 of the
    PROXY protocol.
    """

    server_id: ServerId
    account_id: AccountId
    region: str
    protocols: tuple[FileProtocol, ...]
    endpoint_type: EndpointType
    identity_provider: IdentityProviderChoice
    is_wanted: bool = True
    state: ServerState = ServerState.OFFLINE
    certificate_arn: str = ""
    pre_login_banner: str = ""
    post_login_banner: str = ""
    passive_ip: str = "AUTO"
    tls_session_resumption: TlsSessionResumption = TlsSessionResumption.ENFORCED
    security_policy: str = DEFAULT_SECURITY_POLICY
    setstat_is_no_op: bool = False
    needs_proxy_header: bool = False
    security_group_ids: tuple[str, ...] = ()
    interrupted_uploads: InterruptedUploads = InterruptedUploads.DISCARD
    tags: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime = BEFORE_ALL

    @property
    def age(self) -> tuple[datetime, ServerId]:
        """What orders servers, the oldest first, the same at all times and on every node."""
        return self.created_at, self.server_id

    @property
    def arn(self) -> Arn:
        return server_arn(self.region, self.account_id, self.server_id)

    @property
    def hostname(self) -> str:
        """The name by which FTP's HOST command finds it, in lower case; empty when it has none."""
        return self.tags.get(HOSTNAME_TAG, "").lower().rstrip(".")

    @property
    def is_tls_implicit(self) -> bool:
        """FTPS has a port of its own, on which TLS is spoken from the first byte on."""
        return self.tags.get(FTPS_TAG, "").lower() == "implicit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where one protocol of one server is reached; `passive_ports` is empty for SFTP.

    `message` says, when `state` is START_FAILED or the protocol has no edge, what to change. `was_bound`: it was open
    there once, so that it keeps this port; else the port is one that was tried.
    """

    server_id: ServerId
    account_id: AccountId
    region: str
    state: ServerState
    protocol: FileProtocol
    host: str
    port: int
    passive_ports: tuple[int, ...] = ()
    message: str = ""
    was_bound: bool = False
