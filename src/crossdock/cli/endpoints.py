"""`crossdock endpoints`: where each protocol of each server is reached."""

import json
from pathlib import Path
from typing import Any

import click

from crossdock.cli.client import ask_service
from crossdock.cli.options import data_dir_option, output_option, settings_with
from crossdock.cli.tables import format_table
from crossdock.core.ports_text import format_ports


@click.command()
@click.argument("server_id", required=False)
@data_dir_option
@output_option
def endpoints(server_id: str | None, data_dir: Path | None, output: str) -> None:
    """Show where each server is reached, one line per server and protocol.

    With SERVER_ID only that server's.
    """
    found: list[dict[str, Any]] = ask_service(settings_with(data_dir).data_dir, "/endpoints")
    if server_id is not None:
        found = [endpoint for endpoint in found if endpoint["serverId"] == server_id]
        if not found:
            raise click.ClickException(f"there is no server {server_id}, or the service does not serve it")
    if output == "json":
        click.echo(json.dumps(found, indent=2))
        return
    if not found:
        click.echo("no servers: make one with `aws transfer create-server …` or `crossdock serve --example article`")
        return
    header = ("SERVER", "ACCOUNT", "REGION", "PROTOCOL", "STATE", "ADDRESS", "PASSIVE PORTS")
    click.echo(format_table(header, [_row(endpoint) for endpoint in found]))
    for endpoint in found:
        if endpoint["message"]:
            click.echo(f"\n{endpoint['serverId']} {endpoint['protocol']}: {endpoint['message']}")


def _row(endpoint: dict[str, Any]) -> tuple[str, ...]:
    address = f"{endpoint['host']}:{endpoint['port']}" if endpoint["port"] else "-"
    return (
        endpoint["serverId"],
        endpoint["accountId"],
        endpoint["region"],
        endpoint["protocol"],
        endpoint["state"],
        address,
        format_ports(endpoint["passivePorts"]) or "-",
    )
