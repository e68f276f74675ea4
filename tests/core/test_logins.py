"""What is decided about a login before anybody is asked."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.core.homes import PathHome
from crossdock.core.ids import AccountId, ServerId
from crossdock.core.logins import (
    Identity,
    LoginAttempt,
    Password,
    PublicKey,
    Refusal,
    gate,
    is_username,
    session_name,
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


def test_an_identity_without_a_home_starts_nowhere_in_particular():
    identity = Identity(role_arn="arn:aws:iam::111111111111:role/r")
    assert identity.home == PathHome()
    assert identity.public_keys == ()
    assert identity.session_policy is None


def test_a_public_key_is_no_secret():
    assert PublicKey("ssh-ed25519 AAAA") == PublicKey("ssh-ed25519 AAAA")
