"""`make test-aws`, with the embedded cloud as AWS: the profiles name its address."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.aws.accounts import PREFIX, open_account
from tests.aws.building import build
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


def test_a_profile_that_is_none_is_told(aws: Service):
    done = play(aws, "--hub", "hub", "--partner", "nobody")
    assert done.returncode == 1
    assert "nobody" in done.stderr
    same = play(aws, "--hub", "hub", "--partner", "hub")
    assert "both profiles are of account" in same.stderr
