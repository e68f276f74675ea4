"""What the demo's own parts promise; that it works as a whole is seen in `tests/e2e`."""

from crossdock.cli.demo.clients import AwsClients
from crossdock.cli.demo.narration import aws_command
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
