"""An embedded cloud that plays AWS for a gateway in a process of its own: the article's two accounts.

with open_cloud(folder) as cloud:
    config = configuration(cloud, folder)
    with start_service(folder / "data", "--config", str(config), variables=cloud.variables()) as gateway: ...
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.e2e.harness import Service, start_service, until
from tests.e2e.test_article import OWN_TEMPLATE, bucket_policy, deploy, role_policy

HUB = "111111111111"
SERVER_ID = "s-0123456789abcdef0"
EXTERNAL_ID = "dock-7f3a"
USER = "user2"
PASSWORD = "first 'pass' wörd"
BUCKET = "partner-data"


def document(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def trust(*, external_id: str = EXTERNAL_ID, gateway: str = "role/gateway") -> str:
    """Transfer's own statement, which never admits a gateway, and the gateway's."""
    transfer = {
        "Effect": "Allow",
        "Principal": {"Service": "transfer.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": HUB}},
    }
    of_gateway = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{HUB}:{gateway}"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"sts:ExternalId": external_id}},
    }
    return document(transfer, of_gateway)


def gateway_policy(function_arn: str) -> str:
    return document(
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/transfer-*"},
        {"Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": function_arn},
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": f"arn:aws:logs:*:{HUB}:log-group:/aws/transfer/*",
        },
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": "*"},
    )


@dataclass(frozen=True, slots=True)
class Cloud:
    """AWS, with everything in two accounts that a gateway wants; `key` is what the gateway's machine has: a role's."""

    service: Service
    key: Mapping[str, str]
    function_arn: str
    role_id: str

    def variables(self) -> dict[str, str]:
        return {
            "AWS_ACCESS_KEY_ID": self.key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": self.key["SecretAccessKey"],
            "AWS_SESSION_TOKEN": self.key["SessionToken"],
            "AWS_ENDPOINT_URL": self.service.api_url,
        }

    @property
    def partner_s3(self) -> Any:
        return self.service.client("partner", "s3")

    def partner_objects(self) -> dict[str, bytes]:
        s3 = self.partner_s3
        listed = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {item["Key"]: s3.get_object(Bucket=BUCKET, Key=item["Key"])["Body"].read() for item in listed}

    def admit(self, *further: str) -> None:
        """The article's bucket policy, which lets the hub's role in, with further actions."""
        policy = json.loads(bucket_policy(self.role_id))
        policy["Statement"][0]["Action"] += further
        self.partner_s3.put_bucket_policy(Bucket=BUCKET, Policy=json.dumps(policy))

    def say_of_user(self, **value: str) -> None:
        """What the identity provider answers of `USER`, besides the password."""
        secrets = self.service.client("hub", "secretsmanager")
        text = json.dumps({"Password": PASSWORD, **value})
        secrets.put_secret_value(SecretId=f"aws/transfer/{SERVER_ID}/{USER}", SecretString=text)

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


@contextmanager
def open_cloud(folder: Path, *, variables: Mapping[str, str] = MappingProxyType({})) -> Iterator[Cloud]:
    with start_service(folder / "data", variables=variables) as service:
        iam = service.client("hub", "iam")
        deploy(service, OWN_TEMPLATE)
        (stack,) = service.client("hub", "cloudformation").describe_stacks(StackName="identity")["Stacks"]
        function_arn = {o["OutputKey"]: o["OutputValue"] for o in stack["Outputs"]}["ProviderFunctionArn"]

        root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
        instance_role = iam.create_role(RoleName="gateway", AssumeRolePolicyDocument=document(root))["Role"]["Arn"]
        iam.put_role_policy(RoleName="gateway", PolicyName="gateway", PolicyDocument=gateway_policy(function_arn))
        sts = service.client("hub", "sts")
        key = sts.assume_role(RoleArn=instance_role, RoleSessionName="i-0123456789abcdef0")["Credentials"]
        role = iam.create_role(RoleName="transfer-role", AssumeRolePolicyDocument=trust())["Role"]
        iam.put_role_policy(RoleName="transfer-role", PolicyName="s3", PolicyDocument=role_policy("hub-data", BUCKET))
        secrets = service.client("hub", "secretsmanager")
        secrets.create_secret(Name=f"aws/transfer/{SERVER_ID}/{USER}", SecretString="{}")
        service.client("partner", "s3").create_bucket(Bucket=BUCKET)
        cloud = Cloud(service, key, function_arn, role["RoleId"])
        cloud.say_of_user(Role=role["Arn"], HomeDirectory=f"/{BUCKET}")
        yield cloud


def configuration(
    cloud: Cloud, folder: Path, *, protocols: Sequence[str] = ("FTP",), aws: Mapping[str, float] = MappingProxyType({})
) -> Path:
    """The gateway's file, and its servers'. `aws` are settings of that section that are numbers."""
    (folder / "servers.toml").write_text(f"""
        [[server]]
        id = "{SERVER_ID}"
        account = "hub"
        [server.settings]
        Protocols = {json.dumps(protocols)}
        EndpointType = "VPC"
        EndpointDetails = {{ VpcId = "vpc-0abc", SubnetIds = ["subnet-0abc"] }}
        IdentityProviderType = "AWS_LAMBDA"
        IdentityProviderDetails = {{ Function = "{cloud.function_arn}" }}
        """)
    lines = ['authority = "aws"', 'servers = "servers.toml"', "[aws]", f'external_id = "{EXTERNAL_ID}"']
    config = folder / "crossdock.toml"
    config.write_text("\n".join([*lines, *(f"{name} = {value}" for name, value in aws.items())]) + "\n")
    return config
