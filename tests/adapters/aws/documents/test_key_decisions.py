"""What a KMS key of the partner's bucket decides about the hub's role, on what was read of both accounts."""

from collections.abc import Mapping
from typing import Any

import pytest
from tests.adapters.aws.documents.test_trial import INBOX, PUTS, ROLE, World
from tests.fakes.aws_documents import HUB, PARTNER, REGION
from tests.fakes.s3 import document

from crossdock.core.errors import NotFound
from crossdock.core.object_writing import ObjectWriting
from crossdock.policy.decision import Decision
from crossdock.policy.evaluate import Layer, Verdict
from crossdock.policy.fixes import AddStatement, find_fixes
from crossdock.ports.trials import KeyQuestion

KEY = f"arn:aws:kms:{REGION}:{PARTNER}:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OWN_KEY = KEY.replace(PARTNER, HUB)
ENCRYPTION, DESCRIBE, POLICY = ("s3", "GetBucketEncryption"), ("kms", "DescribeKey"), ("kms", "GetKeyPolicy")
GRANTS = ("kms", "ListGrants")
USES = {"Effect": "Allow", "Action": "kms:GenerateDataKey", "Resource": KEY}
ADMITS = {"Effect": "Allow", "Principal": {"AWS": HUB}, "Action": "kms:GenerateDataKey", "Resource": "*"}
SOMEBODY_ELSE = {**ADMITS, "Principal": {"AWS": PARTNER}}
NO_GRANTS: Mapping[str, Any] = {"Grants": []}


def by_default(key: str = KEY, *, bucket_key: bool = False) -> dict[str, Any]:
    default = {"SSEAlgorithm": "aws:kms", **({"KMSMasterKeyID": key} if key else {})}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": bucket_key}
    return {"ServerSideEncryptionConfiguration": {"Rules": [rule]}}


def key_of(arn: str, *statements: Mapping[str, Any], grants: Any = NO_GRANTS, manager: str = "CUSTOMER") -> Any:
    described = {"Arn": arn, "KeyState": "Enabled", "KeyManager": manager}
    return {DESCRIBE: {"KeyMetadata": described}, POLICY: {"Policy": document(*statements)}, GRANTS: grants}


def world(*key_policy: Mapping[str, Any], role: list[Mapping[str, Any]] | None = None) -> World:
    """The partner's bucket encrypts with the partner's key, by default."""
    partner = {ENCRYPTION: by_default(), **key_of(KEY, *key_policy)}
    return World(role=[PUTS, USES] if role is None else role, partner=partner)


async def ask(world: World, action: str = "kms:GenerateDataKey", *, policy: str | None = None) -> Decision:
    decision = await ask_perhaps(world, action, policy=policy)
    assert decision is not None
    return decision


async def ask_perhaps(
    world: World, action: str = "kms:GenerateDataKey", *, policy: str | None = None
) -> Decision | None:
    session = (await world.assume(policy=policy)).session
    assert session is not None
    return await session.decide_key(KeyQuestion(action=action, place=INBOX))


async def test_a_bucket_without_a_key_asks_none() -> None:
    assert await ask_perhaps(World()) is None
    assert await ask_perhaps(World(encryption=ObjectWriting(sse="AES256"))) is None


async def test_anothers_key_takes_what_the_key_allows_and_what_the_role_may() -> None:
    decision = await ask(world(ADMITS))
    assert decision.is_allowed, decision.explain()
    assert (decision.request.resource, decision.request.resource_account) == (KEY, PARTNER)
    (layer,) = (await ask(world(ADMITS, role=[PUTS]))).withheld_by
    assert layer is Layer.IDENTITY
    (layer,) = (await ask(world(SOMEBODY_ELSE))).withheld_by
    assert layer is Layer.RESOURCE
    decrypts = await ask(world(ADMITS), "kms:Decrypt")
    assert set(decrypts.withheld_by) == {Layer.IDENTITY, Layer.RESOURCE}


