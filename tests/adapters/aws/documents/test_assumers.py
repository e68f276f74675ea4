"""Who assumes a user's role: AWS's own service, or the identity that Crossdock runs as."""

from dataclasses import replace
from typing import Any

import pytest
from tests.fakes.aws_documents import HUB, ScriptedAws, accounts
from tests.fakes.logins import SERVER

from crossdock.adapters.aws.documents.accounts import Account
from crossdock.adapters.aws.documents.assumers import Assumer, Gateway, TransferService
from crossdock.adapters.aws.documents.principals import PrincipalReader
from crossdock.core.errors import Unavailable
from crossdock.core.principals import AssumedRole, IamUser, ServicePrincipal

ROLE = f"arn:aws:iam::{HUB}:role/apps/gateway"
TRUST = {"Version": "2012-10-17", "Statement": []}
ANSWERS: dict[tuple[str, str], Any] = {
    ("iam", "GetRole"): {"Role": {"Arn": ROLE, "RoleId": "AROAGATEWAY", "AssumeRolePolicyDocument": TRUST}},
    ("iam", "ListRolePolicies"): {"PolicyNames": []},
    ("iam", "ListAttachedRolePolicies"): {"AttachedPolicies": []},
    ("iam", "GetUser"): {"User": {"Arn": f"arn:aws:iam::{HUB}:user/machines/gateway", "UserId": "AIDAGATEWAY"}},
}


async def gateway(answers: dict[tuple[str, str], Any] = ANSWERS, caller: str = "", **given: str) -> Assumer:
    account: Account = ScriptedAws(answers).account()
    itself = replace(account, caller_arn=caller, caller_id="AROAGATEWAY:i-0123") if caller else None
    made = Gateway(principals=PrincipalReader(accounts(account)), itself=itself, **given)
    return await made.assumer(SERVER, "user1")


async def test_awss_own_service_names_the_user_and_the_servers_account() -> None:
    found = await TransferService().assumer(SERVER, "user1")
    assert found.caller.principal == ServicePrincipal(name="transfer.amazonaws.com")
    assert found.caller.source_account == SERVER.account_id
    assert found.caller.source_arn.endswith(f":user/{SERVER.server_id}/user1")
    assert (found.documents, found.context) == (None, {})


async def test_a_gateway_of_a_named_role_has_its_id_and_a_session_that_nobody_knows() -> None:
    found = await gateway(identity=ROLE, external_id="dock-7f3a")
    principal = found.caller.principal
    assert isinstance(principal, AssumedRole)
    assert (str(principal.role_arn), principal.role_id) == (ROLE, "AROAGATEWAY")
    assert found.context == {"sts:ExternalId": ("dock-7f3a",)}
    assert [one.key for one in found.unknown] == ["aws:userid"]
    assert (found.caller.source_arn, found.caller.source_account) == ("", "")


async def test_a_gateway_that_is_the_profile_itself_is_known_with_its_session() -> None:
    found = await gateway(caller=f"arn:aws:sts::{HUB}:assumed-role/gateway/i-0123")
    principal = found.caller.principal
    assert isinstance(principal, AssumedRole)
    assert (str(principal.role_arn), principal.user_id) == (ROLE, "AROAGATEWAY:i-0123")
    assert (found.unknown, found.context) == ((), {})


async def test_a_session_whose_role_may_not_be_read_has_the_id_that_sts_tells() -> None:
    found = await gateway({}, caller=f"arn:aws:sts::{HUB}:assumed-role/gateway/i-0123")
    principal = found.caller.principal
    assert isinstance(principal, AssumedRole)
    assert (str(principal.role_arn), principal.role_id) == (f"arn:aws:iam::{HUB}:role/gateway", "AROAGATEWAY")
    assert found.documents is not None
    assert found.documents.unread


async def test_a_gateway_with_the_key_of_a_user() -> None:
    arn = f"arn:aws:iam::{HUB}:user/machines/gateway"
    for found in (await gateway(identity=arn), await gateway(caller=arn)):
        assert found.caller.principal == IamUser(
            account_id=HUB, user_name="gateway", user_id="AIDAGATEWAY", path="/machines/"
        )
        assert found.caller.principal.arn == arn


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, "who Crossdock runs as is not known: give --gateway-role ARN"),
        ({"identity": "gateway"}, "the gateway's identity is not an ARN"),
        ({"identity": "arn:aws:s3:::inbox"}, "is no role and no IAM user"),
        ({"caller": f"arn:aws:iam::{HUB}:root"}, "is no role and no IAM user"),
        ({"identity": f"arn:aws:iam::{HUB}:role/gateway"}, "there is no role/gateway in account"),
    ],
)
async def test_a_gateway_that_nobody_knows_is_unknown(given, words) -> None:
    with pytest.raises(Unavailable) as refusal:
        await gateway(**given)
    assert words in str(refusal.value)
