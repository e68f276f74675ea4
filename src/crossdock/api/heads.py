"""A request's head as it came: what the wire layer reads, and where the request came from."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from aiohttp import web

from crossdock.api.refusals import bad_request, too_large_head
from crossdock.operations.caller import Origin
from crossdock.wire.http import Headers, HttpRequest

MAX_LINE_BYTES = 16 << 10
"""Of the request line and of each header: a session token with a policy in it may be 4 KiB, in a URL half as much
again."""
MAX_HEADERS = 128
MAX_HEAD_BYTES = 32 << 10
"""Of all headers together."""


def read_head(request: web.BaseRequest) -> HttpRequest:
    """The request without its body.

    Raises:
        ServiceError: its headers are too large together, or it is not clear for which host it is.
    """
    headers = request.raw_headers
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEAD_BYTES:
        raise too_large_head()
    # RFC 9112 §3.2: a request of HTTP/1.1 without Host, and any with two, must be refused.
    hosts = [value for name, value in headers if name.lower() == b"host"]
    if len(hosts) > 1 or (not hosts and request.version >= (1, 1)):
        raise bad_request("A request has one Host header.")
    host = hosts[0].decode("latin-1") if hosts else ""
    path, _, query = _origin_form(request.raw_path, host).partition("?")
    return HttpRequest(
        method=request.method,
        path=path,
        query=query,
        headers=Headers(
            (name.decode("ascii", "surrogateescape"), value.decode("utf-8", "surrogateescape"))
            for name, value in headers
        ),
    )


def _origin_form(target: str, host: str) -> str:
    """The path and query of a request target that a client of a proxy wrote with the host in it."""
    if target.startswith("/") or target == "*":
        return target
    if not target.lower().startswith(("http://", "https://")):
        raise bad_request()
    authority = urlsplit(target).netloc
    if authority.lower() != host.lower():
        # RFC 9112 §3.2.2 lets the target win; but the signature covers the header.
        raise bad_request("The request's target names another host than its Host header.")
    rest = target[target.index(authority) + len(authority) :]
    return rest if rest.startswith("/") else f"/{rest}"


def read_origin(request: web.BaseRequest, *, loopback_is_secure: bool) -> Origin:
    """Where a request came from, for policies to look at."""
    if request.remote is None:
        return Origin(is_secure=request.secure, user_agent=_user_agent(request))
    address = ip_address(request.remote)
    # An IPv4 client of a socket that serves both is told in IPv6's words, and policies name it in its own.
    address = getattr(address, "ipv4_mapped", None) or address
    return Origin(
        source_ip=str(address),
        is_secure=request.secure or (address.is_loopback and loopback_is_secure),
        user_agent=_user_agent(request),
    )


def _user_agent(request: web.BaseRequest) -> str:
    return request.headers.get("User-Agent", "")
