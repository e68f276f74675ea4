"""What a login needs, asked of another process: as it is in the parent, and given back when the worker is gone."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.host_keys import MemoryHostKeys, host_keys
from tests.fakes.logins import ROLE, SERVER, ScriptedProvider, make_attempt
from tests.fakes.patience import eventually
from tests.fakes.worker_lines import MemoryLines, joined, joined_to, make_parent

from crossdock.adapters.host.workers.answers import LoginAnswers
from crossdock.adapters.host.workers.calls import HOLD_ROLE, ISSUE_ROLE
from crossdock.adapters.host.workers.line import Answer
from crossdock.adapters.host.workers.remote_login import (
    RemoteHostKeys,
    RemoteIdentityProvider,
    RemoteLogLines,
    RemoteRoleHolders,
    RemoteRoleIssuer,
    RemoteSessionPlaces,
)
from crossdock.cloud.logs.transfer_log import EmbeddedTransferLog, transfer_log_group
from crossdock.core.arns import parse_arn
from crossdock.core.logins import Refusal
from crossdock.core.principals import AssumedRole
from crossdock.files.session_limits import SessionLimits
from crossdock.ports.authority import AssumeRefused, IssuedRole, RoleHolder, RoleRequest
from crossdock.ports.functions import TemporaryCredentials

NOW = FakeClock().now()
HOLDER = RoleHolder(
    principal=AssumedRole(role_arn=parse_arn(ROLE), role_id="AROAEXAMPLE", session_name="user1.s"),
    access_key_id="ASIAEXAMPLE",
    issued_at=NOW,
    expires_at=NOW + timedelta(hours=1),
    tags={"team": "ü"},
)

ISSUED = IssuedRole(
    principal=HOLDER.principal,
    credentials=TemporaryCredentials(
        access_key_id="ASIAEXAMPLE", secret_access_key="s/ü", session_token="t" * 900, expires_at=HOLDER.expires_at
    ),
)


class Roles:
    def __init__(self) -> None:
        self.asked: list[RoleRequest] = []
        self.refusal = ""

    async def hold(self, asked: RoleRequest) -> RoleHolder:
        self.asked.append(asked)
        if self.refusal:
            raise AssumeRefused(self.refusal)
        return HOLDER


class Issuer:
    def __init__(self) -> None:
        self.asked: list[RoleRequest] = []

    async def issue(self, asked: RoleRequest) -> IssuedRole:
        self.asked.append(asked)
        if asked.username != "user1":
            raise AssumeRefused("AccessDenied: no")
        return ISSUED


async def test_a_provider_is_asked_and_its_answer_told():
    provider = ScriptedProvider()
    async with joined_to(make_parent(provider=provider)) as line:
        remote = RemoteIdentityProvider(line)
        known, unknown = make_attempt(), make_attempt("nobody")
        assert await remote.identify(SERVER, known) == await provider.identify(SERVER, known)
        assert await remote.identify(SERVER, unknown) == await provider.identify(SERVER, unknown)
    assert provider.asked == [known, known, unknown, unknown]


ASKED = RoleRequest(server=SERVER, username="user1", role_arn=ROLE, session_name="user1.s", session_policy=None)


async def test_a_role_is_held_or_refused_with_the_reason():
    roles = Roles()
    async with joined_to(make_parent(roles=Answer(HOLD_ROLE, roles.hold))) as line:
        assert await RemoteRoleHolders(line).hold(ASKED) == HOLDER
        roles.refusal = "there is no role"
        with pytest.raises(AssumeRefused, match="there is no role"):
            await RemoteRoleHolders(line).hold(replace(ASKED, session_policy="{}"))
    assert roles.asked == [ASKED, replace(ASKED, session_policy="{}")]


async def test_a_role_is_issued_with_its_credentials_or_refused_with_the_reason():
    issuer = Issuer()
    async with joined_to(make_parent(roles=Answer(ISSUE_ROLE, issuer.issue))) as line:
        assert await RemoteRoleIssuer(line).issue(ASKED) == ISSUED
        with pytest.raises(AssumeRefused, match="AccessDenied"):
            await RemoteRoleIssuer(line).issue(replace(ASKED, username="user2"))
    assert [one.username for one in issuer.asked] == ["user1", "user2"]


async def test_host_keys_are_those_of_the_parent():
    keys = host_keys()
    async with joined_to(make_parent(host_keys=MemoryHostKeys({"s-1": keys}))) as line:
        assert list(await RemoteHostKeys(line).active("s-1")) == list(keys)
        assert list(await RemoteHostKeys(line).active("s-2")) == []


async def test_a_line_of_the_log_is_written_by_the_parent():
    lines, clock = MemoryLines(), FakeClock()
    async with joined_to(make_parent(log=lines)) as line:
        remote = RemoteLogLines(line)
        EmbeddedTransferLog(writer=remote, clock=clock).record(SERVER, "user1.s", {"path": "/ü"})
        remote.flush()
        await RemoteHostKeys(line).active("what was told before has been heard by then")
    direct = MemoryLines()
    EmbeddedTransferLog(writer=direct, clock=clock).record(SERVER, "user1.s", {"path": "/ü"})
    assert lines.written == direct.written
    assert lines.written[0][0] == transfer_log_group(SERVER)


async def test_places_are_counted_over_all_workers():
    places = SessionLimits(per_server=2, per_user=0)
    parent = make_parent(places=places)
    async with joined_to(parent) as one, joined_to(parent) as other:
        first = await RemoteSessionPlaces(one).take("s-1", "user1")
        second = await RemoteSessionPlaces(other).take("s-1", "user2")
        assert not isinstance(first, Refusal)
        assert not isinstance(second, Refusal)
        refused = await RemoteSessionPlaces(one).take("s-1", "user3")
        assert isinstance(refused, Refusal)
        assert "sessions_per_server" in refused.reason
        second.release()
        second.release()
        await RemoteHostKeys(other).active("what was told before has been heard by then")
        assert places.sessions("s-1") == 1
        assert not isinstance(await RemoteSessionPlaces(one).take("s-1", "user3"), Refusal)
    assert places.sessions("s-1") == 0


async def test_who_is_cancelled_while_asking_for_a_place_has_none():
    places = SessionLimits(per_server=2, per_user=0)
    async with joined_to(make_parent(places=places)) as line:
        for steps in range(12):
            task = asyncio.get_running_loop().create_task(RemoteSessionPlaces(line).take(f"s-{steps}", "user1"))
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])
            await RemoteHostKeys(line).active("what was told before has been heard by then")
            assert places.sessions(f"s-{steps}") == (0 if task.cancelled() else 1)


async def test_a_worker_that_dies_gives_its_places_back():
    places = SessionLimits(per_server=2, per_user=0)
    answers = LoginAnswers(make_parent(places=places))
    async with joined(answers.all()) as line:
        await RemoteSessionPlaces(line.calling).take("s-1", "user1")
        line.worker.abort()
        await line.worker_lost.wait()
        assert places.sessions("s-1") == 1
        answers.give_back()
        assert places.sessions("s-1") == 0


async def test_lines_of_the_log_come_together_and_in_order_without_being_asked_for():
    lines, group = MemoryLines(), transfer_log_group(SERVER)
    async with joined_to(make_parent(log=lines)) as line:
        remote = RemoteLogLines(line, every_s=0)
        for number in range(100):
            remote.write(group, "user1.s", [(number, f"line {number}"), (number, "and another")])
        await eventually(lambda: len(lines.written) == 200)
    assert [events[0][0] for _, _, events in lines.written] == [number for number in range(100) for _ in range(2)]
