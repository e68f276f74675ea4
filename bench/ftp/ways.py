"""The two ways in which FTP servers are reached."""

from collections.abc import Mapping

from bench.harness.clients.jobs import Endpoint

PLAIN, TLS = "plain", "tls"


def way(*, is_tls: bool) -> str:
    return TLS if is_tls else PLAIN


def two_ways(ports: Mapping[str, int], user: str, password: str, *, folder: str = "") -> Mapping[str, Endpoint]:
    return {
        name: Endpoint(
            host="127.0.0.1", port=ports[name], user=user, password=password, is_tls=name == TLS, folder=folder
        )
        for name in (PLAIN, TLS)
    }
