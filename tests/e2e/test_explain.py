"""Ways to break the article's set-up: `crossdock explain` finds each, and its fix, applied to the letter, mends it.

What is applied is the JSON of `-o json`, by a program that knows nothing of the breakage.
"""

import ftplib
import io
import json
import re
import secrets
import shlex
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from tests.e2e.harness import Service, start_service, until

from crossdock.adapters.host.documents import encode_key
from crossdock.adapters.host.epoch import MmapEpoch

HUB, PARTNER, MANAGEMENT = "111111111111", "222222222222", "000000000000"
ROLE = "transfer-users"
ROLE_ARN = f"arn:aws:iam::{HUB}:role/{ROLE}"
BUCKET = f"partner-inbox-{PARTNER}"
OBJECT = "/in/a.csv"
MEMBERS = {
    "--function-name": "FunctionName",
    "--statement-id": "StatementId",
    "--action": "Action",
    "--principal": "Principal",
    "--source-account": "SourceAccount",
    "--source-arn": "SourceArn",
}
"""What the options of `aws lambda add-permission` are in its request."""
SCP = "SERVICE_CONTROL_POLICY"
FULL_ACCESS = "p-FullAWSAccess"


@dataclass(frozen=True, slots=True)
class Dock:
    """The article's service, in which user2 may upload into the partner's bucket."""

    service: Service
    server_id: str
    host: str
    port: int

    def client(self, account: str, name: str):
        return self.service.client(account, name)

    def secret(self) -> dict[str, Any]:
        name = f"aws/transfer/{self.server_id}/user2"
        return json.loads(self.client("hub", "secretsmanager").get_secret_value(SecretId=name)["SecretString"])

    def put_secret(self, **changes: Any) -> None:
        name = f"aws/transfer/{self.server_id}/user2"
        value = json.dumps({**self.secret(), **changes})
        self.client("hub", "secretsmanager").put_secret_value(SecretId=name, SecretString=value)

    def upload(self) -> str:
        """The reply to an upload, or to the login before it."""
        with ftplib.FTP() as client:
            client.connect(self.host, self.port, timeout=20)
            try:
                client.login("user2", self.secret()["Password"])
                return client.storbinary("STOR in/a.csv", io.BytesIO(b"1,2\n"))
            except ftplib.error_perm as error:
                return str(error)

    def explain(self, *arguments: str) -> dict[str, Any]:
        """What `explain` says of that upload, the identity provider having been asked."""
        done = self.service.crossdock(
            *("explain", "--user-name", "user2", "--password-stdin", "-o", "json"),
            *(arguments or ("put", "in/a.csv")),
            input_text=self.secret()["Password"],
            check=False,
        )
        found = json.loads(done.stdout)
        assert done.returncode == (0 if found["outcome"] == "Allowed" else 1), done.stderr
        return found

    def bucket_policy(self) -> dict[str, Any]:
        return json.loads(self.client("partner", "s3").get_bucket_policy(Bucket=BUCKET)["Policy"])

    def put_bucket_policy(self, policy: dict[str, Any]) -> None:
        self.client("partner", "s3").put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))

    def change_bucket_policy(self, change: Callable[[dict[str, Any]], None]) -> None:
        policy = self.bucket_policy()
        change(policy["Statement"][0])
        self.put_bucket_policy(policy)


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with start_service(tmp_path_factory.mktemp("explain") / "data", "--example", "article") as service:
        yield service


@pytest.fixture
def dock(running) -> Dock:
    """One service for all tests, made good again for each."""
    (endpoint,) = json.loads(running.crossdock("endpoints", "-o", "json").stdout)
    dock = Dock(running, endpoint["serverId"], endpoint["host"], endpoint["port"])
    make_good(dock)
    assert dock.upload().startswith("226")
    assert dock.explain()["outcome"] == "Allowed"
    return dock


