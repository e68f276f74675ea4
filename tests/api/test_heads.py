"""What is read of a request's head, and where it came from."""

from dataclasses import dataclass, field

import pytest

from crossdock.api.heads import MAX_HEAD_BYTES, read_head, read_origin
from crossdock.core.errors import ServiceError
from crossdock.operations.caller import Origin


@dataclass(slots=True, kw_only=True)
class FakeRequest:
    """What `read_head` and `read_origin` look at of aiohttp's request."""

    raw_path: str = "/"
    method: str = "GET"
    version: tuple[int, int] = (1, 1)
    raw_headers: tuple[tuple[bytes, bytes], ...] = ((b"Host", b"localhost:4566"),)
    remote: str | None = "127.0.0.1"
    secure: bool = False
    headers: dict[str, str] = field(default_factory=dict)


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("/", "/", ""),
        ("/box/a//b/../c?x=1&y", "/box/a//b/../c", "x=1&y"),
        ("/box/%2F%20?a=b?c", "/box/%2F%20", "a=b?c"),
        ("//box", "//box", ""),
        ("*", "*", ""),
        ("http://localhost:4566/box/key?x", "/box/key", "x"),
        ("HTTP://LOCALHOST:4566/box", "/box", ""),
        ("http://localhost:4566", "/", ""),
        ("http://localhost:4566?list", "/", "list"),
    ],
)
def test_path_and_query_are_kept_as_they_came(target, path, query):
    request = read_head(FakeRequest(raw_path=target))
    assert (request.path, request.query, request.body) == (path, query, b"")


@pytest.mark.parametrize(
    "target", ["http://other/box", "localhost:4566", "ftp://localhost:4566/", "box/key", "", "http:///box"]
)
def test_a_target_that_is_not_for_this_host_is_refused(target):
    with pytest.raises(ServiceError) as caught:
        read_head(FakeRequest(raw_path=target))
    assert (caught.value.code, caught.value.status) == ("BadRequest", 400)


def test_headers_keep_their_bytes():
    raw = ((b"Host", b"localhost"), (b"X-Amz-Meta-A", "ü".encode()), (b"X-Amz-Meta-B", b"\xff"))
    headers = read_head(FakeRequest(raw_headers=raw)).headers
    assert headers.get("x-amz-meta-a") == "ü"
    assert headers.get("x-amz-meta-b", "").encode("utf-8", "surrogateescape") == b"\xff"


@pytest.mark.parametrize("hosts", [(), ((b"Host", b"a"), (b"host", b"b"))])
def test_a_request_has_one_host(hosts):
    with pytest.raises(ServiceError, match="one Host"):
        read_head(FakeRequest(raw_headers=hosts))


def test_an_old_client_may_say_no_host():
    assert read_head(FakeRequest(raw_headers=(), version=(1, 0))).path == "/"


def test_headers_are_bounded_together():
    fits = ((b"Host", b"localhost"), (b"X", b"a" * (MAX_HEAD_BYTES - 14)))
    assert read_head(FakeRequest(raw_headers=fits)).method == "GET"
    with pytest.raises(ServiceError, match="RequestHeaderSectionTooLarge"):
        read_head(FakeRequest(raw_headers=(*fits, (b"Y", b""))))


@pytest.mark.parametrize(
    ("remote", "source_ip", "is_secure"),
    [
        ("127.0.0.1", "127.0.0.1", True),
        ("::1", "::1", True),
        ("192.0.2.7", "192.0.2.7", False),
        ("2001:db8::7", "2001:db8::7", False),
        ("::ffff:192.0.2.7", "192.0.2.7", False),
        ("::ffff:127.0.0.1", "127.0.0.1", True),
        (None, "", False),
    ],
)
def test_an_origin_is_named_as_policies_name_it(remote, source_ip, is_secure):
    request = FakeRequest(remote=remote, headers={"User-Agent": "aws-cli"})
    assert read_origin(request, loopback_is_secure=True) == Origin(
        source_ip=source_ip, is_secure=is_secure, user_agent="aws-cli", via="api"
    )


def test_loopback_is_secure_only_by_the_setting_and_tls_always():
    assert not read_origin(FakeRequest(), loopback_is_secure=False).is_secure
    assert read_origin(FakeRequest(remote="192.0.2.7", secure=True), loopback_is_secure=False).is_secure
