"""URLs of endpoints, as operators write them. Pure."""

from urllib.parse import urlsplit


def is_endpoint(url: str) -> bool:
    """Whether a host can be reached by it: http or https, a host, and a port that can be, if any."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        # A port beyond 65535, or half an IPv6 address.
        return False
