"""`crossdock endpoints`: where each protocol of each server is reached."""

import json
from pathlib import Path
from typing import Any

import click

from crossdock.cli.client import ask_service
from crossdock.cli.options import data_dir_option, output_option
from crossdock.cli.tables import format_table
from crossdock.core.endpoint_addresses import Address
from crossdock.core.ports_text import format_ports
from crossdock.settings import data_dir_of

KEYS = ("serverId", "accountId", "region", "state", "protocol", "host", "port", "passivePorts", "ingress")
"""What JSON has, for scripts to depend on; why an endpoint is not open is a sentence for people."""

HEADER = ("SERVER", "ACCOUNT", "REGION", "PROTOCOL", "STATE", "ADDRESS", "PASSIVE PORTS", "INGRESS")


@click.command(short_help="Show where each server is reached.")
@click.argument("server_id", required=False)
@click.option("--server-id", "named_id", metavar="ID", help="The same as SERVER_ID, as `aws transfer` spells it.")
@data_dir_option
@output_option(people="table", shown="A table for people")
def endpoints(server_id: str | None, named_id: str | None, data_dir: Path | None, output: str) -> None:
    """Show where each server is reached, one line per server and protocol.

    With SERVER_ID only that server's. A line below the table says why an endpoint is not open. INGRESS is restricted
    where a security group says who may connect.

    \b
    Examples:
      crossdock endpoints
      crossdock endpoints s-0123456789abcdef0
      crossdock endpoints -o json | jq -r '.[] | select(.protocol == "FTP") | .port'
    """
    if server_id and named_id and server_id != named_id:
        raise click.UsageError("SERVER_ID and --server-id name different servers")
    wanted = server_id or named_id
    found: list[dict[str, Any]] = ask_service(data_dir_of(data_dir), "/endpoints")
    if wanted:
        found = [endpoint for endpoint in found if endpoint["serverId"] == wanted]
        if not found:
            raise click.ClickException(f"there is no server {wanted}: `crossdock endpoints` lists those there are")
    if output == "json":
        click.echo(json.dumps([{key: endpoint[key] for key in KEYS} for endpoint in found], indent=2))
    elif found:
        click.echo(format_table(HEADER, [_row(endpoint) for endpoint in found]))
        for endpoint in found:
            if endpoint.get("message"):
                click.echo(f"\n{endpoint['serverId']} {endpoint['protocol']}: {endpoint['message']}")
    else:
        click.echo("no servers: make one with `aws transfer create-server …` or `crossdock serve --example article`")


def _row(endpoint: dict[str, Any]) -> tuple[str, ...]:
    return (
        endpoint["serverId"],
        endpoint["accountId"],
        endpoint["region"],
        endpoint["protocol"],
        endpoint["state"],
        str(Address(host=endpoint["host"], port=endpoint["port"])) if endpoint["port"] else "-",
        format_ports(endpoint["passivePorts"]) or "-",
        endpoint["ingress"],
    )
