"""The address of the AWS APIs: what is said of it, and to whom it is open."""

import pytest

from crossdock.app.api_address import reachable, warn_if_open
from crossdock.core.endpoint_addresses import in_brackets


@pytest.mark.parametrize(
    ("host", "url", "own_url"),
    [
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("0.0.0.0", "0.0.0.0", "127.0.0.1"),
        ("::", "[::]", "[::1]"),
        ("::1", "[::1]", "[::1]"),
        ("dock.example.com", "dock.example.com", "dock.example.com"),
    ],
)
def test_what_listens_and_what_this_machine_uses_are_two_things(host, url, own_url):
    assert (in_brackets(host), in_brackets(reachable(host))) == (url, own_url)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.5", "dock.example.com"])
def test_an_address_beyond_loopback_is_warned_of(host, caplog):
    warn_if_open(host)
    [record] = caplog.records
    assert (record.levelname, record.host) == ("WARNING", host)
    assert "plain HTTP" in record.message


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.9", "::1", "localhost"])
def test_loopback_is_not(host, caplog):
    warn_if_open(host)
    assert caplog.records == []
