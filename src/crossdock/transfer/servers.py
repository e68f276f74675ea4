"""CreateServer, DescribeServer, ListServers, UpdateServer, DeleteServer, StartServer, StopServer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossdock.core.arns import server_arn
from crossdock.core.ids import hex_id
from crossdock.core.principals import TRANSFER
from crossdock.core.servers import SERVER_ID_TAG, ServerState
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permission, Result, pass_role
from crossdock.operations.paging import page_key, page_token
from crossdock.ports.certificates import CertificateCheck
from crossdock.ports.state import NotUnique, Transaction, VersionConflict
from crossdock.transfer.changes import ServerChanges
from crossdock.transfer.faults import invalid_request, server_exists, unknown_server
from crossdock.transfer.host_key_records import HOST_KEYS, host_keys_of
from crossdock.transfer.host_key_vault import HostKeyVault
from crossdock.transfer.server_certificates import check_certificate
from crossdock.transfer.server_host_keys import add_first_keys, prepared_change, prepared_keys, put_in_front
from crossdock.transfer.server_records import ENDPOINTS, SERVERS, ServerRecord
from crossdock.transfer.server_rules import check_settings, described_provider, with_defaults
from crossdock.transfer.tag_rules import server_tags_given, tag_keys
from crossdock.transfer.user_records import count_users, drop_all_users

CertificateInFiles = Callable[[str], bool]
"""Whether a server, by its id, shows a certificate of files, so that it need not name one."""

_NOT_DESCRIBED = ("SecurityGroupIds",)
_NOT_KEPT = ("ServerId", "HostKey", "HostKeyStorageType")
_CLEARED_WHEN_EMPTY = (
    "LoggingRole",
    "StructuredLogDestinations",
    "PreAuthenticationLoginBanner",
    "PostAuthenticationLoginBanner",
    "Certificate",
)


def never_in_files(_server_id: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Servers:
    """The server operations. `changes` wakes the gateway after each commit."""

    changes: ServerChanges
    certificates: CertificateCheck
    host_keys: HostKeyVault
    in_files: CertificateInFiles = never_in_files

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateServer": Operation(handler=self.create, permissions=_create_permissions),
            "DeleteServer": Operation(handler=self.delete, permissions=_on_server("DeleteServer")),
            "DescribeServer": Operation(handler=self.describe, permissions=_on_server("DescribeServer")),
            "ListServers": Operation(handler=self.list, permissions=_list_permissions),
            "StartServer": Operation(handler=self.start, permissions=_on_server("StartServer")),
            "StopServer": Operation(handler=self.stop, permissions=_on_server("StopServer")),
            "UpdateServer": Operation(handler=self.update, permissions=_update_permissions),
        }

    async def create(self, call: Call) -> Result:
        settings = with_defaults(_kept(call))
        if settings.get("EndpointDetails", {}).get("AddressAllocationIds"):
            raise invalid_request("AddressAllocationIds cannot be set in CreateServer")
        tags = server_tags_given(call.params)
        server_id = tags.get(SERVER_ID_TAG) or hex_id("s-", call.house.entropy)
        check_settings(settings, needs_certificate=not self.in_files(server_id))
        keys = await prepared_keys(self.host_keys, call, settings)
        record = ServerRecord(
            server_id=server_id,
            account_id=call.account_id,
            region=call.region,
            settings=settings,
            is_wanted=True,
            state=ServerState.STARTING,
            created_at=call.now,
        )
        async with call.transaction() as tx:
            await check_certificate(tx, call, settings, self.certificates)
            try:
                await SERVERS.put(tx, record, call.account_id, call.region, record.server_id, is_new=True)
            except (VersionConflict, NotUnique) as error:
                raise server_exists(record.server_id) from error
            await add_first_keys(tx, self.host_keys, call, record.server_id, keys)
        self.changes.announce()
        return {"ServerId": record.server_id}

    async def describe(self, call: Call) -> Result:
        async with call.reading() as tx:
            record = await find_server(tx, call)
            users = await count_users(tx, (call.account_id, call.region, record.server_id))
            keys = await host_keys_of(tx, record.server_id)
        described = _described(record, user_count=users)
        if keys:
            # The oldest: the one that the owner gave, if any.
            described["HostKeyFingerprint"] = keys[0].fingerprint
        return {"Server": described}

    async def list(self, call: Call) -> Result:
        after = page_key(call.params.get("NextToken"), error_code="InvalidNextTokenException")
        limit = call.params.get("MaxResults", 1000)
        async with call.reading() as tx:
            rows = await SERVERS.page_with_keys(tx, call.account_id, call.region, after=after, limit=limit + 1)
            listed = [await _listed(tx, record) for _, record in rows[:limit]]
        result: dict[str, Any] = {"Servers": listed}
        if len(rows) > limit:
            result["NextToken"] = page_token(rows[limit - 1][0])
        return result

    async def update(self, call: Call) -> Result:
        keys = await prepared_change(self.host_keys, call)
        async with call.transaction() as tx:
            record = await find_server(tx, call)
            settings = _updated(record, call)
            check_settings(settings, needs_certificate=not self.in_files(record.server_id))
            if {"Certificate", "Protocols"} & call.params.keys():
                await check_certificate(tx, call, settings, self.certificates)
            await _store(tx, replace(record, settings=settings))
            if call.params.get("HostKey"):
                await put_in_front(tx, self.host_keys, call, record.server_id, keys[0])
            else:
                await add_first_keys(tx, self.host_keys, call, record.server_id, keys)
        self.changes.announce()
        return {"ServerId": record.server_id}

    async def delete(self, call: Call) -> Result:
        async with call.transaction() as tx:
            record = await find_server(tx, call)
            key = (call.account_id, call.region, record.server_id)
            await SERVERS.delete(tx, *key)
            await drop_all_users(tx, key)
            await HOST_KEYS.delete(tx, record.server_id)
            for endpoint in await ENDPOINTS.everything(tx, record.server_id):
                await ENDPOINTS.delete(tx, record.server_id, endpoint.protocol)
        self.changes.announce()
        return {}

    async def start(self, call: Call) -> Result:
        return await self._want(call, is_wanted=True, on_the_way=ServerState.STARTING, there=ServerState.ONLINE)

    async def stop(self, call: Call) -> Result:
        return await self._want(call, is_wanted=False, on_the_way=ServerState.STOPPING, there=ServerState.OFFLINE)

    async def _want(self, call: Call, *, is_wanted: bool, on_the_way: ServerState, there: ServerState) -> Result:
        async with call.transaction() as tx:
            record = await find_server(tx, call)
            state = there if record.state is there else on_the_way
            await _store(tx, replace(record, is_wanted=is_wanted, state=state))
        self.changes.announce()
        return {}


async def find_server(tx: Transaction, call: Call) -> ServerRecord:
    """The server that the call names, in the caller's account and region. Raises ResourceNotFoundException."""
    record = await SERVERS.get(tx, call.account_id, call.region, call.params["ServerId"])
    if record is None:
        raise unknown_server(call.params["ServerId"])
    return record


