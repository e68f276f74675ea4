"""Which settings of a server go together: CreateServer's and UpdateServer's rules, as pure checks.

Source: AWS Transfer Family API Reference, CreateServer and UpdateServer; User Guide, "Create an FTP-enabled server".
"""

import re
from collections.abc import Mapping, Sequence
from ipaddress import AddressValueError, IPv4Address
from typing import Any

from crossdock.core.provider_urls import url_flaw
from crossdock.core.security_policies import DEFAULT_SECURITY_POLICY, SECURITY_POLICIES
from crossdock.transfer.faults import invalid_request

DEFAULTS: Mapping[str, Any] = {
    "Domain": "S3",
    "EndpointType": "PUBLIC",
    "IdentityProviderType": "SERVICE_MANAGED",
    "IpAddressType": "IPV4",
    "Protocols": ["SFTP"],
    "SecurityPolicyName": DEFAULT_SECURITY_POLICY,
}
DEFAULT_PROTOCOL_DETAILS: Mapping[str, Any] = {
    "PassiveIp": "AUTO",
    "TlsSessionResumptionMode": "ENFORCED",
    "SetStatOption": "DEFAULT",
}
PROVIDER_DETAILS: Mapping[str, tuple[str, ...]] = {
    "SERVICE_MANAGED": (),
    "AWS_LAMBDA": ("Function",),
    "API_GATEWAY": ("Url", "InvocationRole"),
    "AWS_DIRECTORY_SERVICE": ("DirectoryId",),
}
# Who asks somebody else about users may say what users have to show; the others take keys or passwords alone.
CUSTOM_PROVIDERS = ("AWS_LAMBDA", "API_GATEWAY")
# Log groups are named by their ARN with `:*` behind it.
_LOG_DESTINATION = re.compile(r"arn:[a-z-]+:logs:[a-z0-9-]+:\d{12}:log-group:[A-Za-z0-9_/.#-]{1,512}:\*", re.ASCII)
_LAMBDA_ARN = re.compile(r"arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[A-Za-z0-9$_-]+)?")


def with_defaults(params: Mapping[str, Any]) -> dict[str, Any]:
    """CreateServer's input with what AWS fills in; the input's own values win."""
    settings = {**DEFAULTS, **params}
    settings["ProtocolDetails"] = {**DEFAULT_PROTOCOL_DETAILS, **params.get("ProtocolDetails", {})}
    return settings


