"""What a KMS key of the partner's bucket decides about the hub's role, on what was read of both accounts."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from tests.adapters.aws.documents.test_trial import INBOX, PUTS, ROLE, World
from tests.fakes.aws_documents import HUB, MANAGEMENT, PARTNER, REGION
from tests.fakes.s3 import document

from crossdock.core.errors import NotFound
from crossdock.core.object_writing import ObjectWriting
from crossdock.policy.decision import Decision
from crossdock.policy.evaluate import Layer, Verdict
from crossdock.policy.findings import Saying, find_by_layer
from crossdock.policy.fixes import AddStatement, InWords, find_fixes
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


NO_KMS = document(PUTS)
NO_KEYS = {"Effect": "Deny", "Action": "kms:*", "Resource": "*"}


@pytest.mark.parametrize(
    ("policy", "role"),
    [(NO_KMS, [PUTS, USES]), (document(PUTS, USES), [PUTS, USES]), (None, [PUTS, NO_KEYS])],
)
async def test_where_there_may_be_no_key_no_policy_denies_one(policy, role) -> None:
    unread = world(ADMITS, role=role)
    unread.partner[ENCRYPTION] = "AccessDenied"
    unused = World(role=role, hub={DESCRIBE: "NotFoundException"}, partner={ENCRYPTION: by_default("")})
    for asked, why in (
        (unread, "may not s3:GetEncryptionConfiguration"),
        (World(role=role, has_partner=False), "no profile is given for the account whose bucket inbox is"),
        (unused, "AWS makes alias/aws/s3 of account"),
        (World(role=role, partner={ENCRYPTION: by_default("arn:aws:kms:my-minio-key")}), "no key of AWS's KMS"),
    ):
        decision = await ask(asked, policy=policy)
        assert decision.verdict is Verdict.UNKNOWN
        has_session_policy = {Layer.SESSION} if policy else set()
        # No resource control policy binds a key that AWS manages.
        of_the_key = {Layer.RESOURCE} if asked is unused else {Layer.RESOURCE, Layer.RESOURCE_CONTROL}
        assert decision.policies.unreadable == {Layer.IDENTITY} | of_the_key | has_session_policy
        assert {one.layer for one in decision.policies.unread} == decision.policies.unreadable
        assert all(why in one.why for one in decision.policies.unread)


async def test_what_is_not_read_of_the_role_is_unknown_where_the_key_is_not_known_either() -> None:
    blind = World(
        has_partner=False,
        hub={
            ("organizations", "DescribeOrganization"): "AccessDeniedException",
            ("iam", "GetRole"): "AccessDenied",
        },
    )
    decision = await ask(blind)
    found = {one.layer: one for one in find_by_layer(decision)}
    for layer, why in (
        (Layer.SERVICE_CONTROL, "may not organizations:DescribeOrganization"),
        (Layer.BOUNDARY, "may not iam:GetRole"),
        (Layer.RESOURCE, "no profile is given for the account whose bucket inbox is"),
        (Layer.RESOURCE_CONTROL, "no profile is given for the account whose bucket inbox is"),
    ):
        assert found[layer].saying is Saying.UNKNOWN, layer
        assert why in found[layer].why


async def test_a_key_that_may_be_disabled_is_not_allowed_and_what_denies_it_still_does() -> None:
    undescribed = world(ADMITS)
    undescribed.partner[DESCRIBE] = "AccessDeniedException"
    decision = await ask(undescribed)
    assert decision.verdict is Verdict.UNKNOWN
    (unread,) = decision.policies.unread
    assert f"it is not known whether KMS key {KEY} is enabled" in unread.why
    assert unread.remedy.startswith("allow kms:DescribeKey to ")
    denied = await ask(undescribed, policy=NO_KMS)
    assert (denied.verdict, denied.withheld_by) == (Verdict.IMPLICIT_DENY, (Layer.SESSION,))


async def test_a_bucket_whose_region_is_not_known_may_be_in_another_than_the_key() -> None:
    somewhere = world(ADMITS)
    somewhere.partner[("s3", "GetBucketLocation")] = "AccessDenied"
    decision = await ask(somewhere)
    assert decision.verdict is Verdict.UNKNOWN
    (unread,) = decision.policies.unread
    assert "has to be in the region of bucket inbox, which is not known" in unread.why
    assert (await ask(somewhere, policy=NO_KMS)).verdict is Verdict.IMPLICIT_DENY


async def test_resource_control_policies_are_left_out_where_aws_may_manage_the_key() -> None:
    """Which none of them binds. Another account's key of AWS's would let nobody in, so there it makes no difference."""
    own = {**ADMITS, "Principal": {"AWS": ROLE}}
    for arn, owner, verdict in ((OWN_KEY, HUB, Verdict.UNKNOWN), (KEY, PARTNER, Verdict.EXPLICIT_DENY)):
        told = {**key_of(arn, own), DESCRIBE: "AccessDeniedException"}
        asked = World(role=[PUTS, {**USES, "Resource": arn}], partner={ENCRYPTION: by_default(arn)})
        (asked.hub if owner == HUB else asked.partner).update({**told, **DENIED_BY_RCP})
        assert (await ask(asked)).verdict is verdict
        (asked.hub if owner == HUB else asked.partner).update(key_of(arn, own))
        assert (await ask(asked)).verdict is Verdict.EXPLICIT_DENY


DENIED_BY_RCP: Mapping[tuple[str, str], Any] = {
    ("organizations", "DescribeOrganization"): {"Organization": {"Id": "o-1", "MasterAccountId": MANAGEMENT}},
    ("organizations", "ListRoots"): {
        "Roots": [
            {"Id": "r-1", "Arn": "root", "PolicyTypes": [{"Type": "RESOURCE_CONTROL_POLICY", "Status": "ENABLED"}]}
        ]
    },
    ("organizations", "ListParents"): {"Parents": [{"Id": "r-1", "Type": "ROOT"}]},
    ("organizations", "ListPoliciesForTarget"): {"Policies": [{"Id": "p-1", "Arn": "no-keys"}]},
    ("organizations", "DescribePolicy"): {
        "Policy": {
            "Content": document(
                {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}, {**NO_KEYS, "Principal": "*"}
            )
        }
    },
}
"""To a delegated administrator of the organization."""


async def test_the_encryption_context_is_unknown_where_it_is_not_known_whether_the_bucket_has_a_key() -> None:
    of_object = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::inbox/*"}}
    said = ObjectWriting(sse="aws:kms", kms_key_id=KEY)
    asked = replace(world({**ADMITS, "Condition": of_object}), encryption=said)
    assert (await ask(asked)).is_allowed
    asked.partner[ENCRYPTION] = "AccessDenied"
    decision = await ask(asked)
    assert decision.verdict is Verdict.UNKNOWN
    (unread,) = decision.policies.unread
    assert "which is the bucket's ARN if it uses bucket keys, else the object's, and profile reads-2" in unread.why
    assert "allow s3:GetEncryptionConfiguration to " in unread.remedy
    assert unread.remedy.endswith("; or give --context kms:EncryptionContext:aws:s3:arn=VALUE")
    asked.told = {"kms:EncryptionContext:aws:s3:arn": ("arn:aws:s3:::inbox",)}
    assert (await ask(asked)).verdict is Verdict.IMPLICIT_DENY
    # Where no policy asks for it, it makes no difference.
    assert (await ask(replace(asked, told={}, partner={**asked.partner, **key_of(KEY, ADMITS)}))).is_allowed


async def test_the_id_of_a_role_that_may_not_be_read_is_not_taken_for_another() -> None:
    by_id = {"StringLike": {"aws:userId": "AROAFILES00000000001:*"}}
    for key_policy in (
        [{**ADMITS, "Condition": by_id}],
        [ADMITS, {**ADMITS, "Effect": "Deny", "Condition": {"StringNotLike": by_id["StringLike"]}}],
    ):
        asked = world(*key_policy)
        assert (await ask(asked)).is_allowed
        asked.hub[("iam", "GetRole")] = "AccessDenied"
        assert (await ask(asked)).verdict is Verdict.UNKNOWN


async def test_without_a_profile_of_the_keys_account_it_is_asked_for() -> None:
    third = KEY.replace(PARTNER, "333333333333")
    decision = await ask(World(role=[PUTS, {**USES, "Resource": third}], partner={ENCRYPTION: by_default(third)}))
    assert decision.verdict is Verdict.UNKNOWN
    assert any("give --profile 333333333333=PROFILE" in one.remedy for one in decision.policies.unread)
    # A bucket of which nothing is known may have a key.
    nobodys = await ask(World(has_partner=False))
    assert nobodys.verdict is Verdict.UNKNOWN
    assert nobodys.request.resource == "a KMS key that is not known"
    assert "arn:aws:kms" not in nobodys.explain()


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


async def test_awss_own_key_of_another_account_cannot_be_opened_so_another_key_is_the_fix() -> None:
    alias = f"arn:aws:kms:{REGION}:{PARTNER}:alias/aws/s3"
    theirs = {**AWS_S3, "Condition": {"StringEquals": {"kms:CallerAccount": PARTNER}}}
    partner = {ENCRYPTION: by_default(alias), **key_of(KEY, theirs, manager="AWS")}
    decision = await ask(World(role=[PUTS], partner=partner))
    assert decision.verdict is Verdict.IMPLICIT_DENY
    (fix,) = find_fixes(decision)
    assert (fix.account_id, fix.attached_to, fix.change) == (PARTNER, KEY, InWords())
    assert f"with a KMS key of your own whose key policy lets account {HUB} in" in fix.sentence
    assert f"{KEY} is one that AWS manages, no other account can use it, and nobody can change" in fix.sentence


async def test_a_key_that_aws_manages_for_another_service_is_no_better() -> None:
    of_disks = {**AWS_S3, "Condition": {"StringEquals": {"kms:ViaService": f"ec2.{REGION}.amazonaws.com"}}}
    hub = key_of(OWN_KEY, of_disks, manager="AWS")
    (fix,) = find_fixes(await ask(World(role=[PUTS], hub=hub, partner={ENCRYPTION: by_default(OWN_KEY)})))
    assert (fix.account_id, fix.attached_to, fix.change) == (HUB, OWN_KEY, InWords())
    assert "is one that AWS manages, nobody can change its policy" in fix.sentence
