"""`crossdock env` and `crossdock exec`, as shells and scripts take them."""

import json
import os
import subprocess
import sys

import pytest
from tests.fakes.control import HUB, KEYS, control_service


@pytest.fixture
def data_dir(tmp_path):
    with control_service(tmp_path / "data", HUB):
        yield tmp_path / "data"


def test_the_lines_are_exactly_those_of_the_documentation(crossdock, data_dir):
    done = crossdock("env", "hub", "--data-dir", str(data_dir))
    assert done.exit_code == 0
    assert done.stdout == (
        "unset AWS_SESSION_TOKEN AWS_PROFILE AWS_DEFAULT_PROFILE\n"
        "export AWS_ACCESS_KEY_ID='AKIAEXAMPLE123456789'\n"
        "export AWS_SECRET_ACCESS_KEY='it'\\''s/a+secret'\n"
        "export AWS_REGION='us-east-1'\n"
        "export AWS_DEFAULT_REGION='us-east-1'\n"
        "export AWS_ENDPOINT_URL='http://127.0.0.1:4566'\n"
    )


def test_a_shell_reads_the_lines_as_they_are_meant(crossdock, data_dir):
    lines = crossdock("env", "hub", "--data-dir", str(data_dir)).stdout
    done = subprocess.run(
        ["sh", "-c", f"{lines}env"],
        env={"AWS_PROFILE": "mine", "AWS_SESSION_TOKEN": "old", "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )
    found = dict(line.partition("=")[::2] for line in done.stdout.splitlines())
    assert {name: value for name, value in found.items() if name.startswith("AWS_")} == KEYS


def test_json_has_the_same_variables(crossdock, data_dir):
    assert json.loads(crossdock("env", "hub", "--data-dir", str(data_dir), "-o", "json").stdout) == KEYS


def test_the_data_directory_may_come_from_the_environment(crossdock, data_dir, monkeypatch):
    monkeypatch.setenv("CROSSDOCK_DATA_DIR", str(data_dir))
    assert crossdock("env", "hub").exit_code == 0
    monkeypatch.setenv("CROSSDOCK_DATA_DIR", "elsewhere")
    assert crossdock("env", "hub").exit_code == 1
    assert crossdock("env", "hub", "--data-dir", str(data_dir)).exit_code == 0


def test_an_unknown_account_is_the_services_own_sentence(crossdock, tmp_path):
    refusal = (404, {"message": "there is no account 'hop' (accounts: hub=111111111111)"})
    with control_service(tmp_path / "data", {"/accounts/ho%2Fp/environment": refusal}) as asked:
        done = crossdock("env", "ho/p", "--data-dir", str(tmp_path / "data"))
        assert asked == ["/accounts/ho%2Fp/environment"]
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Error: there is no account 'hop' (accounts: hub=111111111111)\n"


def run_exec(*arguments, **variables):
    return subprocess.run(
        [sys.executable, "-m", "crossdock", "exec", *map(str, arguments)],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        check=False,
    )


SHOW = "import json, os, sys; print(json.dumps([sys.argv[1:], dict(os.environ)]))"


def test_exec_runs_one_command_with_these_variables_and_the_callers_others(data_dir):
    done = run_exec(
        "hub",
        "--data-dir",
        data_dir,
        "--",
        *(sys.executable, "-c", SHOW, "-o", "json", "--", "a b", "--data-dir"),
        AWS_PROFILE="mine",
        AWS_SESSION_TOKEN="old",
        AWS_DEFAULT_PROFILE="mine",
        AWS_ACCESS_KEY_ID="mine",
        EDITOR="ed",
    )
    assert done.returncode == 0, done.stderr
    arguments, environment = json.loads(done.stdout)
    assert arguments == ["-o", "json", "--", "a b", "--data-dir"]
    assert {name: value for name, value in environment.items() if name.startswith("AWS_")} == KEYS
    assert environment["EDITOR"] == "ed"


def test_exec_needs_no_dashes_for_a_command_without_options(data_dir):
    done = run_exec("--data-dir", data_dir, "hub", "printenv", "AWS_ENDPOINT_URL")
    assert (done.returncode, done.stdout) == (0, "http://127.0.0.1:4566\n")


def test_exec_says_that_options_of_the_command_need_dashes(crossdock, data_dir):
    done = crossdock("exec", "hub", "ls", "--all", "--data-dir", str(data_dir))
    assert done.exit_code == 2
    assert "--all" in done.stderr
    assert "write `--` before COMMAND" in done.stderr


def test_execs_exit_code_is_the_commands(data_dir):
    assert run_exec("hub", "--data-dir", data_dir, "--", "sh", "-c", "exit 7").returncode == 7


@pytest.mark.parametrize(("command", "reason"), [("no-such-command", "No such file"), ("/tmp", "Permission denied")])
def test_a_command_that_cannot_be_run_is_a_sentence(data_dir, command, reason):
    done = run_exec("hub", "--data-dir", data_dir, "--", command)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"Error: cannot run {command}: {reason}")


def test_exec_runs_nothing_when_there_is_no_service(tmp_path):
    done = run_exec("hub", "--data-dir", tmp_path, "--", "touch", tmp_path / "made")
    assert done.returncode == 1
    assert not (tmp_path / "made").exists()
