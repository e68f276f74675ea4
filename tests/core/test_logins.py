"""What is decided about a login before anybody is asked."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.core.homes import PathHome
from crossdock.core.ids import AccountId, ServerId
from crossdock.core.logins import (
    NO_KEY,
    Credential,
    Factor,
    Identity,
    LoginAttempt,
    Password,
    PublicKey,
    Refusal,
    factor_of,
    gate,
    is_username,
    next_factors,
    nothing_shown,
    session_name,
    ways_in,
    whose_session,
)
from crossdock.core.servers import (
    EndpointType,
    FileProtocol,
    IdentityProviderChoice,
    IdentityProviderType,
    Server,
    ServerState,
)

SERVER_ID = ServerId("s-0123456789abcdef0")


def make_server(state: ServerState = ServerState.ONLINE) -> Server:
    return Server(
        server_id=SERVER_ID,
        account_id=AccountId("111111111111"),
        region="us-east-1",
        protocols=(FileProtocol.FTP, FileProtocol.SFTP),
        endpoint_type=EndpointType.VPC,
        identity_provider=IdentityProviderChoice(kind=IdentityProviderType.AWS_LAMBDA, function_arn="arn:aws:lambda:x"),
        state=state,
    )


def make_attempt(username: str = "user1", protocol: FileProtocol = FileProtocol.FTP) -> LoginAttempt:
    return LoginAttempt(
        server_id=SERVER_ID,
        username=username,
        credential=Password("open sesame"),
        protocol=protocol,
        source_ip="192.0.2.1",
    )


def test_a_well_formed_attempt_passes_the_gate():
    assert gate(make_server(), make_attempt()) is None


@pytest.mark.parametrize("state", [state for state in ServerState if state not in (ServerState.ONLINE, "STARTING")])
def test_a_server_that_is_not_online_admits_nobody(state: ServerState):
    assert gate(make_server(state), make_attempt()) == Refusal(reason=f"server {SERVER_ID} is {state}")


def test_who_reached_the_port_of_a_server_that_is_just_opening_is_not_sent_away():
    server = make_server(ServerState.STARTING)
    assert gate(server, make_attempt()) is None
    assert gate(replace(server, is_wanted=False), make_attempt()) is not None


def test_a_protocol_that_the_server_does_not_speak_is_refused():
    refusal = gate(make_server(), make_attempt(protocol=FileProtocol.FTPS))
    assert refusal == Refusal(reason=f"server {SERVER_ID} does not speak FTPS")


def test_a_malformed_user_name_never_reaches_a_provider():
    refusal = gate(make_server(), make_attempt(username="../etc"))
    assert refusal is not None
    assert "user name" in refusal.reason


@pytest.mark.parametrize("name", ["abc", "_ab", "a.b", "user@example.com", "9-9", "a" * 100])
def test_names_that_transfer_allows(name: str):
    assert is_username(name)


@pytest.mark.parametrize(
    "name",
    ["", "ab", "a" * 101, ".ab", "-ab", "@ab", "a b", "a/b", "a\\b", "ab\n", "abc\n", "a\0b", "üser", "user１", "a*b"],
)
def test_names_that_transfer_does_not_allow(name: str):
    assert not is_username(name)


def test_a_password_is_never_shown():
    attempt = make_attempt()
    assert "sesame" not in f"{attempt!r} {attempt} {attempt.credential} {attempt.credential!r}"
    assert str(Password("x")) == "****"


def test_a_session_is_named_after_user_session_and_server():
    assert session_name("user1", "9ca9a0e1cec6ad9d", SERVER_ID) == f"user1.9ca9a0e1cec6ad9d@{SERVER_ID}"


@settings(deadline=None)
@given(
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_@.-]{2,99}", fullmatch=True), st.from_regex(r"[0-9a-f]{16}", fullmatch=True)
)
def test_every_session_name_is_one_that_sts_takes_and_keeps_the_session_whole(username: str, session_id: str):
    name = session_name(username, session_id, SERVER_ID)
    assert re.fullmatch(r"[\w+=,.@-]{2,64}", name, re.ASCII)
    assert f".{session_id}" in name
    assert name.startswith(username[:47])
    # One that was cut does not tell whose it was.
    assert whose_session(name) == ((username, SERVER_ID) if len(username) <= 27 else None)


def test_an_identity_without_a_home_starts_nowhere_in_particular():
    identity = Identity(role_arn="arn:aws:iam::111111111111:role/r")
    assert identity.home == PathHome()
    assert identity.public_keys == ()
    assert identity.session_policy is None


def test_a_public_key_is_no_secret():
    assert PublicKey("ssh-ed25519 AAAA") == PublicKey("ssh-ed25519 AAAA")


KEY, PASSWORD = frozenset({Factor.PUBLIC_KEY}), frozenset({Factor.PASSWORD})
EITHER: tuple[frozenset[Factor], ...] = (KEY, PASSWORD)


def with_provider(kind: IdentityProviderType, methods: str = "") -> Server:
    choice = IdentityProviderChoice(kind=kind, sftp_authentication_methods=methods)
    return replace(make_server(), identity_provider=choice)


@pytest.mark.parametrize("kind", [IdentityProviderType.AWS_LAMBDA, IdentityProviderType.API_GATEWAY])
@pytest.mark.parametrize(
    ("methods", "ways"),
    [
        ("", EITHER),
        ("PUBLIC_KEY_OR_PASSWORD", EITHER),
        ("PUBLIC_KEY", (KEY,)),
        ("PASSWORD", (PASSWORD,)),
        ("PUBLIC_KEY_AND_PASSWORD", (KEY | PASSWORD,)),
        ("KEYBOARD", ()),
    ],
)
def test_an_sftp_server_with_a_custom_provider_says_what_it_wants(
    kind: IdentityProviderType, methods: str, ways: tuple[frozenset[Factor], ...]
):
    server = with_provider(kind, methods)
    assert ways_in(server, FileProtocol.SFTP) == ways
    assert ways_in(server, FileProtocol.FTP) == (PASSWORD,)


@pytest.mark.parametrize(
    ("kind", "way"),
    [(IdentityProviderType.SERVICE_MANAGED, KEY), (IdentityProviderType.AWS_DIRECTORY_SERVICE, PASSWORD)],
)
def test_other_providers_have_one_way_in_whatever_is_set(kind: IdentityProviderType, way: frozenset[Factor]):
    assert ways_in(with_provider(kind, "PUBLIC_KEY_AND_PASSWORD"), FileProtocol.SFTP) == (way,)


@pytest.mark.parametrize(
    ("ways", "shown", "wanted"),
    [
        (EITHER, frozenset(), KEY | PASSWORD),
        (EITHER, KEY, frozenset()),
        ((KEY | PASSWORD,), frozenset(), KEY),
        ((KEY | PASSWORD,), KEY, PASSWORD),
        ((KEY | PASSWORD,), PASSWORD, KEY),
        ((KEY | PASSWORD,), KEY | PASSWORD, frozenset()),
        ((KEY,), PASSWORD, frozenset()),
        ((), frozenset(), frozenset()),
    ],
)
def test_of_two_factors_the_key_comes_first(
    ways: tuple[frozenset[Factor], ...], shown: frozenset[Factor], wanted: frozenset[Factor]
):
    assert next_factors(ways, shown) == wanted


@pytest.mark.parametrize(
    ("methods", "credential", "protocol", "reason"),
    [
        ("PUBLIC_KEY", Password("open sesame"), FileProtocol.SFTP, "admits nobody by password over SFTP"),
        ("PASSWORD", PublicKey("ssh-ed25519 AAAA"), FileProtocol.SFTP, "admits nobody by publickey over SFTP"),
        ("PUBLIC_KEY", PublicKey("ssh-ed25519 AAAA"), FileProtocol.FTP, "admits nobody by publickey over FTP"),
        ("PUBLIC_KEY", Password("open sesame"), FileProtocol.FTP, ""),
        ("PUBLIC_KEY_AND_PASSWORD", Password("open sesame"), FileProtocol.SFTP, ""),
        ("PUBLIC_KEY_AND_PASSWORD", PublicKey("ssh-ed25519 AAAA"), FileProtocol.SFTP, ""),
    ],
)
def test_no_provider_is_asked_about_what_its_server_does_not_take(
    methods: str, credential: Credential, protocol: FileProtocol, reason: str
):
    attempt = replace(make_attempt(protocol=protocol), credential=credential)
    refusal = gate(with_provider(IdentityProviderType.AWS_LAMBDA, methods), attempt)
    assert (refusal.reason.partition(f"{SERVER_ID} ")[2] if refusal else "") == reason


def test_no_key_is_a_key_and_an_empty_password_a_password():
    assert (factor_of(NO_KEY), factor_of(Password(""))) == ("publickey", "password")


@pytest.mark.parametrize(
    ("methods", "protocol", "credential"),
    [
        ("", FileProtocol.SFTP, NO_KEY),
        ("PUBLIC_KEY_AND_PASSWORD", FileProtocol.SFTP, NO_KEY),
        ("PASSWORD", FileProtocol.SFTP, Password("")),
        ("", FileProtocol.FTP, Password("")),
    ],
)
def test_who_shows_nothing_passes_the_gate_as_who_begins_to_log_in(
    methods: str, protocol: FileProtocol, credential: Credential
):
    server = with_provider(IdentityProviderType.AWS_LAMBDA, methods)
    assert nothing_shown(server, protocol) == credential
    assert gate(server, replace(make_attempt(protocol=protocol), credential=credential)) is None
