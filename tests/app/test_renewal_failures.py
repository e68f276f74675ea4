"""Credentials that could not be renewed are a line of the log, and no traceback where the reason is a known one."""

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiobotocore.credentials import AioRefreshableCredentials
from aiobotocore.tokens import AioDeferredRefreshableToken
from botocore.exceptions import ClientError, CredentialRetrievalError, TokenRetrievalError

from crossdock.app.json_log import JsonLines

PROCESS_FAILED = CredentialRetrievalError(provider="custom-process", error_msg="line one\nline two")
REFUSED = ClientError({"Error": {"Code": "AccessDenied", "Message": "No."}}, "AssumeRole")


class Lines(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.written: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.written.append(json.loads(self.format(record)))


@pytest.fixture
def lines() -> Iterator[list[dict[str, Any]]]:
    handler, logger = Lines(), logging.getLogger("aiobotocore")
    logger.addHandler(handler)
    yield handler.written
    logger.removeHandler(handler)


def failing_with(error: Exception) -> Callable[[], Awaitable[Any]]:
    async def refresh() -> Any:
        raise error

    return refresh


async def renew(error: Exception, *, good_for: timedelta) -> None:
    """What aiobotocore logs of credentials of a role, or a process, that cannot be had anew."""
    now = datetime.now(UTC)
    credentials = AioRefreshableCredentials(
        "AKIA", "secret", "token", now + good_for, refresh_using=failing_with(error), method="custom-process"
    )
    await credentials.get_frozen_credentials()


async def test_credentials_that_are_still_good_are_a_sentence(lines: list[dict[str, Any]]):
    await renew(PROCESS_FAILED, good_for=timedelta(minutes=14))
    (line,) = lines
    assert line["message"] == (
        "AWS credentials of the environment or a profile could not be renewed, while what there is lasts a little "
        "longer: CredentialRetrievalError: Error when retrieving credentials from custom-process: line one line two"
    )
    assert (line["level"], line["logger"]) == ("WARNING", "aiobotocore.credentials")
    assert "traceback" not in line


@pytest.mark.parametrize("error", [REFUSED, TimeoutError("no answer"), FileNotFoundError(2, "No such file", "helper")])
async def test_those_that_have_ended_are_one_too(lines: list[dict[str, Any]], error: Exception):
    with pytest.raises(type(error)):
        await renew(error, good_for=timedelta(minutes=1))
    (line,) = lines
    assert line["message"].startswith(
        "AWS credentials of the environment or a profile could not be renewed, and until that works, what needs it "
        "fails: "
    )
    assert str(error) in line["message"]
    assert "traceback" not in line


async def test_what_credentials_are_not_known_to_fail_by_keeps_its_traceback(lines: list[dict[str, Any]]):
    with pytest.raises(KeyError):
        await renew(KeyError("Expiration"), good_for=timedelta(minutes=1))
    (line,) = lines
    assert line["message"].endswith("KeyError: 'Expiration'")
    assert "in refresh" in line["traceback"]


async def test_a_token_is_named_as_that(lines: list[dict[str, Any]]):
    error = TokenRetrievalError(provider="sso", error_msg="It is over")
    token = AioDeferredRefreshableToken("sso", failing_with(error))
    with pytest.raises(TokenRetrievalError):
        await token.get_frozen_token()
    (line,) = lines
    assert line["message"].startswith("the single sign-on token behind AWS credentials could not be renewed, and until")
    assert "traceback" not in line


def test_other_records_are_as_they_were(lines: list[dict[str, Any]]):
    logger = logging.getLogger("aiobotocore.credentials")
    try:
        asyncio.run(renew(PROCESS_FAILED, good_for=timedelta(hours=1)))
        raise RuntimeError("something else")
    except RuntimeError:
        logger.warning("something is wrong with %s", "x", exc_info=True)
    logger.warning("Refreshing temporary credentials failed during %s refresh period.", "advisory")
    assert [line["message"] for line in lines] == [
        "something is wrong with x",
        "Refreshing temporary credentials failed during advisory refresh period.",
    ]
    assert ["traceback" in line for line in lines] == [True, False]
