"""A permission that was given is given again, as long as asking anew would say the same."""

from collections.abc import Hashable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.fakes.cloud import HUB, ORIGIN, REGION
from tests.fakes.documents import Conditions, allowing, trusting
from tests.fakes.identity import Identities, make_identities

from crossdock.cloud.iam.parsed import named_policy
from crossdock.cloud.iam.settled_decisions import MOST_KEPT, SettledDecisions, question_of
from crossdock.core.errors import ServiceError
from crossdock.core.principals import Anonymous
from crossdock.operations.caller import CallContext, Caller, Origin, global_context
from crossdock.operations.operation import Owned, Permission
from crossdock.policy.document import PolicyKind
from crossdock.policy.evaluate import Decision

FILES = "arn:aws:s3:::hub-files/*"
READING = Permission(action="s3:GetObject", resource="arn:aws:s3:::hub-files/a")
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


class Scene:
    """A role's session, which asks through an operation of whatever name."""

    def __init__(self, house: Identities, caller: Caller) -> None:
        self.house = house
        self.caller = caller

    async def policy(self, text: str) -> None:
        await self.house.iam("PutRolePolicy", RoleName="Upload", PolicyName="files", PolicyDocument=text)

    async def decide(self, *, origin: Origin = ORIGIN, asked: Permission = READING) -> Decision:
        account = self.caller.principal.account_id
        call = self.house.operations.begin(
            "iam", "ListRoles", {}, caller=self.caller, account_id=account, region=REGION, origin=origin
        )
        return await self.house.operations.decide(call, asked)

    def later(self, hours: float) -> None:
        self.house.parts.clock.advance(3600 * hours)


@pytest.fixture
async def scene() -> Scene:
    house = await make_identities()
    role = await house.role("Upload", trusting({"AWS": f"arn:aws:iam::{HUB}:root"}), MaxSessionDuration=12 * 3600)
    scene = Scene(house, await house.session(role["Arn"], DurationSeconds=3600))
    await scene.policy(allowing("s3:GetObject", FILES))
    return scene


async def test_the_same_question_has_the_very_same_answer_at_another_time(scene: Scene):
    first = await scene.decide()
    assert first.is_allowed
    scene.later(hours=0.5)
    assert await scene.decide() is first


async def test_an_origin_that_says_the_same_is_the_same(scene: Scene):
    """The API makes one for each request."""
    first = await scene.decide()
    assert await scene.decide(origin=replace(ORIGIN)) is first
    assert await scene.decide(origin=replace(ORIGIN, source_ip="192.0.2.9")) is not first


async def test_whoever_asks_for_much_once_takes_nothing_from_whoever_asks_again(scene: Scene):
    settled = SettledDecisions(scene.house.parts.epoch)
    first, epoch = await scene.decide(), scene.house.parts.epoch.current()
    context = CallContext(scene.caller, ORIGIN, region=REGION, now=NOW)

    def ask(name: str) -> Hashable:
        return question_of(scene.caller, replace(READING, resource=f"arn:aws:s3:::hub-files/{name}"), context)

    for number in range(2 * MOST_KEPT):
        settled.keep(ask(f"once {number}"), context, first, epoch=epoch)
        if number == 0:
            settled.keep(ask("again"), context, first, epoch=epoch)
        assert settled.find(ask("again")) is first
    kept = [number for number in range(2 * MOST_KEPT) if settled.find(ask(f"once {number}")) is not None]
    assert kept == list(range(MOST_KEPT + 1, 2 * MOST_KEPT))


async def test_credentials_that_have_expired_allow_nothing(scene: Scene):
    assert (await scene.decide()).is_allowed
    scene.later(hours=2)
    with pytest.raises(ServiceError, match="expired"):
        await scene.decide()


async def test_a_change_of_policy_counts_at_the_next_question(scene: Scene):
    assert (await scene.decide()).is_allowed
    await scene.policy(allowing("s3:PutObject", FILES))
    assert not (await scene.decide()).is_allowed
    await scene.policy(allowing("s3:GetObject", FILES))
    assert (await scene.decide()).is_allowed


async def test_another_question_is_decided_by_itself(scene: Scene):
    secure: Conditions = {"Bool": {"aws:SecureTransport": "true"}}
    await scene.policy(allowing("s3:GetObject", "arn:aws:s3:::hub-files/a", condition=secure))
    assert (await scene.decide(origin=Origin(is_secure=True))).is_allowed
    assert not (await scene.decide(origin=Origin(is_secure=False))).is_allowed
    other = Permission(action="s3:GetObject", resource="arn:aws:s3:::hub-files/b")
    assert not (await scene.decide(origin=Origin(is_secure=True), asked=other)).is_allowed


@pytest.mark.parametrize("key", ["aws:CurrentTime", "AWS:EpochTime"])
async def test_what_depends_on_the_time_is_decided_each_time(scene: Scene, key: str):
    until = scene.house.parts.clock.now() + timedelta(hours=0.5)
    text = until.isoformat() if key == "aws:CurrentTime" else str(int(until.timestamp()))
    operator = "DateLessThan" if key == "aws:CurrentTime" else "NumericLessThan"
    await scene.policy(allowing("s3:GetObject", FILES, condition={operator: {key: text.replace("+00:00", "Z")}}))
    assert (await scene.decide()).is_allowed
    scene.later(hours=0.75)
    assert not (await scene.decide()).is_allowed


async def test_a_refusal_is_looked_into_anew(scene: Scene):
    asked = Permission(action="s3:DeleteObject", resource="arn:aws:s3:::hub-files/a")
    first = await scene.decide(asked=asked)
    assert not first.is_allowed
    assert await scene.decide(asked=asked) is not first


def test_callers_are_told_apart_as_objects_and_a_plain_context_is_no_question():
    one, other = Caller(principal=Anonymous()), Caller(principal=Anonymous())
    assert question_of(one, READING, CallContext(one, ORIGIN, region=REGION, now=NOW)) is not None
    assert question_of(one, READING, CallContext(other, ORIGIN, region=REGION, now=NOW)) is None
    assert question_of(one, READING, global_context(one, ORIGIN, region=REGION, now=NOW)) is None


def test_an_object_that_is_another_accounts_is_no_question():
    caller = Caller(principal=Anonymous())
    owned = Owned(account_id=HUB, grants=named_policy("ACL", allowing("s3:GetObject"), PolicyKind.IDENTITY))
    context = CallContext(caller, ORIGIN, region=REGION, now=NOW)
    assert question_of(caller, replace(READING, owned=owned), context) is None
