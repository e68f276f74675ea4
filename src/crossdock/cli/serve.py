"""`crossdock serve`: the whole service from one command."""

import asyncio
from pathlib import Path
from typing import Any

import click

from crossdock.adapters.host.disk_errors import is_damage
from crossdock.cli.options import data_dir_option
from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.core.ports_text import MAX_PORT
from crossdock.settings import BadSetting, check_option, load_settings

PORT = click.IntRange(0, MAX_PORT)


def _checked(_ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    """Refuse as bad usage what the settings would refuse."""
    if value is not None and parameter.name is not None:
        try:
            check_option(parameter.name, value)
        except BadSetting as error:
            raise click.BadParameter(str(error)) from error
    return value


def _accounts(_ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    from crossdock.cloud.accounts import Accounts

    accounts: dict[str, str] = {}
    for value in values:
        name, separator, account_id = value.partition("=")
        if not separator:
            raise click.BadParameter(f"{value!r} is not NAME=ID with an id of twelve digits")
        if name in accounts:
            raise click.BadParameter(f"the account {name} is given twice")
        accounts[name] = account_id
    try:
        Accounts(accounts)
    except BadSetting as error:
        raise click.BadParameter(str(error)) from error
    return accounts


def _passive_ip(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> Any:
    addresses: dict[str, str] = {}
    for value in values:
        network, separator, address = value.partition("=")
        if not separator:
            raise click.BadParameter(f"{value!r} is not CIDR=ADDRESS")
        if network in addresses:
            raise click.BadParameter(f"the network {network} is given twice")
        addresses[network] = address
    return _checked(context, parameter, addresses or None)


@click.command(short_help="Run the service.")
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
@click.option(
    "--region", callback=_checked, metavar="REGION", help="The region of what names none.  [default: us-east-1]"
)
@click.option("--host", callback=_checked, metavar="ADDRESS", help="The address to listen on.  [default: 127.0.0.1]")
@click.option("--api-port", type=PORT, metavar="PORT", help="The AWS APIs.  [default: 4566]")
@click.option("--ftp-port", type=PORT, metavar="PORT", help="The first FTP server.  [default: 2121]")
@click.option(
    "--passive-ports",
    callback=_checked,
    metavar="PORTS",
    help="A range; 0 = nine that the system chooses.  [default: 8192-8200]",
)
@click.option(
    "--passive-ip",
    multiple=True,
    callback=_passive_ip,
    metavar="CIDR=ADDRESS",
    help="What PASV names to clients of a network, or AUTO; may be given again.",
)
@click.option("--sftp-port", type=PORT, metavar="PORT", help="The first SFTP server.  [default: 2222]")
@click.option("--web-port", type=PORT, metavar="PORT", help="The web console: not served yet.  [default: 8080]")
@click.option(
    "--workers",
    type=int,
    callback=_checked,
    metavar="NUMBER",
    help="Further processes that serve SFTP, so that many clients use all cores.  [default: 0]",
)
@click.option(
    "--drain-timeout",
    type=float,
    callback=_checked,
    metavar="SECONDS",
    help="Seconds that transfers may finish in.  [default: 30]",
)
@click.option(
    "--allow-open-servers",
    is_flag=True,
    default=None,
    help="Open servers without a security group beyond loopback.",
)
@click.option("--allow-public-ftp", is_flag=True, default=None, help="Open plain FTP on public addresses.")
@click.option("--example", type=click.Choice(["article"]), help="Build an example set-up, once.")
def serve(config: Path | None, example: str | None, accounts: dict[str, str], **options: object) -> None:
    """Run the service: accounts, AWS APIs and file endpoints, until Ctrl-C.

    Prints a `ready` line for everything that accepts connections, then `crossdock ready`; logs are JSON lines on
    standard error. Every option but --config, --account and --example is also a variable, CROSSDOCK_FTP_PORT=2121, and
    a key of the TOML file, ftp_port = 2121. A port of 0 is chosen by the system and kept in the data directory.

    \b
    Examples:
      crossdock serve --example article
      crossdock serve --data-dir /var/lib/crossdock --host 10.0.0.5 --ftp-port 21
      crossdock serve --account press=333333333333 --region eu-central-1
    """
    settings = load_settings(config, options=options, further_accounts=accounts)
    # A second of imports: not before the settings are known to be right.
    from crossdock.app.run import run

    try:
        asyncio.run(run(settings, example=example))
    except OutOfSpace as error:
        raise click.ClickException(
            f"the disk of {settings.data_dir} is full ({error}): make room there, then start again"
        ) from error
    except Unavailable as error:
        if not is_damage(error):
            raise
        # It begins with the database's name.
        raise click.ClickException(
            f"{settings.data_dir / str(error)}. The file is damaged: restore the data directory from a backup, or to "
            "begin anew give a new or an empty one as --data-dir. Of logs.db alone, removing the file loses log events "
            "only"
        ) from error
    except OSError as error:
        # The parts say what they can in sentences of their own; this is what no part expected of the machine.
        raise click.ClickException(f"the service cannot go on: {error}") from error
