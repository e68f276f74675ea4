"""What a login has to pass."""

import asyncio
import json
from dataclasses import replace

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.filesystems import TREE
from tests.fakes.house import CountingEntropy
from tests.fakes.logins import (
    IDENTITY,
    ROLE,
    SERVER_ID,
    MemoryAssumer,
    ScriptedProvider,
    answer,
)
from tests.fakes.logins import SERVER as FTP_SERVER
from tests.fakes.logins import make_attempt as make_ftp_attempt
from tests.fakes.object_store import MemoryS3
from tests.fakes.public_keys import ed25519_line, true_line

from crossdock.core.logins import Credential, Identity, LoginAttempt, Password, PublicKey, Refusal
from crossdock.core.servers import FileProtocol, Server, ServerState
from crossdock.core.ssh_public_keys import parse_public_key
from crossdock.files.login_check import MAX_KEYS, LoginCheck, Vouched, listed_keys
from crossdock.files.session_log import MAX_MESSAGE
from crossdock.ports.authority import IdentityAnswer, RoleRequest

KEY = ed25519_line("user1", "user1@laptop")
OTHER = ed25519_line("other")
SERVER = replace(FTP_SERVER, protocols=(FileProtocol.FTP, FileProtocol.SFTP))
TEMPLATE = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": "s3:*",
                "Resource": "arn:aws:s3:::${transfer:HomeBucket}/${transfer:HomeFolder}/*",
            }
        ],
    }
)


def make_attempt(username: str = "user1", credential: Credential | None = None) -> LoginAttempt:
    """Keys come over SFTP."""
    protocol = FileProtocol.SFTP if isinstance(credential, PublicKey) else FileProtocol.FTP
    return replace(make_ftp_attempt(username, credential), protocol=protocol)


class Bench:
    def __init__(self, identity: Identity | None = IDENTITY, *, concurrent: int = 4, timeout_s: float = 30) -> None:
        self.provider = ScriptedProvider(answers={"user1": answer(identity)})
        self.assumer = MemoryAssumer(clock=FakeClock(), s3=MemoryS3())
        self.check = LoginCheck(
            provider=self.provider,
            assumer=self.assumer,
            entropy=CountingEntropy(),
            concurrent=concurrent,
            timeout_s=timeout_s,
        )

    async def reason(self, attempt: LoginAttempt | None = None, server: Server = SERVER) -> str:
        """Why the login is refused; empty when it is not."""
        outcome = (await self.check.run(server, attempt or make_attempt())).outcome
        return outcome.reason if isinstance(outcome, Refusal) else ""


async def test_who_passes_has_a_role_session_named_after_the_login():
    bench = Bench()
    outcome = (await bench.check.run(SERVER, make_attempt())).outcome
    assert isinstance(outcome, Vouched)
    assert len(outcome.session_id) == 16
    assert bench.assumer.assumed == [
        RoleRequest(
            server=SERVER,
            username="user1",
            role_arn=ROLE,
            session_name=f"user1.{outcome.session_id}@{SERVER_ID}",
            session_policy=None,
        )
    ]
    assert outcome.role_session.principal.user_id == f"AROAEXAMPLE:user1.{outcome.session_id}@{SERVER_ID}"


async def test_no_two_logins_share_a_session():
    bench = Bench()
    outcomes = [(await bench.check.run(SERVER, make_attempt())).outcome for _ in range(2)]
    assert isinstance(outcomes[0], Vouched)
    assert isinstance(outcomes[1], Vouched)
    assert outcomes[0].session_id != outcomes[1].session_id
    assert len(bench.assumer.assumed) == 2


async def test_the_gate_keeps_malformed_names_from_the_provider():
    bench = Bench()
    assert "user name" in await bench.reason(make_attempt(username="a/../b"))
    assert "OFFLINE" in await bench.reason(server=replace(SERVER, state=ServerState.OFFLINE))
    assert bench.provider.asked == []


