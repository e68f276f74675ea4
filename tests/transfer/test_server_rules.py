"""Which settings go together."""

import pytest
from tests.fakes.transfer import FTP_SERVER, FUNCTION

from crossdock.core.errors import ServiceError
from crossdock.transfer.server_rules import check_settings, described_provider, with_defaults

VPC = FTP_SERVER["EndpointDetails"]
LAMBDA = {"IdentityProviderType": "AWS_LAMBDA", "IdentityProviderDetails": {"Function": FUNCTION}}
GATEWAY = {
    "IdentityProviderType": "API_GATEWAY",
    "IdentityProviderDetails": {"Url": "https://x", "InvocationRole": "arn:aws:iam::1:role/x"},
}
BOTH = {"SftpAuthenticationMethods": "PUBLIC_KEY_AND_PASSWORD"}
DIRECTORY = {
    "IdentityProviderType": "AWS_DIRECTORY_SERVICE",
    "IdentityProviderDetails": {"DirectoryId": "d-0123456789"},
}


@pytest.mark.parametrize(
    "settings",
    [
        {},
        FTP_SERVER,
        {**FTP_SERVER, **GATEWAY},
        {**FTP_SERVER, **DIRECTORY},
        {**FTP_SERVER, "Protocols": ["FTP", "FTPS", "SFTP"], "Certificate": "arn:aws:acm:x"},
        {"EndpointType": "VPC", "EndpointDetails": VPC, "Protocols": ["AS2"]},
        {"EndpointType": "VPC_ENDPOINT", "EndpointDetails": {"VpcEndpointId": "vpce-01234567890123456"}},
        {**LAMBDA, "IdentityProviderDetails": {"Function": FUNCTION, "SftpAuthenticationMethods": "PASSWORD"}},
        {**GATEWAY, "IdentityProviderDetails": {**GATEWAY["IdentityProviderDetails"], **BOTH}},
        {**FTP_SERVER, "ProtocolDetails": {"PassiveIp": "0.0.0.0"}},
        {"SecurityPolicyName": "TransferSecurityPolicy-FIPS-2024-01"},
        {"StructuredLogDestinations": []},
        {"StructuredLogDestinations": ["arn:aws:logs:us-east-1:111111111111:log-group:/aws/transfer/my_log.#1-a:*"]},
    ],
)
def test_what_aws_takes_is_taken(settings):
    check_settings(with_defaults(settings))


def test_a_server_whose_certificate_is_in_files_names_none():
    check_settings(with_defaults({**FTP_SERVER, "Protocols": ["FTP", "FTPS"]}), needs_certificate=False)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"Protocols": ["FTP"]}, "PUBLIC can only use protocol SFTP"),
        ({"Protocols": ["SFTP", "SFTP"]}, "duplicates"),
        ({**FTP_SERVER, "EndpointType": "VPC_ENDPOINT"}, "need endpoint type VPC"),
        (
            {"Protocols": ["FTP"], "EndpointType": "VPC", "EndpointDetails": VPC},
            "need IdentityProviderType AWS_LAMBDA",
        ),
        ({**FTP_SERVER, "Protocols": ["FTPS"]}, "Certificate is required"),
        ({"EndpointType": "VPC_ENDPOINT", "Protocols": ["AS2"]}, "AS2 needs endpoint type VPC"),
        ({"EndpointDetails": VPC}, "cannot be specified with endpoint type PUBLIC"),
        ({"EndpointType": "VPC"}, "must contain VpcId"),
        (
            {**GATEWAY, "IdentityProviderDetails": {**GATEWAY["IdentityProviderDetails"], "Url": "http://x.example"}},
            "IdentityProviderDetails.Url must begin with https://",
        ),
        (
            {**GATEWAY, "IdentityProviderDetails": {**GATEWAY["IdentityProviderDetails"], "Url": "https://x/?a=b"}},
            "IdentityProviderDetails.Url must be a URL such as",
        ),
        (
            {"EndpointType": "VPC", "EndpointDetails": {**VPC, "VpcEndpointId": "vpce-1"}},
            "only be specified with endpoint type VPC_ENDPOINT",
        ),
        ({"EndpointType": "VPC_ENDPOINT"}, "must contain VpcEndpointId"),
        (
            {**FTP_SERVER, "EndpointDetails": {**VPC, "AddressAllocationIds": ["e"]}},
            "cannot be used with protocol FTP",
        ),
        (
            {
                "EndpointType": "VPC",
                "EndpointDetails": {**VPC, "AddressAllocationIds": ["e"]},
                "IpAddressType": "DUALSTACK",
            },
            "only be used with IpAddressType IPV4",
        ),
        (
            {"IdentityProviderDetails": {"Function": FUNCTION}},
            "must not be given when IdentityProviderType is SERVICE_MANAGED",
        ),
        ({"IdentityProviderType": "AWS_LAMBDA"}, "must contain Function"),
        ({**LAMBDA, "IdentityProviderDetails": {"Function": "users"}}, "ARN of a Lambda function"),
        ({**LAMBDA, "IdentityProviderDetails": {"Function": FUNCTION, "Url": "https://x"}}, "must not contain Url"),
        (
            {**DIRECTORY, "IdentityProviderDetails": {"DirectoryId": "d-0123456789", **BOTH}},
            "must not contain SftpAuthenticationMethods when the type is AWS_DIRECTORY_SERVICE",
        ),
        ({"IdentityProviderDetails": BOTH}, "log in with SSH keys alone"),
        ({**FTP_SERVER, "ProtocolDetails": {"PassiveIp": "nowhere"}}, "PassiveIp"),
        ({"Domain": "EFS"}, "S3 domain only"),
        ({"SecurityPolicyName": "TransferSecurityPolicy-1999"}, "Unknown security policy"),
        *(
            (
                {"StructuredLogDestinations": [f"arn:aws:{destination}"]},
                "must be the ARN of a log group that ends in :*",
            )
            for destination in (
                "logs:us-east-1:111111111111:log-group:mine",
                "logs:us-east-1:111111111111:log-group:mine:",
                "logs:us-east-1:111111111111:log-group::*",
                "logs:us-east-1:111111111111:log-group:mine:log-stream:one",
                "logs:us-east-1:111111111111:log-group:mine:*:*",
                "logs:us-east-1:1:log-group:mine:*",
                "s3:::mine:*",
            )
        ),
    ],
)
def test_what_aws_refuses_is_refused_with_a_sentence(settings, sentence):
    with pytest.raises(ServiceError, match=r"InvalidRequestException") as refusal:
        check_settings(with_defaults(settings))
    assert sentence in refusal.value.message


@pytest.mark.parametrize("settings", [LAMBDA, GATEWAY])
def test_what_sftp_wants_of_users_is_told_though_nobody_set_it(settings):
    described = described_provider(with_defaults(settings))
    assert described == {**settings["IdentityProviderDetails"], "SftpAuthenticationMethods": "PUBLIC_KEY_OR_PASSWORD"}


def test_what_was_set_is_told_and_nothing_where_there_is_nothing_to_choose():
    chosen = {**LAMBDA, "IdentityProviderDetails": {"Function": FUNCTION, **BOTH}}
    for settings in (chosen, FTP_SERVER, DIRECTORY):
        assert described_provider(with_defaults(settings)) == settings["IdentityProviderDetails"]
