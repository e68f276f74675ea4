"""One thing wrong at a time in the article's set-up on AWS: of each command `explain` says what its client then hears.

The gateway has authority `aws`, "AWS" is an embedded cloud in a process of its own, and `explain` reads that by
profiles, with the identity provider asked as a login asks it.
"""

import ftplib
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.aws_cloud import (
    BUCKET,
    EXTERNAL_ID,
    HUB,
    PASSWORD,
    SERVER_ID,
    USER,
    Cloud,
    configuration,
    document,
    gateway_policy,
    open_cloud,
    trust,
)
from tests.e2e.harness import Service, lftp, start_service
from tests.e2e.test_article import bucket_policy, role_policy
from tests.fakes.aws_profiles import Profiles
from tests.fakes.house import CountingEntropy

from crossdock.adapters.host.clock import SystemClock
from crossdock.app.explain_aws import Reading, open_explaining
from crossdock.cloud.accounts import AccountCredentials
from crossdock.core.object_writing import FULL_CONTROL, ObjectWriting

PARTNER, MANAGEMENT = "222222222222", "000000000000"
ROLE, GATEWAY, BOUNDARY = "transfer-role", "gateway", f"arn:aws:iam::{HUB}:policy/bound"
SCP, RCP = "SERVICE_CONTROL_POLICY", "RESOURCE_CONTROL_POLICY"
OBJECTS = f"arn:aws:s3:::{BUCKET}/*"
EVERYTHING = {"Effect": "Allow", "Action": "*", "Resource": "*"}
READING = {"Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": "*"}
FRESH = ("in/a.csv", "full/x", "empty/")
"""What is in the bucket before each command."""

COMMANDS: Mapping[tuple[str, ...], Callable[[ftplib.FTP], object]] = {
    ("put", "in/new.csv"): lambda ftp: ftp.storbinary("STOR in/new.csv", io.BytesIO(b"1,2\n")),
    ("append", "in/a.csv"): lambda ftp: ftp.storbinary("APPE in/a.csv", io.BytesIO(b"1,2\n")),
    ("get", "in/a.csv"): lambda ftp: ftp.retrbinary("RETR in/a.csv", len),
    ("ls", "in"): lambda ftp: ftp.nlst("in"),
    ("mkdir", "new"): lambda ftp: ftp.mkd("new"),
    ("rmdir", "empty"): lambda ftp: ftp.rmd("empty"),
    ("mv", "in/a.csv", "in/b.csv"): lambda ftp: ftp.rename("in/a.csv", "in/b.csv"),
    ("rm", "in/a.csv"): lambda ftp: ftp.delete("in/a.csv"),
    ("cd", "in"): lambda ftp: ftp.cwd("in"),
}
"""As a person asks about it, and as a client does it in one session: what leaves the directory comes last."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dock:
    cloud: Cloud
    gateway: Service
    reading: Reading

    def client(self, account: str, service: str) -> Any:
        return self.cloud.service.client(account, service)

    def provide(self) -> None:
        """`FRESH`, and nothing else."""
        s3 = self.cloud.partner_s3
        for found in s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            s3.delete_object(Bucket=BUCKET, Key=found["Key"])
        for key in FRESH:
            s3.put_object(Bucket=BUCKET, Key=key, Body=b"1,2\n" if not key.endswith("/") else b"")

    def heard(self) -> dict[Sequence[str], str]:
        """Of each command, whether a client that logs in hears that it was done."""
        with ftplib.FTP() as ftp:
            ftp.connect(*self.gateway.ftp_endpoint(SERVER_ID), timeout=30)
            if _reply(lambda ftp: ftp.login(USER, PASSWORD), ftp) == "Denied":
                return dict.fromkeys(COMMANDS, "Denied")
            found: dict[Sequence[str], str] = {}
            self.provide()
            for command, act in COMMANDS.items():
                found[command] = _reply(act, ftp)
                if found[command] == "Allowed":
                    self.provide()
        return found

    async def said(self) -> dict[Sequence[str], str]:
        """Of each command, what `explain` says."""
        async with open_explaining(self.reading, clock=SystemClock(), entropy=CountingEntropy()) as explain:
            return {command: (await explain(_question(*command)))["outcome"] for command in COMMANDS}

    def admit(self, change: Callable[[dict[str, Any]], object], *further: Mapping[str, Any]) -> None:
        """The article's bucket policy, changed, with further statements."""
        policy = json.loads(bucket_policy(self.cloud.role_id))
        change(policy["Statement"][0])
        policy["Statement"] += further
        self.cloud.partner_s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))

    def attach(self, kind: str, target: str, *statements: Mapping[str, Any]) -> None:
        organizations = self.client("management", "organizations")
        named = {"Name": f"wrong-{kind}", "Description": "", "Type": kind}
        made = organizations.create_policy(**named, Content=document(*statements))["Policy"]["PolicySummary"]
        organizations.attach_policy(PolicyId=made["Id"], TargetId=target)


