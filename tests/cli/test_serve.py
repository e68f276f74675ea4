"""`crossdock serve`: what it refuses before anything starts, and what it hands to the service."""

import errno
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from crossdock.adapters.host.disk_errors import sqlite_errors
from crossdock.adapters.host.sqlite_files import has_tables
from crossdock.cli.serve import serve
from crossdock.core.errors import CrossdockError, OutOfSpace, Unavailable
from crossdock.settings import Settings, setting_rows


@dataclass
class FakeApp:
    """Stands for `crossdock.app.run`: notes what it is told to run."""

    error: Exception | None = None
    ran: list[tuple[Settings, str | None]] = field(default_factory=list)

    async def run(self, settings, *, example=None):
        self.ran.append((settings, example))
        if self.error:
            raise self.error


@pytest.fixture
def app(monkeypatch):
    fake = FakeApp()
    monkeypatch.setitem(sys.modules, "crossdock.app.run", fake)
    return fake


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--ftp-port", "65536"], "65536 is not in the range"),
        (["--api-port", "http"], "'http' is not a valid integer"),
        (["--passive-ports", "9000-8000"], "must be a range of ports such as 8192-8200, or 0"),
        (["--passive-ports", "1-65535"], "at most 1000 ports"),
        (["--passive-ip", "10.0.0.1"], "'10.0.0.1' is not CIDR=ADDRESS"),
        (["--passive-ip", "office=10.0.0.1"], "'office' is not a network such as 10.0.0.0/8"),
        (["--passive-ip", "10.0.0.0/8=inside"], "'inside', for 10.0.0.0/8, is not AUTO or an IPv4 address"),
        (["--passive-ip", "::/0=AUTO", "--passive-ip", "::/0=AUTO"], "the network ::/0 is given twice"),
        (["--drain-timeout", "-1"], "must be between 0 and 86,400"),
        (["--drain-timeout", "nan"], "must be between 0 and 86,400"),
        (["--host", "not a host"], "must be an address such as 127.0.0.1"),
        (["--region", "Somewhere Else"], "must be a region such as us-east-1"),
        (["--account", "press"], "'press' is not NAME=ID with an id of twelve digits"),
        (["--account", "press=123"], "the id must be twelve digits"),
        (["--account", "9=123456789012"], "account name '9'"),
        (["--account", "a=123456789012", "--account", "a=123456789013"], "the account a is given twice"),
        (["--account", "a=123456789012", "--account", "b=123456789012"], "two accounts have the same id"),
        (["--account", "management=123456789012"], "that is the name of the management account, 000000000000"),
        (["--config", "none.toml"], "'none.toml' does not exist"),
        (["--example", "gopher"], "'gopher' is not 'article'"),
        (["now"], "unexpected extra argument"),
    ],
)
def test_a_bad_option_is_bad_usage(crossdock, app, arguments, sentence):
    done = crossdock("serve", *arguments)
    assert done.exit_code == 2
    assert sentence in " ".join(done.stderr.split())
    assert app.ran == []


def test_a_bad_setting_is_a_failure_with_a_sentence(crossdock, app, tmp_path, monkeypatch):
    (tmp_path / "dock.toml").write_text("ftp_prot = 2121\n")
    done = crossdock("serve", "--config", "dock.toml")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: dock.toml: unknown setting 'ftp_prot'")
    monkeypatch.setenv("CROSSDOCK_FTP_PORT", "many")
    done = crossdock("serve")
    assert (done.exit_code, done.stderr) == (1, "Error: CROSSDOCK_FTP_PORT must be a whole number\n")
    assert app.ran == []


