"""TestIdentityProvider: what the operator hears of a login."""

import pytest
from tests.fakes.transfer import FTP_SERVER, SERVICE_MANAGED, make_transfer_api

from crossdock.core.logins import NO_KEY, Identity, Password
from crossdock.ports.authority import IdentityAnswer
from crossdock.ports.servers import LoginOutcome


@pytest.fixture
def api():
    return make_transfer_api()


async def test_a_wrong_password_is_a_200_with_an_empty_answer(api):
    server_id = await api.server()
    answer = IdentityAnswer(identity=None, response="{}", status_code=200, message="Lambda IDP authentication failure")
    api.trial.outcome = LoginOutcome(answer=answer)
    result = await api.call("TestIdentityProvider", ServerId=server_id, UserName="anna", UserPassword="wrong")
    assert result == {
        "Response": "{}",
        "StatusCode": 200,
        "Message": "Lambda IDP authentication failure",
        "Url": "",
    }


async def test_the_login_code_gets_what_a_client_would_have_sent(api):
    server_id = await api.server()
    await api.call("TestIdentityProvider", ServerId=server_id, UserName="anna", UserPassword="pw", SourceIp="192.0.2.9")
    ((server, attempt),) = api.trial.attempts
    assert server.server_id == server_id
    assert (attempt.username, attempt.protocol, attempt.source_ip) == ("anna", "FTP", "192.0.2.9")
    assert attempt.credential == Password("pw")
    assert "pw" not in repr(attempt)


async def test_what_fails_after_the_provider_agreed_is_told_too(api):
    server_id = await api.server()
    identity = Identity(role_arn="arn:aws:iam::111111111111:role/users")
    answer = IdentityAnswer(identity=identity, response='{"Role":"…"}', status_code=200, message="")
    api.trial.outcome = LoginOutcome(answer=answer, refusal="the role does not trust transfer.amazonaws.com")
    result = await api.call("TestIdentityProvider", ServerId=server_id, UserName="anna")
    assert result["Message"] == "the role does not trust transfer.amazonaws.com"


async def test_a_service_managed_server_has_no_provider_to_test(api):
    server_id = (await api.call("CreateServer", **SERVICE_MANAGED))["ServerId"]
    error = await api.refused("TestIdentityProvider", ServerId=server_id, UserName="anna")
    assert error.message == f"{server_id} not configured for external auth"


@pytest.mark.parametrize(
    ("methods", "given", "credential"),
    [
        ({}, {}, NO_KEY),
        ({}, {"UserPassword": ""}, NO_KEY),
        ({}, {"UserPassword": "pw"}, Password("pw")),
        ({"SftpAuthenticationMethods": "PUBLIC_KEY_AND_PASSWORD"}, {}, NO_KEY),
        ({"SftpAuthenticationMethods": "PUBLIC_KEY_AND_PASSWORD"}, {"UserPassword": "pw"}, Password("pw")),
        ({"SftpAuthenticationMethods": "PASSWORD"}, {}, Password("")),
        ({}, {"ServerProtocol": "FTP"}, Password("")),
    ],
)
async def test_without_a_password_an_sftp_server_asks_for_the_keys(api, methods, given, credential):
    details = {**FTP_SERVER["IdentityProviderDetails"], **methods}
    server = {**FTP_SERVER, "Protocols": ["SFTP", "FTP"], "IdentityProviderDetails": details}
    server_id = (await api.call("CreateServer", **server))["ServerId"]
    await api.call("TestIdentityProvider", ServerId=server_id, UserName="anna", **given)
    ((_, attempt),) = api.trial.attempts
    assert attempt.credential == credential
