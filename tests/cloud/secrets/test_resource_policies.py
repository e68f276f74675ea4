"""The policies of secrets: how they are stored and shown, whom they let in and keep out, and that they hold at once."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.fakes.aws_models import model_of
from tests.fakes.cloud import HUB, PARTNER, REGION, admin_of, call, make_operations, make_parts
from tests.fakes.documents import allowing, document, statement, trusting
from tests.fakes.identity import Identities
from tests.fakes.models import assert_fits

from crossdock.cloud.secrets.records import SECRETS
from crossdock.cloud.secrets.resource_policies import SecretPolicies
from crossdock.cloud.secrets.table import secrets_operations
from crossdock.core.arns import parse_arn
from crossdock.core.errors import ServiceError
from crossdock.operations.caller import Caller
from crossdock.wire.validation import validate_params

HUB_ROOT = {"AWS": f"arn:aws:iam::{HUB}:root"}
PARTNER_ROOT = {"AWS": f"arn:aws:iam::{PARTNER}:root"}
READ = "secretsmanager:GetSecretValue"
MALFORMED = "MalformedPolicyDocumentException"


class Secrets:
    """One secret of the hub, and callers of both accounts."""

    def __init__(self, house: Identities, arn: str) -> None:
        self.house, self.arn = house, arn

    async def __call__(self, operation: str, *, by: Caller | None = None, **params: Any) -> Mapping[str, Any]:
        answer = await call(
            self.house.operations, by or self.house.hub, "secretsmanager", operation, **{"SecretId": "s", **params}
        )
        assert_fits("secretsmanager", operation, {"SecretId": "s", **params}, answer)
        return answer

    async def put(self, *statements: Mapping[str, Any], **params: Any) -> None:
        await self("PutResourcePolicy", ResourcePolicy=document(*statements), **params)

    async def refused(self, operation: str, *, by: Caller | None = None, **params: Any) -> ServiceError:
        params = {"SecretId": "s", **params}
        return await self.house.refused("secretsmanager", operation, by=by, **params)

    async def read(self, by: Caller) -> str:
        """The value, or why it was denied."""
        try:
            return str((await self("GetSecretValue", by=by, SecretId=self.arn))["SecretString"])
        except ServiceError as error:
            return error.reason or f"{error.code}, and no denial"


@pytest.fixture
async def secrets() -> Secrets:
    parts = make_parts()
    operations = make_operations(
        parts,
        secrets_operations(sealer=parts.sealer, epoch=parts.epoch),
        sources={"secretsmanager": SecretPolicies()},
        validate=lambda service, name, params: validate_params(model_of(service), name, params),
    )
    hub, partner = await admin_of(parts, "hub"), await admin_of(parts, "partner")
    house = Identities(parts=parts, operations=operations, hub=hub, partner=partner)
    made = await call(house.operations, house.hub, "secretsmanager", "CreateSecret", Name="s", SecretString="open")
    return Secrets(house, made["ARN"])


async def session(secrets: Secrets, by: Caller, policy: str) -> Caller:
    """A role of the caller's account that may do what the policy allows."""
    trust = trusting({"AWS": by.principal.account_id})
    role = await secrets.house.role("Reader", trust, by=by)
    await secrets.house.iam("PutRolePolicy", by=by, RoleName="Reader", PolicyName="p", PolicyDocument=policy)
    return await secrets.house.session(role["Arn"], by=by)


async def test_a_policy_is_shown_as_it_was_put_until_it_is_deleted(secrets: Secrets) -> None:
    named = {"ARN": secrets.arn, "Name": "s"}
    assert await secrets("GetResourcePolicy") == named
    text = document(statement("Allow", READ, "*", principal=PARTNER_ROOT))
    assert await secrets("PutResourcePolicy", ResourcePolicy=text) == named
    assert await secrets("GetResourcePolicy") == {**named, "ResourcePolicy": text}
    assert await secrets("DeleteResourcePolicy") == named
    assert await secrets("GetResourcePolicy") == named
    assert await secrets("DeleteResourcePolicy") == named