async def test_the_fixes_are_of_the_key_and_of_the_role() -> None:
    fixes = find_fixes(await ask(world(SOMEBODY_ELSE, role=[PUTS])))
    assert [(fix.account_id, fix.attached_to) for fix in fixes] == [(HUB, ROLE), (PARTNER, KEY)]
    of_role, of_key = (fix.change for fix in fixes)
    assert isinstance(of_role, AddStatement)
    assert isinstance(of_key, AddStatement)
    assert of_role.statement["Resource"] == KEY
    assert of_key.statement["Resource"] == "*"
    mended = world(SOMEBODY_ELSE, of_key.statement, role=[PUTS, of_role.statement])
    assert (await ask(mended)).is_allowed


async def test_an_own_key_is_left_to_the_accounts_policies_or_names_the_role() -> None:
    delegates = {**ADMITS, "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "kms:*"}
    names = {**ADMITS, "Principal": {"AWS": ROLE}}
    may = {**USES, "Resource": OWN_KEY}
    for key_policy, role, is_allowed in (
        (delegates, [PUTS, may], True),
        (delegates, [PUTS], False),
        (names, [PUTS], True),
        (SOMEBODY_ELSE, [PUTS, may], False),
    ):
        own = World(role=role, hub=key_of(OWN_KEY, key_policy), partner={ENCRYPTION: by_default(OWN_KEY)})
        assert (await ask(own)).is_allowed is is_allowed


async def test_the_session_policy_bounds_it_too_and_a_deny_of_the_key_counts() -> None:
    narrow = document(PUTS)
    assert (await ask(world(ADMITS), policy=narrow)).withheld_by == (Layer.SESSION,)
    denied = await ask(world(ADMITS, {**ADMITS, "Effect": "Deny"}))
    assert denied.verdict is Verdict.EXPLICIT_DENY


async def test_the_organizations_of_both_accounts_have_a_say_but_for_a_key_that_aws_manages() -> None:
    denied = {("organizations", "DescribeOrganization"): "AccessDeniedException"}
    blind = world(ADMITS)
    blind.hub = denied
    assert (await ask(blind)).policies.unreadable == {Layer.SERVICE_CONTROL}
    blind.hub, blind.partner = {}, {**blind.partner, **denied}
    assert (await ask(blind)).policies.unreadable == {Layer.RESOURCE_CONTROL}
    blind.partner = {**blind.partner, **key_of(KEY, ADMITS, manager="AWS")}
    assert (await ask(blind)).is_allowed


@pytest.mark.parametrize(
    ("condition", "is_allowed"),
    [
        ({"StringEquals": {"kms:ViaService": f"s3.{REGION}.amazonaws.com"}}, True),
        ({"StringEquals": {"kms:ViaService": "ec2.eu-central-1.amazonaws.com"}}, False),
        ({"StringEquals": {"kms:CallerAccount": HUB}}, True),
        ({"StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::inbox/in/*"}}, True),
        ({"StringEquals": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::inbox"}}, False),
    ],
)
async def test_what_s3_says_to_the_key_is_known(condition, is_allowed) -> None:
    assert (await ask(world({**ADMITS, "Condition": condition}))).is_allowed is is_allowed


async def test_a_bucket_key_is_about_the_bucket() -> None:
    about = {"StringEquals": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::inbox"}}
    by_bucket = world({**ADMITS, "Condition": about})
    by_bucket.partner[ENCRYPTION] = by_default(bucket_key=True)
    assert (await ask(by_bucket)).is_allowed


async def test_what_is_not_read_of_the_key_is_unknown_until_a_person_tells() -> None:
    by_alias = {"ForAnyValue:StringEquals": {"kms:ResourceAliases": "alias/files"}}
    asked = world({**ADMITS, "Condition": by_alias})
    decision = await ask(asked)
    assert decision.verdict is Verdict.UNKNOWN
    (unread,) = decision.policies.unread
    assert unread.remedy == "give --context kms:ResourceAliases=VALUE"
    asked.told = {"kms:ResourceAliases": ("alias/files",)}
    assert (await ask(asked)).is_allowed


async def test_a_grant_may_allow_what_no_policy_does() -> None:
    grant = {"GrantId": "g-1", "GranteePrincipal": ROLE, "Operations": ["GenerateDataKey"]}
    decision = await ask(granted(grant))
    assert decision.verdict is Verdict.UNKNOWN
    assert any("grant g-1 of the key names the role" in one.why for one in decision.policies.unread)
    other = await ask(granted({**grant, "Operations": ["Decrypt"]}))
    assert other.verdict is Verdict.IMPLICIT_DENY
    unseen = granted(grant)
    unseen.partner[GRANTS] = "AccessDeniedException"
    decision = await ask(unseen)
    assert decision.verdict is Verdict.UNKNOWN
    assert any("a grant of the key may allow it, and profile" in one.why for one in decision.policies.unread)
    assert any("allow kms:ListGrants to " in one.remedy for one in decision.policies.unread)


def granted(grant: Mapping[str, Any]) -> World:
    found = world(SOMEBODY_ELSE, role=[PUTS])
    found.partner[GRANTS] = {"Grants": [grant]}
    return found


async def test_no_grant_helps_against_a_deny_or_a_limit() -> None:
    grant = {"GrantId": "g-1", "GranteePrincipal": ROLE, "Operations": ["GenerateDataKey"]}
    assert (await ask(granted(grant), policy=document(PUTS))).verdict is Verdict.IMPLICIT_DENY
    denies = world({**ADMITS, "Effect": "Deny"})
    denies.partner[GRANTS] = {"Grants": [grant]}
    assert (await ask(denies)).verdict is Verdict.EXPLICIT_DENY


async def test_what_may_not_be_read_is_unknown_and_names_what_would_show_it() -> None:
    for row, permission in (
        (POLICY, "kms:GetKeyPolicy"),
        (ENCRYPTION, "s3:GetEncryptionConfiguration"),
    ):
        blind = world(ADMITS)
        blind.partner[row] = "AccessDenied"
        decision = await ask(blind)
        assert decision.verdict is Verdict.UNKNOWN
        assert any(f"allow {permission} to " in one.remedy for one in decision.policies.unread)


async def test_without_a_profile_of_the_keys_account_it_is_asked_for() -> None:
    third = KEY.replace(PARTNER, "333333333333")
    decision = await ask(World(role=[PUTS, {**USES, "Resource": third}], partner={ENCRYPTION: by_default(third)}))
    assert decision.verdict is Verdict.UNKNOWN
    assert any("give --profile 333333333333=PROFILE" in one.remedy for one in decision.policies.unread)
    # A bucket of which nothing is known may have a key.
    nobodys = await ask(World(has_partner=False))
    assert nobodys.verdict is Verdict.UNKNOWN
    assert nobodys.request.resource.endswith(":key/*")


async def test_a_key_that_is_not_there_is_an_answer() -> None:
    lost = world(ADMITS)
    lost.partner[DESCRIBE] = "NotFoundException"
    with pytest.raises(NotFound, match="there is no KMS key"):
        await ask(lost)


AWS_S3 = {
    "Effect": "Allow",
    "Principal": {"AWS": "*"},
    "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
    "Resource": "*",
    "Condition": {"StringEquals": {"kms:CallerAccount": HUB, "kms:ViaService": f"s3.{REGION}.amazonaws.com"}},
}


async def test_awss_own_key_is_the_role_accounts_and_lets_in_who_may_use_s3() -> None:
    hub = key_of(OWN_KEY, AWS_S3, manager="AWS")
    decision = await ask(World(role=[PUTS], hub=hub, partner={ENCRYPTION: by_default("")}))
    assert decision.is_allowed
    assert decision.request.resource == OWN_KEY
