"""AWS::Transfer::Server, AWS::Transfer::User."""

import asyncio

from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.cloud.cloudformation.resources.kind import (
    CannotUpdate,
    Properties,
    ResourceKind,
    Workplace,
    given,
    ignoring_absence,
)

_SERVER_PROPERTIES = frozenset(
    {
        "Certificate",
        "Domain",
        "EndpointDetails",
        "EndpointType",
        "IdentityProviderDetails",
        "IdentityProviderType",
        "IpAddressType",
        "LoggingRole",
        "PostAuthenticationLoginBanner",
        "PreAuthenticationLoginBanner",
        "ProtocolDetails",
        "Protocols",
        "S3StorageOptions",
        "SecurityPolicyName",
        "StructuredLogDestinations",
        "Tags",
        "WorkflowDetails",
    }
)
_USER_PROPERTIES = frozenset(
    {
        "HomeDirectory",
        "HomeDirectoryMappings",
        "HomeDirectoryType",
        "Policy",
        "PosixProfile",
        "Role",
        "ServerId",
        "SshPublicKeys",
        "Tags",
        "UserName",
    }
)
# CloudFormation's default is older than the API's.
_DEFAULT_SECURITY_POLICY = "TransferSecurityPolicy-2018-11"
_STARTING_POLLS = 100
_POLL_S = 0.1


async def _create_server(at: Workplace, properties: Properties) -> Made:
    params = {"SecurityPolicyName": _DEFAULT_SECURITY_POLICY, **properties}
    server_id = (await at.do("transfer", "CreateServer", params))["ServerId"]
    # A stack is complete when its server accepts; one that cannot start is described with the reason.
    for _ in range(_STARTING_POLLS):
        server = (await at.do("transfer", "DescribeServer", {"ServerId": server_id}))["Server"]
        if server["State"] != "STARTING":
            break
        await asyncio.sleep(_POLL_S)
    return _made_server(server["Arn"], server_id)


def _made_server(arn: str, server_id: str) -> Made:
    return Made(physical_id=arn, ref=arn, attributes={"Arn": arn, "ServerId": server_id})


async def _update_server(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    if changed & {"Domain", "Tags"}:
        raise CannotUpdate
    server_id = _server_id(physical_id)
    cleared = {name: "" for name in changed - new.keys() if name.endswith("Banner") or name == "LoggingRole"}
    await at.do("transfer", "UpdateServer", {"ServerId": server_id, **given(new, *changed), **cleared})
    return _made_server(physical_id, server_id)


def _server_id(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


async def _delete_server(at: Workplace, physical_id: str, _properties: Properties) -> None:
    await ignoring_absence(at.do("transfer", "DeleteServer", {"ServerId": _server_id(physical_id)}))


async def _create_user(at: Workplace, properties: Properties) -> Made:
    keys = properties.get("SshPublicKeys", [])
    params = {name: value for name, value in properties.items() if name != "SshPublicKeys"}
    key = {"SshPublicKeyBody": keys[0]} if keys else {}
    await at.do("transfer", "CreateUser", {**params, **key})
    server_id, user_name = properties["ServerId"], properties["UserName"]
    for further in keys[1:]:
        params = {"ServerId": server_id, "UserName": user_name, "SshPublicKeyBody": further}
        await at.do("transfer", "ImportSshPublicKey", params)
    described = await at.do("transfer", "DescribeUser", {"ServerId": server_id, "UserName": user_name})
    arn = described["User"]["Arn"]
    return Made(physical_id=arn, ref=arn, attributes={"Arn": arn, "ServerId": server_id, "UserName": user_name})


async def _update_user(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    if changed & {"ServerId", "SshPublicKeys", "Tags", "UserName"}:
        raise CannotUpdate
    await at.do("transfer", "UpdateUser", given(new, "ServerId", "UserName", *changed))
    attributes = {"Arn": physical_id, "ServerId": new["ServerId"], "UserName": new["UserName"]}
    return Made(physical_id=physical_id, ref=physical_id, attributes=attributes)


async def _delete_user(at: Workplace, _physical_id: str, properties: Properties) -> None:
    await ignoring_absence(at.do("transfer", "DeleteUser", given(properties, "ServerId", "UserName")))


SERVER = ResourceKind(
    create=_create_server, update=_update_server, delete=_delete_server, properties=_SERVER_PROPERTIES
)
USER = ResourceKind(
    create=_create_user,
    update=_update_user,
    delete=_delete_user,
    properties=_USER_PROPERTIES,
    required=frozenset({"Role", "ServerId", "UserName"}),
)
