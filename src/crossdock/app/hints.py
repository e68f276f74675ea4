"""How hints spell the command that is running, so that they work as they are printed."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from crossdock.settings import Settings, data_dir_of

NAME = "crossdock"


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnCommand:
    """`program` as a shell takes it; `data_dir` is None where the command finds the directory by itself."""

    program: str = NAME
    data_dir: Path | None = None

    def line(self, subcommand: str, rest: str) -> str:
        """`.venv/bin/crossdock exec --data-dir dock hub -- aws …`; `rest` stands as it is."""
        option = f"--data-dir {quote(str(self.data_dir))} " if self.data_dir is not None else ""
        return f"{self.program} {subcommand} {option}{rest}"


def own_command(settings: Settings) -> OwnCommand:
    """The command for whoever reads this process's output in its working directory, with its variables."""
    return OwnCommand(
        program=program_of(sys.argv[0], working_directory=Path.cwd(), on_path=shutil.which(NAME)),
        data_dir=settings.data_dir if settings.data_dir != data_dir_of() else None,
    )


def program_of(started_as: str, *, working_directory: Path, on_path: str | None) -> str:
    """`crossdock` where a shell finds the running program by that name, else its path.

    Args:
        started_as: `sys.argv[0]`. One that is no path to a program of our name, as of `python -m crossdock`, tells
            nothing.
        on_path: which program a shell finds by the name, if any.
    """
    program = working_directory / started_as
    is_ours = "/" in started_as and program.name == NAME and program.is_file()
    if not is_ours or (on_path is not None and program.samefile(on_path)):
        return NAME
    if not program.is_relative_to(working_directory):
        return quote(str(program))
    below = program.relative_to(working_directory)
    return quote(str(below) if len(below.parts) > 1 else f"./{below}")


def how_to_begin(command: OwnCommand, account: str, *, has_example: bool = True) -> str:
    """What to do with a service that has no server yet; `account` is a name of one.

    `has_example`: it can build one, for its cloud is the embedded one.
    """
    create = command.line("exec", f"{account} -- aws transfer create-server …")
    other = (
        f"start with a complete example: {command.line('serve', '--example article')}"
        if has_example
        else "declare it in a file that the setting servers names, and start again"
    )
    return f"there is no Transfer server yet: make one with `{create}`,\nor {other}"