def _reply(act: Callable[[ftplib.FTP], object], ftp: ftplib.FTP) -> str:
    try:
        act(ftp)
    except ftplib.error_perm:
        return "Denied"
    return "Allowed"


def _question(command: str, path: str, target: str = "") -> Mapping[str, str]:
    who = {"serverId": SERVER_ID, "userName": USER, "password": PASSWORD}
    return {**who, "command": command, "path": path, "target": target}


def key_of(service: Service, account: str) -> AccountCredentials:
    variables = service.environment(account)
    return AccountCredentials(
        account_id="",
        name=account,
        access_key_id=variables["AWS_ACCESS_KEY_ID"],
        secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dock]:
    folder = tmp_path_factory.mktemp("truth")
    with open_cloud(tmp_path_factory.mktemp("aws")) as cloud, pytest.MonkeyPatch.context() as patch:
        config = configuration(cloud, folder)
        # As at AWS's own S3, where that is the default for a bucket of another account.
        said = {"CROSSDOCK_AWS_BUCKETS": json.dumps({"*": {"acl": FULL_CONTROL}})}
        variables = {**cloud.variables(), **said, "CROSSDOCK_FTP_ALLOW_APPEND": "true"}
        with start_service(folder / "data", "--config", str(config), variables=variables) as gateway:
            profiles = Profiles(folder, patch)
            accounts = {HUB: "hub", PARTNER: "partner", MANAGEMENT: "management"}
            read = {
                account_id: profiles.add(name, key_of(cloud.service, name), endpoint_url=cloud.service.api_url)
                for account_id, name in accounts.items()
            }
            profiles.add("crossdock", key_of(gateway, "hub"), endpoint_url=gateway.api_url)
            reading = Reading(
                profiles=read,
                transfer_profile="crossdock",
                gateway_role=f"arn:aws:iam::{HUB}:role/{GATEWAY}",
                external_id=EXTERNAL_ID,
                writing=ObjectWriting(acl=FULL_CONTROL),
            )
            organizations = cloud.service.client("management", "organizations")
            organizations.enable_policy_type(RootId=organizations.list_roots()["Roots"][0]["Id"], PolicyType=RCP)
            cloud.service.client("hub", "iam").create_policy(PolicyName="bound", PolicyDocument=document(READING))
            yield Dock(cloud=cloud, gateway=gateway, reading=reading)


@pytest.fixture
def dock(running: Dock) -> Dock:
    """Everything right again."""
    iam, organizations = running.client("hub", "iam"), running.client("management", "organizations")
    iam.update_assume_role_policy(RoleName=ROLE, PolicyDocument=trust())
    iam.put_role_policy(RoleName=ROLE, PolicyName="s3", PolicyDocument=role_policy("hub-data", BUCKET))
    gateway = gateway_policy(running.cloud.function_arn)
    iam.put_role_policy(RoleName=GATEWAY, PolicyName="gateway", PolicyDocument=gateway)
    if "PermissionsBoundary" in iam.get_role(RoleName=ROLE)["Role"]:
        iam.delete_role_permissions_boundary(RoleName=ROLE)
    for kind, target in ((SCP, HUB), (RCP, PARTNER)):
        for policy in organizations.list_policies_for_target(TargetId=target, Filter=kind)["Policies"]:
            if not policy["AwsManaged"]:
                organizations.detach_policy(PolicyId=policy["Id"], TargetId=target)
                organizations.delete_policy(PolicyId=policy["Id"])
    running.cloud.say_of_user(Role=f"arn:aws:iam::{HUB}:role/{ROLE}", HomeDirectory=f"/{BUCKET}")
    running.admit(lambda statement: None)
    return running


def nothing(dock: Dock) -> None:
    """Everything is right."""


