"""Options that commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from crossdock.settings import Settings, load_settings

Command = Callable[..., Any]


def data_dir_option(command: Command) -> Command:
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="The service's data directory.  [default: ./crossdock-data, or CROSSDOCK_DATA_DIR]",
    )(command)


def output_option(command: Command) -> Command:
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["table", "json"]),
        default="table",
        show_default=True,
        help="A table for people or JSON for scripts.",
    )(command)


def settings_with(data_dir: Path | None) -> Settings:
    """The settings as the service would read them, with the data directory of the command line."""
    return load_settings(options={"data_dir": data_dir})
