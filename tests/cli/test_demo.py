"""What the demo's own parts promise; that it works as a whole is seen in `tests/e2e`."""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace

import pytest

from crossdock.cli.demo.clients import AwsClients
from crossdock.cli.demo.narration import aws_command
from crossdock.cli.demo.story import Story
from crossdock.examples.article import CallFailed
from crossdock.settings import foreign_variables


def test_the_callers_settings_are_not_the_demos():
    environment = {"CROSSDOCK_DATA_DIR": "/srv/mine", "CROSSDOCK_KEYS": "hub=…", "PATH": "/bin"}
    assert foreign_variables(environment=environment) == {"PATH": "/bin"}


def test_the_callers_profile_and_proxies_are_not_the_demos(monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "that-is-nowhere")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:3128")

    class Service:
        def environment(self, account):
            return {
                "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE123456789",
                "AWS_SECRET_ACCESS_KEY": "secret",
                "AWS_REGION": "eu-west-1",
                "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
            }

    client = AwsClients(Service()).client("hub", "sts")
    assert client.meta.endpoint_url == "http://127.0.0.1:9"
    assert client.meta.region_name == "eu-west-1"
    assert client.meta.config.proxies == {}


def test_a_command_that_is_shown_can_be_typed_and_hides_passwords():
    params = {"SecretId": "aws/transfer/s-1/user 1", "SecretString": '{"Password": "open sesame", "Role": "r"}'}
    assert aws_command("hub", "secretsmanager", "CreateSecret", params) == (
        "crossdock exec hub -- aws secretsmanager create-secret --secret-id 'aws/transfer/s-1/user 1' "
        """--secret-string '{"Password": "…", "Role": "r"}'"""
    )


def test_the_demo_begins_with_a_new_directory(crossdock, tmp_path):
    (tmp_path / "used").mkdir()
    (tmp_path / "used" / "file").touch()
    done = crossdock("demo", "--data-dir", "used")
    assert done.exit_code == 2
    assert "used is there already" in done.stderr


class LateLog:
    """Implements what a story asks of `AwsClients`, with a log group that is not there at first."""

    def __init__(self, *answers):
        self.answers = list(answers)

    async def do(self, account, service, operation, params):
        assert (account, service, operation) == ("hub", "logs", "FilterLogEvents")
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return {"events": [{"message": message} for message in answer]}


async def logged_reason(tmp_path, *answers):
    story = Story(SimpleNamespace(environment=lambda account: {}), tmp_path)
    story._aws = LateLog(*answers)
    return await story._logged_reason("inbox")


async def test_the_log_group_may_come_later_than_the_refusal(tmp_path):
    missing = CallFailed("ResourceNotFoundException", "The specified log group does not exist.")
    assert await logged_reason(tmp_path, missing, [], ["of another"], ["ERROR inbox"]) == "ERROR inbox"


async def test_what_else_the_logs_refuse_ends_the_story(tmp_path):
    with pytest.raises(CallFailed, match="AccessDenied"):
        await logged_reason(tmp_path, CallFailed("AccessDeniedException", "no"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_demo_that_is_told_to_end_clears_its_folder_away(tmp_path, number):
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "crossdock", "demo"],
        stdout=subprocess.PIPE,
        text=True,
        env={"PATH": os.environ["PATH"], "TMPDIR": str(temporary), "HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"},
        # nohup has had it ignored, and so it stays for whoever is started under it.
        preexec_fn=lambda: signal.signal(number, signal.SIG_DFL),
    ) as process:
        assert process.stdout.readline().startswith("Crossdock demo: ")
        assert list(temporary.iterdir()) != []
        process.send_signal(number)
        process.stdout.read()
        assert process.wait(60) == 128 + number
    assert list(temporary.iterdir()) == []
