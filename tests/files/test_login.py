"""Admitting users, and what a session is made of."""

import asyncio
from dataclasses import replace

import pytest
from tests.fakes.blocks import make_pool
from tests.fakes.clock import FakeClock
from tests.fakes.filesystems import TREE, make_s3, names, store_file
from tests.fakes.house import CountingEntropy
from tests.fakes.logins import (
    IDENTITY,
    ROLE,
    SERVER,
    SERVER_ID,
    MemoryAssumer,
    MemoryDirectory,
    MemoryLog,
    ScriptedProvider,
    answer,
    make_attempt,
)
from tests.fakes.public_keys import ed25519_line
from tests.fakes.resumable_uploads import resumable_uploads

from crossdock.core.errors import Denied
from crossdock.core.ids import ServerId
from crossdock.core.logins import NO_KEY, LoginAttempt, Password, Refusal
from crossdock.core.servers import FileProtocol, ServerState
from crossdock.files.login import Admission, Trial
from crossdock.files.login_check import LoginCheck
from crossdock.files.session import Session
from crossdock.files.session_limits import SessionLimits
from crossdock.ports.authority import IdentityAnswer


class Bench:
    """Logins on a clock that stands still, but for who sleeps and for `check_s`, the time a check takes."""

    def __init__(
        self,
        *,
        failure_delay_s: float = 1.0,
        check_s: float = 0.0,
        stages: bool = False,
        per_server: int = 100,
        per_user: int = 0,
    ) -> None:
        self.clock = FakeClock()
        self.s3 = make_s3()
        self.log = MemoryLog()
        self.provider = ScriptedProvider()
        self.assumer = MemoryAssumer(clock=self.clock, s3=self.s3, stages=stages)
        self.check_s = check_s
        self.check = LoginCheck(
            provider=self, assumer=self.assumer, entropy=CountingEntropy(), concurrent=4, timeout_s=30
        )
        self.admission = Admission(
            servers=MemoryDirectory(),
            check=self.check,
            log=self.log,
            clock=self.clock,
            blocks=make_pool(),
            limits=SessionLimits(per_server=per_server, per_user=per_user),
            sleep=self.sleep,
            failure_delay_s=failure_delay_s,
            resumable=resumable_uploads(clock=self.clock),
        )
        self.slept: list[float] = []

    async def identify(self, server: object, attempt: LoginAttempt) -> IdentityAnswer:
        self.clock.advance(self.check_s)
        return await self.provider.identify(SERVER, attempt)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.clock.advance(seconds)

    async def admit(self, username: str = "user1") -> Session:
        session = await self.admission.admit(make_attempt(username=username))
        assert isinstance(session, Session)
        return session


async def test_who_is_admitted_has_a_session():
    bench = Bench()
    session = await bench.admit()
    assert (session.username, session.source_ip, session.protocol) == ("user1", "192.0.2.1", FileProtocol.FTP)
    assert (session.server, session.home, session.initial_directory) == (SERVER, IDENTITY.home, "/bucket/home")
    assert session.principal.session_name == f"user1.{session.session_id}@{SERVER_ID}"
    assert (session.expires_at - bench.clock.now()).total_seconds() == 3600
    assert bench.slept == []


@pytest.mark.parametrize("stages", [False, True])
async def test_a_session_writes_as_its_user_and_tells_its_log(stages: bool):
    bench = Bench(stages=stages)
    session = await bench.admit()
    await store_file(session.filesystem, "/bucket/home/f", b"content")
    session.disconnected("bye")
    stored = bench.s3.buckets["bucket"]["home/f"]
    assert stored.info.metadata == {"user-agent": "AWSTransfer", "user-agent-id": f"user1@{SERVER_ID}"}
    assert bench.log.activities() == ["CONNECTED", "OPEN", "CLOSE", "DISCONNECTED"]
    assert {stream for stream, _ in bench.log.events} == {f"user1.{session.session_id}"}
    assert bench.log.events[0][1]["role"] == ROLE


async def test_a_logical_home_starts_at_the_top():
    bench = Bench()
    bench.provider.answers["user1"] = answer(replace(IDENTITY, home=TREE))
    session = await bench.admit()
    assert session.initial_directory == "/"
    assert await names(session.filesystem, "/") == ["in/", "out/"]