async def test_whom_the_provider_does_not_vouch_for_gets_no_role():
    bench = Bench(None)
    assert await bench.reason() == "the identity provider vouches for nobody"
    assert await bench.reason(make_attempt(username="stranger")) == "Lambda IDP authentication failure"
    assert bench.assumer.assumed == []


async def test_the_answer_is_passed_on_with_the_refusal():
    bench = Bench(None)
    checked = await bench.check.run(SERVER, make_attempt(username="stranger"))
    assert checked.answer.message == "Lambda IDP authentication failure"


async def test_an_empty_password_admits_nobody_even_where_the_provider_answers_with_a_role():
    # Providers take an event without a password for the question which keys a user has.
    bench = Bench()
    assert await bench.reason(make_attempt(credential=Password(""))) == "no password was given"
    assert bench.provider.asked  # the provider's own reason is in its log
    assert bench.assumer.assumed == []


async def test_an_answer_with_keys_does_not_vouch_for_a_password():
    bench = Bench(replace(IDENTITY, public_keys=(KEY,)))
    assert "PublicKeys" in await bench.reason()
    assert bench.assumer.assumed == []


@pytest.mark.parametrize("listed", [KEY, KEY.rsplit(" ", 1)[0], f"{KEY} and more", f" {KEY}\n"])
async def test_a_listed_key_is_vouched_for_whatever_its_comment(listed: str):
    bench = Bench(replace(IDENTITY, public_keys=(OTHER, listed)))
    assert await bench.reason(make_attempt(credential=PublicKey(KEY))) == ""


@pytest.mark.parametrize("algorithm", ["ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp521", "ssh-ed25519"])
async def test_keys_of_every_kind_are_known_again(algorithm: str):
    bench = Bench(replace(IDENTITY, public_keys=(OTHER, true_line(algorithm))))
    assert await bench.reason(make_attempt(credential=PublicKey(f"{true_line(algorithm)} mine"))) == ""


@pytest.mark.parametrize("listed", [(), ("",), (OTHER,), (KEY.replace("ssh-ed25519", "ssh-rsa"),), (OTHER, KEY[:-40])])
async def test_any_other_key_is_refused_by_its_fingerprint(listed: tuple[str, ...]):
    bench = Bench(replace(IDENTITY, public_keys=listed))
    reason = await bench.reason(make_attempt(credential=PublicKey(KEY)))
    assert f"the key {parse_public_key(KEY).fingerprint} is none of the {len(listed)}" in reason
    assert bench.assumer.assumed == []


async def test_lines_that_are_no_keys_lock_nobody_out_and_are_named_in_the_reason():
    listed = ("none", KEY, "ssh-dss AAAAB3NzaC1kc3MAAACB", "")
    bench = Bench(replace(IDENTITY, public_keys=listed))
    assert await bench.reason(make_attempt(credential=PublicKey(KEY))) == ""
    reason = await bench.reason(make_attempt(credential=PublicKey(OTHER)))
    assert "number 1: the public key is not one line" in reason
    assert "number 3: the key type is none of" in reason
    assert "number 2" not in reason


async def test_of_a_list_without_end_only_so_many_keys_are_looked_at():
    listed = (*(f"{OTHER} {number}" for number in range(MAX_KEYS)), KEY)
    assert listed_keys(listed[1:]).refusal(PublicKey(KEY)) == ""
    assert f"only the first {MAX_KEYS}" in listed_keys(listed).refusal(PublicKey(KEY))


@pytest.mark.parametrize("key", ["", "ssh-ed25519", " ", KEY[:-30]])
async def test_half_a_key_matches_nothing(key: str):
    bench = Bench(replace(IDENTITY, public_keys=("", "ssh-ed25519", key)))
    assert "cannot be used" in await bench.reason(make_attempt(credential=PublicKey(key)))
    assert bench.assumer.assumed == []


