"""What a file of servers does not say of a server or user that is there: updates that bring the defaults back.

UpdateServer and UpdateUser leave alone what they are not told. Empty values clear.

Source: AWS Transfer Family API Reference, UpdateServer and UpdateUser.
"""

from collections.abc import Mapping
from typing import Any

from crossdock.transfer.server_rules import DEFAULT_PROTOCOL_DETAILS, DEFAULTS

_SERVER: Mapping[str, Any] = {
    **{name: value for name, value in DEFAULTS.items() if name != "Domain"},
    "Certificate": "",
    "LoggingRole": "",
    "PostAuthenticationLoginBanner": "",
    "PreAuthenticationLoginBanner": "",
    "S3StorageOptions": {"DirectoryListingOptimization": "DISABLED"},
    "StructuredLogDestinations": [],
    "WorkflowDetails": {"OnUpload": [], "OnPartialUpload": []},
}
_USER: Mapping[str, Any] = {"HomeDirectory": "", "HomeDirectoryType": "PATH", "Policy": ""}


def server_resets(described: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """`wanted`, and the defaults of what else the described server has; both as UpdateServer takes them."""
    update = {**_of(described, _SERVER), **wanted}
    update["ProtocolDetails"] = {**DEFAULT_PROTOCOL_DETAILS, **wanted.get("ProtocolDetails", {})}
    if "EndpointDetails" in wanted and wanted.get("EndpointType") == "VPC":
        # Not described, so that nobody can tell whether there are any.
        update["EndpointDetails"] = {"SecurityGroupIds": [], **wanted["EndpointDetails"]}
    return update


def user_resets(described: Mapping[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """The same for UpdateUser."""
    return {**_of(described, _USER), **wanted}


def _of(described: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in defaults.items() if name in described}
