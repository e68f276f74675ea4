"""`crossdock explain --profile` as a process of its own, where a running service's two accounts play AWS.

The profiles are roles that may do what `--print-policy` prints, assumed as `~/.aws/config` says. What it finds is
compared with what an upload really meets.
"""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.harness import CLEAN, run, start_service
from tests.e2e.test_explain import BUCKET, HUB, PARTNER, ROLE, ROLE_ARN, Dock, make_good, put_role_statements, put_trust

READER = "explain-reader"


@dataclass(frozen=True, slots=True)
class Desk:
    """The article's service, and a person with profiles beside it."""

    dock: Dock
    home: Path

    def crossdock(self, *arguments: str, check: bool = False):
        environment = {**CLEAN, "HOME": str(self.home), "AWS_CONFIG_FILE": str(self.home / "config")}
        return run([sys.executable, "-m", "crossdock", *arguments], environment=environment, check=check)

    def explain(self, *arguments: str, accounts: tuple[str, ...] = ("hub", "partner")) -> dict[str, Any]:
        """Of user2's upload, said to have the role and home that the identity provider would answer."""
        profiles = [word for account in accounts for word in ("--profile", f"{account}={account}-reader")]
        done = self.crossdock(
            *("explain", *profiles, "--account", f"hub={HUB}", "--account", f"partner={PARTNER}", "-o", "json"),
            *("--server-id", self.dock.server_id, "--user-name", "user2"),
            *("--role", ROLE_ARN, "--home", f"/{BUCKET}", *arguments, "put", "in/a.csv"),
        )
        found = json.loads(done.stdout)
        assert done.returncode == (0 if found["outcome"] == "Allowed" else 1), done.stderr
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with start_service(tmp_path_factory.mktemp("explain") / "data", "--example", "article") as service:
        yield service


