"""`make test-aws`, with the embedded cloud as AWS: the profiles name its address."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from tests.aws.__main__ import PLAN, _sweep
from tests.aws.accounts import PREFIX, TAG, Account, Wrong, document, open_account, tags
from tests.aws.building import build
from tests.aws.reporting import Report
from tests.aws.sweeping import sweep
from tests.e2e.harness import CLEAN, Service, start_service

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("aws")
    with start_service(folder / "data") as service:
        lines = []
        for account in ("hub", "partner"):
            key = service.environment(account)
            lines.append(
                f"[profile {account}]\nendpoint_url = {service.api_url}\nregion = us-east-1\n"
                f"aws_access_key_id = {key['AWS_ACCESS_KEY_ID']}\n"
                f"aws_secret_access_key = {key['AWS_SECRET_ACCESS_KEY']}\n"
            )
        (folder / "config").write_text("".join(lines))
        yield service


def play(aws: Service, *arguments: str) -> subprocess.CompletedProcess[str]:
    folder = aws.data_dir.parent
    return subprocess.run(
        [sys.executable, "-m", "tests.aws", *arguments],
        cwd=ROOT,
        env={**CLEAN, "HOME": str(folder), "AWS_CONFIG_FILE": str(folder / "config")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def left(aws: Service) -> list[str]:
    """What a run has made and not deleted."""
    found = [role["RoleName"] for role in aws.client("hub", "iam").list_roles()["Roles"]]
    found += [one["FunctionName"] for one in aws.client("hub", "lambda").list_functions()["Functions"]]
    found += [bucket["Name"] for bucket in aws.client("partner", "s3").list_buckets()["Buckets"]]
    found += [group["logGroupName"] for group in aws.client("hub", "logs").describe_log_groups()["logGroups"]]
    return [name for name in found if name.startswith((PREFIX, "/aws/transfer/"))]


BOTH = ("--hub", "hub", "--partner", "partner")


def test_the_story_is_played_reported_and_cleaned_away(aws: Service, tmp_path: Path):
    done = play(aws, *BOTH, "--yes", "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "less than 0.02 USD" in done.stdout
    [page] = tmp_path.glob("*.md")
    [data] = tmp_path.glob("*.json")
    found = json.loads(data.read_text())
    assert found["passed"] is True
    assert len(found["steps"]) > 10
    # No profile reads the organization: that what works is allowed has not been seen, and is not said.
    unseen = [step["name"] for step in found["steps"] if step["outcome"] != "ok"]
    assert unseen == ["explain agrees that it works"]
    assert "\nunseen explain agrees that it works: explain says Unknown of what works: " in done.stdout
    assert f"{len(found['steps']) - 1} of {len(found['steps'])} steps, 1 could not be seen" in page.read_text()
    assert "# Crossdock on AWS: passed" in page.read_text()
    for account in ("111111111111", "222222222222"):
        assert account not in page.read_text() + data.read_text()
    assert len(found["deleted"]) == 7
    assert left(aws) == []


def test_nothing_is_made_before_somebody_agrees(aws: Service, tmp_path: Path):
    done = play(aws, *BOTH, "--report", str(tmp_path))
    assert done.returncode == 2
    assert "less than 0.02 USD" in done.stdout
    assert left(aws) == []


def test_what_a_killed_run_leaves_is_cleaned_and_nothing_else(aws: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(aws.data_dir.parent / "config"))
    build(open_account("hub", ""), open_account("partner", ""), "0123abcd")
    assert len(left(aws)) == 7
    done = play(aws, *BOTH, "--clean")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("deleted ") == 7
    assert left(aws) == []


def test_what_cannot_be_deleted_is_told_and_the_rest_is_deleted(aws: Service, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("AWS_CONFIG_FILE", str(aws.data_dir.parent / "config"))
    built = build(open_account("hub", ""), open_account("partner", ""), "0123abce")
    s3 = aws.client("partner", "s3")
    # A person's, whose name begins as ours do: the embedded S3 has no tags, so that the name alone tells.
    s3.create_bucket(Bucket=f"{PREFIX}results")
    resources = [f"arn:aws:s3:::{built.bucket}", f"arn:aws:s3:::{built.bucket}/*"]
    kept = {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket", "Resource": resources}
    s3.put_bucket_policy(Bucket=built.bucket, Policy=document(kept))
    done = play(aws, *BOTH, "--region", "us-east-1", "--clean")
    assert done.returncode == 1
    assert done.stdout.count("deleted ") == 6
    assert f"NOT DELETED bucket {built.bucket}: " in done.stderr
    assert left(aws) == [built.bucket, f"{PREFIX}results"]
    s3.delete_bucket_policy(Bucket=built.bucket)
    assert play(aws, *BOTH, "--clean").returncode == 0
    assert left(aws) == [f"{PREFIX}results"]
    s3.delete_bucket(Bucket=f"{PREFIX}results")


GONE, THERE, ROLE = "0123abcd-gone", "0123abcd-there", "0123abcd-role"


class Partial:
    """An account in which only IAM and Lambda answer, and one function is gone before its tags are asked for."""

    def __init__(self) -> None:
        self.deleted: list[str] = []

    def client(self, service: str) -> object:
        if service not in ("iam", "lambda"):
            raise EndpointConnectionError(endpoint_url=f"https://{service}")
        return self

    def get_paginator(self, operation: str) -> object:
        functions = [{"FunctionName": f"{PREFIX}{name}", "FunctionArn": name} for name in (GONE, THERE)]
        pages = {"list_functions": {"Functions": functions}, "list_roles": {"Roles": [{"RoleName": f"{PREFIX}{ROLE}"}]}}
        return SimpleNamespace(paginate=lambda **_: [pages[operation]])

    def list_tags(self, *, Resource: str) -> dict[str, object]:
        if Resource == GONE:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "ListTags")
        return {"Tags": {TAG: "0123abcd"}}

    def list_role_tags(self, **_: str) -> dict[str, object]:
        return {"Tags": tags("0123abcd")}

    def list_role_policies(self, **_: str) -> dict[str, object]:
        return {"PolicyNames": []}

    def delete_function(self, **named: str) -> None:
        self.deleted.extend(named.values())

    delete_role = delete_function


def test_what_cannot_be_looked_for_keeps_nothing_else_from_being_deleted():
    account = Partial()
    swept = sweep(cast(Account, account), cast(Account, account))
    assert account.deleted == [f"{PREFIX}{THERE}", f"{PREFIX}{ROLE}"]
    assert swept.deleted == [f"function {PREFIX}{THERE}", f"role {PREFIX}{ROLE}"]
    assert [sentence.partition(":")[0] for sentence in swept.stayed] == [
        "looking for buckets",
        f"function {PREFIX}{GONE}",
        "looking for log groups",
    ]


def test_what_was_deleted_is_in_the_report_though_something_stayed():
    account = cast(Account, Partial())
    report = Report(run="0123abcd", began_at="", region="", endpoint="", hidden={})
    with pytest.raises(Wrong, match=r"2 things are, but not looking for buckets: .*; nor function"):
        _sweep(account, account, report)
    assert len(report.deleted) == 2
    assert "--region {region} --clean" in PLAN


def test_a_profile_that_is_none_is_told(aws: Service):
    done = play(aws, "--hub", "hub", "--partner", "nobody")
    assert done.returncode == 1
    assert "nobody" in done.stderr
    same = play(aws, "--hub", "hub", "--partner", "hub")
    assert "both profiles are of account" in same.stderr