async def test_asking_makes_no_session_and_vouching_asks_nobody():
    bench = Bench(replace(IDENTITY, public_keys=(KEY,)))
    attempt = make_attempt(credential=PublicKey(KEY))
    said = await bench.check.ask(SERVER, attempt)
    assert isinstance(said, IdentityAnswer)
    assert bench.assumer.assumed == []
    checked = await bench.check.vouch(SERVER, attempt, said)
    assert isinstance(checked.outcome, Vouched)
    assert len(bench.provider.asked) == 1


async def test_vouching_looks_at_the_credential_and_the_gate_itself():
    bench = Bench(replace(IDENTITY, public_keys=(KEY,)))
    said = answer(replace(IDENTITY, public_keys=(KEY,)))
    for server, key, reason in ((SERVER, OTHER, "none of the 1"), (replace(SERVER, protocols=()), KEY, "not speak")):
        outcome = (await bench.check.vouch(server, make_attempt(credential=PublicKey(key)), said)).outcome
        assert isinstance(outcome, Refusal)
        assert reason in outcome.reason
    assert bench.assumer.assumed == []


async def test_who_does_not_pass_the_gate_is_not_asked_about():
    bench = Bench()
    said = await bench.check.ask(SERVER, make_attempt(username="a/../b", credential=PublicKey(KEY)))
    assert isinstance(said, Refusal)
    assert bench.provider.asked == []


async def test_the_session_policy_is_filled_for_the_user():
    bench = Bench(replace(IDENTITY, session_policy=TEMPLATE))
    outcome = (await bench.check.run(SERVER, make_attempt())).outcome
    assert isinstance(outcome, Vouched)
    assert outcome.session_policy == bench.assumer.assumed[0].session_policy
    policy = json.loads(outcome.session_policy or "")
    assert policy["Statement"][0]["Resource"] == "arn:aws:s3:::bucket/home/*"


async def test_a_session_policy_that_cannot_be_filled_refuses_the_login():
    # A logical home has no bucket to name.
    bench = Bench(replace(IDENTITY, session_policy=TEMPLATE, home=TREE))
    assert "session policy" in await bench.reason()
    bench = Bench(replace(IDENTITY, session_policy="not json"))
    assert "session policy" in await bench.reason()
    assert bench.assumer.assumed == []


async def test_a_role_that_cannot_be_assumed_refuses_the_login():
    bench = Bench()
    bench.assumer.refusal = "its trust policy does not admit transfer.amazonaws.com"
    assert await bench.reason() == f"the role {ROLE} cannot be assumed: {bench.assumer.refusal}"


SECRET = 'secret"pw'


@pytest.mark.parametrize("spelled", [SECRET, json.dumps(SECRET), repr(SECRET)])
async def test_a_provider_that_fails_over_the_password_does_not_tell_it(spelled: str):
    bench = Bench()
    bench.provider.answers["user1"] = answer(None, f"NameError: x {spelled}")
    checked = await bench.check.run(SERVER, make_attempt(credential=Password(SECRET)))
    told = f"NameError: x {spelled.replace(SECRET, '****')}" if SECRET in spelled else None
    assert isinstance(checked.outcome, Refusal)
    for text in (checked.outcome.reason, checked.answer.message):
        assert "****" in text
        assert "secret" not in text
        assert told in (None, text)


async def test_a_role_that_holds_the_password_is_refused_without_it():
    bench = Bench(replace(IDENTITY, role_arn="arn:aws:iam::111111111111:role/secretpw"))
    bench.assumer.refusal = "there is no role secretpw in account 111111111111"
    assert await bench.reason(make_attempt(credential=Password("secretpw"))) == (
        "the role arn:aws:iam::111111111111:role/**** cannot be assumed: there is no role **** in account 111111111111"
    )


