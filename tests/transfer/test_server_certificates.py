"""Which certificate a server may name, and which servers name one."""

import pytest
from tests.fakes.transfer import CERTIFICATE, FTP_SERVER, HUB, REGION, make_transfer_api

from crossdock.core.servers import FileProtocol
from crossdock.transfer.server_certificates import ServersOfCertificates

FTPS = {"Protocols": ["FTPS"], "Certificate": CERTIFICATE}


@pytest.fixture
def api():
    return make_transfer_api()


async def users(api, arn: str = CERTIFICATE) -> list[str]:
    async with api.operations.house.state.reading() as tx:
        return list(await ServersOfCertificates().users(tx, arn))


@pytest.mark.parametrize("protocols", [["FTPS"], ["FTP", "FTPS"], ["SFTP", "FTPS", "FTP"]])
async def test_a_server_with_ftps_is_made_and_described_with_its_certificate(api, protocols):
    server_id = await api.server(**{**FTPS, "Protocols": protocols})
    described = await api.described(server_id)
    assert (described["Protocols"], described["Certificate"]) == (protocols, CERTIFICATE)
    server = await api.directory.server(server_id)
    assert server is not None
    assert server.protocols == tuple(FileProtocol(name) for name in protocols)
    assert server.certificate_arn == CERTIFICATE
    assert api.certificates.asked == [CERTIFICATE]


@pytest.mark.parametrize(
    ("certificate", "sentence"),
    [
        ("nonsense", "must be the ARN of a certificate in Certificate Manager, not nonsense"),
        (f"arn:aws:iam::{HUB}:server-certificate/x", "must be the ARN of a certificate"),
        (f"arn:aws:acm:{REGION}:{HUB}:acme-account/x", "must be the ARN of a certificate"),
        (CERTIFICATE.replace(REGION, "eu-west-1"), "is not of the server's region and account"),
        (CERTIFICATE.replace(HUB, "222222222222"), "is not of the server's region and account"),
    ],
)
async def test_a_certificate_must_be_one_of_the_servers_region_and_account(api, certificate, sentence):
    for operation, params in (
        ("CreateServer", {**FTP_SERVER, **FTPS, "Certificate": certificate}),
        ("UpdateServer", {"ServerId": await api.server(), "Certificate": certificate}),
    ):
        error = await api.refused(operation, **params)
        assert error.code == "InvalidRequestException"
        assert sentence in error.message
    assert api.certificates.asked == []


async def test_a_certificate_that_does_not_fit_is_refused_with_the_reason(api):
    api.certificates.objections[CERTIFICATE] = "Certificate x has expired"
    error = await api.refused("CreateServer", **{**FTP_SERVER, **FTPS})
    assert (error.code, error.message) == ("InvalidRequestException", "Certificate x has expired")
    assert await api.directory.servers() == []


async def test_a_certificate_is_looked_at_again_only_when_it_or_the_protocols_are_named(api):
    server_id = await api.server(**FTPS)
    api.certificates.objections[CERTIFICATE] = "Certificate x has expired"
    await api.call("UpdateServer", ServerId=server_id, PreAuthenticationLoginBanner="hello")
    for changes in ({"Certificate": CERTIFICATE}, {"Protocols": ["FTP", "FTPS"]}):
        assert (await api.refused("UpdateServer", ServerId=server_id, **changes)).message == "Certificate x has expired"
    assert (await api.described(server_id))["Protocols"] == ["FTPS"]


async def test_ftps_is_given_up_before_its_certificate(api):
    server_id = await api.server(**FTPS)
    error = await api.refused("UpdateServer", ServerId=server_id, Certificate="")
    assert error.message == "Certificate is required when protocol FTPS is chosen"
    await api.call("UpdateServer", ServerId=server_id, Protocols=["FTP"], Certificate="")
    assert "Certificate" not in await api.described(server_id)


async def test_the_servers_of_a_certificate_are_told_by_their_arns(api):
    assert await users(api) == []
    server_id = await api.server(**FTPS)
    await api.server()
    arn = f"arn:aws:transfer:{REGION}:{HUB}:server/{server_id}"
    assert await users(api) == [arn]
    assert await users(api, CERTIFICATE.replace(REGION, "eu-west-1")) == []
    await api.call("DeleteServer", ServerId=server_id)
    assert await users(api) == []


async def test_what_a_server_says_of_tls_and_attributes_reaches_the_gateway(api):
    server_id = await api.server(
        **FTPS,
        SecurityPolicyName="TransferSecurityPolicy-FIPS-2024-01",
        ProtocolDetails={"TlsSessionResumptionMode": "ENABLED", "SetStatOption": "ENABLE_NO_OP"},
    )
    server = await api.directory.server(server_id)
    assert (server.security_policy, server.tls_session_resumption, server.setstat_is_no_op) == (
        "TransferSecurityPolicy-FIPS-2024-01",
        "ENABLED",
        True,
    )
    plain = await api.directory.server(await api.server())
    assert (plain.security_policy, plain.setstat_is_no_op) == ("TransferSecurityPolicy-2024-01", False)
