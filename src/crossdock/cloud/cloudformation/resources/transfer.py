"""AWS::Transfer::Server."""

from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.cloud.cloudformation.resources.kind import (
    CannotUpdate,
    Properties,
    ResourceKind,
    Workplace,
    changed_names,
    given,
    ignoring_absence,
    tag_changes,
)
from crossdock.cloud.cloudformation.resources.shapes import TAGS, TEXTS, listed, record, text

# CloudFormation's default is older than the API's.
_DEFAULT_SECURITY_POLICY = "TransferSecurityPolicy-2018-11"
_STARTING_POLLS = 100
_POLL_S = 0.1
_DEFAULT_PROTOCOL_DETAILS = {"PassiveIp": "AUTO", "SetStatOption": "DEFAULT", "TlsSessionResumptionMode": "ENFORCED"}
# What UpdateServer takes for what a template no longer says.
_CLEARED_SERVER: dict[str, Any] = {
    "Certificate": "",
    "EndpointDetails": {},
    "EndpointType": "PUBLIC",
    "IpAddressType": "IPV4",
    "LoggingRole": "",
    "PostAuthenticationLoginBanner": "",
    "PreAuthenticationLoginBanner": "",
    "ProtocolDetails": _DEFAULT_PROTOCOL_DETAILS,
    "Protocols": ["SFTP"],
    "S3StorageOptions": {"DirectoryListingOptimization": "DISABLED"},
    "SecurityPolicyName": _DEFAULT_SECURITY_POLICY,
    "StructuredLogDestinations": [],
    "WorkflowDetails": {"OnPartialUpload": [], "OnUpload": []},
}


async def _create_server(at: Workplace, properties: Properties) -> Made:
    params = {"SecurityPolicyName": _DEFAULT_SECURITY_POLICY, **properties}
    server_id = (await at.do("transfer", "CreateServer", params))["ServerId"]
    arn = f"arn:aws:transfer:{at.call.region}:{at.call.account_id}:server/{server_id}"
    await at.claim(arn)
    # A stack is complete when its server accepts; one that cannot start is described with the reason.
    for _ in range(_STARTING_POLLS):
        server = (await at.do("transfer", "DescribeServer", {"ServerId": server_id}))["Server"]
        if server["State"] != "STARTING":
            break
        await at.sleep(_POLL_S)
    return _made_server(arn)


def _made_server(arn: str) -> Made:
    return Made(physical_id=arn, ref=arn, attributes={"Arn": arn, "ServerId": _server_id(arn)})


async def _update_server(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    changed = changed_names(old, new)
    if changed & {"Domain", "IdentityProviderType"} or (changed - new.keys()) - _CLEARED_SERVER.keys() - {"Tags"}:
        raise CannotUpdate
    settings = changed - {"Tags"}
    cleared = {name: _CLEARED_SERVER[name] for name in settings - new.keys()}
    params = {"ServerId": _server_id(physical_id), **given(new, *settings), **cleared}
    # These are changed member by member: what is not given would stay.
    if "ProtocolDetails" in changed & new.keys():
        params["ProtocolDetails"] = {**_DEFAULT_PROTOCOL_DETAILS, **new["ProtocolDetails"]}
    if "EndpointDetails" in changed & new.keys():
        params["EndpointDetails"] = {**_emptied_lists(old.get("EndpointDetails", {})), **new["EndpointDetails"]}
    if settings:
        await at.do("transfer", "UpdateServer", params)
    await change_tags(at, physical_id, old, new)
    return _made_server(physical_id)


def _emptied_lists(details: Properties) -> dict[str, Any]:
    return {name: [] for name, value in details.items() if isinstance(value, list)}


async def change_tags(at: Workplace, arn: str, old: Properties, new: Properties) -> None:
    """Of a server or a user."""
    tags, removed = tag_changes(old, new)
    if removed:
        await at.do("transfer", "UntagResource", {"Arn": arn, "TagKeys": removed})
    if tags:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        await at.do("transfer", "TagResource", {"Arn": arn, "Tags": listed})


def _server_id(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


async def _delete_server(at: Workplace, physical_id: str, _properties: Properties) -> None:
    await ignoring_absence(at.do("transfer", "DeleteServer", {"ServerId": _server_id(physical_id)}))


_WORKFLOWS = listed(record({"WorkflowId": text, "ExecutionRole": text}, "WorkflowId", "ExecutionRole"))
SERVER = ResourceKind(
    create=_create_server,
    update=_update_server,
    delete=_delete_server,
    properties={
        "Certificate": text,
        "Domain": text,
        "EndpointDetails": record(
            {
                "AddressAllocationIds": TEXTS,
                "SecurityGroupIds": TEXTS,
                "SubnetIds": TEXTS,
                "VpcEndpointId": text,
                "VpcId": text,
            }
        ),
        "EndpointType": text,
        "IdentityProviderDetails": record(
            {
                "DirectoryId": text,
                "Function": text,
                "InvocationRole": text,
                "SftpAuthenticationMethods": text,
                "Url": text,
            }
        ),
        "IdentityProviderType": text,
        "IpAddressType": text,
        "LoggingRole": text,
        "PostAuthenticationLoginBanner": text,
        "PreAuthenticationLoginBanner": text,
        "ProtocolDetails": record(
            {"As2Transports": TEXTS, "PassiveIp": text, "SetStatOption": text, "TlsSessionResumptionMode": text}
        ),
        "Protocols": TEXTS,
        "S3StorageOptions": record({"DirectoryListingOptimization": text}),
        "SecurityPolicyName": text,
        "StructuredLogDestinations": TEXTS,
        "Tags": TAGS,
        "WorkflowDetails": record({"OnPartialUpload": _WORKFLOWS, "OnUpload": _WORKFLOWS}),
    },
    attributes=frozenset({"Arn", "ServerId"}),
)