def described_provider(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    """IdentityProviderDetails as DescribeServer tells them: with what SFTP asks for when nobody said it.

    Source: terraform-provider-aws, whose acceptance tests find PUBLIC_KEY_OR_PASSWORD on a server made without it.
    """
    details: Mapping[str, Any] = settings["IdentityProviderDetails"]
    if settings["IdentityProviderType"] not in CUSTOM_PROVIDERS or "SFTP" not in settings["Protocols"]:
        return details
    return {"SftpAuthenticationMethods": "PUBLIC_KEY_OR_PASSWORD", **details}


def check_settings(settings: Mapping[str, Any], *, needs_certificate: bool = True) -> None:
    """Refuse a combination that AWS refuses. Raises ServiceError InvalidRequestException with a sentence.

    `needs_certificate` is false for a server whose certificate for FTPS is not the server's to name.
    """
    _check_identity_provider(settings)
    _check_protocols(settings, needs_certificate=needs_certificate)
    _check_endpoint(settings)
    _check_passive_ip(settings["ProtocolDetails"]["PassiveIp"])
    _check_log_destinations(settings.get("StructuredLogDestinations") or ())
    if settings["Domain"] != "S3":
        raise invalid_request("Crossdock serves the S3 domain only; EFS file systems are not supported.")
    if settings["SecurityPolicyName"] not in SECURITY_POLICIES:
        raise invalid_request(f"Unknown security policy {settings['SecurityPolicyName']}")


def _check_identity_provider(settings: Mapping[str, Any]) -> None:
    kind = settings["IdentityProviderType"]
    details = settings.get("IdentityProviderDetails") or {}
    wanted = PROVIDER_DETAILS[kind]
    if details and not wanted:
        raise invalid_request(
            f"IdentityProviderDetails must not be given when IdentityProviderType is {kind}, which it is if none is "
            "named: service-managed users log in with SSH keys alone"
        )
    for member in wanted:
        if not details.get(member):
            raise invalid_request(f"IdentityProviderDetails must contain {member} when IdentityProviderType is {kind}")
    allowed = (*wanted, "SftpAuthenticationMethods") if kind in CUSTOM_PROVIDERS else wanted
    for member in details:
        if member not in allowed:
            raise invalid_request(f"IdentityProviderDetails must not contain {member} when the type is {kind}")
    if kind == "AWS_LAMBDA" and not _LAMBDA_ARN.fullmatch(details["Function"]):
        raise invalid_request("IdentityProviderDetails.Function must be the ARN of a Lambda function")
    if kind == "API_GATEWAY" and (flaw := url_flaw(details["Url"])):
        raise invalid_request(f"IdentityProviderDetails.Url {flaw}")


def _check_protocols(settings: Mapping[str, Any], *, needs_certificate: bool) -> None:
    protocols = settings["Protocols"]
    if len(set(protocols)) != len(protocols):
        raise invalid_request("Protocols must not contain duplicates")
    if settings["EndpointType"] == "PUBLIC" and protocols != ["SFTP"]:
        raise invalid_request("A server with endpoint type PUBLIC can only use protocol SFTP; use endpoint type VPC")
    if {"FTP", "FTPS"} & set(protocols):
        if settings["EndpointType"] != "VPC":
            raise invalid_request("Protocols FTP and FTPS need endpoint type VPC")
        if settings["IdentityProviderType"] == "SERVICE_MANAGED":
            raise invalid_request(
                "Protocols FTP and FTPS need IdentityProviderType AWS_LAMBDA, API_GATEWAY or AWS_DIRECTORY_SERVICE"
            )
    if "AS2" in protocols and settings["EndpointType"] != "VPC":
        raise invalid_request("Protocol AS2 needs endpoint type VPC")
    if "FTPS" in protocols and needs_certificate and not settings.get("Certificate"):
        raise invalid_request("Certificate is required when protocol FTPS is chosen")


def _check_endpoint(settings: Mapping[str, Any]) -> None:
    kind = settings["EndpointType"]
    details = settings.get("EndpointDetails") or {}
    if kind == "PUBLIC" and details:
        raise invalid_request("EndpointDetails cannot be specified with endpoint type PUBLIC")
    if kind == "VPC" and not details.get("VpcId"):
        raise invalid_request("EndpointDetails must contain VpcId when the endpoint type is VPC")
    if kind == "VPC" and details.get("VpcEndpointId"):
        raise invalid_request("VpcEndpointId can only be specified with endpoint type VPC_ENDPOINT")
    if kind == "VPC_ENDPOINT" and not details.get("VpcEndpointId"):
        raise invalid_request("EndpointDetails must contain VpcEndpointId when the endpoint type is VPC_ENDPOINT")
    if details.get("AddressAllocationIds"):
        if "FTP" in settings["Protocols"]:
            raise invalid_request("AddressAllocationIds cannot be used with protocol FTP")
        if settings["IpAddressType"] != "IPV4":
            raise invalid_request("AddressAllocationIds can only be used with IpAddressType IPV4")


def _check_log_destinations(destinations: Sequence[str]) -> None:
    for destination in destinations:
        if not _LOG_DESTINATION.fullmatch(destination):
            raise invalid_request(
                f"StructuredLogDestinations has {destination}: it must be the ARN of a log group that ends in :*, "
                "such as arn:aws:logs:REGION:ACCOUNT:log-group:NAME:*"
            )


def _check_passive_ip(text: str) -> None:
    if text == "AUTO":
        return
    try:
        IPv4Address(text)
    except AddressValueError as error:
        raise invalid_request("PassiveIp must be AUTO or an IPv4 address in dotted form") from error
