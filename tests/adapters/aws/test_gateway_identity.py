"""What the log says at the start of whom AWS takes the gateway for, or of what is wrong."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiobotocore.session import AioSession
from botocore.exceptions import ClientError, CredentialRetrievalError
from tests.fakes.aws_clients import clients_of
from tests.fakes.aws_profiles import Profiles
from tests.fakes.certificates import server_context
from tests.fakes.http_cloud import serve_cloud
from tests.fakes.stub_s3 import ok, stub_s3

from crossdock.adapters.aws.clients import AwsClients, open_clients
from crossdock.adapters.aws.gateway_identity import tell_identity

REGION = "us-east-1"
NOBODY = "AWS does not answer this gateway, and until it does no user can log in: "


@dataclass
class ScriptedSts:
    """Its own client and clients: answers, fails, or says nothing."""

    answer: Any

    async def client(self, service: str, region: str) -> "ScriptedSts":
        assert (service, region) == ("sts", REGION)
        return self

    async def get_caller_identity(self) -> Any:
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None:
            await asyncio.Event().wait()
        return self.answer


@pytest.fixture(autouse=True)
def no_profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Profiles:
    caplog.set_level(logging.INFO)
    return Profiles(tmp_path, monkeypatch)


@asynccontextmanager
async def clients_at(url: str, *, key: str = "AKIASTRANGER", secret: str = "x") -> AsyncIterator[AwsClients]:
    session = AioSession()
    if key:
        session.set_credentials(key, secret)
    async with open_clients(read_timeout_s=0.3, endpoint_url=url, attempts=1, session=session) as clients:
        yield clients


def told(caplog: pytest.LogCaptureFixture) -> tuple[str, str]:
    (record,) = [one for one in caplog.records if one.name.endswith("gateway_identity")]
    assert record.exc_info is None
    return record.levelname, record.getMessage()


def warned(caplog: pytest.LogCaptureFixture) -> str:
    level, message = told(caplog)
    assert level == "WARNING"
    assert message.startswith(NOBODY)
    return message.removeprefix(NOBODY)


async def test_who_it_is_and_of_which_account(caplog: pytest.LogCaptureFixture):
    async with serve_cloud() as cloud, clients_of(cloud) as clients:
        await tell_identity(clients, REGION)
    arn = "arn:aws:iam::111111111111:user/crossdock-admin"
    assert told(caplog) == ("INFO", f"AWS knows this gateway as {arn} (account 111111111111)")


async def test_a_key_that_is_unknown_and_a_secret_that_is_another(caplog: pytest.LogCaptureFixture):
    async with serve_cloud() as cloud:
        async with clients_at(cloud.url) as clients:
            await tell_identity(clients, REGION)
        assert warned(caplog).startswith("AWS does not know the access key: ")
        assert "; InvalidClientTokenId: " in caplog.text
        caplog.clear()
        key = await cloud.key_of("hub")
        async with clients_at(cloud.url, key=key.access_key_id) as clients:
            await tell_identity(clients, REGION)
        assert warned(caplog).startswith("the secret key is not the access key's: ")
        assert "; SignatureDoesNotMatch: " in caplog.text
        assert key.secret_access_key not in caplog.text


async def test_credentials_that_are_not_there_or_empty(no_profiles: Profiles, caplog: pytest.LogCaptureFixture):
    async with clients_at("http://127.0.0.1:1", key="") as clients:
        await tell_identity(clients, REGION)
    assert warned(caplog).startswith("no AWS credentials are found: set aws.profile, AWS_PROFILE or AWS_ACCESS_KEY_ID")
    caplog.clear()
    no_profiles.add("empty", aws_access_key_id="", aws_secret_access_key="x")
    async with open_clients(read_timeout_s=1, profile="empty", endpoint_url="http://127.0.0.1:1") as clients:
        await tell_identity(clients, REGION)
    assert warned(caplog).startswith(
        "the credentials cannot be used: Partial credentials found in config-file, missing: aws_access_key_id; "
    )


@pytest.mark.parametrize(
    ("code", "message", "words"),
    [
        ("SignatureDoesNotMatch", "Signature expired: 20260101T000000Z is now earlier than", "this computer's clock"),
        ("SignatureDoesNotMatch", "Signature not yet current: 20260101T000000Z", "this computer's clock"),
        ("RequestExpired", "Request has expired.", "this computer's clock"),
        ("ExpiredToken", "The security token included in the request is expired", "the credentials have expired"),
        ("Throttling", "Rate exceeded", "Throttling: Rate exceeded"),
    ],
)
async def test_what_sts_refuses_has_the_reason_first(
    code: str, message: str, words: str, caplog: pytest.LogCaptureFixture
):
    error = ClientError({"Error": {"Code": code, "Message": message}}, "GetCallerIdentity")
    await tell_identity(ScriptedSts(error), REGION)
    assert warned(caplog).startswith(words)
    assert warned(caplog).endswith(f"{code}: {message}")


async def test_credentials_that_cannot_be_had_are_in_botocores_words(caplog: pytest.LogCaptureFixture):
    await tell_identity(ScriptedSts(CredentialRetrievalError(provider="sso", error_msg="over")), REGION)
    assert warned(caplog).startswith("the credentials cannot be used: Error when retrieving credentials from sso: over")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"credential_process": "/nonexistent/program"}, "No such file or directory: /nonexistent/program"),
        ({"credential_process": "echo a-secret"}, "what the profile's program, token or cache says is not understood"),
        (
            {"role_arn": "arn:aws:iam::111111111111:role/r", "web_identity_token_file": "/nonexistent/token"},
            "No such file or directory: /nonexistent/token",
        ),
    ],
)
async def test_a_profile_whose_program_or_token_is_none_is_told_each_time(
    no_profiles: Profiles, caplog: pytest.LogCaptureFixture, settings: dict[str, str], words: str
):
    no_profiles.add("dock", **settings)
    opening = open_clients(read_timeout_s=1, profile="dock", endpoint_url="http://127.0.0.1:1", attempts=1)
    async with opening as clients:
        for _ in range(2):
            caplog.clear()
            await tell_identity(clients, REGION)
            assert warned(caplog).startswith(
                f"the credentials cannot be used: Error when retrieving credentials: {words}"
            )
            assert "a-secret" not in caplog.text


async def test_what_does_not_answer_does_not_keep_it_for_ever(caplog: pytest.LogCaptureFixture):
    await tell_identity(ScriptedSts(None), REGION, timeout_s=0)
    assert warned(caplog).startswith("STS cannot be reached: STS did not answer in time; see this machine's route")


async def test_a_network_that_fails_is_told_with_the_address(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    async with stub_s3(tls=server_context(tmp_path)) as stub:
        closed = stub.port
        async with clients_at(stub.url) as clients:
            await tell_identity(clients, REGION)
    assert "the certificate of 127.0.0.1 is not trusted" in warned(caplog)
    for url, words in (
        ("http://nobody.invalid", "the host name nobody.invalid cannot be found"),
        (f"http://127.0.0.1:{closed}", f"nobody listens at 127.0.0.1:{closed}"),
    ):
        caplog.clear()
        async with clients_at(url) as clients:
            await tell_identity(clients, REGION)
        assert warned(caplog).startswith(f"STS at {url}")
        assert words in warned(caplog)


@pytest.mark.parametrize("answer", [ok(b"<html>welcome<p></html>"), ok(b"<html></html>"), ok(b"\x00\xff")])
async def test_what_is_no_sts_is_told_as_that(answer: Any, caplog: pytest.LogCaptureFixture):
    async with stub_s3() as stub, clients_at(stub.url) as clients:
        stub.then(answer)
        await tell_identity(clients, REGION)
    assert warned(caplog).startswith("what answers at its address is no STS: see aws.endpoint_url")
