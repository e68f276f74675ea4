"""`crossdock serve`: the whole service from one command."""

import asyncio
import sys
from pathlib import Path

import click

from crossdock.cli.options import data_dir_option
from crossdock.core.errors import CrossdockError
from crossdock.settings import DEFAULT_ACCOUNTS, load_settings


def _accounts(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str] | None:
    if not values:
        return None
    accounts = dict(DEFAULT_ACCOUNTS)
    for value in values:
        name, separator, account_id = value.partition("=")
        if not (separator and name and len(account_id) == 12 and account_id.isdecimal() and account_id.isascii()):
            raise click.BadParameter(f"{value!r} is not NAME=ID with an id of twelve digits")
        accounts[name] = account_id
    return accounts


@click.command()
@data_dir_option
@click.option("--config", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A TOML file of settings.")
@click.option(
    "--account",
    "accounts",
    multiple=True,
    callback=_accounts,
    metavar="NAME=ID",
    help="A further account; may be given again.  [default: hub=111111111111 and partner=222222222222]",
)
@click.option("--region", help="The region that resources without one belong to.  [default: us-east-1]")
@click.option("--host", help="The address to listen on.  [default: 127.0.0.1]")
@click.option("--api-port", type=click.IntRange(0, 65535), help="The AWS APIs.  [default: 4566]")
@click.option("--ftp-port", type=click.IntRange(0, 65535), help="The first FTP server.  [default: 2121]")
@click.option("--passive-ports", help="A range; 0 = nine that the system chooses.  [default: 8192-8200]")
@click.option("--sftp-port", type=click.IntRange(0, 65535), help="The first SFTP server.  [default: 2222]")
@click.option("--web-port", type=click.IntRange(0, 65535), help="The web console.  [default: 8080]")
@click.option("--drain-timeout", type=click.FloatRange(0), help="Seconds that transfers may finish in.  [default: 30]")
@click.option("--example", type=click.Choice(["article"]), help="Build an example set-up, once.")
def serve(config: Path | None, example: str | None, **options: object) -> None:
    """Run the service: accounts, AWS APIs and file endpoints, until Ctrl-C.

    Prints a `ready` line for everything that accepts connections, then `crossdock ready`; logs are JSON lines on
    standard error. Every option is also a variable, CROSSDOCK_FTP_PORT=2121, and a key of the TOML file, ftp_port.
    A port of 0 is chosen by the system and kept in the data directory.
    """
    from crossdock.app import run

    try:
        settings = load_settings(config, options=options)
        asyncio.run(run(settings, example=example))
    except CrossdockError as error:
        click.echo(f"crossdock: {error}", err=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
