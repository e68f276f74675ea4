"""Options that commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

Command = Callable[..., Any]


def data_dir_option(command: Command) -> Command:
    return click.option(
        "--data-dir",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="The service's data directory.  [default: CROSSDOCK_DATA_DIR, or ./crossdock-data]",
    )(command)


def output_option(*, people: str, shown: str) -> Callable[[Command], Command]:
    """`-o json` for scripts; `people` names what is printed otherwise, and `shown` describes it."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice([people, "json"]),
        default=people,
        show_default=True,
        help=f"{shown}, or JSON for scripts.",
    )