async def test_another_account_reads_by_arn_when_both_sides_allow(secrets: Secrets) -> None:
    reader = await session(secrets, secrets.house.partner, allowing(READ, secrets.arn))
    assert "there is no resource-based policy of " in await secrets.read(reader)

    await secrets.put(statement("Allow", READ, "*", principal=PARTNER_ROOT))
    assert await secrets.read(reader) == "open"
    # The name alone means a secret of the caller's own account.
    assert (await secrets.refused("GetSecretValue", by=reader)).code == "AccessDeniedException"
    assert (await secrets.refused("DescribeSecret", by=reader, SecretId=secrets.arn)).code == "AccessDeniedException"

    await secrets.house.iam(
        "PutRolePolicy",
        by=secrets.house.partner,
        RoleName="Reader",
        PolicyName="p",
        PolicyDocument=allowing(READ, "arn:aws:secretsmanager:*:*:secret:other-*"),
    )
    assert "no identity-based policy of role Reader allows" in await secrets.read(reader)


async def test_a_policy_is_gone_at_the_next_call(secrets: Secrets) -> None:
    await secrets.put(statement("Allow", READ, "*", principal=PARTNER_ROOT))
    assert await secrets.read(secrets.house.partner) == "open"
    await secrets("DeleteResourcePolicy")
    assert await secrets.read(secrets.house.partner) != "open"


async def test_a_policy_alone_lets_in_whom_it_names_in_its_own_account(secrets: Secrets) -> None:
    reader = await session(secrets, secrets.house.hub, allowing("s3:*"))
    assert "no identity-based policy of role Reader allows" in await secrets.read(reader)
    role = {"AWS": f"arn:aws:iam::{HUB}:role/Reader"}
    await secrets.put(statement("Allow", READ, secrets.arn, principal=role))
    assert await secrets.read(reader) == "open"


async def test_an_explicit_deny_counts_for_its_own_account_too(secrets: Secrets) -> None:
    assert await secrets.read(secrets.house.hub) == "open"
    await secrets.put(statement("Deny", READ, "*", principal=HUB_ROOT))
    assert "denied explicitly by statement 1 of the resource-based policy" in await secrets.read(secrets.house.hub)


async def test_whom_a_policy_names_is_who_was_meant(secrets: Secrets) -> None:
    await session(secrets, secrets.house.hub, allowing("s3:*"))
    role = {"AWS": f"arn:aws:iam::{HUB}:role/Reader"}
    await secrets.put(statement("Allow", READ, "*", principal=role))
    await secrets.house.iam("DeleteRolePolicy", RoleName="Reader", PolicyName="p")
    await secrets.house.iam("DeleteRole", RoleName="Reader")
    again = await session(secrets, secrets.house.hub, allowing("s3:*"))

    assert await secrets.read(again) != "open"
    shown = json.loads((await secrets("GetResourcePolicy"))["ResourcePolicy"])
    assert shown["Statement"][0]["Principal"]["AWS"].startswith("AROA")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("no policy", ""),
        (document(statement("Allow", READ, "*")), ""),
        (document(statement("Allow", READ, "*", principal={"AWS": f"arn:aws:iam::{HUB}:role/ghost"})), "role/ghost"),
    ],
)
@pytest.mark.parametrize("operation", ["PutResourcePolicy", "ValidateResourcePolicy"])
async def test_what_is_no_policy_for_a_secret_is_refused(
    secrets: Secrets, operation: str, text: str, words: str
) -> None:
    refusal = await secrets.refused(operation, ResourcePolicy=text)
    assert refusal.code == MALFORMED
    assert words in refusal.message
    assert "ResourcePolicy" not in await secrets("GetResourcePolicy")


async def test_broad_access_is_blocked_where_that_is_asked(secrets: Secrets) -> None:
    everybody = document(statement("Allow", READ, "*", principal="*"))
    for principal in (everybody, everybody.replace('"Principal": "*"', '"Principal": {"AWS": "*"}')):
        refusal = await secrets.refused("PutResourcePolicy", ResourcePolicy=principal, BlockPublicPolicy=True)
        assert refusal.code == "PublicPolicyException"
    await secrets.put(statement("Allow", READ, "*", principal=PARTNER_ROOT), BlockPublicPolicy=True)
    await secrets("PutResourcePolicy", ResourcePolicy=everybody)
    assert (await secrets("GetResourcePolicy"))["ResourcePolicy"] == everybody