async def test_a_response_that_vouches_for_nobody_is_shown_without_the_password_and_a_good_one_as_it_came():
    bench = Bench()
    attempt = make_attempt(credential=Password("secretpw"))
    for identity, shown in ((None, '{"seen": "****"}'), (IDENTITY, '{"seen": "secretpw"}')):
        said = replace(answer(identity), response='{"seen": "secretpw"}')
        bench.provider.answers["user1"] = said
        assert (await bench.check.run(SERVER, attempt)).answer == replace(said, response=shown)


async def test_a_long_reason_is_cut_only_when_no_part_of_the_password_can_be_left():
    bench = Bench()
    bench.provider.answers["user1"] = answer(None, "x" * (MAX_MESSAGE - 4) + " secretpw")
    checked = await bench.check.run(SERVER, make_attempt(credential=Password("secretpw")))
    assert checked.outcome == Refusal(reason="x" * (MAX_MESSAGE - 4) + " ***")
    assert checked.answer.message == checked.outcome.reason


async def test_a_key_is_no_secret():
    bench = Bench()
    bench.provider.answers["user1"] = answer(None, f"no user has {KEY}")
    assert await bench.reason(make_attempt(credential=PublicKey(KEY))) == f"no user has {KEY}"


class SlowProvider:
    """Answers when its gate opens, and counts who is inside."""

    def __init__(self) -> None:
        self.gate = asyncio.Event()
        self.inside = 0
        self.most = 0

    async def identify(self, server: Server, attempt: LoginAttempt) -> IdentityAnswer:
        self.inside += 1
        self.most = max(self.most, self.inside)
        try:
            await self.gate.wait()
        finally:
            self.inside -= 1
        return answer(IDENTITY)


def slow_check(provider: SlowProvider, *, concurrent: int, timeout_s: float) -> LoginCheck:
    return LoginCheck(
        provider=provider,
        assumer=MemoryAssumer(clock=FakeClock(), s3=MemoryS3()),
        entropy=CountingEntropy(),
        concurrent=concurrent,
        timeout_s=timeout_s,
    )


async def test_only_so_many_logins_are_checked_at_once():
    provider = SlowProvider()
    check = slow_check(provider, concurrent=3, timeout_s=30)
    async with asyncio.TaskGroup() as tasks:
        logins = [tasks.create_task(check.run(SERVER, make_attempt())) for _ in range(10)]
        for _ in range(20):
            await asyncio.sleep(0)
        assert provider.inside == 3
        provider.gate.set()
    assert provider.most == 3
    assert all(isinstance(login.result().outcome, Vouched) for login in logins)


async def test_a_provider_that_does_not_answer_refuses_and_frees_its_turn(caplog: pytest.LogCaptureFixture):
    provider = SlowProvider()
    check = slow_check(provider, concurrent=1, timeout_s=0)
    for _ in range(3):
        outcome = (await check.run(SERVER, make_attempt())).outcome
        assert outcome == Refusal(reason="the login took longer than 0 s")
    assert provider.inside == 0
    (record,) = caplog.records
    assert (record.levelname, record.message, record.server_id) == (
        "WARNING",
        "logins are not decided in time",
        SERVER_ID,
    )
    assert "login.timeout_s" in record.reason


async def test_the_log_says_once_that_a_provider_cannot_be_asked_and_once_that_it_can(
    caplog: pytest.LogCaptureFixture,
):
    bench = Bench()
    well = bench.provider.answers["user1"]
    bench.provider.answers["user1"] = replace(well, identity=None, is_silent=True, message="no route; secret was sent")
    for _ in range(2):
        assert await bench.reason(make_attempt(credential=Password("secret")))
    bench.provider.answers["user1"] = well
    assert not await bench.reason()
    first, last = caplog.records
    assert (first.levelname, first.message) == ("WARNING", "an identity provider does not answer")
    assert (first.server_id, last.message) == (SERVER_ID, "an identity provider answers again")
    assert "no route" in first.reason
    assert "secret" not in first.reason