@pytest.fixture(scope="module")
def profiles(running, tmp_path_factory) -> Path:
    """A home with a profile for each account, which may only read."""
    home = tmp_path_factory.mktemp("home")
    printed = run([sys.executable, "-m", "crossdock", "explain", "--print-policy"]).stdout
    lines = []
    for account, account_id in (("hub", HUB), ("partner", PARTNER), ("management", "000000000000")):
        variables = running.environment(account)
        common = f"endpoint_url = {running.api_url}\nregion = {variables['AWS_REGION']}\n"
        lines.append(
            f"[profile {account}-admin]\n{common}aws_access_key_id = {variables['AWS_ACCESS_KEY_ID']}\n"
            f"aws_secret_access_key = {variables['AWS_SECRET_ACCESS_KEY']}\n"
        )
        if account == "management":  # which has no roles here
            continue
        iam = running.client(account, "iam")
        trust = {"Effect": "Allow", "Principal": {"AWS": account_id}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        iam.create_role(RoleName=READER, AssumeRolePolicyDocument=document)
        iam.put_role_policy(RoleName=READER, PolicyName="reads", PolicyDocument=printed)
        lines.append(
            f"[profile {account}-reader]\n{common}role_arn = arn:aws:iam::{account_id}:role/{READER}\n"
            f"source_profile = {account}-admin\n"
        )
    (home / "config").write_text("".join(lines))
    return home


@pytest.fixture
def desk(running, profiles) -> Desk:
    """One service for all tests, made good again for each."""
    (endpoint,) = json.loads(running.crossdock("endpoints", "-o", "json").stdout)
    dock = Dock(running, endpoint["serverId"], endpoint["host"], endpoint["port"])
    make_good(dock)
    return Desk(dock, profiles)


MANAGEMENT = ("--profile", "000000000000=management-admin")


def test_what_is_allowed_is_known_once_the_organization_may_be_read(desk):
    assert desk.dock.upload().startswith("226")
    found = desk.explain(*MANAGEMENT)
    assert (found["outcome"], found["fixes"]) == ("Allowed", [])
    blind = desk.explain()
    assert blind["outcome"] == "Unknown"
    assert "give --profile 000000000000=PROFILE" in blind["conclusion"]
    (put,) = [step for step in blind["steps"] if step["step"] == "s3:PutObject"]
    assert [layer["layer"] for layer in put["layers"] if layer["says"] == "unknown"] == [
        "resource control policy",
        "service control policy",
    ]


def test_a_bucket_policy_that_is_missing(desk):
    desk.dock.client("partner", "s3").delete_bucket_policy(Bucket=BUCKET)
    assert desk.dock.upload().startswith("550")
    found = desk.explain()
    assert found["outcome"] == "Denied"
    (fix,) = found["fixes"]
    assert (fix["account"], fix["attachedTo"]) == (PARTNER, f"arn:aws:s3:::{BUCKET}")
    desk.dock.put_bucket_policy({"Version": "2012-10-17", "Statement": [fix["statement"]]})
    assert desk.dock.upload().startswith("226")


def test_a_wrong_user_id(desk):
    stale = {"StringLike": {"aws:userId": "AROAANOTHERROLE00001:*"}}
    desk.dock.change_bucket_policy(lambda statement: statement.update(Condition=stale))
    assert desk.dock.upload().startswith("550")
    (fix,) = desk.explain()["fixes"]
    role_id = desk.dock.client("hub", "iam").get_role(RoleName=ROLE)["Role"]["RoleId"]
    assert (fix["change"], fix["old"], fix["new"]) == (
        "replace-condition-value",
        "AROAANOTHERROLE00001:*",
        f"{role_id}:*",
    )


def test_a_permission_that_the_role_lacks(desk):
    put_role_statements(desk.dock, {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    assert desk.dock.upload().startswith("550")
    found = desk.explain()
    assert found["outcome"] == "Denied"
    assert [(fix["account"], fix["attachedTo"]) for fix in found["fixes"]] == [(HUB, ROLE_ARN)]


def test_a_trust_policy_without_transfer_or_without_the_gateway(desk):
    gateway = f"arn:aws:iam::{HUB}:role/{READER}"
    refused = desk.explain("--gateway-role", gateway)
    assert (refused["outcome"], refused["steps"][-1]["step"]) == ("Denied", "role")
    put_trust(desk.dock, "ec2.amazonaws.com")
    assert desk.dock.upload().startswith("530")
    found = desk.explain()
    assert (found["outcome"], found["steps"][-1]["step"]) == ("Denied", "role")
    (fix,) = found["fixes"]
    assert fix["statement"]["Principal"] == {"Service": "transfer.amazonaws.com"}


def test_without_the_partners_profile_nothing_of_it_is_claimed(desk):
    found = desk.explain(accounts=("hub",))
    assert found["outcome"] == "Unknown"
    (put,) = [step for step in found["steps"] if step["step"] == "s3:PutObject"]
    whys = {layer.get("why") for layer in put["layers"]}
    assert f"no profile is given for the account whose bucket {BUCKET} is" in whys
    assert found["fixes"] == []
    assert f"give --profile ACCOUNT=PROFILE for that of bucket {BUCKET}" in found["conclusion"]


def test_people_read_what_is_unknown_and_what_would_show_it(desk):
    done = desk.crossdock(
        *("explain", "--profile", "hub=hub-reader", "--server-id", desk.dock.server_id, "--user-name", "user2"),
        *("--role", ROLE_ARN, "--home", f"/{BUCKET}", "put", "in/a.csv"),
    )
    assert done.returncode == 1
    assert "? s3:PutObject arn:aws:s3:::" in done.stdout
    assert "    ? resource-based policy: unknown, for no profile is given for the account whose bucket" in done.stdout
    assert "To change that: give --profile" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_profile_whose_role_cannot_be_assumed_is_said_without_a_traceback(desk, tmp_path):
    text = (desk.home / "config").read_text()
    role = f"role_arn = arn:aws:iam::{HUB}:role/nobodys\nsource_profile = hub-admin\nregion = us-east-1\n"
    (tmp_path / "config").write_text(f"{text}[profile lost]\n{role}endpoint_url = {desk.dock.service.api_url}\n")
    asked = ("--server-id", desk.dock.server_id, "--user-name", "user2", "put", "in/a.csv")
    done = Desk(desk.dock, tmp_path).crossdock("explain", "--profile", "hub=lost", *asked)
    assert done.returncode == 1
    first, last = done.stderr.splitlines()
    assert first.startswith(
        "AWS credentials of the environment or a profile could not be renewed, and until that works"
    )
    assert last.startswith("Error: profile lost cannot be used: AccessDenied")