@pytest.mark.parametrize(
    ("only", "failed"),
    [
        (statement("Allow", READ, "*", principal=PARTNER_ROOT), []),
        (statement("Allow", READ, "*", principal="*"), ["PUBLIC_POLICY"]),
        (statement("Deny", "secretsmanager:*", "*", principal="*"), ["CALLER_LOCKOUT"]),
        (
            statement(
                "Deny",
                "secretsmanager:*",
                "*",
                principal="*",
                condition={"StringNotEquals": {"aws:PrincipalAccount": HUB}},
            ),
            [],
        ),
    ],
)
async def test_a_policy_is_validated_without_being_put(
    secrets: Secrets, only: Mapping[str, Any], failed: list[str]
) -> None:
    found = await secrets("ValidateResourcePolicy", ResourcePolicy=document(only))
    assert [one["CheckName"] for one in found["ValidationErrors"]] == failed
    assert found["PolicyValidationPassed"] is not bool(failed)
    assert "ResourcePolicy" not in await secrets("GetResourcePolicy")


async def test_a_policy_can_be_validated_for_no_secret_in_particular(secrets: Secrets) -> None:
    text = document(statement("Deny", "secretsmanager:*", "*", principal="*"))
    found = await call(
        secrets.house.operations, secrets.house.hub, "secretsmanager", "ValidateResourcePolicy", ResourcePolicy=text
    )
    assert found == {"PolicyValidationPassed": True, "ValidationErrors": []}


async def test_putting_a_policy_has_keys_of_its_own(secrets: Secrets) -> None:
    must_block = allowing(
        ["secretsmanager:PutResourcePolicy"], condition={"Bool": {"secretsmanager:BlockPublicPolicy": "true"}}
    )
    writer = await session(secrets, secrets.house.hub, must_block)
    text = document(statement("Allow", READ, "*", principal=PARTNER_ROOT))
    assert (await secrets.refused("PutResourcePolicy", by=writer, ResourcePolicy=text)).code == "AccessDeniedException"
    await secrets("PutResourcePolicy", by=writer, ResourcePolicy=text, BlockPublicPolicy=True)
    # To validate takes the right to put, and the right to validate.
    refusal = await secrets.refused("ValidateResourcePolicy", by=writer, ResourcePolicy=text)
    assert "secretsmanager:ValidateResourcePolicy" in refusal.message


async def test_a_secret_that_waits_for_its_end_keeps_its_policy_and_answers_nothing_about_it(secrets: Secrets) -> None:
    await secrets.put(statement("Allow", READ, "*", principal=PARTNER_ROOT))
    await secrets("DeleteSecret")
    for operation in ("GetResourcePolicy", "DeleteResourcePolicy"):
        assert (await secrets.refused(operation)).code == "InvalidRequestException"
    await secrets("RestoreSecret")
    assert await secrets.read(secrets.house.partner) == "open"


async def test_a_secret_made_anew_has_no_policy(secrets: Secrets) -> None:
    await secrets.put(statement("Allow", READ, "*", principal=PARTNER_ROOT))
    await secrets("DeleteSecret", ForceDeleteWithoutRecovery=True)
    made = await call(
        secrets.house.operations, secrets.house.hub, "secretsmanager", "CreateSecret", Name="s", SecretString="new"
    )
    assert made["ARN"] != secrets.arn
    secrets.arn = made["ARN"]
    assert await secrets.read(secrets.house.partner) != "new"


async def test_a_stored_policy_that_cannot_be_read_lets_nobody_in(secrets: Secrets) -> None:
    async with secrets.house.parts.state.transaction() as tx:
        secret = await SECRETS.get(tx, HUB, REGION, "s")
        assert secret is not None
        await SECRETS.put(tx, replace(secret, policy="{", policy_pins={"arn": "AROA"}), *secret.key)
    secrets.house.parts.epoch.advance()
    assert "could not be read (resource-based policy)" in await secrets.read(secrets.house.hub)


@pytest.mark.parametrize(
    ("resource", "subject"),
    [
        (f"arn:aws:secretsmanager:{REGION}:{HUB}:secret:a/b-AbCdEf", f"{HUB} {REGION} a/b-AbCdEf"),
        (f"arn:aws:secretsmanager:{REGION}:{HUB}:other:a", ""),
        (f"arn:aws:secretsmanager::{HUB}:secret:a-AbCdEf", ""),
        (f"arn:aws:secretsmanager:{REGION}::secret:a-AbCdEf", ""),
    ],
)
async def test_only_secrets_have_policies(secrets: Secrets, resource: str, subject: str) -> None:
    policies = SecretPolicies()
    assert policies.subject_of(parse_arn(resource)) == subject
    async with secrets.house.parts.state.reading() as tx:
        for gone in (f"{HUB} {REGION} s-??????", f"{HUB} {REGION} s", f"{HUB} {REGION} s-AbCdEf"):
            assert await policies.find(tx, gone) is None