def make_good(dock: Dock) -> None:
    iam = dock.client("hub", "iam")
    put_role_statements(dock, {"Effect": "Allow", "Action": "s3:*", "Resource": "*"})
    put_trust(dock, "transfer.amazonaws.com")
    role = iam.get_role(RoleName=ROLE)["Role"]
    if "PermissionsBoundary" in role:
        iam.delete_role_permissions_boundary(RoleName=ROLE)
    dock.put_secret(Policy="")
    statement = {
        "Sid": "TransferSessions",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"},
        "Action": ["s3:PutObject", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket"],
        "Resource": [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"],
        "Condition": {"StringLike": {"aws:userId": f"{role['RoleId']}:*"}},
    }
    dock.put_bucket_policy({"Version": "2012-10-17", "Statement": [statement]})
    allow_everything_to_the_hub(dock)


def allow_everything_to_the_hub(dock: Dock) -> None:
    """AWS's own service control policy is attached to the account, and no other."""
    organizations = dock.client("management", "organizations")
    attached = organizations.list_policies_for_target(TargetId=HUB, Filter=SCP)["Policies"]
    if FULL_ACCESS not in {policy["Id"] for policy in attached}:
        organizations.attach_policy(PolicyId=FULL_ACCESS, TargetId=HUB)
    for policy in attached:
        if policy["Id"] != FULL_ACCESS:
            organizations.detach_policy(PolicyId=policy["Id"], TargetId=HUB)
            organizations.delete_policy(PolicyId=policy["Id"])


def attach_to(dock: Dock, target: str, *statements: dict[str, Any]) -> None:
    """A new service control policy of these statements."""
    organizations = dock.client("management", "organizations")
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    named = {"Name": f"policy-{secrets.token_hex(4)}", "Description": "", "Type": SCP}
    made = organizations.create_policy(**named, Content=document)["Policy"]["PolicySummary"]
    organizations.attach_policy(PolicyId=made["Id"], TargetId=target)


def put_trust(dock: Dock, service: str) -> None:
    statement = {"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    dock.client("hub", "iam").update_assume_role_policy(RoleName=ROLE, PolicyDocument=document)


def no_bucket_policy(dock: Dock) -> None:
    dock.client("partner", "s3").delete_bucket_policy(Bucket=BUCKET)


def wrong_principal_account(dock: Dock) -> None:
    dock.change_bucket_policy(lambda one: one.update(Principal={"AWS": "arn:aws:iam::999999999999:root"}))


def stale_role_id(dock: Dock) -> None:
    iam = dock.client("hub", "iam")
    inline = iam.get_role_policy(RoleName=ROLE, PolicyName="buckets")["PolicyDocument"]
    trust = iam.get_role(RoleName=ROLE)["Role"]["AssumeRolePolicyDocument"]
    iam.delete_role_policy(RoleName=ROLE, PolicyName="buckets")
    iam.delete_role(RoleName=ROLE)
    iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=json.dumps(trust))
    iam.put_role_policy(RoleName=ROLE, PolicyName="buckets", PolicyDocument=json.dumps(inline))


def role_without_the_bucket(dock: Dock) -> None:
    put_role_statements(
        dock,
        {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::hub-inbox-{HUB}/*"]},
    )


def bucket_without_its_objects(dock: Dock) -> None:
    """`/*` is missing."""
    put_role_statements(dock, {"Effect": "Allow", "Action": "s3:*", "Resource": [f"arn:aws:s3:::{BUCKET}"]})


def explicit_deny_in_a_second_statement(dock: Dock) -> None:
    put_role_statements(
        dock,
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Sid": "Frozen", "Effect": "Deny", "Action": "s3:Put*", "Resource": f"arn:aws:s3:::{BUCKET}/*"},
    )


def explicit_denies_in_several_places_and_no_allow(dock: Dock) -> None:
    deny = {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}
    put_role_statements(dock, deny, {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}, deny)
    dock.put_secret(Policy=json.dumps({"Version": "2012-10-17", "Statement": [deny]}))
    no_bucket_policy(dock)


def trust_without_transfer(dock: Dock) -> None:
    put_trust(dock, "ec2.amazonaws.com")


def session_policy_too_narrow(dock: Dock) -> None:
    narrow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    dock.put_secret(Policy=json.dumps({"Version": "2012-10-17", "Statement": [narrow]}))


def boundary_too_narrow(dock: Dock) -> None:
    iam = dock.client("hub", "iam")
    narrow = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [narrow]})
    arn = iam.create_policy(PolicyName="limit", PolicyDocument=document)["Policy"]["Arn"]
    iam.put_role_permissions_boundary(RoleName=ROLE, PermissionsBoundary=arn)


def service_control_policy_that_denies(dock: Dock) -> None:
    attach_to(
        dock,
        HUB,
        {"Sid": "NoUploads", "Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"},
        {"Effect": "Deny", "Action": "ec2:*", "Resource": "*"},
    )


def service_control_policy_that_only_denies(dock: Dock) -> None:
    attach_to(dock, HUB, {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"})


def service_control_policy_that_allows_too_little(dock: Dock) -> None:
    """In the place of the account's FullAWSAccess."""
    allowed = ["s3:Get*", "s3:List*", "iam:*", "lambda:*", "logs:*", "secretsmanager:*", "sts:*", "transfer:*"]
    attach_to(dock, HUB, {"Effect": "Allow", "Action": allowed, "Resource": "*"})
    dock.client("management", "organizations").detach_policy(PolicyId=FULL_ACCESS, TargetId=HUB)


def put_role_statements(dock: Dock, *statements: dict[str, Any]) -> None:
    document = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    dock.client("hub", "iam").put_role_policy(RoleName=ROLE, PolicyName="buckets", PolicyDocument=document)


@pytest.mark.parametrize(
    ("break_it", "words"),
    [
        (no_bucket_policy, f"there is no bucket policy of {BUCKET} (account {PARTNER})"),
        (wrong_principal_account, "statement TransferSessions names arn:aws:iam::999999999999:root"),
        (stale_role_id, "a role that no longer exists"),
        (role_without_the_bucket, f"no identity-based policy of role {ROLE} allows s3:PutObject"),
        (bucket_without_its_objects, f"statement 1 has Resource arn:aws:s3:::{BUCKET}"),
        (explicit_deny_in_a_second_statement, "denied explicitly by statement Frozen of identity-based policy buckets"),
        (explicit_denies_in_several_places_and_no_allow, "denied explicitly by statement 1 of identity-based policy"),
        (trust_without_transfer, f"the trust policy of role {ROLE}"),
        (session_policy_too_narrow, f"the session policy of role {ROLE} does not allow s3:PutObject"),
        (boundary_too_narrow, f"the permissions boundary of role {ROLE} does not allow s3:PutObject"),
        (service_control_policy_that_denies, "denied explicitly by statement NoUploads of service control policy p-"),
        (service_control_policy_that_only_denies, "denied explicitly by statement 1 of service control policy p-"),
        (service_control_policy_that_allows_too_little, "the service control policies of account 111111111111 do not"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_what_is_broken_is_explained_and_the_fix_mends_it(dock, break_it, words):
    break_it(dock)
    assert dock.upload()[:3] in ("530", "550")
    found = dock.explain()
    assert found["outcome"] == "Denied"
    assert words in found["conclusion"]
    assert found["fixes"]
    for fix in found["fixes"]:
        apply(dock, fix)
    assert dock.upload().startswith("226")
    assert dock.explain()["outcome"] == "Allowed"


AS_FTP: dict[str, Callable[..., object]] = {
    "put": lambda client, path: client.storbinary(f"STOR {path}", io.BytesIO(b"1,2\n")),
    "get": lambda client, path: client.retrbinary(f"RETR {path}", len),
    "ls": lambda client, path: client.nlst(path),
    "cd": lambda client, path: client.cwd(path),
    "rm": lambda client, path: client.delete(path),
    "mkdir": lambda client, path: client.mkd(path),
    "rmdir": lambda client, path: client.rmd(path),
    "mv": lambda client, path, target: client.rename(path, target),
}
COMMANDS_AND_CODES = """
    put full: 2   put /: 5       get in/a.csv: 2  get none: 5         get full: 5
    ls full: 2    ls none: 5     ls in/a.csv: 2   cd full: 2          cd none: 5    cd in/a.csv: 5
    rm none: 5    rm full: 5     rm in/a.csv: 2   mkdir new: 2        mkdir full: 5 mkdir in/a.csv: 5
    rmdir full: 5 rmdir empty: 2 rmdir none: 5    rmdir in/a.csv: 5   mkdir .: 5    rmdir .: 5
    mv in/a.csv new: 2           mv in/a.csv full/x: 5                mv in/a.csv full: 5
    mv full new: 5               mv none new: 5
"""


@pytest.mark.parametrize(("command", "code"), re.findall(r"(\w[^:]+): (\d)", COMMANDS_AND_CODES))
def test_explain_says_what_ftp_answers(dock, command, code):
    s3 = dock.client("partner", "s3")
    for found in s3.list_objects_v2(Bucket=BUCKET)["Contents"]:
        s3.delete_object(Bucket=BUCKET, Key=found["Key"])
    for key in ("in/a.csv", "full/x", "empty/"):
        s3.put_object(Bucket=BUCKET, Key=key)
    name, *paths = command.split()
    outcome = dock.explain(name, *paths)["outcome"]
    with ftplib.FTP() as client:
        client.connect(dock.host, dock.port, timeout=20)
        client.login("user2", dock.secret()["Password"])
        try:
            AS_FTP[name](client, *paths)
        except ftplib.error_perm as refused:
            answered = str(refused)[0]
        else:
            answered = "2"
    assert (outcome, answered) == ("Allowed" if code == "2" else "Denied", code)


def test_listing_needs_a_permission_of_its_own(dock):
    def without_listing(statement: dict[str, Any]) -> None:
        statement["Action"] = ["s3:PutObject", "s3:GetObject"]

    dock.change_bucket_policy(without_listing)
    assert dock.explain("put", "in/a.csv")["outcome"] == "Allowed"
    found = dock.explain("ls", "in")
    assert found["outcome"] == "Denied"
    assert "does not allow s3:ListBucket" in found["conclusion"]
    for fix in found["fixes"]:
        apply(dock, fix)
    assert dock.explain("ls", "in")["outcome"] == "Allowed"


def apply(dock: Dock, fix: dict[str, Any]) -> None:
    """Do what a fix says: to the policy that it names, in the account that it names."""
    account = {HUB: "hub", PARTNER: "partner", MANAGEMENT: "management"}[fix["account"]]
    match fix["layer"]:
        case "resource-based policy" if fix["policy"] == "trust policy":
            iam = dock.client(account, "iam")
            name = fix["attachedTo"].rpartition("/")[2]
            trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
            iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(changed(trust, fix)))
        case "resource-based policy":
            s3 = dock.client(account, "s3")
            bucket = fix["attachedTo"].removeprefix("arn:aws:s3:::")
            try:
                policy = json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])
            except s3.exceptions.ClientError:
                policy = {"Version": "2012-10-17", "Statement": []}
            s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(changed(policy, fix)))
        case "identity-based policy":
            iam = dock.client(account, "iam")
            named = {"RoleName": fix["attachedTo"].rpartition("/")[2], "PolicyName": fix["policy"]}
            policy = iam.get_role_policy(**named)["PolicyDocument"]
            iam.put_role_policy(**named, PolicyDocument=json.dumps(changed(policy, fix)))
        case "permissions boundary":
            iam = dock.client(account, "iam")
            version = iam.get_policy(PolicyArn=fix["policy"])["Policy"]["DefaultVersionId"]
            held = iam.get_policy_version(PolicyArn=fix["policy"], VersionId=version)["PolicyVersion"]["Document"]
            document = json.dumps(changed(held, fix))
            iam.create_policy_version(PolicyArn=fix["policy"], PolicyDocument=document, SetAsDefault=True)
        case "service control policy" if fix["policy"]:
            apply_to_organization(dock.client(account, "organizations"), fix)
        case "service control policy":
            attach_to(dock, fix["attachedTo"], fix["statement"])
        case "session policy":
            policy = json.loads(dock.secret()["Policy"])
            dock.put_secret(Policy=json.dumps(changed(policy, fix)))
        case other:
            raise AssertionError(f"no test applies a fix of {other}")


def apply_to_organization(organizations: Any, fix: dict[str, Any]) -> None:
    """To a policy that is there; one that would be left without a statement is not attached any more."""
    policy_id = fix["policy"]
    document = changed(json.loads(organizations.describe_policy(PolicyId=policy_id)["Policy"]["Content"]), fix)
    if document["Statement"]:
        organizations.update_policy(PolicyId=policy_id, Content=json.dumps(document))
    else:
        organizations.detach_policy(PolicyId=policy_id, TargetId=fix["attachedTo"])


def changed(policy: dict[str, Any], fix: dict[str, Any]) -> dict[str, Any]:
    statements = policy["Statement"] if isinstance(policy["Statement"], list) else [policy["Statement"]]
    match fix["change"]:
        case "add-statement":
            statements.append(fix["statement"])
        case "remove-statement":
            del statements[fix["number"] - 1]
        case "replace-condition-value":
            condition = statements[fix["number"] - 1]["Condition"][fix["operator"]]
            assert condition[fix["key"]] == fix["old"]
            condition[fix["key"]] = fix["new"]
    return {**policy, "Statement": statements}


def test_a_logged_session_tells_who_the_user_was(dock):
    dock.upload()
    logs = dock.client("hub", "logs")
    events = logs.filter_log_events(logGroupName=f"/aws/transfer/{dock.server_id}", filterPattern="CONNECTED")["events"]
    session = json.loads(events[-1]["message"])["session-id"]
    done = dock.service.crossdock("explain", "--user-name", "user2", "--session", session, "put", "in/b.csv")
    assert f"user2 may put in/b.csv on {dock.server_id}." in done.stdout
    unknown = dock.service.crossdock("explain", "--user-name", "user2", "--session", "0" * 16, "ls", ".", check=False)
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert f"has no session {'0' * 16} of user2" in unknown.stderr


def test_an_identity_may_be_given_and_nothing_is_written(dock):
    before = [item["Key"] for item in dock.client("partner", "s3").list_objects_v2(Bucket=BUCKET)["Contents"]]
    arguments = ("--role", ROLE_ARN, "--home", f"/{BUCKET}", "--server-id", dock.server_id)
    done = dock.service.crossdock("explain", "--user-name", "user2", *arguments, "put", "new.csv")
    assert "✓ s3:PutObject" in done.stdout
    missing = dock.service.crossdock("explain", "--user-name", "user2", *arguments, "get", "new.csv", check=False)
    assert missing.returncode == 1
    assert f"there is no object s3://{BUCKET}/new.csv" in missing.stdout
    assert [i["Key"] for i in dock.client("partner", "s3").list_objects_v2(Bucket=BUCKET)["Contents"]] == before


def test_what_cannot_be_known_is_not_allowed(dock):
    done = dock.service.crossdock("explain", "--user-name", "user2", "ls", ".", check=False)
    assert done.returncode == 1
    assert "? identity provider" in done.stdout
    assert "user2 may or may not be able to ls ." in done.stdout


def test_the_log_of_a_missing_file_says_what_explain_says_with_the_request(dock):
    with ftplib.FTP() as client:
        client.connect(dock.host, dock.port, timeout=20)
        client.login("user2", dock.secret()["Password"])
        with pytest.raises(ftplib.error_perm, match=r"^550 "):
            client.retrbinary("RETR in/none.csv", lambda _block: None)
    said = dock.explain("get", "in/none.csv")["steps"][-1]["reason"]
    assert said == f"there is no object s3://{BUCKET}/in/none.csv"
    logs, group = dock.client("hub", "logs"), f"/aws/transfer/{dock.server_id}"

    def logged() -> str:
        events = logs.filter_log_events(logGroupName=group, filterPattern='"none.csv"')["events"]
        return next((json.loads(one["message"])["message"] for one in events), "")

    assert re.fullmatch(re.escape(said) + r" \(request [0-9a-f-]{36}\)", until("the refusal is logged", logged))


@contextmanager
def stored_bucket(dock: Dock, change: Callable[[str], str]) -> Iterator[None]:
    """The bucket's row as something else has left it: another version of the service, or a disk."""
    state, epoch = dock.service.data_dir / "state.db", MmapEpoch(dock.service.data_dir / "run" / "epoch")
    row = ("s3_buckets", encode_key((BUCKET,)))

    def write(text: str) -> None:
        with closing(sqlite3.connect(state)) as database, database:
            database.execute("UPDATE documents SET value = ? WHERE table_name = ? AND key = ?", (text, *row))
        epoch.advance()

    with closing(sqlite3.connect(state)) as database:
        query = "SELECT value FROM documents WHERE table_name = ? AND key = ?"
        (before,) = database.execute(query, row).fetchone()
    try:
        write(change(before))
        yield
    finally:
        write(before)
        epoch.close()


def test_a_stored_policy_that_cannot_be_read_is_unknown_and_denies(dock):
    with stored_bucket(dock, lambda row: row.replace("2012-10-17", "2099-01-01")):
        assert dock.upload().startswith("550 ")
        found = dock.explain()
    assert found["outcome"] == "Unknown"
    step = next(step for step in found["steps"] if step["step"] == "s3:PutObject")
    assert "also depends on what could not be read (resource-based policy)" in step["reason"]
    (layer,) = [layer for layer in step["layers"] if layer["layer"] == "resource-based policy"]
    assert (layer["says"], layer["statement"], layer["blocking"]) == ("unknown", "", False)
    assert found["fixes"] == []
    assert "statement 1" not in found["conclusion"]
    assert "a stored policy cannot be read" in dock.service.log()
    assert dock.upload().startswith("226")


@pytest.mark.parametrize("garbled", ["{", "{}", "[7]"])
def test_a_stored_record_that_cannot_be_read_is_told_in_words(dock, garbled):
    with stored_bucket(dock, lambda _row: garbled):
        with pytest.raises(ftplib.error_temp, match=r"^451 "):
            dock.upload()
        found = dock.explain()
    assert found["outcome"] == "Unknown"
    assert re.search("stored record .*cannot be read", found["conclusion"])
    assert "Traceback" not in dock.service.log()
    assert dock.upload().startswith("226")


def test_a_stopped_server_is_the_first_thing_in_the_way(dock):
    transfer = dock.client("hub", "transfer")
    transfer.stop_server(ServerId=dock.server_id)
    transfer.get_waiter("server_offline").wait(ServerId=dock.server_id, WaiterConfig={"Delay": 1, "MaxAttempts": 30})
    try:
        found = dock.explain()
        assert found["outcome"] == "Denied"
        assert f"aws transfer start-server --server-id {dock.server_id}" in found["conclusion"]
    finally:
        transfer.start_server(ServerId=dock.server_id)
        transfer.get_waiter("server_online").wait(ServerId=dock.server_id, WaiterConfig={"Delay": 1, "MaxAttempts": 30})


def test_a_function_that_does_not_let_transfer_in_is_told_with_the_command_that_lets_it(dock):
    lambda_ = dock.client("hub", "lambda")
    server = dock.client("hub", "transfer").describe_server(ServerId=dock.server_id)["Server"]
    function = server["IdentityProviderDetails"]["Function"]
    for statement in json.loads(lambda_.get_policy(FunctionName=function)["Policy"])["Statement"]:
        lambda_.remove_permission(FunctionName=function, StatementId=statement["Sid"])
    assert dock.upload().startswith("530")
    [step] = [one for one in dock.explain()["steps"] if one["outcome"] == "Denied"]
    _, command = step["remedy"].split("aws lambda add-permission ")
    options = dict(zip(words := iter(shlex.split(command)), words, strict=True))
    lambda_.add_permission(**{MEMBERS[option]: value for option, value in options.items()})
    assert dock.upload().startswith("226")