async def test_a_session_outlives_its_credentials():
    bench = Bench()
    session = await bench.admit()
    bench.clock.advance(36_000)
    await store_file(session.filesystem, "/bucket/home/f", b"content")
    assert bench.s3.keys("bucket") == ["home/f"]
    assert len(bench.assumer.assumed) == 2
    assert bench.assumer.assumed[0] == bench.assumer.assumed[1]


async def test_a_session_whose_role_is_taken_away_is_denied_when_its_credentials_end():
    bench = Bench()
    session = await bench.admit()
    bench.assumer.refusal = "the role was deleted"
    bench.clock.advance(3600)
    with pytest.raises(Denied):
        await session.filesystem.stat("/bucket/home/f")
    errors = [event for _, event in bench.log.events if event["activity-type"] == "ERROR"]
    assert [error["operation"] for error in errors] == ["ASSUME_ROLE", "STAT"]
    assert all("the role was deleted" in str(error["message"]) for error in errors)


@pytest.mark.parametrize("check_s", [0.0, 0.3, 1.0, 2.5])
async def test_a_refusal_is_answered_no_sooner_than_the_failure_delay(check_s: float):
    bench = Bench(failure_delay_s=1.0, check_s=check_s)
    began = bench.clock.monotonic()
    assert isinstance(await bench.admission.admit(make_attempt(username="stranger")), Refusal)
    assert bench.clock.monotonic() - began == pytest.approx(max(1.0, check_s))


async def test_wrong_password_and_unknown_user_look_the_same():
    bench = Bench(failure_delay_s=1.0)
    lasted = []
    for username, check_s in (("user1", 0.09), ("stranger", 0.01)):
        bench.provider.answers["user1"] = answer(None, "Lambda IDP authentication failure")
        bench.check_s = check_s
        began = bench.clock.monotonic()
        refusal = await bench.admission.admit(make_attempt(username=username))
        lasted.append((round(bench.clock.monotonic() - began, 6), refusal))
    assert lasted[0] == lasted[1]


async def test_names_and_servers_that_cannot_be_are_refused_as_slowly():
    bench = Bench()
    for attempt in (make_attempt(username="../x"), replace(make_attempt(), server_id=ServerId("s-none"))):
        assert isinstance(await bench.admission.admit(attempt), Refusal)
    assert bench.slept == [1.0, 1.0]


async def test_a_delay_does_not_hold_up_other_logins():
    bench = Bench()
    started = asyncio.Event()
    gate = asyncio.Event()

    async def sleep(seconds: float) -> None:
        started.set()
        await gate.wait()

    admission = replace(bench.admission, sleep=sleep)
    async with asyncio.TaskGroup() as tasks:
        refused = [tasks.create_task(admission.admit(make_attempt(username="stranger"))) for _ in range(20)]
        await started.wait()
        assert isinstance(await admission.admit(make_attempt()), Session)
        gate.set()
    assert all(isinstance(task.result(), Refusal) for task in refused)


async def test_a_refusal_is_told_to_the_errors_of_the_server():
    bench = Bench()
    refusal = await bench.admission.admit(make_attempt(username="stranger"))
    assert refusal == Refusal(reason="Lambda IDP authentication failure")
    ((stream, event),) = bench.log.events
    assert stream == "ERRORS"
    assert (event["activity-type"], event["user"], event["message"]) == (
        "AUTH_FAILURE",
        "stranger",
        "Lambda IDP authentication failure",
    )


@pytest.mark.parametrize(
    ("limits", "setting"),
    [({"per_server": 1}, "login.sessions_per_server"), ({"per_user": 1}, "login.sessions_per_user")],
)
async def test_one_session_too_many_is_refused_like_any_login_and_told_to_the_log(limits: dict[str, int], setting: str):
    bench = Bench(**limits)
    session = await bench.admit()
    refusal = await bench.admission.admit(make_attempt())
    assert isinstance(refusal, Refusal)
    assert setting in refusal.reason
    assert bench.slept == [1.0]
    stream, event = bench.log.events[-1]
    assert (stream, event["activity-type"], event["message"]) == ("ERRORS", "AUTH_FAILURE", refusal.reason)
    session.disconnected()
    await bench.admit()


async def test_a_refused_login_takes_no_place_and_a_trial_neither():
    bench = Bench(per_server=1)
    for _ in range(3):
        await bench.admission.admit(make_attempt(username="stranger"))
        assert (await Trial(bench.check).try_login(SERVER, make_attempt())).refusal == ""
    await bench.admit()
    assert (await Trial(bench.check).try_login(SERVER, make_attempt())).refusal == ""


