"""The command as a whole: version, help that teaches, exit codes."""

import subprocess
import sys
from importlib.metadata import version

import pytest

from crossdock.cli.main import COMMANDS


def test_version_is_one_line(crossdock):
    done = crossdock("--version")
    assert (done.exit_code, done.stdout) == (0, f"crossdock {version('crossdock')}\n")


@pytest.mark.parametrize("option", ["-h", "--help"])
@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_shows_examples(crossdock, command, option):
    done = crossdock(*filter(None, [command, option]))
    assert done.exit_code == 0
    assert "Examples:\n" in done.stdout
    assert f"  crossdock {command or 'demo'}" in done.stdout or f"$(crossdock {command}" in done.stdout


def test_help_lists_every_command_with_a_whole_sentence(crossdock):
    listed = crossdock("-h").stdout.partition("Commands:\n")[2].splitlines()
    assert [line.split()[0] for line in listed] == sorted(COMMANDS)
    assert all(line.endswith(".") and not line.endswith("...") for line in listed)


BUCKET_COMMANDS = ("bucket attach", "bucket detach", "bucket list")


@pytest.mark.parametrize("command", sorted({*COMMANDS, *BUCKET_COMMANDS} - {"bucket", "policy"}))
def test_every_command_takes_a_data_directory_but_the_one_that_needs_none(crossdock, command):
    assert "--data-dir DIR" in crossdock(*command.split(), "-h").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["gopher"],
        ["--gopher"],
        ["env"],
        ["env", ""],
        ["env", "hub", "-o", "xml"],
        ["exec", "hub"],
        ["exec", "hub", "--"],
        ["endpoints", "one", "two"],
        ["endpoints", "s-1", "--server-id", "s-2"],
        ["demo", "now"],
        ["policy", "gopher"],
        ["policy", "test"],
        ["policy", "test", "not-there.json"],
    ],
)
def test_bad_usage_is_exit_code_2_and_says_how_to_get_help(crossdock, arguments):
    done = crossdock(*arguments)
    assert done.exit_code == 2
    assert "Try 'crossdock" in done.stderr


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "crossdock", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("crossdock ")
