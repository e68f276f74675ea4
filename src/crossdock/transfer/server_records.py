"""How servers and their endpoints are kept, and what the gateway is told of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from crossdock.core.ids import AccountId, ServerId
from crossdock.core.security_policies import DEFAULT_SECURITY_POLICY
from crossdock.core.servers import (
    INTERRUPTED_TAG,
    Endpoint,
    EndpointType,
    FileProtocol,
    IdentityProviderChoice,
    IdentityProviderType,
    InterruptedUploads,
    Server,
    ServerState,
    TlsSessionResumption,
)
from crossdock.operations.records import Records
from crossdock.ports.state import TableSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerRecord:
    """A server as its owner configured it (`settings`, in AWS's spelling) and what became of it."""

    server_id: str
    account_id: str
    region: str
    settings: dict[str, Any]
    is_wanted: bool
    state: ServerState
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRecord:
    """Where a protocol of a server was last bound; kept when the server stops, so that a restart keeps the port."""

    server_id: str
    account_id: str
    region: str
    protocol: FileProtocol
    host: str
    port: int
    state: ServerState
    passive_ports: tuple[int, ...] = field(default=())
    message: str = ""
    was_bound: bool = False


SERVERS: Records[ServerRecord] = Records(TableSpec(name="transfer_servers", unique=("server_id",)), ServerRecord)
ENDPOINTS: Records[EndpointRecord] = Records(TableSpec(name="transfer_endpoints"), EndpointRecord)


def tags_of(settings: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in settings.get("Tags", [])}


def server_of(record: ServerRecord, *, interrupted: InterruptedUploads = InterruptedUploads.DISCARD) -> Server:
    """`interrupted` is what becomes of interrupted uploads where the server has no tag that says so."""
    settings, tags = record.settings, tags_of(record.settings)
    provider = settings.get("IdentityProviderDetails", {})
    details = settings.get("ProtocolDetails", {})
    return Server(
        server_id=ServerId(record.server_id),
        account_id=AccountId(record.account_id),
        region=record.region,
        protocols=tuple(FileProtocol(name) for name in settings["Protocols"]),
        endpoint_type=EndpointType(settings["EndpointType"]),
        identity_provider=IdentityProviderChoice(
            kind=IdentityProviderType(settings["IdentityProviderType"]),
            function_arn=provider.get("Function", ""),
            url=provider.get("Url", ""),
            invocation_role=provider.get("InvocationRole", ""),
            directory_id=provider.get("DirectoryId", ""),
            sftp_authentication_methods=provider.get("SftpAuthenticationMethods", ""),
        ),
        is_wanted=record.is_wanted,
        state=record.state,
        certificate_arn=settings.get("Certificate", ""),
        pre_login_banner=settings.get("PreAuthenticationLoginBanner", ""),
        post_login_banner=settings.get("PostAuthenticationLoginBanner", ""),
        passive_ip=details.get("PassiveIp", "AUTO"),
        tls_session_resumption=TlsSessionResumption(details.get("TlsSessionResumptionMode", "ENFORCED")),
        security_policy=settings.get("SecurityPolicyName", DEFAULT_SECURITY_POLICY),
        setstat_is_no_op=details.get("SetStatOption") == "ENABLE_NO_OP",
        needs_proxy_header=details.get("ProxyConfig", {}).get("SftpMode") == "PROXY_PROTOCOL_V2_ENFORCED",
        security_group_ids=tuple(settings.get("EndpointDetails", {}).get("SecurityGroupIds", [])),
        interrupted_uploads=_interrupted_by(tags) or interrupted,
        tags=tags,
        created_at=record.created_at,
    )


def _interrupted_by(tags: Mapping[str, str]) -> InterruptedUploads | None:
    """What a server's tag says; None for one that says nothing we know, as the tag of a server on AWS itself may."""
    return next((kept for kept in InterruptedUploads if kept == tags.get(INTERRUPTED_TAG)), None)


def endpoint_of(record: EndpointRecord) -> Endpoint:
    return Endpoint(
        server_id=ServerId(record.server_id),
        account_id=AccountId(record.account_id),
        region=record.region,
        state=record.state,
        protocol=record.protocol,
        host=record.host,
        port=record.port,
        passive_ports=record.passive_ports,
        message=record.message,
        was_bound=record.was_bound,
    )


def endpoint_record(endpoint: Endpoint) -> EndpointRecord:
    return EndpointRecord(
        server_id=endpoint.server_id,
        account_id=endpoint.account_id,
        region=endpoint.region,
        protocol=endpoint.protocol,
        host=endpoint.host,
        port=endpoint.port,
        state=endpoint.state,
        passive_ports=endpoint.passive_ports,
        message=endpoint.message,
        was_bound=endpoint.was_bound,
    )