async def test_a_login_that_fails_at_the_last_moment_gives_its_place_back():
    class BrokenLog(MemoryLog):
        def record(self, server: object, stream: str, event: object) -> None:
            raise RuntimeError("the log is broken")

    bench = Bench(per_server=1)
    with pytest.raises(RuntimeError):
        await replace(bench.admission, log=BrokenLog()).admit(make_attempt())
    await bench.admit()


async def test_no_password_reaches_the_log_or_a_session():
    bench = Bench()
    session = await bench.admit()
    await bench.admission.admit(make_attempt(username="stranger"))
    assert "sesame" not in f"{bench.log.events} {session!r} {bench.admission!r} {bench.provider.asked!r}"


async def test_a_login_to_no_server_is_told_to_nobody():
    bench = Bench()
    refusal = await bench.admission.admit(replace(make_attempt(), server_id=ServerId("s-none")))
    assert refusal == Refusal(reason="there is no server s-none")
    assert bench.log.events == []


async def test_a_trial_runs_the_login_and_leaves_nothing():
    bench = Bench()
    outcome = await Trial(bench.check).try_login(SERVER, make_attempt())
    assert (outcome.refusal, outcome.answer.status_code) == ("", 200)
    assert len(bench.assumer.assumed) == 1
    assert bench.log.events == []
    assert bench.slept == []


async def test_a_trial_of_a_server_that_is_not_started_asks_all_the_same():
    bench = Bench()
    outcome = await Trial(bench.check).try_login(replace(SERVER, state=ServerState.OFFLINE), make_attempt())
    assert outcome.refusal == ""
    assert len(bench.provider.asked) == 1


async def test_a_trial_tells_what_a_login_would_fail_at():
    bench = Bench()
    trial = Trial(bench.check)
    outcome = await trial.try_login(SERVER, make_attempt(username="stranger"))
    assert outcome.answer.message == outcome.refusal == "Lambda IDP authentication failure"
    bench.assumer.refusal = "its trust policy does not admit transfer.amazonaws.com"
    outcome = await trial.try_login(SERVER, make_attempt())
    assert outcome.answer.identity == IDENTITY
    assert "trust policy" in outcome.refusal
    outcome = await trial.try_login(SERVER, make_attempt(credential=Password("")))
    assert outcome.refusal == "no password was given"
    outcome = await trial.try_login(replace(SERVER, protocols=(FileProtocol.SFTP,)), make_attempt())
    assert (outcome.answer.response, outcome.answer.status_code) == ("", 200)
    assert "does not speak FTP" in outcome.refusal


async def test_one_factor_of_two_logs_nobody_in():
    bench = Bench()
    choice = replace(SERVER.identity_provider, sftp_authentication_methods="PUBLIC_KEY_AND_PASSWORD")
    server = replace(SERVER, protocols=(FileProtocol.SFTP,), identity_provider=choice)
    admission = replace(bench.admission, servers=MemoryDirectory((server,)))
    outcome = await admission.admit(replace(make_attempt(), protocol=FileProtocol.SFTP))
    assert outcome == Refusal(reason="beside the password, publickey is needed")
    assert bench.provider.asked == []
    assert bench.log.activities() == ["AUTH_FAILURE"]
    assert bench.slept == [1.0]


@pytest.mark.parametrize(
    ("keys", "refusal"),
    [
        ((ed25519_line(),), ""),
        ((ed25519_line(), "none"), ""),
        ((), "the identity provider returned no key that can be used"),
        (("none",), "the identity provider returned no key that can be used (number 1: "),
    ],
)
async def test_a_trial_without_a_key_tells_what_a_login_by_one_of_the_users_keys_would_come_to(
    keys: tuple[str, ...], refusal: str
):
    bench = Bench()
    bench.provider.answers["user1"] = answer(replace(IDENTITY, public_keys=keys))
    attempt = replace(make_attempt(credential=NO_KEY), protocol=FileProtocol.SFTP)
    server = replace(SERVER, protocols=(FileProtocol.SFTP,))
    outcome = await Trial(bench.check).try_login(server, attempt)
    assert outcome.refusal.startswith(refusal)
    assert bool(outcome.refusal) == bool(refusal)
    assert len(bench.assumer.assumed) == (not refusal)
