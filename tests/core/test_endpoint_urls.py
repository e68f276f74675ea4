"""Which URLs are endpoints."""

import pytest

from crossdock.core.endpoint_urls import is_endpoint


@pytest.mark.parametrize(
    "url", ["https://s3.example.com:9000", "http://127.0.0.1", "http://[::1]:9000/base", "https://s3/"]
)
def test_a_host_with_or_without_a_port_is_one(url: str) -> None:
    assert is_endpoint(url)


@pytest.mark.parametrize(
    "url",
    ["", "s3.example.com", "s3.example.com:9000", "ftp://x", "http://", "http://:80", "http://x:99999", "http://x:y"],
)
def test_what_leads_nowhere_is_none(url: str) -> None:
    assert not is_endpoint(url)
    assert not is_endpoint("http://[::1")
    assert not is_endpoint("http://x:0")