def test_options_become_settings(crossdock, app, tmp_path, monkeypatch):
    (tmp_path / "dock.toml").write_text('sftp_port = 2300\nregion = "eu-west-1"\n')
    monkeypatch.setenv("CROSSDOCK_DATA_DIR", "from-variable")
    done = crossdock(
        "serve",
        *("--config", "dock.toml", "--ftp-port", "0", "--api-port", "0", "--passive-ports", "0"),
        *("--host", "0.0.0.0", "--drain-timeout", "2.5", "--web-port", "8081", "--region", "eu-central-1"),
        *("--account", "press=333333333333", "--account", "lab=444444444444", "--example", "article"),
    )
    assert (done.exit_code, done.output) == (0, "")
    ((settings, example),) = app.ran
    assert example == "article"
    assert settings == Settings(
        data_dir=Path("from-variable"),
        host="0.0.0.0",
        api_port=0,
        ftp_port=0,
        passive_ports="0",
        sftp_port=2300,
        web_port=8081,
        drain_timeout=2.5,
        region="eu-central-1",
        accounts={
            "hub": "111111111111",
            "partner": "222222222222",
            "press": "333333333333",
            "lab": "444444444444",
        },
    )


def test_who_may_reach_servers_is_said_by_options_or_elsewhere(crossdock, app, tmp_path):
    (tmp_path / "dock.toml").write_text('allow_public_ftp = true\n[passive_ip]\n"::/0" = "10.0.0.9"\n')
    assert crossdock("serve", "--config", "dock.toml").exit_code == 0
    done = crossdock(
        *("serve", "--config", "dock.toml", "--allow-open-servers"),
        *("--passive-ip", "10.0.0.0/8=AUTO", "--passive-ip", "0.0.0.0/0=198.51.100.7"),
    )
    assert done.exit_code == 0
    (by_file, _), (by_options, _) = app.ran
    assert (by_file.allow_open_servers, by_file.allow_public_ftp) == (False, True)
    assert by_file.passive_ip == {"::/0": "10.0.0.9"}
    assert (by_options.allow_open_servers, by_options.allow_public_ftp) == (True, True)
    assert by_options.passive_ip == {"10.0.0.0/8": "AUTO", "0.0.0.0/0": "198.51.100.7"}


def damaged(path):
    """What the service raises at a database that is none."""
    path.write_bytes(b"no database" * 100)
    with pytest.raises(Unavailable) as raised, sqlite_errors("objects.db"):
        has_tables(path)
    return raised.value


def test_a_damaged_database_is_named_with_its_path_and_what_to_do(crossdock, app, tmp_path):
    app.error = damaged(tmp_path / "objects.db")
    done = crossdock("serve", "--data-dir", "/srv/dock")
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: /srv/dock/objects.db: file is not a database. The file is damaged: restore")
    app.error = Unavailable("the S3 behind is away")
    assert crossdock("serve").stderr == "Error: the S3 behind is away\n"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (CrossdockError("the data directory is in use by process 7"), "the data directory is in use by process 7"),
        (
            OutOfSpace("opening the epoch: No space left on device"),
            "the disk of crossdock-data is full (opening the epoch: No space left on device): make room there, "
            "then start again",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            "the service cannot go on: [Errno 28] No space left on device",
        ),
    ],
)
def test_a_service_that_cannot_start_is_a_sentence_and_exit_code_1(crossdock, app, error, sentence):
    app.error = error
    done = crossdock("serve")
    assert (done.exit_code, done.stderr) == (1, f"Error: {sentence}\n")


def test_a_mistake_in_crossdock_is_not_dressed_up_as_the_operators(crossdock, app):
    app.error = ZeroDivisionError("ours")
    with pytest.raises(ZeroDivisionError):
        crossdock("serve")


def test_the_help_names_the_defaults_that_hold():
    defaults = {row.name: row.default.strip('"') for row in setting_rows() if not row.section}
    shown = {
        option.name: found.group(1)
        for option in serve.params
        if (found := re.search(r"\[default: (.*)\]", getattr(option, "help", "") or ""))
    }
    compared = {name for name in shown if name not in ("data_dir", "accounts")}
    assert compared == {
        *("host", "region", "passive_ports", "drain_timeout", "workers"),
        *("api_port", "ftp_port", "sftp_port", "web_port"),
    }
    assert {name: shown[name] for name in compared} == {name: defaults[name] for name in compared}
    assert defaults["data_dir"] in shown["data_dir"]
    assert all(f"{name}={account_id}" in shown["accounts"] for name, account_id in Settings().accounts.items())
