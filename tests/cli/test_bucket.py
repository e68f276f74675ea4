"""`crossdock bucket`, against a service that answers what the test says."""

import json

import pytest
from tests.fakes.control import control_service

WHERE = {"to": "s3://incoming/a/", "endpointUrl": "https://s3.example.com", "credentials": "the file /keys"}
HERE = {"to": "", "endpointUrl": "", "credentials": ""}
LANDING = {"name": "landing", "accountId": "111111111111", "region": "us-east-1", **WHERE}
OWN = {"name": "own", "accountId": "222222222222", "region": "eu-west-1", **HERE}


@pytest.fixture
def data_dir(tmp_path):
    return str(tmp_path / "data")


@pytest.fixture
def asked(tmp_path):
    answer = {"name": "landing", **WHERE, "buckets": [LANDING, OWN]}
    with control_service(tmp_path / "data", {"/buckets": answer}) as asked:
        yield asked


def test_attaching_says_all_that_was_given_with_absolute_paths(crossdock, data_dir, asked, tmp_path):
    (tmp_path / "keys").write_text("")
    (tmp_path / "ca.pem").write_text("")
    options = ["--account", "hub", "--to", "s3://incoming/a", "--endpoint-url", "https://s3.example.com"]
    options += ["--region", "eu-west-1", "--profile", "p", "--credentials-file", "keys", "--path-style"]
    done = crossdock("bucket", "attach", "landing", *options, "--ca-file", "ca.pem", "--data-dir", data_dir)
    assert done.exit_code == 0
    assert done.stdout == (
        "attached landing: its objects lie in s3://incoming/a/ at https://s3.example.com, reached with the file /keys\n"
    )
    assert asked.bodies == [
        {
            "do": "attach",
            "name": "landing",
            "account": "hub",
            "backing": {
                "to": "s3://incoming/a",
                "endpoint_url": "https://s3.example.com",
                "region": "eu-west-1",
                "profile": "p",
                "credentials_file": str(tmp_path / "keys"),
                "path_style": True,
                "ca_file": str(tmp_path / "ca.pem"),
            },
        }
    ]


def test_detaching_says_where_the_objects_stay(crossdock, data_dir, asked):
    done = crossdock("bucket", "detach", "landing", "--data-dir", data_dir)
    assert done.stdout.startswith("detached landing: its objects stay in s3://incoming/a/ at https://s3.example.com")
    assert asked.bodies == [{"do": "detach", "name": "landing"}]


def test_detaching_says_how_many_unfinished_uploads_ended_and_how_many_did_not(crossdock, data_dir, tmp_path):
    answer = {"name": "landing", **WHERE, "aborted": 2, "stayed": 3, "reason": "S3 did not answer in time"}
    with control_service(tmp_path / "data", {"/buckets": answer}):
        done = crossdock("bucket", "detach", "landing", "--data-dir", data_dir)
    assert done.exit_code == 0
    assert done.stdout.endswith("\naborted the unfinished uploads there: 2\n")
    assert done.stderr == (
        "could not abort unfinished uploads there: 3. Their parts stay until that S3 ends them, as by a lifecycle rule "
        "(S3 did not answer in time)\n"
    )


def test_detaching_says_that_unfinished_uploads_could_not_be_seen(crossdock, data_dir, tmp_path):
    answer = {"name": "landing", **WHERE, "aborted": 0, "stayed": 0, "reason": "the disk fails"}
    with control_service(tmp_path / "data", {"/buckets": answer}):
        done = crossdock("bucket", "detach", "landing", "--data-dir", data_dir)
    assert done.exit_code == 0
    assert done.stderr == (
        "could not see whether there are unfinished uploads there: the service looks again (the disk fails)\n"
    )


def test_all_buckets_are_listed(crossdock, data_dir, asked):
    done = crossdock("bucket", "list", "--data-dir", data_dir)
    assert done.stdout == (
        "BUCKET   ACCOUNT       REGION     OBJECTS IN        ENDPOINT                CREDENTIALS\n"
        "landing  111111111111  us-east-1  s3://incoming/a/  https://s3.example.com  the file /keys\n"
        "own      222222222222  eu-west-1  -                 -                       -\n"
    )
    assert json.loads(crossdock("bucket", "list", "-o", "json", "--data-dir", data_dir).stdout) == [LANDING, OWN]


def test_where_there_are_none_it_says_how_to_make_one(crossdock, data_dir, tmp_path):
    with control_service(tmp_path / "data", {"/buckets": {"buckets": []}}):
        assert "crossdock bucket attach" in crossdock("bucket", "list", "--data-dir", data_dir).stdout


def test_a_refusal_is_a_sentence(crossdock, data_dir, tmp_path):
    with control_service(tmp_path / "data", {"/buckets": (400, {"message": "failed the step put"})}):
        done = crossdock("bucket", "attach", "x", "--account", "hub", "--to", "s3://y", "--data-dir", data_dir)
    assert (done.exit_code, "Error: failed the step put" in done.stderr) == (1, True)


def test_a_file_that_is_not_there_is_bad_usage(crossdock, data_dir):
    done = crossdock("bucket", "attach", "x", "--account", "hub", "--to", "s3://y", "--ca-file", "none")
    assert done.exit_code == 2
