"""The command's trunk: its branches are one module each, imported only when they are needed."""

import importlib
from collections.abc import Sequence

import click

from crossdock import __version__

_COMMANDS = {
    "demo": ("crossdock.cli.demo", "demo"),
    "endpoints": ("crossdock.cli.endpoints", "endpoints"),
    "env": ("crossdock.cli.env", "env"),
    "exec": ("crossdock.cli.env", "execute"),
    "serve": ("crossdock.cli.serve", "serve"),
}


class LazyGroup(click.Group):
    """Imports a command's module when it is called: `crossdock env` must not wait for a server's imports."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name]
        command = importlib.import_module(module).__dict__[name]
        assert isinstance(command, click.Command)
        return command


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="crossdock", message="%(prog)s %(version)s")
def _trunk() -> None:
    """AWS Transfer Family that you run yourself.

    FTP endpoints in front of S3 buckets of many accounts, with the identity providers, roles and policies that you
    already have. Start with `crossdock demo`, then `crossdock serve --example article`.
    """


def main(arguments: Sequence[str] | None = None) -> None:
    _trunk.main(args=None if arguments is None else list(arguments), prog_name="crossdock")
