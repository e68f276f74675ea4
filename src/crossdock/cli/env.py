"""`crossdock env` and `crossdock exec`: an account's credentials, as the AWS tools take them."""

import json
import os
import sys
from pathlib import Path
from shlex import quote
from urllib.parse import quote as url_quote

import click

from crossdock.cli.client import ask_service
from crossdock.cli.options import data_dir_option, output_option
from crossdock.settings import data_dir_of

UNSET = ("AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE")
"""Variables of the caller's that would win over, or mix with, the account's own."""

EXPORTED = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL")


@click.command(short_help="Print an account's variables for the AWS tools.")
@click.argument("account")
@data_dir_option
@output_option(people="shell", shown="Lines for a shell")
def env(account: str, data_dir: Path | None, output: str) -> None:
    """Print the shell lines that make the AWS tools speak to ACCOUNT, a name or an id.

    They carry the keys of the account's administrator; JSON has the same variables as one object.

    \b
    Examples:
      eval "$(crossdock env hub)"
      aws s3 ls
      crossdock env 222222222222 -o json
    """
    variables = _variables(account, data_dir)
    if output == "json":
        click.echo(json.dumps(variables, indent=2))
        return
    click.echo("unset " + " ".join(UNSET))
    for name, value in variables.items():
        click.echo(f"export {name}={_single_quoted(value)}")


class _CommandWithCommand(click.Command):
    """Says what is wrong when an option of the command to run was taken for one of ours."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            hint = "If it is an option of COMMAND, write `--` before COMMAND."
            raise click.UsageError(f"{error.format_message()}  {hint}", ctx) from error


@click.command(name="exec", cls=_CommandWithCommand, short_help="Run a command with an account's variables.")
@click.argument("account")
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
@data_dir_option
def execute(account: str, command: tuple[str, ...], data_dir: Path | None) -> None:
    """Run one COMMAND with the variables that `crossdock env ACCOUNT` prints.

    Options of COMMAND need `--` before it. The exit code is that of COMMAND.

    \b
    Examples:
      crossdock exec hub -- aws transfer list-servers
      crossdock exec partner -- aws s3 cp report.csv s3://partner-inbox-222222222222/
    """
    environment = {name: value for name, value in os.environ.items() if name not in UNSET}  # noqa: TID251 - handed on whole to the command
    environment |= _variables(account, data_dir)
    sys.stdout.flush()
    try:
        os.execvpe(command[0], command, environment)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise click.ClickException(f"cannot run {quote(command[0])}: {reason}") from error


def _variables(account: str, data_dir: Path | None) -> dict[str, str]:
    if not account.strip():
        raise click.UsageError("ACCOUNT is empty: give a name or an id of an account")
    directory = data_dir_of(data_dir)
    found = ask_service(directory, f"/accounts/{url_quote(account, safe='')}/environment")
    return {name: found[name] for name in EXPORTED}


def _single_quoted(text: str) -> str:
    """Always in single quotes, which is what scripts that read these lines expect."""
    return "'" + text.replace("'", "'\\''") + "'"
