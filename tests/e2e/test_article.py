"""The article, step by step: boto3 and `aws` set it up, lftp transfers, every step is looked at.

The identity provider is the project's own template, and AWS's, unmodified, where it lies beside the project.
"""

import hashlib
import json
import os
import re
import socket
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
from tests.e2e.harness import Service, lftp, until

HUB, PARTNER = "111111111111", "222222222222"
AWS_TEMPLATE = (
    Path(__file__).resolve().parents[3] / "shared" / "reference" / "custom-idp-secrets-manager-lambda.template.yml"
)
OWN_TEMPLATE = Path(str(files("crossdock.examples") / "identity-provider.yml"))
TEMPLATES = {"own": OWN_TEMPLATE, **({"aws": AWS_TEMPLATE} if AWS_TEMPLATE.exists() else {})}
with_every_template = pytest.mark.parametrize("dock", sorted(TEMPLATES), indirect=True)
PASSWORDS = {"user1": "first 'pass' wörd", "user2": 'second "pass"'}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": ["transfer.amazonaws.com"]}, "Action": "sts:AssumeRole"}
    ],
}


def role_policy(*buckets: str) -> str:
    """The article's role policy."""
    resources = [arn for bucket in buckets for arn in (f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*")]
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "s3:*", "Resource": resources},
                {"Effect": "Deny", "Action": ["s3:DeleteBucket", "s3:CreateBucket"], "Resource": ["*"]},
            ],
        }
    )


