"""`crossdock endpoints`, for people and for scripts."""

import json

import pytest
from tests.fakes.control import control_service

FTP = {
    "serverId": "s-0123456789abcdef0",
    "accountId": "111111111111",
    "region": "us-east-1",
    "state": "ONLINE",
    "protocol": "FTP",
    "host": "127.0.0.1",
    "port": 2121,
    "passivePorts": list(range(8192, 8201)),
    "ingress": "restricted",
    "message": "",
}
SFTP = {
    **FTP,
    "protocol": "SFTP",
    "state": "OFFLINE",
    "port": 0,
    "passivePorts": [],
    "message": "SFTP is not served yet",
}
OTHER = {
    **FTP,
    "serverId": "s-0000000000000000f",
    "host": "::1",
    "port": 2122,
    "passivePorts": [40001, 40007],
    "ingress": "unrestricted",
}


def for_scripts(endpoint):
    return {key: value for key, value in endpoint.items() if key != "message"}


@pytest.fixture
def data_dir(tmp_path):
    with control_service(tmp_path / "data", {"/endpoints": [FTP, SFTP, OTHER]}):
        yield str(tmp_path / "data")


def test_the_table_has_a_line_for_each_server_and_protocol(crossdock, data_dir):
    done = crossdock("endpoints", "--data-dir", data_dir)
    assert done.exit_code == 0
    assert done.stdout == (
        "SERVER               ACCOUNT       REGION     PROTOCOL  STATE    ADDRESS         PASSIVE PORTS  INGRESS\n"
        "s-0123456789abcdef0  111111111111  us-east-1  FTP       ONLINE   127.0.0.1:2121  8192-8200      restricted\n"
        "s-0123456789abcdef0  111111111111  us-east-1  SFTP      OFFLINE  -               -              restricted\n"
        "s-0000000000000000f  111111111111  us-east-1  FTP       ONLINE   [::1]:2122      40001,40007    unrestricted\n"
        "\n"
        "s-0123456789abcdef0 SFTP: SFTP is not served yet\n"
    )


def test_json_has_exactly_the_keys_that_scripts_rely_on(crossdock, data_dir):
    done = crossdock("endpoints", "--data-dir", data_dir, "-o", "json")
    assert json.loads(done.stdout) == [for_scripts(FTP), for_scripts(SFTP), for_scripts(OTHER)]


@pytest.mark.parametrize("how", [["s-0000000000000000f"], ["--server-id", "s-0000000000000000f"]])
def test_one_server_is_asked_for_by_its_id(crossdock, data_dir, how):
    done = crossdock("endpoints", *how, "--data-dir", data_dir, "--output", "json")
    assert json.loads(done.stdout) == [for_scripts(OTHER)]


def test_a_server_that_is_not_there_is_a_failure(crossdock, data_dir):
    done = crossdock("endpoints", "s-none", "--data-dir", data_dir, "-o", "json")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "Error: there is no server s-none: `crossdock endpoints` lists those there are\n"


def test_without_any_server_it_says_how_to_make_one_and_json_is_an_empty_list(crossdock, tmp_path):
    with control_service(tmp_path / "data", {"/endpoints": []}):
        assert "aws transfer create-server" in crossdock("endpoints", "--data-dir", str(tmp_path / "data")).stdout
        assert crossdock("endpoints", "--data-dir", str(tmp_path / "data"), "-o", "json").stdout == "[]\n"
