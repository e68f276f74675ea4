"""What would be decided is what is decided: trial and deed are compared, on the embedded cloud itself."""

from dataclasses import replace

import pytest
from tests.adapters.embedded.test_assumer import SESSION, trusting
from tests.contract.object_stores import embedded_store
from tests.fakes.backed_cloud import BEHIND, backed_cloud
from tests.fakes.logins import SERVER
from tests.fakes.s3 import HUB, document

from crossdock.adapters.embedded.assumer import EmbeddedRoleAssumer
from crossdock.adapters.embedded.object_store import EmbeddedObjectStore
from crossdock.adapters.embedded.role_trial import EmbeddedRoleTrial, EmbeddedTrialSession
from crossdock.core.errors import NotFound, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.core.principals import AssumedRole
from crossdock.files.verbs import VERBS
from crossdock.policy.evaluate import Layer, Verdict
from crossdock.ports.authority import RoleRequest
from crossdock.ports.trials import KeyQuestion, ObjectQuestion, TrialSession

KEY = ObjectPlace(bucket="box", key="home/key")


@pytest.fixture
def trial(assumer: EmbeddedRoleAssumer) -> EmbeddedRoleTrial:
    return EmbeddedRoleTrial(assumer=assumer)


async def assume(trial: EmbeddedRoleTrial, role: str, policy: str | None = None):
    return await trial.assume(
        RoleRequest(server=SERVER, username="user1", role_arn=role, session_name=SESSION, session_policy=policy)
    )


async def session(trial: EmbeddedRoleTrial, role: str, policy: str | None = None) -> TrialSession:
    found = (await assume(trial, role, policy)).session
    assert found is not None
    return found


def ask(operation: str, action: str, place: ObjectPlace = KEY, source: ObjectPlace | None = None) -> ObjectQuestion:
    return ObjectQuestion(operation=operation, action=action, place=place, source=source)


async def test_a_role_that_would_be_assumed_has_a_session_and_its_reason(trial, role):
    found = await assume(trial, role)
    assert found.decision is not None
    assert found.decision.is_allowed
    assert found.session is not None
    assert found.session.principal.arn == f"arn:aws:sts::{HUB}:assumed-role/files/{SESSION}"


async def test_a_role_that_trusts_others_has_the_decision_and_no_session(s3, trial, role):
    other = trusting(StringEquals={"aws:SourceAccount": "999999999999"})
    await s3.iam("UpdateAssumeRolePolicy", RoleName="files", PolicyDocument=other)
    found = await assume(trial, role)
    assert found.session is None
    assert found.decision is not None
    assert found.decision.verdict is Verdict.IMPLICIT_DENY
    assert found.decision.blocked_by is Layer.RESOURCE


async def test_a_role_that_is_not_there_and_a_text_that_is_no_role_are_no_question_of_policies(trial):
    for arn in (f"arn:aws:iam::{HUB}:role/none", "role/none"):
        found = await assume(trial, arn)
        assert (found.session, found.decision) == (None, None)
        assert found.refusal


