"""`crossdock env` and `crossdock exec`: an account's credentials, as the AWS tools take them."""

import os
from pathlib import Path
from shlex import quote
from urllib.parse import quote as url_quote

import click

from crossdock.cli.client import ask_service
from crossdock.cli.options import data_dir_option, settings_with

UNSET = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")


@click.command()
@click.argument("account")
@data_dir_option
def env(account: str, data_dir: Path | None) -> None:
    """Print the shell lines that make the AWS tools speak to ACCOUNT (a name or an id).

    \b
    eval "$(crossdock env hub)"
    aws s3 ls
    """
    variables = _variables(account, data_dir)
    click.echo("unset " + " ".join(UNSET))
    for name, value in variables.items():
        click.echo(f"export {name}={_single_quoted(value)}")


@click.command(name="exec")
@click.argument("account")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@data_dir_option
def execute(account: str, command: tuple[str, ...], data_dir: Path | None) -> None:
    """Run one COMMAND with ACCOUNT's credentials.

    \b
    crossdock exec partner -- aws s3 ls
    """
    environment = {name: value for name, value in os.environ.items() if name not in UNSET}  # noqa: TID251 - handed on whole to the command
    environment |= _variables(account, data_dir)
    try:
        os.execvpe(command[0], command, environment)
    except OSError as error:
        raise click.ClickException(f"cannot run {quote(command[0])}: {error.strerror}") from error


def _variables(account: str, data_dir: Path | None) -> dict[str, str]:
    variables: dict[str, str] = ask_service(
        settings_with(data_dir).data_dir, f"/accounts/{url_quote(account, safe='')}/environment"
    )
    return variables


def _single_quoted(text: str) -> str:
    """Always in single quotes, which is what scripts that read these lines expect."""
    return "'" + text.replace("'", "'\\''") + "'"
