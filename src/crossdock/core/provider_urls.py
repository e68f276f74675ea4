"""The URL of an identity provider that is asked by HTTP: which may be had, and what is asked there. Pure.

Source: AWS Transfer Family User Guide, "Using Amazon API Gateway to integrate your identity provider"; API Gateway
Developer Guide, "Invoke REST APIs"; RFC 3986.
"""

import re
from urllib.parse import quote, urlencode, urlsplit

from crossdock.core.exposure import is_loopback
from crossdock.core.logins import LoginAttempt

_API_GATEWAY_HOST = re.compile(r"[a-z0-9-]+\.execute-api\.([a-z0-9-]+)\.(?:amazonaws\.(?:com(?:\.cn)?|eu)|api\.aws)")
_ALLOWED = re.compile(r"[A-Za-z0-9._~:/\[\]@!$&'()*+,;=%-]+")


def url_flaw(url: str) -> str:
    """Why the URL cannot be a provider's; empty when it can. What is asked is put behind it, and carries passwords."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return "is no URL"
    if not _ALLOWED.fullmatch(url) or not host:
        return "must be a URL such as https://API_ID.execute-api.REGION.amazonaws.com/STAGE, without query and fragment"
    if "@" in parts.netloc:
        return "must not hold a user name or a password"
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)):
        return ""
    return "must begin with https://, for passwords are sent there; http:// is for loopback alone (127.0.0.1, ::1)"


def login_url(url: str, attempt: LoginAttempt) -> str:
    """Where a login is asked about: percent-encoded, so that `@` of a user name is `%40`, as AWS sends it."""
    path = f"servers/{quote(attempt.server_id, safe='')}/users/{quote(attempt.username, safe='')}/config"
    query = urlencode({"protocol": attempt.protocol.value, "sourceIp": attempt.source_ip})
    return f"{url.rstrip('/')}/{path}?{query}"


def signing_region(url: str, default: str) -> str:
    """The region that a request there is signed for: the one that API Gateway's host names."""
    found = _API_GATEWAY_HOST.fullmatch(urlsplit(url).hostname or "")
    return found[1] if found else default
