"""The command that is running, as hints print it."""

from pathlib import Path

import pytest

from crossdock.app.hints import OwnCommand, how_to_begin, program_of


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A working directory, whose name a shell must be told in quotes, with the command in its environment."""
    bin_directory = tmp_path / "my clone" / ".venv" / "bin"
    bin_directory.mkdir(parents=True)
    (bin_directory / "crossdock").touch()
    return tmp_path / "my clone"


def program(clone: Path, started_as: str, *, cwd: Path | None = None, on_path: str | None = None) -> str:
    return program_of(started_as, working_directory=cwd or clone, on_path=on_path)


def test_a_program_below_the_working_directory_is_named_from_there(clone: Path):
    assert program(clone, ".venv/bin/crossdock") == ".venv/bin/crossdock"
    assert program(clone, f"{clone}/.venv/bin/crossdock") == ".venv/bin/crossdock"
    assert program(clone, "./crossdock", cwd=clone / ".venv" / "bin") == "./crossdock"


def test_a_program_elsewhere_is_named_whole_and_as_a_shell_takes_it(clone: Path, tmp_path: Path):
    elsewhere = tmp_path / "elsewhere"
    assert program(clone, f"{clone}/.venv/bin/crossdock", cwd=elsewhere) == f"'{clone}/.venv/bin/crossdock'"


def test_a_program_that_a_shell_finds_is_named_as_everybody_names_it(clone: Path, tmp_path: Path):
    started_as = f"{clone}/.venv/bin/crossdock"
    assert program(clone, started_as, on_path=started_as) == "crossdock"
    other = tmp_path / "crossdock"
    other.touch()
    assert program(clone, started_as, on_path=str(other)) == ".venv/bin/crossdock"


@pytest.mark.parametrize("started_as", ["crossdock", "", "-c", "/usr/lib/crossdock/__main__.py", "gone/crossdock"])
def test_what_is_no_path_to_the_program_tells_nothing(clone: Path, started_as: str):
    assert program(clone, started_as) == "crossdock"


def test_the_data_directory_is_an_option_where_the_command_would_look_elsewhere():
    command = OwnCommand(program=".venv/bin/crossdock", data_dir=Path("my dock"))
    assert command.line("endpoints", "-o json") == ".venv/bin/crossdock endpoints --data-dir 'my dock' -o json"
    assert OwnCommand().line("exec", "hub -- env") == "crossdock exec hub -- env"


def test_the_hint_for_a_service_without_servers_is_two_commands():
    assert how_to_begin(OwnCommand(program="bin/crossdock"), "press").splitlines() == [
        "there is no Transfer server yet: make one with `bin/crossdock exec press -- aws transfer create-server …`,",
        "or start with a complete example: bin/crossdock serve --example article",
    ]


def test_where_no_example_can_be_built_none_is_hinted_at():
    said = how_to_begin(OwnCommand(), "press", has_example=False)
    assert "--example" not in said
    assert said.splitlines()[1] == "or declare it in a file that the setting servers names, and start again"
