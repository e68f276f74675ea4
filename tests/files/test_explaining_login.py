"""The login's part of the walk, for who logs in by key: it comes to what a login over SSH comes to."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.house import CountingEntropy
from tests.fakes.logins import IDENTITY, SERVER, MemoryDirectory
from tests.fakes.object_store import MemoryS3
from tests.fakes.public_keys import CURVES, ed25519_line, true_line
from tests.fakes.ssh_logins import AND, BAD, GOOD, KEY, OR, OTHERS_KEY, WRONG_KEY, Bench, Provider, sftp_server
from tests.files.test_explaining import FakeTrial

from crossdock.core.homes import PathHome
from crossdock.core.logins import Factor, Password, ways_in
from crossdock.core.security_policies import SECURITY_POLICIES
from crossdock.core.servers import FileProtocol, IdentityProviderType, Server
from crossdock.core.ssh_public_keys import parse_public_key
from crossdock.files.explaining import Explainer
from crossdock.files.explanations import Explanation, Outcome, Question
from crossdock.files.session import Session

METHODS = ["", OR, AND, "PUBLIC_KEY", "PASSWORD"]


async def ask(
    server: Server,
    provider: Provider,
    *,
    key: str | None = None,
    password: Password | None = None,
    username: str = "user1",
    protocol: FileProtocol | None = None,
) -> Explanation:
    s3 = MemoryS3()
    s3.add_bucket("bucket")
    explainer = Explainer(
        servers=MemoryDirectory((server,)), provider=provider, trial=FakeTrial(s3), entropy=CountingEntropy()
    )
    question = Question(
        server_id=server.server_id,
        username=username,
        command="put",
        path="a.csv",
        protocol=protocol,
        password=password,
        public_key=None if key is None else parse_public_key(key),
    )
    return await explainer.explain(question)


def told(found: Explanation) -> list[tuple[str, Outcome]]:
    return [(step.name, step.outcome) for step in found.steps]


async def test_a_key_of_the_users_is_told_by_its_number_and_fingerprint():
    provider = Provider(keys={"user1": (OTHERS_KEY, "no key", KEY, KEY)})
    found = await ask(sftp_server(), provider, key=KEY)
    assert told(found)[:4] == [
        ("server", Outcome.ALLOWED),
        ("identity provider", Outcome.ALLOWED),
        ("public key", Outcome.ALLOWED),
        ("role", Outcome.ALLOWED),
    ]
    assert found.outcome is Outcome.ALLOWED
    step = found.steps[2]
    assert step.subject == parse_public_key(KEY).fingerprint
    assert step.reason == "it is number 3 of the user's 4, and may sign with ssh-ed25519"
    (attempt,) = provider.asked
    assert not isinstance(attempt.credential, Password)


async def test_a_key_of_nobodys_is_told_with_those_that_there_are():
    found = await ask(sftp_server(), Provider(), key=WRONG_KEY)
    assert told(found)[-1] == ("public key", Outcome.DENIED)
    step = found.steps[-1]
    wrong, mine = parse_public_key(WRONG_KEY).fingerprint, parse_public_key(KEY).fingerprint
    assert step.reason == f"the key {wrong} is none of the 1 that the user has"
    assert step.remedy == (f"let the identity provider return this key in PublicKeys (those that there are: {mine})")


async def test_a_server_that_knows_its_users_itself_is_told_to_import_the_key():
    found = await ask(sftp_server(kind=IdentityProviderType.SERVICE_MANAGED), Provider(), key=WRONG_KEY)
    assert found.steps[-1].remedy.startswith(
        "aws transfer import-ssh-public-key --server-id s-0123456789abcdef0 --user-name user1 "
        "--ssh-public-key-body 'ssh-ed25519 …' (those that there are: SHA256:"
    )


async def test_where_both_are_wanted_the_provider_is_asked_twice_and_the_passwords_answer_counts():
    provider = Provider(by_password=replace(IDENTITY, home=PathHome(root="/bucket/by-password")))
    found = await ask(sftp_server(AND), provider, key=KEY, password=GOOD)
    assert told(found)[1:4] == [
        ("identity provider", Outcome.ALLOWED),
        ("public key", Outcome.ALLOWED),
        ("password", Outcome.ALLOWED),
    ]
    assert [isinstance(attempt.credential, Password) for attempt in provider.asked] == [False, True]
    assert any(step.reason == "a.csv is s3://bucket/by-password/a.csv" for step in found.steps)
    wrong = await ask(sftp_server(AND), Provider(), key=KEY, password=BAD)
    assert told(wrong)[-1] == ("password", Outcome.DENIED)


async def test_where_both_are_wanted_one_is_not_enough_and_the_other_is_asked_for():
    found = await ask(sftp_server(AND), Provider(), key=KEY)
    assert (told(found)[-1], found.outcome) == (("password", Outcome.UNKNOWN), Outcome.UNKNOWN)
    assert found.conclusion.endswith("To change that: give that too (--password-stdin).")
    provider = Provider()
    found = await ask(sftp_server(AND), provider, password=GOOD)
    assert told(found)[-1] == ("identity provider", Outcome.UNKNOWN)
    assert "(--public-key FILE)" in found.conclusion
    assert provider.asked == []


async def test_both_where_one_is_enough_is_no_question():
    provider = Provider()
    found = await ask(sftp_server(OR), provider, key=KEY, password=GOOD)
    assert told(found) == [("server", Outcome.UNKNOWN)]
    assert "leave out --public-key or --password-stdin" in found.conclusion
    assert provider.asked == []


@pytest.mark.parametrize(
    ("server", "protocol", "words"),
    [
        (sftp_server("PASSWORD"), None, "admits nobody by publickey over SFTP"),
        (SERVER, None, "admits nobody by publickey over FTP"),
        (replace(sftp_server(), protocols=tuple(FileProtocol)), FileProtocol.FTPS, "nobody by publickey over FTPS"),
    ],
)
async def test_where_no_key_is_taken_the_server_says_so(server, protocol, words):
    found = await ask(server, Provider(), key=KEY, protocol=protocol)
    assert told(found) == [("server", Outcome.DENIED)]
    assert words in found.conclusion


async def test_a_key_is_sftps_where_the_server_speaks_more():
    provider = Provider()
    server = replace(sftp_server(), protocols=(FileProtocol.FTP, FileProtocol.SFTP))
    assert (await ask(server, provider, key=KEY)).outcome is Outcome.ALLOWED
    assert [attempt.protocol for attempt in provider.asked] == [FileProtocol.SFTP]


@pytest.mark.parametrize("policy", SECURITY_POLICIES)
async def test_the_signatures_are_those_of_the_security_policy(policy):
    server = replace(sftp_server(), security_policy=policy)
    for kind in ("ssh-rsa", "ssh-ed25519", *CURVES):
        key = true_line(kind)
        found = await ask(server, Provider(keys={"user1": (key,)}), key=key)
        signatures = found.steps[2].reason.partition("may sign with ")[2].split(" or ")
        admitted = SECURITY_POLICIES[policy].ssh_host_keys
        assert set(signatures) <= set(admitted)
        assert ("ssh-rsa" in signatures) is (kind == "ssh-rsa" and "ssh-rsa" in admitted)


async def test_a_policy_without_signatures_of_the_key_refuses_it_before_the_provider_is_asked(monkeypatch):
    narrow = {"narrow": replace(SECURITY_POLICIES["TransferSecurityPolicy-2024-01"], ssh_host_keys=("rsa-sha2-256",))}
    monkeypatch.setattr("crossdock.files.explaining_login.SECURITY_POLICIES", narrow)
    provider = Provider()
    found = await ask(replace(sftp_server(), security_policy="narrow"), provider, key=KEY)
    assert told(found)[-1] == ("public key", Outcome.DENIED)
    assert "has no signatures of ssh-ed25519" in found.conclusion
    unknown = await ask(replace(sftp_server(), security_policy="of the day after"), provider, key=KEY)
    assert told(unknown)[-1] == ("public key", Outcome.UNKNOWN)
    assert provider.asked == []


@given(
    methods=st.sampled_from(METHODS),
    kind=st.sampled_from([IdentityProviderType.AWS_LAMBDA, IdentityProviderType.SERVICE_MANAGED]),
    username=st.sampled_from(["user1", "user2", "nobody", "x"]),
    key=st.sampled_from([None, KEY, WRONG_KEY, OTHERS_KEY, ed25519_line("fourth")]),
    password=st.sampled_from([None, GOOD, BAD, Password("")]),
)
async def test_it_is_allowed_exactly_where_a_login_over_ssh_opens_a_session(methods, kind, username, key, password):
    if key is None and password is None:
        return
    bench = Bench(methods, kind=kind)
    outcome: object = None
    if key is not None and await bench.login.offered(username, key):
        outcome = await bench.login.proved(username, key)
    if password is not None and not isinstance(outcome, Session):
        outcome = await bench.login.password(username, password)
    server = sftp_server(methods, kind)
    found = await ask(server, Provider(), key=key, password=password, username=username)
    wants_both = frozenset(Factor) in ways_in(server, FileProtocol.SFTP)
    if key is not None and password is not None and not wants_both:
        assert found.outcome is not Outcome.ALLOWED  # one of them is to be asked about
    else:
        assert (found.outcome is Outcome.ALLOWED) is isinstance(outcome, Session)
