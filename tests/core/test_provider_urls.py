"""URLs of identity providers: which may be had, and what is asked there."""

from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossdock.core.exposure import is_loopback
from crossdock.core.ids import ServerId
from crossdock.core.logins import NO_KEY, LoginAttempt, Password, is_username
from crossdock.core.provider_urls import login_url, signing_region, url_flaw
from crossdock.core.servers import FileProtocol

AWS = "https://a1b2c3.execute-api.eu-central-1.amazonaws.com/prod"


def attempt(username: str = "anna", source_ip: str = "192.0.2.7") -> LoginAttempt:
    return LoginAttempt(
        server_id=ServerId("s-0123456789abcdef0"),
        username=username,
        credential=NO_KEY,
        protocol=FileProtocol.SFTP,
        source_ip=source_ip,
    )


@pytest.mark.parametrize(
    "url",
    [
        AWS,
        f"{AWS}/",
        "https://users.example.com",
        "https://users.example.com:8443/transfer/v1",
        "https://192.0.2.1/x",
        "https://[2001:db8::1]:8443/x",
        "http://127.0.0.1:8000",
        "http://127.9.9.9/x",
        "http://localhost:8000/x",
        "http://LOCALHOST.:8000/x",
        "http://[::ffff:127.0.0.1]:8000/x",
        "http://[::1]:8000",
    ],
)
def test_https_and_loopback_may_be_had(url):
    assert url_flaw(url) == ""


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "must be a URL such as"),
        ("users.example.com", "must be a URL such as"),
        ("https://", "must be a URL such as"),
        ("https:///path", "must be a URL such as"),
        (f"{AWS}?a=b", "must be a URL such as"),
        (f"{AWS}?", "must be a URL such as"),
        (f"{AWS}#a", "must be a URL such as"),
        (f"{AWS}/a b", "must be a URL such as"),
        (f"{AWS}\r\nX: y", "must be a URL such as"),
        (f"{AWS}/ä", "must be a URL such as"),
        ("https://me:secret@users.example.com", "user name or a password"),
        ("https://me@users.example.com", "user name or a password"),
        ("https://users.example.com:x", "is no URL"),
        ("https://users.example.com:99999", "is no URL"),
        ("https://[::1", "is no URL"),
        ("http://users.example.com", "must begin with https://"),
        ("http://localhost.example.com", "must begin with https://"),
        ("http://169.254.169.254/latest", "must begin with https://"),
        ("http://0.0.0.0:8000", "must begin with https://"),
        ("ftp://127.0.0.1/x", "must begin with https://"),
        ("file:///etc/passwd", "must be a URL such as"),
    ],
)
def test_what_cannot_be_had_is_told(url, words):
    assert words in url_flaw(url)


@given(st.text())
def test_whatever_stands_there_is_judged(url):
    if not url_flaw(url):
        assert url.isascii()
        assert urlsplit(url).scheme == "https" or is_loopback(urlsplit(url).hostname)


@given(
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_@.-]{2,20}", fullmatch=True),
    st.sampled_from(["192.0.2.7", "2001:db8::7"]),
    st.sampled_from([AWS, f"{AWS}/"]),
)
def test_a_login_is_asked_about_behind_the_url(username, source_ip, url):
    assert is_username(username)
    asked = urlsplit(login_url(url, attempt(username, source_ip)))
    stage, servers, server_id, users, user, config = asked.path.removeprefix("/").split("/")
    assert (stage, servers, server_id, users, config) == ("prod", "servers", "s-0123456789abcdef0", "users", "config")
    assert unquote(user) == username
    assert "@" not in user
    assert parse_qs(asked.query, strict_parsing=True) == {"protocol": ["SFTP"], "sourceIp": [source_ip]}


def test_the_very_form_of_a_question():
    assert login_url(AWS, attempt("a@b.c", "2001:db8::7")) == (
        f"{AWS}/servers/s-0123456789abcdef0/users/a%40b.c/config?protocol=SFTP&sourceIp=2001%3Adb8%3A%3A7"
    )


def test_no_password_is_in_the_url():
    secret = LoginAttempt(
        server_id=ServerId("s-0123456789abcdef0"),
        username="anna",
        credential=Password("open sesame"),
        protocol=FileProtocol.FTP,
        source_ip="192.0.2.7",
    )
    assert "sesame" not in login_url(AWS, secret)


@pytest.mark.parametrize(
    ("url", "region"),
    [
        (AWS, "eu-central-1"),
        ("https://a1b2c3-vpce-0a1b2c.execute-api.us-gov-west-1.amazonaws.com/x", "us-gov-west-1"),
        ("https://a1b2c3.execute-api.cn-north-1.amazonaws.com.cn/x", "cn-north-1"),
        ("https://users.example.com/execute-api.eu-west-1.amazonaws.com", "us-east-1"),
        ("https://a1.execute-api.eu-west-1.amazonaws.com.example.com/x", "us-east-1"),
    ],
)
def test_the_region_is_the_hosts_or_the_servers(url, region):
    assert signing_region(url, "us-east-1") == region
