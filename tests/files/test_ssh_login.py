"""Logging in over SSH: keys asked about and proved, passwords, and both."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.clock import FakeClock
from tests.fakes.logins import IDENTITY, SERVER_ID
from tests.fakes.public_keys import ed25519_line, true_line
from tests.fakes.ssh_logins import AND, BAD, GOOD, KEY, KEYS, OR, OTHERS_KEY, WRONG_KEY, Bench, sftp_server

from crossdock.core.homes import PathHome
from crossdock.core.logins import Password, Refusal
from crossdock.core.servers import FileProtocol, IdentityProviderType, ServerState
from crossdock.files.session import Session
from crossdock.files.ssh_login import KEYS_LAST_S, Partial, SshLogin


async def session_by_key(login: SshLogin, key: str = KEY) -> Session:
    assert await login.offered("user1", key)
    outcome = await login.proved("user1", key)
    assert isinstance(outcome, Session)
    return outcome


@pytest.mark.parametrize("methods", ["", OR, "PUBLIC_KEY"])
async def test_a_key_of_the_users_logs_in(methods: str):
    bench = Bench(methods)
    session = await session_by_key(bench.login)
    assert (session.username, session.source_ip, session.protocol) == ("user1", "192.0.2.7", FileProtocol.SFTP)
    assert bench.log.activities() == ["CONNECTED"]
    assert bench.clock.monotonic() == FakeClock().monotonic()


async def test_the_provider_is_asked_once_for_the_keys_that_are_tried_and_proved():
    bench = Bench()
    for number in range(5):
        assert not await bench.login.offered("user1", ed25519_line(f"spare{number}"))
    await session_by_key(bench.login)
    (attempt,) = bench.provider.asked
    assert (attempt.username, attempt.protocol, attempt.source_ip) == ("user1", FileProtocol.SFTP, "192.0.2.7")
    assert not isinstance(attempt.credential, Password)


async def test_what_was_said_of_the_keys_is_forgotten_in_time():
    bench = Bench()
    assert await bench.login.offered("user1", KEY)
    bench.clock.advance(KEYS_LAST_S)
    bench.provider.keys["user1"] = (OTHERS_KEY,)
    assert isinstance(await bench.login.proved("user1", KEY), Refusal)
    assert len(bench.provider.asked) == 2


async def test_a_key_that_is_signed_with_before_it_was_asked_about_is_looked_up_then():
    bench = Bench()
    assert isinstance(await bench.login.proved("user1", KEY), Session)
    assert isinstance(await bench.connect().proved("user1", WRONG_KEY), Refusal)


async def test_being_asked_about_proves_nothing():
    bench = Bench(AND)
    assert await bench.login.offered("user1", KEY)
    assert isinstance(await bench.login.password("user1", GOOD), Refusal)
    assert bench.assumer.assumed == []
    assert len(bench.provider.asked) == 1


@pytest.mark.parametrize("methods", ["", OR, "PASSWORD"])
async def test_a_password_logs_in_and_a_wrong_one_does_not(methods: str):
    bench = Bench(methods)
    refusal = await bench.login.password("user1", BAD)
    assert refusal == Refusal(reason="Lambda IDP authentication failure")
    assert isinstance(await bench.login.password("user1", GOOD), Session)
    assert [attempt.credential for attempt in bench.provider.asked] == [BAD, GOOD]


async def test_where_both_are_wanted_the_provider_is_asked_twice_and_the_role_assumed_once():
    bench = Bench(AND)
    assert bench.login.methods("user1") == {"publickey"}
    assert await bench.login.offered("user1", KEY)
    partial = await bench.login.proved("user1", KEY)
    assert partial == Partial(wanted=bench.login.methods("user1"))
    assert bench.login.methods("user1") == {"password"}
    assert bench.assumer.assumed == []
    assert isinstance(await bench.login.password("user1", BAD), Refusal)
    assert bench.login.methods("user1") == {"password"}
    assert isinstance(await bench.login.password("user1", GOOD), Session)
    assert [isinstance(attempt.credential, Password) for attempt in bench.provider.asked] == [False, True, True]
    assert len(bench.assumer.assumed) == 1


async def test_of_two_factors_the_passwords_answer_says_whose_home_it_is():
    bench = Bench(AND)
    bench.provider.by_password = replace(IDENTITY, home=PathHome(root="/bucket/by-password"))
    assert isinstance(await bench.login.proved("user1", KEY), Partial)
    session = await bench.login.password("user1", GOOD)
    assert isinstance(session, Session)
    assert session.initial_directory == "/bucket/by-password"


async def test_an_answer_to_the_password_that_holds_keys_vouches_for_nobody():
    bench = Bench(AND)
    bench.provider.by_password = replace(IDENTITY, public_keys=(KEY,))
    assert isinstance(await bench.login.proved("user1", KEY), Partial)
    refusal = await bench.login.password("user1", GOOD)
    assert isinstance(refusal, Refusal)
    assert "leave PublicKeys out" in refusal.reason


async def test_what_one_user_has_shown_is_worth_nothing_to_another():
    bench = Bench(AND)
    assert isinstance(await bench.login.proved("user1", KEY), Partial)
    assert bench.login.methods("user2") == {"publickey"}
    assert isinstance(await bench.login.password("user2", GOOD), Refusal)
    assert isinstance(await bench.login.password("user1", GOOD), Refusal)
    assert bench.assumer.assumed == []


@pytest.mark.parametrize(
    ("methods", "kind", "offered"),
    [
        ("", IdentityProviderType.AWS_LAMBDA, {"publickey", "password"}),
        (OR, IdentityProviderType.API_GATEWAY, {"publickey", "password"}),
        ("PUBLIC_KEY", IdentityProviderType.AWS_LAMBDA, {"publickey"}),
        ("PASSWORD", IdentityProviderType.AWS_LAMBDA, {"password"}),
        (AND, IdentityProviderType.AWS_LAMBDA, {"publickey"}),
        ("", IdentityProviderType.SERVICE_MANAGED, {"publickey"}),
        ("", IdentityProviderType.AWS_DIRECTORY_SERVICE, {"password"}),
    ],
)
def test_the_server_says_what_may_be_tried_first_whoever_it_is(
    methods: str, kind: IdentityProviderType, offered: set[str]
):
    bench = Bench(methods, kind=kind)
    assert bench.login.methods("user1") == bench.login.methods("stranger") == offered


async def test_service_managed_users_have_no_passwords_and_nobody_is_asked_about_one():
    bench = Bench(kind=IdentityProviderType.SERVICE_MANAGED)
    began = bench.clock.monotonic()
    assert isinstance(await bench.login.password("user1", GOOD), Refusal)
    assert (bench.provider.asked, bench.lasted(began)) == ([], 1.0)
    await session_by_key(bench.login)


async def test_a_key_is_not_asked_about_where_only_passwords_count():
    bench = Bench("PASSWORD")
    assert not await bench.login.offered("user1", KEY)
    assert isinstance(await bench.login.proved("user1", KEY), Refusal)
    assert bench.provider.asked == []


@pytest.mark.parametrize("algorithm", ["ssh-rsa", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp521", "ssh-ed25519"])
async def test_keys_of_every_kind_log_in_beside_lines_that_are_none(algorithm: str):
    bench = Bench()
    bench.provider.keys["user1"] = ("ssh-dss AAAA", "", f"{true_line(algorithm)} of the user")
    await session_by_key(bench.login, true_line(algorithm))


async def test_what_is_no_key_is_refused_and_not_quoted():
    bench = Bench()
    for text in ("", "ssh-ed25519", "PRIVATE KEY", KEY[:-20]):
        assert not await bench.login.offered("user1", text)
    assert "PRIVATE" not in str(bench.log.events)


def strangers() -> list[Bench]:
    """Four connections on which every key of `user1` fails, each for another reason."""
    unknown, without_keys, failing, garbled = (Bench(check_s=check_s) for check_s in (0.02, 0.3, 0.2, 0.1))
    del unknown.provider.keys["user1"]
    without_keys.provider.keys["user1"] = (OTHERS_KEY,)
    failing.provider.failure = "the identity provider's function failed"
    garbled.provider.keys["user1"] = ("no key", "ssh-rsa AAAA")
    return [unknown, without_keys, failing, garbled]


@pytest.mark.parametrize("first", ["offered", "proved", "password"])
async def test_an_unknown_user_a_wrong_key_and_a_failing_provider_look_and_last_the_same(first: str):
    seen = set()
    for bench in strangers():
        steps: list[tuple[object, float]] = []
        began = bench.clock.monotonic()
        if first == "password":
            steps.append((type(await bench.login.password("user1", BAD)), bench.lasted(began)))
        if first == "proved":
            steps.append((type(await bench.login.proved("user1", WRONG_KEY)), bench.lasted(began)))
        for number in range(3):
            steps.append((await bench.login.offered("user1", ed25519_line(f"{number}")), bench.lasted(began)))
        steps.append((type(await bench.login.proved("user1", WRONG_KEY)), bench.lasted(began)))
        steps.append((type(await bench.login.password("user1", BAD)), bench.lasted(began)))
        steps.append((bench.login.methods("user1"), bench.lasted(began)))
        seen.add(tuple(steps))
    assert len(seen) == 1
    assert seen.pop()[0][1] == 1.0


async def test_each_name_waits_for_itself_and_a_name_with_many_keys_once():
    bench = Bench(check_s=0.1)
    began = bench.clock.monotonic()
    for number in range(4):
        assert not await bench.login.offered("user1", ed25519_line(f"{number}"))
    assert bench.lasted(began) == 1.0
    assert not await bench.login.offered("stranger", KEY)
    assert bench.lasted(began) == 2.0
    assert not await bench.login.offered("user1", WRONG_KEY)
    assert bench.lasted(began) == 3.0


async def test_each_wrong_password_waits_for_itself():
    bench = Bench(check_s=0.1)
    began = bench.clock.monotonic()
    for name in ("user1", "user1", "stranger"):
        assert isinstance(await bench.login.password(name, BAD), Refusal)
    assert bench.lasted(began) == 3.0


async def test_a_right_key_whose_role_cannot_be_assumed_is_a_failure_like_any_other():
    bench = Bench()
    bench.assumer.refusal = "its trust policy does not admit transfer.amazonaws.com"
    assert await bench.login.offered("user1", KEY)
    began = bench.clock.monotonic()
    assert isinstance(await bench.login.proved("user1", KEY), Refusal)
    assert bench.lasted(began) == 1.0
    assert "trust policy" in bench.failures()[0]


async def test_every_failed_key_and_password_is_in_the_log_once_with_its_reason():
    bench = Bench()
    assert not await bench.login.offered("user1", WRONG_KEY)
    assert isinstance(await bench.login.proved("user1", WRONG_KEY), Refusal)
    assert not await bench.login.offered("user1", OTHERS_KEY)
    assert isinstance(await bench.login.password("user1", BAD), Refusal)
    assert isinstance(await bench.login.password("user1", BAD), Refusal)
    reasons = bench.failures()
    assert [reason.rpartition(" ")[2] for reason in reasons] == ["has", "has", "failure", "failure"]
    assert [event["method"] for _, event in bench.log.events] == ["publickey"] * 2 + ["password"] * 2
    assert reasons[0] != reasons[1]


async def test_no_password_reaches_the_log_or_a_repr():
    bench = Bench()
    outcomes = [await bench.login.password("user1", password) for password in (BAD, Password(""), GOOD)]
    told = f"{bench.log.events} {outcomes!r} {vars(bench.login)!r} {bench.provider.asked!r}"
    assert "sesame" not in told
    assert "barley" not in told


async def test_after_a_session_nothing_more_is_admitted():
    bench = Bench()
    await session_by_key(bench.login)
    assert bench.login.methods("user1") == bench.login.methods("user2") == frozenset()
    assert not await bench.login.offered("user1", KEY)
    for outcome in (await bench.login.proved("user1", KEY), await bench.login.password("user2", GOOD)):
        assert outcome == Refusal(reason="somebody has logged in on this connection already")
    assert len(bench.assumer.assumed) == 1


async def test_a_session_too_many_is_refused_and_another_try_is_open():
    bench = Bench(per_user=1)
    session = await session_by_key(bench.login)
    late = bench.connect()
    assert isinstance(await late.proved("user1", KEY), Refusal)
    session.disconnected()
    await session_by_key(late)


async def test_what_the_owner_changes_meanwhile_counts():
    bench = Bench()
    assert await bench.login.offered("user1", KEY)
    bench.directory.known = (sftp_server(AND),)
    partial = await bench.login.proved("user1", KEY)
    assert isinstance(partial, Partial)
    assert partial.wanted == {"password"}
    bench.directory.known = ()
    refusal = await bench.login.password("user1", GOOD)
    assert refusal == Refusal(reason=f"there is no server {SERVER_ID}")
    assert not await bench.login.offered("user2", OTHERS_KEY)
    assert bench.assumer.assumed == []


@pytest.mark.parametrize("ask", [SshLogin.offered, SshLogin.proved])
async def test_who_is_cut_off_while_the_provider_thinks_has_shown_nothing(ask: Callable[..., Awaitable[object]]):
    bench = Bench(AND)
    bench.provider.gate = asyncio.Event()
    task = asyncio.ensure_future(ask(bench.login, "user1", KEY))
    await bench.provider.reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.login.methods("user1") == {"publickey"}
    bench.provider.gate.set()
    assert isinstance(await bench.login.proved("user1", KEY), Partial)
    assert len(bench.provider.asked) == 2


async def test_who_is_cut_off_while_waiting_gains_nothing_by_asking_again():
    bench = Bench()
    waiting = asyncio.Event()

    async def wait_for_ever(_seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    admission = replace(bench.admission, sleep=wait_for_ever)
    impatient = SshLogin(admission=admission, server=sftp_server(), source_ip="192.0.2.7")
    for _ in range(2):
        waiting.clear()
        task = asyncio.ensure_future(impatient.offered("user1", WRONG_KEY))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert len(bench.provider.asked) == 1


async def test_an_offer_in_another_name_forgets_what_was_shown():
    bench = Bench(AND)
    assert isinstance(await bench.login.proved("user1", KEY), Partial)
    await bench.login.offered("stranger", WRONG_KEY)
    assert bench.login.methods("user1") == {"publickey"}
    assert isinstance(await bench.login.password("user1", GOOD), Refusal)


async def test_a_second_key_is_not_wanted_after_the_first():
    bench = Bench(AND)
    assert isinstance(await bench.login.proved("user1", KEY), Partial)
    assert not await bench.login.offered("user1", KEY)
    assert isinstance(await bench.login.proved("user1", KEY), Refusal)
    assert bench.login.methods("user1") == {"password"}


async def test_a_password_before_the_key_is_refused_slowly_and_nobody_is_asked_about_it():
    bench = Bench(AND)
    for name in ("user1", "stranger"):
        began = bench.clock.monotonic()
        assert isinstance(await bench.login.password(name, GOOD), Refusal)
        assert bench.lasted(began) == 1.0
    assert bench.provider.asked == []
    assert bench.failures() == ["the password is not what is wanted now; publickey is"] * 2


async def test_a_server_that_is_being_stopped_admits_nobody_whose_key_it_knew():
    bench = Bench()
    assert await bench.login.offered("user1", KEY)
    bench.directory.known = (replace(sftp_server(), state=ServerState.STOPPING),)
    assert isinstance(await bench.login.proved("user1", KEY), Refusal)
    assert bench.failures() == [f"server {SERVER_ID} is STOPPING"]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["offered", "proved", "password", "waited"]),
        st.sampled_from(["user1", "user1", "user1", "user2", "stranger", "no name"]),
        st.sampled_from([True, True, False]),
    ),
    min_size=1,
    max_size=8,
)
ENOUGH = {
    "": [{"proved"}, {"password"}],
    "PUBLIC_KEY": [{"proved"}],
    "PASSWORD": [{"password"}],
    OR: [{"proved"}, {"password"}],
    AND: [{"proved", "password"}],
}


@pytest.mark.parametrize("methods", ENOUGH)
@given(steps=STEPS)
async def test_nobody_has_a_session_without_every_factor_that_is_wanted(
    methods: str, steps: list[tuple[str, str, bool]]
):
    bench = Bench(methods)
    shown: set[str] = set()
    last = ""
    for step, name, is_honest in steps:
        if step == "waited":
            bench.clock.advance(KEYS_LAST_S)
            continue
        if name != last:
            shown, last = set(), name
        is_right = is_honest and name in KEYS
        key = KEYS.get(name, (KEY,))[0] if is_honest else WRONG_KEY
        if step == "offered":
            assert not await bench.login.offered(name, key) or is_right
            continue
        if step == "proved":
            outcome = await bench.login.proved(name, key)
        else:
            outcome = await bench.login.password(name, GOOD if is_honest else BAD)
        assert is_right or isinstance(outcome, Refusal)
        if is_right:
            shown.add(step)
        assert isinstance(outcome, Session) <= any(way <= shown for way in ENOUGH[methods])
        if isinstance(outcome, Session):
            assert outcome.username == name
            break
