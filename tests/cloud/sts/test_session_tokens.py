"""Tokens that carry their session."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.fakes.house import PlainSealer

from crossdock.cloud.sts.session_tokens import InvalidSessionToken, SessionClaims, SessionTokens

CLAIMS = SessionClaims(
    access_key_id="ASIA0000000000000001",
    secret="the secret of the session",
    role_arn="arn:aws:iam::111111111111:role/Upload",
    role_id="AROAUPLOAD",
    session_name="user1",
    issued_at=datetime(2026, 3, 15, tzinfo=UTC),
    expires_at=datetime(2026, 3, 15, 1, tzinfo=UTC),
    policy="{}",
    policy_arns=("arn:aws:iam::aws:policy/AdministratorAccess",),
    tags={"team": "blue"},
)


def test_a_token_tells_its_session_whole() -> None:
    tokens = SessionTokens(PlainSealer())

    assert tokens.read(CLAIMS.access_key_id, tokens.issue(CLAIMS)) == CLAIMS


def test_a_token_opens_beside_its_own_access_key_only() -> None:
    tokens = SessionTokens(PlainSealer())

    with pytest.raises(InvalidSessionToken):
        tokens.read("ASIA0000000000000002", tokens.issue(CLAIMS))


@pytest.mark.parametrize("token", ["", "x", "dG9rZW4=.00", "\x00", "é"])
def test_a_text_that_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(InvalidSessionToken):
        SessionTokens(PlainSealer()).read(CLAIMS.access_key_id, token)


def test_a_token_of_another_house_is_refused() -> None:
    foreign = SessionTokens(PlainSealer(b"another key")).issue(CLAIMS)

    with pytest.raises(InvalidSessionToken):
        SessionTokens(PlainSealer()).read(CLAIMS.access_key_id, foreign)


def test_a_long_session_policy_still_fits_into_a_header() -> None:
    policy = "".join(f'"arn:aws:s3:::bucket-{number}/*",' for number in range(60))[:2048]

    assert len(SessionTokens(PlainSealer()).issue(replace(CLAIMS, policy=policy))) < 2000


def test_the_secret_is_not_printed() -> None:
    assert "the secret" not in repr(CLAIMS)
