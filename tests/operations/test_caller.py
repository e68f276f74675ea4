"""The condition keys that follow from who calls and from where."""

from datetime import UTC, datetime

import pytest

from crossdock.core.arns import parse_arn
from crossdock.core.principals import AccountRoot, Anonymous, AssumedRole, IamUser, Principal, ServicePrincipal
from crossdock.operations.caller import CallContext, Caller, Origin, global_context
from crossdock.policy.requests import context_of

NOW = datetime(2026, 3, 15, 0, 47, 5, tzinfo=UTC)
ROLE = AssumedRole(
    role_arn=parse_arn("arn:aws:iam::111111111111:role/team/Upload"), role_id="AROAUPLOAD", session_name="user1"
)


def keys_of(caller: Caller, origin: Origin | None = None) -> dict[str, tuple[str, ...]]:
    return global_context(caller, origin or Origin(), region="eu-west-1", now=NOW)


def test_every_request_has_time_region_and_transport() -> None:
    keys = keys_of(Caller(principal=Anonymous()))

    assert keys["aws:CurrentTime"] == ("2026-03-15T00:47:05Z",)
    assert keys["aws:EpochTime"] == ("1773535625",)
    assert keys["aws:RequestedRegion"] == ("eu-west-1",)
    assert keys["aws:SecureTransport"] == ("false",)


def test_what_is_not_known_is_absent() -> None:
    keys = keys_of(Caller(principal=Anonymous()))

    for key in (
        "aws:SourceIp",
        "aws:UserAgent",
        "aws:SourceArn",
        "aws:SourceAccount",
        "aws:PrincipalAccount",
        "aws:PrincipalArn",
        "aws:TokenIssueTime",
        "aws:username",
    ):
        assert key not in keys
    assert keys["aws:userid"] == ("anonymous",)


def test_the_origin_gives_address_agent_and_transport() -> None:
    keys = keys_of(Caller(principal=Anonymous()), Origin(source_ip="192.0.2.7", is_secure=True, user_agent="aws-cli/2"))

    assert keys["aws:SourceIp"] == ("192.0.2.7",)
    assert keys["aws:UserAgent"] == ("aws-cli/2",)
    assert keys["aws:SecureTransport"] == ("true",)


def test_a_role_session_is_known_by_its_role_and_by_its_user_id() -> None:
    keys = keys_of(Caller(principal=ROLE, tags={"team": "blue"}, issued_at=datetime(2026, 3, 15, 0, 40, tzinfo=UTC)))

    assert keys["aws:PrincipalArn"] == ("arn:aws:iam::111111111111:role/team/Upload",)
    assert keys["aws:userid"] == ("AROAUPLOAD:user1",)
    assert keys["aws:PrincipalAccount"] == ("111111111111",)
    assert keys["aws:PrincipalTag/team"] == ("blue",)
    assert keys["aws:TokenIssueTime"] == ("2026-03-15T00:40:00Z",)


def test_a_service_says_for_which_resource_it_acts() -> None:
    keys = keys_of(
        Caller(
            principal=ServicePrincipal(name="transfer.amazonaws.com"),
            source_arn="arn:aws:transfer:us-east-1:111111111111:server/s-1",
            source_account="111111111111",
        )
    )

    assert keys["aws:SourceArn"] == ("arn:aws:transfer:us-east-1:111111111111:server/s-1",)
    assert keys["aws:SourceAccount"] == ("111111111111",)
    assert keys["aws:PrincipalServiceName"] == ("transfer.amazonaws.com",)
    assert keys["aws:PrincipalIsAWSService"] == ("true",)
    assert "aws:userid" not in keys


def test_a_user_has_its_name() -> None:
    keys = keys_of(Caller(principal=IamUser(account_id="111111111111", user_name="alice", user_id="AIDA1")))

    assert keys["aws:username"] == ("alice",)
    assert keys["aws:PrincipalArn"] == ("arn:aws:iam::111111111111:user/alice",)
    assert keys["aws:PrincipalIsAWSService"] == ("false",)


@pytest.mark.parametrize(
    ("principal", "kind"),
    [
        (AccountRoot(account_id="111111111111"), "Account"),
        (IamUser(account_id="111111111111", user_name="a", user_id="AIDA"), "User"),
        (ROLE, "AssumedRole"),
        (Anonymous(), "Anonymous"),
    ],
)
def test_every_kind_of_principal_has_its_type(principal: Principal, kind: str) -> None:
    assert keys_of(Caller(principal=principal))["aws:PrincipalType"] == (kind,)


def test_a_service_has_no_type_as_it_has_none_in_cases() -> None:
    service = ServicePrincipal(name="lambda.amazonaws.com")
    assert "aws:PrincipalType" not in keys_of(Caller(principal=service))
    assert "aws:principaltype" not in context_of({}, principal=service)


def test_the_context_of_a_call_is_the_global_one() -> None:
    caller, origin = Caller(principal=ROLE), Origin(source_ip="192.0.2.1", is_secure=True)
    context = CallContext(caller, origin, region="eu-west-1", now=NOW)

    assert dict(context) == keys_of(caller, origin)
    assert len(context) == len(context.made())
    assert context["aws:SourceIp"] == ("192.0.2.1",)
    assert "aws:UserAgent" not in context
