"""What answers for AWS and is none is one error, of whatever service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiobotocore.session import AioSession
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from tests.fakes.logins import SERVER, make_attempt
from tests.fakes.stub_s3 import Say, ok, stub_s3

from crossdock.adapters.aws.clients import AwsClients, in_words, open_clients
from crossdock.adapters.aws.cloudwatch_sink import CloudWatchSink
from crossdock.adapters.aws.documents.accounts import Account
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.adapters.aws.parsing import AnswerParsers
from crossdock.adapters.aws.provider_functions import AwsProviderFunctions
from crossdock.adapters.aws.role_assumer import AwsRoleIssuer
from crossdock.adapters.aws.secrets import AwsSecrets
from crossdock.core.errors import Unavailable
from crossdock.ports.authority import AssumeRefused, FunctionUnreachable
from crossdock.ports.logs import LogEvent, LogGroupId

IS_NONE = "what answers is not AWS: is the endpoint's URL right"
PAGES = [b"", b"{}", b"[]", b"7", b"<html><body>It works!</body></html>", b"<!doctype html><p>It works!"]
ROLE, FUNCTION = "arn:aws:iam::111111111111:role/files", "arn:aws:lambda:us-east-1:111111111111:function:idp"
GROUP = LogGroupId(account_id="111111111111", region="us-east-1", name="/aws/transfer/s-0123456789abcdef0")
NAMED = {"x-amzn-requestid": "r-1"}


@asynccontextmanager
async def answering(*answers: Say) -> AsyncIterator[AwsClients]:
    session = AioSession()
    session.set_credentials("AKIA", "a secret of the tests")
    async with (
        stub_s3() as stub,
        open_clients(read_timeout_s=10, endpoint_url=stub.url, attempts=1, session=session) as clients,
    ):
        stub.then(*answers)
        yield clients


@pytest.mark.parametrize("page", [*PAGES, b"<a><AssumeRoleResult><Credentials/></AssumeRoleResult></a>"])
async def test_a_page_is_no_role(page: bytes) -> None:
    async with answering(ok(page)) as clients:
        with pytest.raises(AssumeRefused, match=r"what answers is (not AWS|no STS): is the endpoint's URL right"):
            await AwsRoleIssuer(clients=clients).credentials(ROLE, session_name="one", region="us-east-1")


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_is_no_document_of_an_account(page: bytes) -> None:
    async with answering(ok(page), ok(page), ok(page)) as clients:
        account = Account(
            account_id="1", profile="p", region="us-east-1", caller_arn="a", caller_id="i", clients=clients
        )
        with pytest.raises(NotRead, match=IS_NONE):
            await account.read("iam", "GetRole", RoleName="files")
        with pytest.raises(NotRead, match=IS_NONE):
            await account.pages("iam", "ListRoles", "Roles")
        with pytest.raises(NotRead, match=IS_NONE):
            await account.read("organizations", "DescribeOrganization")


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_is_no_functions_answer(page: bytes) -> None:
    async with answering(ok(page), ok(page, headers=NAMED)) as clients:
        functions = AwsProviderFunctions(clients)
        with pytest.raises(FunctionUnreachable, match=IS_NONE):
            await functions.invoke(SERVER, make_attempt(), function_arn=FUNCTION, event=b"{}")
        answer = await functions.invoke(SERVER, make_attempt(), function_arn=FUNCTION, event=b"{}")
        assert answer.payload == page, "a function may say anything"


async def test_a_stand_in_for_lambda_that_names_no_request_will_do() -> None:
    async with answering(ok(b"{}", headers={"Content-Type": "application/json"})) as clients:
        functions = AwsProviderFunctions(clients)
        answer = await functions.invoke(SERVER, make_attempt(), function_arn=FUNCTION, event=b"{}")
        assert answer.payload == b"{}"


@pytest.mark.parametrize("page", PAGES)
async def test_a_page_is_no_secret(page: bytes) -> None:
    async with answering(ok(page)) as clients:
        with pytest.raises(Unavailable, match=f"the secret key: {IS_NONE}"):
            await AwsSecrets(clients).text("hub", "us-east-1", "key")


@pytest.mark.parametrize("page", PAGES)
async def test_events_that_a_page_answers_are_not_written(page: bytes) -> None:
    named = ok(headers=NAMED)
    async with answering(ok(page), named, ok(page), named) as clients:
        sink, events = CloudWatchSink(clients), [LogEvent(stream="a", timestamp_ms=1, message="1")]
        for _ in ("the stream is not made", "the events are not put"):
            with pytest.raises(Unavailable, match=IS_NONE):
                await sink.append(GROUP, events)
        await sink.append(GROUP, events)


async def test_a_refusal_is_known_by_its_code() -> None:
    async with answering(ok(b'{"__type":"AccessDenied"}', status=400)) as clients:
        secrets = await clients.client("secretsmanager", "us-east-1")
        with pytest.raises(ClientError) as refused:
            await secrets.list_secrets()
        assert in_words(refused.value).startswith("AccessDenied: ")


class Odd:
    def __init__(self, error: Exception) -> None:
        self.error = error

    def __getitem__(self, name: str) -> Any:
        raise self.error


@pytest.mark.parametrize("odd", [KeyError("Result"), ValueError("many"), TypeError("none"), AttributeError("get")])
async def test_whatever_a_parser_raises_is_one_error(odd: Exception) -> None:
    with pytest.raises(ResponseParserError, match=type(odd).__name__) as raised:
        await AnswerParsers().create_parser("json").parse(Odd(odd), None)  # type: ignore[arg-type]
    assert raised.value.__cause__ is odd