async def test_the_session_policy_counts(trial, role):
    narrow = document({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    limited = await session(trial, role, narrow)
    assert (await limited.decide(ask("GetObject", "s3:GetObject"))).is_allowed
    decision = await limited.decide(ask("PutObject", "s3:PutObject"))
    assert decision.blocked_by is Layer.SESSION


async def test_a_listing_is_asked_about_with_its_prefix(s3, trial, role):
    only = {"StringLike": {"s3:prefix": "home/*"}}
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": only}
    await s3.iam("PutRolePolicy", RoleName="files", PolicyName="what", PolicyDocument=document(statement))
    asked = await session(trial, role)
    inside = ObjectPlace(bucket="box", key="home")
    outside = ObjectPlace(bucket="box", key="other")
    assert (await asked.decide(ask("ListObjectsV2", "s3:ListBucket", inside))).is_allowed
    assert not (await asked.decide(ask("ListObjectsV2", "s3:ListBucket", outside))).is_allowed


async def test_a_copy_is_asked_about_at_both_ends(trial, role):
    asked = await session(trial, role)
    source, target = ObjectPlace(bucket="box", key="old"), ObjectPlace(bucket="box", key="new")
    reading = await asked.decide(ask("CopyObject", "s3:GetObject", target, source))
    writing = await asked.decide(ask("CopyObject", "s3:PutObject", target, source))
    assert (reading.request.resource, writing.request.resource) == ("arn:aws:s3:::box/old", "arn:aws:s3:::box/new")


async def test_whether_a_key_is_told_to_be_missing_is_a_question_about_the_bucket(trial, role):
    decision = await (await session(trial, role)).decide(ask("HeadObject", "s3:ListBucket"))
    assert (decision.request.action, decision.request.resource) == ("s3:ListBucket", "arn:aws:s3:::box")


async def test_every_call_of_every_file_command_can_be_asked_about(trial, role):
    asked = await session(trial, role)
    for verb in VERBS.values():
        for call in verb.calls:
            if call.operation not in ("CreateMultipartUpload", "UploadPart", "CompleteMultipartUpload"):
                acl = "bucket-owner-full-control" if call.action == "s3:PutObjectAcl" else ""
                decision = await asked.decide(replace(ask(call.operation, call.action, KEY, KEY), acl=acl))
                assert decision.request.action == call.action


async def test_a_bucket_that_is_not_there_has_no_decision(trial, role):
    with pytest.raises(NotFound):
        await (await session(trial, role)).decide(
            ask("PutObject", "s3:PutObject", ObjectPlace(bucket="absent", key="k"))
        )


async def test_nothing_is_written(s3, trial, role):
    before = s3.parts.state.writes
    asked = await session(trial, role)
    await asked.decide(ask("PutObject", "s3:PutObject"))
    await asked.decide(ask("DeleteObject", "s3:DeleteObject"))
    assert s3.parts.state.writes == before


async def test_of_ids_only_those_that_somebody_has_are_told(s3, trial, role):
    role_id = (await s3.iam("GetRole", RoleName="files"))["Role"]["RoleId"]
    assert await trial.living(frozenset({role_id, "AROAGONE000000000000"})) == {role_id: role}
    assert await trial.living(frozenset()) == {}


async def test_a_role_that_is_not_there_is_not_asked_for_in_earnest(s3, trial):
    before = s3.parts.state.writes
    found = await assume(trial, f"arn:aws:iam::{HUB}:role/none")
    assert found.refusal == f"there is no role none in account {HUB}"
    assert s3.parts.state.writes == before


async def test_what_sts_refuses_although_the_role_trusts_is_told_with_the_decision(trial, role):
    found = await assume(trial, role, "{")
    assert found.session is None
    assert found.decision is not None
    assert found.decision.is_allowed
    assert found.refusal


async def test_a_listing_is_asked_about_with_its_delimiter_and_its_limit(s3, trial, role):
    as_asked = {"StringEquals": {"s3:delimiter": "/"}, "NumericLessThanEquals": {"s3:max-keys": "10"}}
    statement = {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "*", "Condition": as_asked}
    await s3.iam("PutRolePolicy", RoleName="files", PolicyName="what", PolicyDocument=document(statement))
    asked = await session(trial, role)
    listing = ask("ListObjectsV2", "s3:ListBucket", ObjectPlace(bucket="box", key="home"))
    assert (await asked.decide(replace(listing, limit=10))).is_allowed
    assert not (await asked.decide(listing)).is_allowed
    assert not (await asked.decide(replace(listing, limit=10, delimiter=""))).is_allowed


async def test_no_key_is_asked_where_nothing_is_encrypted(trial, role):
    asked = await session(trial, role)
    assert await asked.decide_key(KeyQuestion(action="kms:Decrypt", place=KEY)) is None


async def test_behind_an_attached_bucket_its_own_credentials_are_tried_whatever_the_role_may(tmp_path):
    async with backed_cloud(tmp_path) as backed:
        backing = await backed.attach("attached", prefix="below/")
        await backed.cloud.s3.bucket("own")
        arn = await backed.cloud.role("nobody", ["s3:GetObjectVersion"], ["*"])
        store = await embedded_store(backed.cloud, await backed.cloud.session_of(arn))
        assert isinstance(store, EmbeddedObjectStore)
        principal = store.client.caller.principal
        assert isinstance(principal, AssumedRole)
        asked = EmbeddedTrialSession(principal=principal, store=store)
        assert [await asked.backing_of(name) for name in ("attached", "own", "none")] == [backing, None, None]
        await asked.try_backing("attached")
        assert await backed.behind.s3.keys(BEHIND) == []
        await backed.behind.limit_role("gateway-0", [], ["*"])
        with pytest.raises(Unavailable, match="behind the bucket attached"):
            await asked.try_backing("attached")
        with pytest.raises(Unavailable, match="was detached meanwhile"):
            await asked.try_backing("own")
