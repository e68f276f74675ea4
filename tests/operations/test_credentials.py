"""Credentials that end in the middle of a call, in each service's words."""

import pytest
from tests.fakes.house import make_house

from crossdock.core.errors import CrossdockError, ServiceError
from crossdock.core.principals import IamUser
from crossdock.operations.call import Call, Operations
from crossdock.operations.caller import Caller, Context, Origin
from crossdock.operations.credentials import ExpiredCredentials, UnknownCredentials, credentials_answered
from crossdock.operations.operation import Operation, Permission, Result, ServiceOperations, needs, needs_nothing
from crossdock.policy.evaluate import Decision

CALLER = Caller(
    principal=IamUser(account_id="111111111111", user_name="alice", user_id="AIDAALICE"), access_key_id="ASIAALICE"
)


class NobodyAnyMore:
    """Implements `operations.call.Authorizer` for a caller whose credentials hold no more."""

    def __init__(self, why: CrossdockError) -> None:
        self._why = why

    async def decide(self, caller: Caller, permission: Permission, context: Context) -> Decision:
        raise self._why


async def ask_later(call: Call) -> Result:
    await call.decide(Permission(action="logs:List", resource="*"))
    return {}


async def refused(why: CrossdockError, operation: str) -> ServiceError:
    async def look_up(_call: Call) -> list[Permission]:
        raise why

    rows = {
        "AskedFirst": Operation(handler=ask_later, permissions=needs("logs:Get")),
        "AskedLater": Operation(handler=ask_later, permissions=needs_nothing),
        "LookedUp": Operation(handler=ask_later, permissions=look_up),
    }
    operations = Operations(
        [ServiceOperations(service="logs", operations=rows)], house=make_house(), authorizer=NobodyAnyMore(why)
    )
    with pytest.raises(ServiceError) as caught:
        await operations.call(
            "logs", operation, {}, caller=CALLER, account_id="111111111111", region="us-east-1", origin=Origin()
        )
    return caught.value


@pytest.mark.parametrize("operation", ["AskedFirst", "AskedLater", "LookedUp"])
@pytest.mark.parametrize(
    ("why", "code"),
    [
        (ExpiredCredentials("the session ended"), "ExpiredTokenException"),
        (UnknownCredentials("the role is gone"), "UnrecognizedClientException"),
    ],
)
async def test_wherever_credentials_are_found_to_have_ended_the_service_answers_for_them(
    operation: str, why: CrossdockError, code: str
) -> None:
    error = await refused(why, operation)
    assert (error.code, error.status, error.__cause__) == (code, 400, why)


@pytest.mark.parametrize(
    ("service", "unknown", "expired"),
    [
        ("s3", ("InvalidAccessKeyId", 403), ("ExpiredToken", 400)),
        ("transfer", ("UnrecognizedClientException", 400), ("ExpiredTokenException", 400)),
        ("lambda", ("UnrecognizedClientException", 403), ("ExpiredTokenException", 403)),
        ("iam", ("InvalidClientTokenId", 403), ("ExpiredToken", 403)),
    ],
)
def test_the_operator_hears_why_and_the_client_what_its_service_says(
    service: str, unknown: tuple[str, int], expired: tuple[str, int]
) -> None:
    for why, expected in ((UnknownCredentials("gone"), unknown), (ExpiredCredentials("over"), expired)):
        with pytest.raises(ServiceError) as caught, credentials_answered(service, CALLER):
            raise why
        error = caught.value
        assert (error.code, error.status) == expected
        assert error.reason == str(why)
        assert error.reason not in error.message
    assert error.members == {}


def test_other_errors_pass() -> None:
    other = ServiceError("AccessDenied", "no")
    with pytest.raises(ServiceError) as caught, credentials_answered("s3", CALLER):
        raise other
    assert caught.value is other
