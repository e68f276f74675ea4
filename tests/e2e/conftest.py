"""A real `crossdock serve` process and real clients.

A missing client is an error that says how to install it, never a skip.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.harness import Service, start_service

ROOT = Path(__file__).resolve().parents[2]
LONGEST = (
    *("resuming", "start", "clients", "explain_truth", "explain", "failing_s3", "sftp_endings", "article", "workers"),
    *("sftp", "sftp_logins", "lftp_retries", "faults", "aws_authority", "attached_buckets", "aws_script"),
    *("object_ownership", "crashes", "appending", "api_gateway", "explain_profiles", "full_disk"),
)
"""Modules, the longest first, so that none of them is left to the end, where one process would work on it alone."""


def pytest_collection_modifyitems(items):
    for item in items:
        if Path(item.fspath).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.e2e)
    items.sort(key=_place)


def _place(item: pytest.Item) -> int:
    name = item.path.stem.removeprefix("test_")
    is_long = item.path.parent == Path(__file__).parent and name in LONGEST
    return LONGEST.index(name) if is_long else len(LONGEST)


@pytest.fixture
def service(tmp_path) -> Service:
    """A service of this test's own, on free ports; ended with the test."""
    with start_service(tmp_path / "data") as running:
        yield running


@pytest.fixture
def client(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """One of `clients.able`, at the quay of its test, with a working directory of its own."""
    (tmp_path / "home").mkdir()
    return request.param.client(request.getfixturevalue("quay"), tmp_path / "home")


@pytest.fixture(scope="session")
def aws_command() -> str:
    """The path of the `aws` command that `make test` installed, or one that the machine has."""
    own = ROOT / ".venv-aws" / "bin" / "aws"
    found = str(own) if own.exists() else shutil.which("aws")
    assert found, "the aws command is missing: run `make test`, which installs it"
    return found


@pytest.fixture(scope="session", autouse=True)
def clients_are_there():
    programs = ["lftp", "curl", "wget", "ncftp", "ncftpget", "ncftpput", "ncftpls", "tnftp"]
    programs += ["sftp", "scp", "ssh-keygen", "ssh-keyscan", "sshfs", "fusermount3", "rclone", "psftp"]
    for client in programs:
        assert shutil.which(client), f"{client} is missing: run `make test`, which installs it"