def bucket_policy(role_id: str, *, account: str = HUB, deny: bool = False) -> str:
    """The article's bucket policy, word for word but for the names."""
    statement = {
        "Sid": "BucketPolicyForFTP",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": [
            "s3:PutObject",
            "s3:PutObjectAcl",
            "s3:GetObject",
            "s3:DeleteObjectVersion",
            "s3:DeleteObject",
            "s3:GetObjectVersion",
            "s3:ListBucket",
            "s3:GetBucketLocation",
        ],
        "Resource": ["arn:aws:s3:::partner-data", "arn:aws:s3:::partner-data/*"],
        "Condition": {"StringLike": {"aws:userId": f"{role_id}:*"}},
    }
    denial = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::partner-data/*"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement, *([denial] if deny else [])]})


@dataclass(frozen=True, slots=True)
class Dock:
    """The hub's server with its provider and role, and a user of each kind."""

    service: Service
    server_id: str
    host: str
    port: int
    role_id: str
    folder: Path

    def put(self, user: str, name: str, content: bytes):
        (self.folder / name).write_bytes(content)
        return self.lftp(user, f"put {name}")

    def lftp(self, user: str, script: str):
        return lftp(self.host, self.port, user, PASSWORDS[user], script, cwd=self.folder)

    def partner_keys(self) -> list[str]:
        listed = self.service.client("partner", "s3").list_objects_v2(Bucket="partner-data")
        return [item["Key"] for item in listed.get("Contents", [])]

    def logged_reason(self, *words: str) -> str:
        """An ERROR of the server's log group that holds all words; the log is written within a second."""
        logs = self.service.client("hub", "logs")
        messages: list[str] = []
        for _ in range(200):
            try:
                found = logs.filter_log_events(logGroupName=f"/aws/transfer/{self.server_id}")
            except logs.exceptions.ResourceNotFoundException:
                continue  # the group is made with the first event
            messages = [event["message"] for event in found["events"]]
            for message in messages:
                if all(word in message for word in words):
                    return message
        raise AssertionError(f"no event with {words} among {messages}")


def deploy(service: Service, template: Path, aws_command: str = "") -> None:
    """The identity provider, without a server, as the stack `identity` of the hub."""
    if aws_command:
        service.aws(
            aws_command,
            "hub",
            *("cloudformation", "deploy", "--stack-name", "identity", "--template-file", str(template)),
            *("--parameter-overrides", "CreateServer=false", "--capabilities", "CAPABILITY_IAM"),
        )
        return
    cloudformation = service.client("hub", "cloudformation")
    cloudformation.create_stack(
        StackName="identity",
        TemplateBody=template.read_text(),
        Parameters=[{"ParameterKey": "CreateServer", "ParameterValue": "false"}],
        Capabilities=["CAPABILITY_IAM"],
    )

    def has_ended() -> str:
        (stack,) = cloudformation.describe_stacks(StackName="identity")["Stacks"]
        return "" if stack["StackStatus"].endswith("_IN_PROGRESS") else str(stack["StackStatus"])

    assert until("the stack is made", has_ended) == "CREATE_COMPLETE"


def create_server(service: Service, function_arn: str, aws_command: str = "") -> str:
    if aws_command:
        created = service.aws_json(
            aws_command,
            "hub",
            *("transfer", "create-server", "--protocols", "FTP", "--endpoint-type", "VPC"),
            *("--endpoint-details", "VpcId=vpc-0abc,SubnetIds=subnet-0abc"),
            *("--identity-provider-type", "AWS_LAMBDA"),
            *("--identity-provider-details", f"Function={function_arn}"),
        )
    else:
        created = service.client("hub", "transfer").create_server(
            Protocols=["FTP"],
            EndpointType="VPC",
            EndpointDetails={"VpcId": "vpc-0abc", "SubnetIds": ["subnet-0abc"]},
            IdentityProviderType="AWS_LAMBDA",
            IdentityProviderDetails={"Function": function_arn},
        )
    return str(created["ServerId"])


@pytest.fixture
def dock(request, service, tmp_path) -> Dock:
    """Made with the template that a test asks for, with the project's own otherwise.

    And with the `aws` command for a test that uses it too: it takes seconds.
    """
    hub_s3, iam = service.client("hub", "s3"), service.client("hub", "iam")
    template = TEMPLATES[getattr(request, "param", "own")]
    command = request.getfixturevalue("aws_command") if "aws_command" in request.fixturenames else ""
    deploy(service, template, command)
    resources = service.client("hub", "cloudformation").list_stack_resources(StackName="identity")
    by_type = {r["ResourceType"]: r["PhysicalResourceId"] for r in resources["StackResourceSummaries"]}
    function = service.client("hub", "lambda").get_function(FunctionName=by_type["AWS::Lambda::Function"])
    hub_s3.create_bucket(Bucket="hub-data")
    role = iam.create_role(RoleName="transfer-role", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    iam.put_role_policy(RoleName="transfer-role", PolicyName="s3", PolicyDocument=role_policy("hub-data"))
    server_id = create_server(service, function["Configuration"]["FunctionArn"], command)
    host, port = service.ftp_endpoint(server_id)
    secrets = service.client("hub", "secretsmanager")
    for user, home in (("user1", "/hub-data"), ("user2", "/partner-data")):
        value = {"Password": PASSWORDS[user], "Role": role["Arn"], "HomeDirectory": home}
        secrets.create_secret(Name=f"aws/transfer/{server_id}/{user}", SecretString=json.dumps(value))
    service.client("partner", "s3").create_bucket(Bucket="partner-data")
    return Dock(service, server_id, host, port, role["RoleId"], tmp_path)


@with_every_template
def test_the_article_runs_from_beginning_to_end(dock, aws_command):
    service = dock.service

    # TestIdentityProvider, as the article shows it.
    ask = ("transfer", "test-identity-provider", "--server-id", dock.server_id, "--user-name", "user1")
    answer = service.aws_json(
        aws_command, "hub", *ask, "--server-protocol", "FTP", "--user-password", PASSWORDS["user1"]
    )
    assert answer["StatusCode"] == 200
    assert json.loads(answer["Response"])["Role"].endswith(":role/transfer-role")
    assert answer["Message"] == ""
    wrong = service.aws_json(aws_command, "hub", *ask, "--server-protocol", "FTP", "--user-password", "wrong")
    assert (wrong["Response"], wrong["StatusCode"]) == ("{}", 200)
    assert wrong["Message"] == "Lambda IDP authentication failure"

    # The same account: an empty file, and `ls` as the article prints it.
    done = dock.put("user1", "test.txt", b"")
    assert done.returncode == 0, done.stderr
    listing = dock.lftp("user1", "ls").stdout
    assert re.fullmatch(r"-rwxr--r--   1 - -            0 [A-Z][a-z]{2} [ \d]\d \d\d:\d\d test\.txt\n", listing)
    head = service.client("hub", "s3").head_object(Bucket="hub-data", Key="test.txt")
    assert head["Metadata"] == {"user-agent": "AWSTransfer", "user-agent-id": f"user1@{dock.server_id}"}

    # The other account: refused by the role, then by the bucket, then admitted.
    content = os.urandom(3_000_000)
    refused = dock.put("user2", "a.csv", content)
    assert refused.returncode != 0
    assert "550" in refused.stderr
    assert dock.logged_reason("ERROR", "transfer-role", "PutObject")
    service.client("hub", "iam").put_role_policy(
        RoleName="transfer-role", PolicyName="s3", PolicyDocument=role_policy("hub-data", "partner-data")
    )
    refused = dock.put("user2", "a.csv", content)
    assert "550" in refused.stderr
    assert dock.logged_reason("ERROR", "bucket policy", "partner-data")
    assert dock.partner_keys() == []

    # `aws iam get-role` tells the id that the partner's policy needs.
    role = service.aws_json(aws_command, "hub", "iam", "get-role", "--role-name", "transfer-role")["Role"]
    assert re.fullmatch(r"AROA[A-Z0-9]{17}", role["RoleId"])
    policy = bucket_policy(role["RoleId"])
    service.aws(aws_command, "partner", "s3api", "put-bucket-policy", "--bucket", "partner-data", "--policy", policy)
    done = dock.put("user2", "a.csv", content)
    assert done.returncode == 0, done.stderr
    body = service.client("partner", "s3").get_object(Bucket="partner-data", Key="a.csv")["Body"].read()
    assert hashlib.sha256(body).digest() == hashlib.sha256(content).digest()

    # And back.
    (dock.folder / "a.csv").unlink()
    assert dock.lftp("user2", "get a.csv").returncode == 0
    assert (dock.folder / "a.csv").read_bytes() == content


BREAKS = {
    "another account in the principal": lambda dock: (bucket_policy(dock.role_id, account="333333333333"), None),
    "another role's id": lambda dock: (bucket_policy("AROA" + "X" * 17), None),
    "a role that lacks the bucket": lambda dock: (bucket_policy(dock.role_id), role_policy("hub-data")),
    "an explicit deny of the bucket": lambda dock: (bucket_policy(dock.role_id, deny=True), None),
    "an explicit deny of the role": lambda dock: (bucket_policy(dock.role_id), denying_role_policy()),
}


def denying_role_policy() -> str:
    document = json.loads(role_policy("hub-data", "partner-data"))
    denial = {"Effect": "Deny", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::partner-data/*"}
    document["Statement"].append(denial)
    return json.dumps(document)


def test_either_side_can_refuse_and_the_log_says_which(dock):
    iam, s3 = dock.service.client("hub", "iam"), dock.service.client("partner", "s3")
    for name, broken in BREAKS.items():
        bucket_document, role_document = broken(dock)
        s3.put_bucket_policy(Bucket="partner-data", Policy=bucket_document)
        iam.put_role_policy(
            RoleName="transfer-role",
            PolicyName="s3",
            PolicyDocument=role_document or role_policy("hub-data", "partner-data"),
        )
        path = name.replace(" ", "-").replace("'", "") + ".csv"
        done = dock.put("user2", path, b"bytes")
        assert done.returncode != 0, name
        assert "550" in done.stderr, name
        reason = dock.logged_reason("ERROR", path)
        side = "role" if "role that" in name or "of the role" in name else "bucket"
        assert side in json.loads(reason)["message"], (name, reason)
    assert dock.partner_keys() == []


def test_a_recreated_role_is_another_role(dock):
    """The policy names the role by its id: a role of the same name made anew is a stranger."""
    service = dock.service
    iam = service.client("hub", "iam")
    service.client("partner", "s3").put_bucket_policy(Bucket="partner-data", Policy=bucket_policy(dock.role_id))
    iam.put_role_policy(
        RoleName="transfer-role", PolicyName="s3", PolicyDocument=role_policy("hub-data", "partner-data")
    )
    assert dock.put("user2", "before.csv", b"1").returncode == 0
    iam.delete_role_policy(RoleName="transfer-role", PolicyName="s3")
    iam.delete_role(RoleName="transfer-role")
    role = iam.create_role(RoleName="transfer-role", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    iam.put_role_policy(
        RoleName="transfer-role", PolicyName="s3", PolicyDocument=role_policy("hub-data", "partner-data")
    )
    assert role["RoleId"] != dock.role_id
    assert "550" in dock.put("user2", "after.csv", b"2").stderr
    assert dock.partner_keys() == ["before.csv"]


@with_every_template
def test_a_failing_identity_provider_is_a_530_and_the_reason_is_in_the_log(dock):
    """AWS's template raises NameError on an empty FTP password; ours answers {}."""
    done = lftp(dock.host, dock.port, "user1", "", "ls", cwd=dock.folder)
    assert done.returncode != 0
    assert "530" in done.stderr
    unknown = lftp(dock.host, dock.port, "nobody-here", "x", "ls", cwd=dock.folder)
    assert "530" in unknown.stderr
    assert dock.logged_reason("AUTH_FAILURE", "nobody-here")
    secrets = dock.service.client("hub", "secretsmanager")
    name = f"aws/transfer/{dock.server_id}/user1"
    value = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps({**value, "HomeDirectoryDetails": ["not text"]}))
    assert "530" in dock.lftp("user1", "ls").stderr
    assert dock.logged_reason("AUTH_FAILURE", "HomeDirectoryDetails")
    answer = dock.service.client("hub", "transfer").test_identity_provider(
        ServerId=dock.server_id, UserName="user1", UserPassword=PASSWORDS["user1"], ServerProtocol="FTP"
    )
    assert "HomeDirectoryDetails" in answer["Message"]


def test_a_logical_home_joins_buckets_of_two_accounts(dock):
    service = dock.service
    service.client("partner", "s3").put_bucket_policy(Bucket="partner-data", Policy=bucket_policy(dock.role_id))
    service.client("hub", "iam").put_role_policy(
        RoleName="transfer-role", PolicyName="s3", PolicyDocument=role_policy("hub-data", "partner-data")
    )
    secrets = service.client("hub", "secretsmanager")
    name = f"aws/transfer/{dock.server_id}/user1"
    value = json.loads(secrets.get_secret_value(SecretId=name)["SecretString"])
    details = [
        {"Entry": "/own", "Target": "/hub-data/${transfer:UserName}"},
        {"Entry": "/shared/partner", "Target": "/partner-data/from-hub"},
    ]
    secrets.put_secret_value(
        SecretId=name, SecretString=json.dumps({**value, "HomeDirectoryDetails": json.dumps(details)})
    )
    (dock.folder / "x.bin").write_bytes(b"12345")
    script = "put -O /own x.bin; put -O /shared/partner x.bin; cls -1 /; cls -1 /shared; cls -1 /shared/partner"
    done = dock.lftp("user1", script)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["/own/", "/shared/", "/shared/partner/", "/shared/partner/x.bin"]
    listed = service.client("hub", "s3").list_objects_v2(Bucket="hub-data")["Contents"]
    assert [item["Key"] for item in listed] == ["user1/x.bin"]
    assert dock.partner_keys() == ["from-hub/x.bin"]
    assert dock.lftp("user1", "cd /own; cd ../..; put -O / x.bin").returncode != 0


@pytest.mark.parametrize("template", sorted(TEMPLATES))
def test_the_template_with_a_server_of_its_own_deploys_and_serves_it(service, aws_command, template):
    """CreateServer=true makes a PUBLIC SFTP server."""
    service.aws(
        aws_command,
        "hub",
        *("cloudformation", "deploy", "--stack-name", "own-server", "--template-file", str(TEMPLATES[template])),
        *("--capabilities", "CAPABILITY_IAM"),
    )
    stack = service.client("hub", "cloudformation").describe_stacks(StackName="own-server")["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    transfer = service.client("hub", "transfer")

    def online() -> dict:
        server = transfer.describe_server(ServerId=outputs["ServerId"])["Server"]
        return server if server["State"] == "ONLINE" else {}

    server = until("the server is online", online)
    assert (server["Protocols"], server["EndpointType"]) == (["SFTP"], "PUBLIC")
    assert server["SecurityPolicyName"] == "TransferSecurityPolicy-2018-11"
    (endpoint,) = json.loads(service.crossdock("endpoints", outputs["ServerId"], "-o", "json").stdout)
    assert (endpoint["protocol"], endpoint["state"]) == ("SFTP", "ONLINE")
    with socket.create_connection((endpoint["host"], endpoint["port"]), timeout=30) as client:
        assert client.recv(17) == b"SSH-2.0-Crossdock"
    service.aws(aws_command, "hub", "cloudformation", "delete-stack", "--stack-name", "own-server")
    service.aws(aws_command, "hub", "cloudformation", "wait", "stack-delete-complete", "--stack-name", "own-server")
    assert service.client("hub", "transfer").list_servers()["Servers"] == []