def another_external_id(dock: Dock) -> None:
    dock.client("hub", "iam").update_assume_role_policy(RoleName=ROLE, PolicyDocument=trust(external_id="another"))


def trust_in_another_gateway(dock: Dock) -> None:
    another = trust(gateway="role/transfer-role")
    dock.client("hub", "iam").update_assume_role_policy(RoleName=ROLE, PolicyDocument=another)


def gateway_that_may_not_assume(dock: Dock) -> None:
    """That its policy does not let it would be too little: the trust policy names it, of its own account."""
    may = json.loads(gateway_policy(dock.cloud.function_arn))
    may["Statement"].append({"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"})
    dock.client("hub", "iam").put_role_policy(RoleName=GATEWAY, PolicyName="gateway", PolicyDocument=json.dumps(may))


def no_bucket_policy(dock: Dock) -> None:
    dock.cloud.partner_s3.delete_bucket_policy(Bucket=BUCKET)


def wrong_user_id(dock: Dock) -> None:
    dock.admit(lambda one: one.update(Condition={"StringLike": {"aws:userId": "AROAANOTHERROLE00001:*"}}))


def wrong_account(dock: Dock) -> None:
    dock.admit(lambda one: one.update(Principal={"AWS": "arn:aws:iam::333333333333:root"}))


def bucket_policy_without(action: str) -> Callable[[Dock], None]:
    def less(dock: Dock) -> None:
        dock.admit(lambda one: one["Action"].remove(action))

    less.__name__ = f"bucket policy without {action}"
    return less


def bucket_policy_of_objects_alone(dock: Dock) -> None:
    dock.admit(lambda one: one.update(Resource=OBJECTS, Action=["s3:PutObject*", "s3:GetObject", "s3:DeleteObject"]))


def bucket_policy_that_denies_a_folder(dock: Dock) -> None:
    denied = {"Effect": "Deny", "Principal": {"AWS": HUB}, "Action": "s3:*"}
    dock.admit(lambda one: None, {**denied, "Resource": f"arn:aws:s3:::{BUCKET}/in/*"})


def bucket_policy_that_denies(action: str, **condition: Mapping[str, Any]) -> Callable[[Dock], None]:
    """What the hub asks for where this holds."""

    def deny(dock: Dock) -> None:
        resource = f"arn:aws:s3:::{BUCKET}" if action == "s3:ListBucket" else OBJECTS
        denied = {"Effect": "Deny", "Principal": {"AWS": HUB}, "Action": action, "Resource": resource}
        dock.admit(lambda one: None, {**denied, "Condition": condition})

    return deny


def trust_in_other_sessions(dock: Dock) -> None:
    named = json.loads(trust())
    named["Statement"][1]["Condition"]["StringLike"] = {"sts:RoleSessionName": "nobody.*"}
    dock.client("hub", "iam").update_assume_role_policy(RoleName=ROLE, PolicyDocument=json.dumps(named))


def role_that_reads_alone(dock: Dock) -> None:
    dock.client("hub", "iam").put_role_policy(RoleName=ROLE, PolicyName="s3", PolicyDocument=document(READING))


def role_of_another_bucket(dock: Dock) -> None:
    other = role_policy("hub-data")
    dock.client("hub", "iam").put_role_policy(RoleName=ROLE, PolicyName="s3", PolicyDocument=other)


def session_policy_of(*statements: Mapping[str, Any]) -> Callable[[Dock], None]:
    def narrow(dock: Dock) -> None:
        role = f"arn:aws:iam::{HUB}:role/{ROLE}"
        dock.cloud.say_of_user(Role=role, HomeDirectory=f"/{BUCKET}", Policy=document(*statements))

    return narrow


session_policy_that_reads = session_policy_of(READING)
session_policy_of_another_folder = session_policy_of(
    {"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::{BUCKET}/out/*"}
)
session_policy_that_writes = session_policy_of(
    {"Effect": "Allow", "Action": ["s3:PutObject", "s3:PutObjectAcl"], "Resource": OBJECTS}
)
session_policy_without_listing = session_policy_of({"Effect": "Allow", "Action": "s3:*", "Resource": OBJECTS})


def boundary_that_reads(dock: Dock) -> None:
    dock.client("hub", "iam").put_role_permissions_boundary(RoleName=ROLE, PermissionsBoundary=BOUNDARY)