async def _store(tx: Transaction, record: ServerRecord) -> None:
    await SERVERS.put(tx, record, record.account_id, record.region, record.server_id)


def _updated(record: ServerRecord, call: Call) -> dict[str, Any]:
    """The settings after UpdateServer: named members replace, ProtocolDetails merges, an empty value clears."""
    params = _kept(call)
    details = params.get("EndpointDetails", {})
    if details.get("AddressAllocationIds"):
        if record.state is not ServerState.OFFLINE:
            raise invalid_request("The server must be OFFLINE to change AddressAllocationIds")
        if details.get("SubnetIds"):
            raise invalid_request("Specified SubnetIds must exist in the server before attaching AddressAllocationIds")
    settings = {**record.settings, **params}
    settings["ProtocolDetails"] = {**record.settings["ProtocolDetails"], **params.get("ProtocolDetails", {})}
    if settings["EndpointType"] != "PUBLIC":
        details = {**record.settings.get("EndpointDetails", {}), **details}
    if details or "EndpointDetails" in settings:
        settings["EndpointDetails"] = details
    if params.get("IdentityProviderType") == "SERVICE_MANAGED" and "IdentityProviderDetails" not in params:
        settings.pop("IdentityProviderDetails", None)
    for name in _CLEARED_WHEN_EMPTY:
        if name in params and not params[name]:
            settings.pop(name, None)
    return settings


def _described(record: ServerRecord, *, user_count: int) -> dict[str, Any]:
    settings = {name: value for name, value in record.settings.items() if name not in _NOT_DESCRIBED}
    if endpoint := settings.get("EndpointDetails"):
        # AWS never returns the groups: they belong to the VPC endpoint.
        settings["EndpointDetails"] = {k: v for k, v in endpoint.items() if k not in _NOT_DESCRIBED}
    if settings.get("IdentityProviderDetails"):
        settings["IdentityProviderDetails"] = described_provider(settings)
    return {
        **settings,
        "Arn": str(server_arn(record.region, record.account_id, record.server_id)),
        "ServerId": record.server_id,
        "State": record.state,
        "UserCount": user_count,
    }


async def _listed(tx: Transaction, record: ServerRecord) -> dict[str, Any]:
    users = await count_users(tx, (record.account_id, record.region, record.server_id))
    described = _described(record, user_count=users)
    names = ("Arn", "Domain", "IdentityProviderType", "EndpointType", "LoggingRole", "ServerId", "State", "UserCount")
    return {name: described[name] for name in names if name in described}


def _kept(call: Call) -> dict[str, Any]:
    """What is kept of the input as it is; host keys are kept apart, sealed."""
    return {name: value for name, value in call.params.items() if name not in _NOT_KEPT}


def _arn_of_named_server(call: Call) -> str:
    return str(server_arn(call.region, call.account_id, call.params["ServerId"]))


def _on_server(action: str) -> Any:
    def permissions(call: Call) -> Sequence[Permission]:
        return (Permission(action=f"transfer:{action}", resource=_arn_of_named_server(call)),)

    return permissions


def _list_permissions(_call: Call) -> Sequence[Permission]:
    return (Permission(action="transfer:ListServers", resource="*"),)


def _create_permissions(call: Call) -> Sequence[Permission]:
    context = {
        "transfer:RequestServerEndpointType": (call.params.get("EndpointType", "PUBLIC"),),
        "transfer:RequestServerProtocols": tuple(call.params.get("Protocols", ["SFTP"])),
        "transfer:RequestServerDomain": (call.params.get("Domain", "S3"),),
        **tag_keys(call.params),
    }
    own = Permission(action="transfer:CreateServer", resource="*", context=context)
    return (own, *_passed_roles(call))


def _update_permissions(call: Call) -> Sequence[Permission]:
    own = Permission(action="transfer:UpdateServer", resource=_arn_of_named_server(call))
    return (own, *_passed_roles(call))


def _passed_roles(call: Call) -> Sequence[Permission]:
    """iam:PassRole for every role that the caller hands to the service."""
    provider = call.params.get("IdentityProviderDetails", {})
    roles = (call.params.get("LoggingRole"), provider.get("InvocationRole"))
    return tuple(pass_role(role, TRANSFER.name) for role in roles if role)
