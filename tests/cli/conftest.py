"""Every test of a command starts without settings of the caller's."""

import os

import pytest
from click.testing import CliRunner, Result

from crossdock.cli.main import trunk


@pytest.fixture(autouse=True)
def no_settings(monkeypatch, tmp_path):
    for name in os.environ:
        if name.startswith(("CROSSDOCK_", "AWS_")):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def crossdock():
    """Runs a command line in this process; fails the test for whatever would be a traceback."""

    def run(*arguments: str, input: str = "") -> Result:
        done = CliRunner().invoke(trunk, arguments, prog_name="crossdock", input=input)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert "Traceback" not in done.output
        return done

    return run
