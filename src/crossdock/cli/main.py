"""The command's trunk: its branches are one module each, imported only when they are needed."""

import gc
import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import click

from crossdock.core.errors import CrossdockError

COMMANDS: Mapping[str, tuple[str, str]] = {
    "bucket": ("crossdock.cli.bucket", "bucket"),
    "demo": ("crossdock.cli.demo", "demo"),
    "endpoints": ("crossdock.cli.endpoints", "endpoints"),
    "env": ("crossdock.cli.env", "env"),
    "exec": ("crossdock.cli.env", "execute"),
    "explain": ("crossdock.cli.explain", "explain"),
    "policy": ("crossdock.cli.policy", "policy"),
    "serve": ("crossdock.cli.serve", "serve"),
}


class LazyGroup(click.Group):
    """Imports a command's module when it is called: `crossdock env` must not wait for a server's imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, name = COMMANDS[cmd_name]
        command = importlib.import_module(module).__dict__[name]
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """What Crossdock refuses on purpose is a sentence and exit code 1, never a traceback."""
        try:
            return super().invoke(ctx)
        except CrossdockError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="crossdock", prog_name="crossdock", message="%(prog)s %(version)s")
def trunk() -> None:
    """AWS Transfer Family that you run yourself.

    FTP endpoints in front of S3 buckets of many accounts, with the identity providers, roles and policies that you
    already have.

    \b
    Examples:
      crossdock demo                      see it work, in under a minute
      crossdock serve --example article   run it, with two accounts to try
      eval "$(crossdock env hub)"         let the AWS tools speak to it

    Exit codes: 0 done, 1 failed, 2 bad usage.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    # What is imported stays: to look through it for garbage takes a tenth of a start. Commands are short, and the
    # service has garbage collected from when it begins to serve (`settle_memory`).
    gc.disable()
    trunk.main(args=None if arguments is None else list(arguments), prog_name="crossdock")
