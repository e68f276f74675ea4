"""Where the AWS APIs are: what listens, what this machine's clients use, and what to say of an address for all."""

import logging

from crossdock.core.exposure import is_loopback

_log = logging.getLogger(__name__)


def reachable(host: str) -> str:
    """The address that clients on this machine use when the service listens on all of them."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def warn_if_open(host: str) -> None:
    """The APIs have no security groups: whoever reaches them may call, and sees what others send."""
    if not is_loopback(host):
        _log.warning(
            "the AWS APIs are open to whoever reaches this machine, as plain HTTP: what is sent there, secrets and "
            "files too, is signed but not encrypted; keep them on loopback and give servers their own address by the "
            "tag crossdock:endpoint, or admit a TLS proxy alone",
            extra={"host": host},
        )
