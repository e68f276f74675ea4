"""The article on AWS, with Crossdock as the gateway alone: "AWS" is an embedded cloud in a process of its own."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.e2e.harness import Service, lftp, refused_start, start_service, until
from tests.e2e.test_article import OWN_TEMPLATE, bucket_policy, role_policy

HUB = "111111111111"
SERVER_ID = "s-0123456789abcdef0"
EXTERNAL_ID = "dock-7f3a"
PASSWORD = "first 'pass' wörd"


def trust(*, external_id: str = EXTERNAL_ID) -> str:
    """Transfer's own statement, which never admits a gateway, and the gateway's."""
    transfer = {
        "Effect": "Allow",
        "Principal": {"Service": "transfer.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": HUB}},
    }
    gateway = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{HUB}:role/gateway"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
    }
    return json.dumps({"Version": "2012-10-17", "Statement": [transfer, gateway]})


def gateway_policy(function_arn: str) -> str:
    statements = [
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/transfer-*"},
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function_arn},
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"arn:aws:logs:*:{HUB}:log-group:/aws/transfer/*",
        },
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"},
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


@dataclass(frozen=True, slots=True)
class Cloud:
    """AWS, with everything in two accounts that a gateway wants; `key` is what the gateway's machine has: a role's."""

    service: Service
    key: dict[str, str]
    function_arn: str
    role_id: str

    def variables(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": self.key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": self.key["SecretAccessKey"],
            "AWS_SESSION_TOKEN": self.key["SessionToken"],
            "AWS_ENDPOINT_URL": self.service.api_url,
        }

    def partner_objects(self) -> dict[str, bytes]:
        s3 = self.service.client("partner", "s3")
        listed = s3.list_objects_v2(Bucket="partner-data").get("Contents", [])
        return {item["Key"]: s3.get_object(Bucket="partner-data", Key=item["Key"])["Body"].read() for item in listed}

    def logged(self, *words: str) -> str:
        logs = self.service.client("hub", "logs")

        def find() -> str:
            try:
                found = logs.filter_log_events(logGroupName=f"/aws/transfer/{SERVER_ID}")
            except logs.exceptions.ResourceNotFoundException:
                return ""  # the group is made with the first event
            messages = [event["message"] for event in found["events"]]
            return next((message for message in messages if all(word in message for word in words)), "")

        return until(f"an event with {words}", find)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory) -> Iterator[Cloud]:
    with start_service(tmp_path_factory.mktemp("aws") / "data") as service:
        iam = service.client("hub", "iam")
        cloudformation = service.client("hub", "cloudformation")
        cloudformation.create_stack(
            StackName="identity",
            TemplateBody=OWN_TEMPLATE.read_text(),
            Parameters=[{"ParameterKey": "CreateServer", "ParameterValue": "false"}],
            Capabilities=["CAPABILITY_IAM"],
        )
        cloudformation.get_waiter("stack_create_complete").wait(StackName="identity", WaiterConfig={"Delay": 1})
        (stack,) = cloudformation.describe_stacks(StackName="identity")["Stacks"]
        function_arn = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}["ProviderFunctionArn"]

        root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [root]})
        instance_role = iam.create_role(RoleName="gateway", AssumeRolePolicyDocument=document)["Role"]["Arn"]
        iam.put_role_policy(RoleName="gateway", PolicyName="gateway", PolicyDocument=gateway_policy(function_arn))
        sts = service.client("hub", "sts")
        key = sts.assume_role(RoleArn=instance_role, RoleSessionName="i-0123456789abcdef0")["Credentials"]
        role = iam.create_role(RoleName="transfer-role", AssumeRolePolicyDocument=trust())["Role"]
        iam.put_role_policy(
            RoleName="transfer-role", PolicyName="s3", PolicyDocument=role_policy("hub-data", "partner-data")
        )
        value = {"Password": PASSWORD, "Role": role["Arn"], "HomeDirectory": "/partner-data"}
        secrets = service.client("hub", "secretsmanager")
        secrets.create_secret(Name=f"aws/transfer/{SERVER_ID}/user2", SecretString=json.dumps(value))
        service.client("partner", "s3").create_bucket(Bucket="partner-data")
        yield Cloud(service, key, function_arn, role["RoleId"])


def configuration(cloud: Cloud, folder: Path) -> Path:
    (folder / "servers.toml").write_text(f"""
        [[server]]
        id = "{SERVER_ID}"
        account = "hub"
        [server.settings]
        Protocols = ["FTP"]
        EndpointType = "VPC"
        EndpointDetails = {{ VpcId = "vpc-0abc", SubnetIds = ["subnet-0abc"] }}
        IdentityProviderType = "AWS_LAMBDA"
        IdentityProviderDetails = {{ Function = "{cloud.function_arn}" }}
        """)
    config = folder / "crossdock.toml"
    config.write_text(f'authority = "aws"\nservers = "servers.toml"\n[aws]\nexternal_id = "{EXTERNAL_ID}"\n')
    return config


@pytest.fixture
def gateway(cloud: Cloud, tmp_path: Path) -> Iterator[Service]:
    policy = bucket_policy(cloud.role_id)
    cloud.service.client("partner", "s3").put_bucket_policy(Bucket="partner-data", Policy=policy)
    config = configuration(cloud, tmp_path)
    with start_service(tmp_path / "data", "--config", str(config), variables=cloud.variables()) as service:
        yield service


def ftp(gateway: Service, folder: Path, script: str, *, password: str = PASSWORD):
    return lftp(*gateway.ftp_endpoint(SERVER_ID), "user2", password, script, cwd=folder)


def test_a_file_goes_into_the_other_account_and_back(cloud: Cloud, gateway: Service, tmp_path: Path):
    small, large = b"small", os.urandom(20 << 20)
    (tmp_path / "small.bin").write_bytes(small)
    (tmp_path / "large.bin").write_bytes(large)
    done = ftp(gateway, tmp_path, "put small.bin; mkdir d; cd d; put large.bin; cls -1 /partner-data/d")
    assert done.returncode == 0, done.stderr
    assert cloud.partner_objects() == {"d/": b"", "small.bin": small, "d/large.bin": large}
    (tmp_path / "large.bin").unlink()
    done = ftp(gateway, tmp_path, "get d/large.bin; mv small.bin moved.bin; rm d/large.bin; rmdir d; cls -1")
    assert done.returncode == 0, done.stderr
    assert done.stdout == "moved.bin\n"
    assert (tmp_path / "large.bin").read_bytes() == large
    assert cloud.partner_objects() == {"moved.bin": small}
    assert cloud.logged("CONNECTED", "user2", "transfer-role")


def test_what_aws_refuses_is_refused_and_the_log_of_aws_says_why(cloud: Cloud, gateway: Service, tmp_path: Path):
    (tmp_path / "a.csv").write_bytes(b"1")
    assert "530" in ftp(gateway, tmp_path, "ls", password="wrong").stderr
    s3 = cloud.service.client("partner", "s3")
    s3.delete_bucket_policy(Bucket="partner-data")
    assert "550" in ftp(gateway, tmp_path, "put a.csv").stderr
    assert cloud.logged("ERROR", "partner-data/a.csv", "AccessDenied", "transfer-role", HUB)
    iam = cloud.service.client("hub", "iam")
    iam.update_assume_role_policy(RoleName="transfer-role", PolicyDocument=trust(external_id="another"))
    try:
        assert "530" in ftp(gateway, tmp_path, "ls").stderr
        assert cloud.logged("AUTH_FAILURE", "sts:AssumeRole", "sts:ExternalId", EXTERNAL_ID)
        answer = gateway.client("hub", "transfer").test_identity_provider(
            ServerId=SERVER_ID, UserName="user2", UserPassword=PASSWORD, ServerProtocol="FTP"
        )
        assert "trust policy must admit this gateway's own identity" in answer["Message"]
    finally:
        iam.update_assume_role_policy(RoleName="transfer-role", PolicyDocument=trust())


def test_what_belongs_to_aws_is_not_served_beside_it(gateway: Service):
    for service, operation in (
        ("s3", "list_buckets"),
        ("lambda", "list_functions"),
        ("secretsmanager", "list_secrets"),
    ):
        client = gateway.client("hub", service)
        with pytest.raises(client.exceptions.ClientError):
            getattr(client, operation)()
    asked = gateway.crossdock(
        "explain", "--server-id", SERVER_ID, "--user-name", "user2", "put", "/a", check=False, input_text=""
    )
    assert asked.returncode != 0
    assert "--profile" in asked.stderr


def test_a_node_with_an_empty_directory_comes_up_like_all_others(cloud: Cloud, tmp_path: Path):
    config = configuration(cloud, tmp_path)
    for node in ("one", "two"):
        (tmp_path / node).mkdir()
        with start_service(tmp_path / node / "data", "--config", str(config), variables=cloud.variables()) as service:
            assert [s["ServerId"] for s in service.client("hub", "transfer").list_servers()["Servers"]] == [SERVER_ID]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [(("--example", "article"), "--example builds"), (("--workers", "2"), "workers serve the embedded authority")],
)
def test_what_does_not_go_with_aws_is_refused_at_the_start(tmp_path: Path, arguments, sentence):
    (tmp_path / "crossdock.toml").write_text('authority = "aws"\n')
    ended = refused_start(tmp_path / "data", "--config", str(tmp_path / "crossdock.toml"), *arguments)
    assert ended.returncode == 1
    assert sentence in ended.stderr