def service_control_policy_of(action: str) -> Callable[[Dock], None]:
    def deny(dock: Dock) -> None:
        dock.attach(SCP, HUB, {"Effect": "Deny", "Action": action, "Resource": "*"})

    return deny


def resource_control_policy(dock: Dock) -> None:
    of_the_hub = {"StringEquals": {"aws:PrincipalAccount": HUB}}
    denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "*", "Condition": of_the_hub}
    dock.attach(RCP, PARTNER, denied)


WRONG: Mapping[str, Callable[[Dock], None]] = {
    "nothing": nothing,
    "another ExternalId": another_external_id,
    "trust in another gateway": trust_in_another_gateway,
    "trust in other sessions": trust_in_other_sessions,
    "a gateway that may not assume": gateway_that_may_not_assume,
    "no bucket policy": no_bucket_policy,
    "a wrong aws:userId": wrong_user_id,
    "a wrong account": wrong_account,
    "a bucket policy without s3:PutObject": bucket_policy_without("s3:PutObject"),
    "a bucket policy without s3:PutObjectAcl": bucket_policy_without("s3:PutObjectAcl"),
    "a bucket policy without s3:GetObject": bucket_policy_without("s3:GetObject"),
    "a bucket policy without s3:DeleteObject": bucket_policy_without("s3:DeleteObject"),
    "a bucket policy without s3:ListBucket": bucket_policy_without("s3:ListBucket"),
    "a bucket policy of objects alone": bucket_policy_of_objects_alone,
    "a bucket policy that denies a folder": bucket_policy_that_denies_a_folder,
    "a bucket policy that lists a folder alone": bucket_policy_that_denies(
        "s3:ListBucket", StringNotLike={"s3:prefix": ["in/*", "in"]}
    ),
    "a bucket policy against listings with a delimiter": bucket_policy_that_denies(
        "s3:ListBucket", StringEquals={"s3:delimiter": "/"}
    ),
    "a bucket policy against long listings": bucket_policy_that_denies(
        "s3:ListBucket", NumericGreaterThan={"s3:max-keys": "10"}
    ),
    "a bucket policy against this ACL": bucket_policy_that_denies(
        "s3:PutObject", StringEquals={"s3:x-amz-acl": FULL_CONTROL}
    ),
    "a bucket policy against copies": bucket_policy_that_denies(
        "s3:PutObject", StringLike={"s3:x-amz-copy-source": f"{BUCKET}/in/*"}
    ),
    "a role that reads alone": role_that_reads_alone,
    "a role of another bucket": role_of_another_bucket,
    "a session policy that reads alone": session_policy_that_reads,
    "a session policy of another folder": session_policy_of_another_folder,
    "a session policy that writes alone": session_policy_that_writes,
    "a session policy without listing": session_policy_without_listing,
    "a boundary that reads alone": boundary_that_reads,
    "an SCP against uploads": service_control_policy_of("s3:PutObject"),
    "an SCP against listing": service_control_policy_of("s3:ListBucket"),
    "an SCP against roles": service_control_policy_of("sts:AssumeRole"),
    "an RCP against uploads": resource_control_policy,
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_explain_says_of_each_command_what_a_client_hears(dock: Dock, wrong: str) -> None:
    WRONG[wrong](dock)
    heard = dock.heard()
    assert await dock.said() == heard
    assert (set(heard.values()) == {"Allowed"}) is (wrong == "nothing")


async def test_where_it_hangs_on_the_size_of_the_file_explain_says_so(dock: Dock, tmp_path: Path) -> None:
    """A part of an upload says no ACL, so a policy that wants one lets in small files alone."""
    bucket_policy_that_denies("s3:PutObject", StringNotEquals={"s3:x-amz-acl": FULL_CONTROL})(dock)
    (tmp_path / "small").write_bytes(b"1,2\n")
    (tmp_path / "large").write_bytes(bytes(17 << 20))
    where = dock.gateway.ftp_endpoint(SERVER_ID)
    assert lftp(*where, USER, PASSWORD, "put small", cwd=tmp_path).returncode == 0
    assert "550" in lftp(*where, USER, PASSWORD, "put large", cwd=tmp_path).stderr
    async with open_explaining(dock.reading, clock=SystemClock(), entropy=CountingEntropy()) as explain:
        found = await explain(_question("put", "large"))
    assert found["outcome"] == "Unknown"
    assert "that is asked for a file of more than one part (8 MiB)" in found["conclusion"]
