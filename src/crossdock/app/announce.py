"""What the service says on standard output: a line for everything that accepts connections, flushed at once."""

from crossdock.core.endpoint_addresses import in_brackets
from crossdock.core.ports_text import format_ports
from crossdock.core.servers import Endpoint


def say(line: str) -> None:
    print(line, flush=True)


def announce_failure(server_id: str, reason: str) -> None:
    """`not as declared server=s-…: CreateServer: …`, of a server that a file has."""
    sentence = " ".join(reason.removeprefix(f"server {server_id}: ").split())
    say(f"not as declared server={server_id}: {sentence}")


def announce_endpoint(endpoint: Endpoint) -> None:
    """`ready ftp 127.0.0.1:2121 server=s-… passive=8192-8200`."""
    passive = f" passive={format_ports(endpoint.passive_ports)}" if endpoint.passive_ports else ""
    host = in_brackets(endpoint.host)
    say(f"ready {endpoint.protocol.lower()} {host}:{endpoint.port} server={endpoint.server_id}{passive}")
