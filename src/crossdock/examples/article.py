"""The article, step by step: one FTP server in a hub account, a user's files in a bucket of a partner account.

Every step finds what an earlier run has made, so that a set-up can be built again. Who carries out the calls is up to
the runner: the service itself (`crossdock serve --example article`) or an AWS client over HTTP (`crossdock demo`).
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from crossdock.core.errors import CrossdockError

Do = Callable[[str, str, str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Carries out one call: account name, service, operation, input. Raises `CallFailed`."""

STACK = "transfer-identity"
ROLE = "transfer-users"
TAG = {"Key": "crossdock:example", "Value": "article"}
VPC = {"VpcId": "vpc-0c1d2e3f405162738", "SubnetIds": ["subnet-0a1b2c3d4e5f60718"]}
CUT_OFF = frozenset({"CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED"})
"""How a stack is found whose making was cut off, perhaps because the service was killed: it is made anew."""
_POLL_S = 0.1


class CallFailed(CrossdockError):
    """A call was refused; `code` is AWS's error code."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """The article's cast. Bucket names are one namespace, so they carry the account ids."""

    do: Do
    hub: str = "hub"
    partner: str = "partner"
    hub_id: str = "111111111111"
    partner_id: str = "222222222222"
    region: str = "us-east-1"
    wait: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    @property
    def hub_bucket(self) -> str:
        return f"hub-inbox-{self.hub_id}"

    @property
    def partner_bucket(self) -> str:
        return f"partner-inbox-{self.partner_id}"

    @property
    def role_arn(self) -> str:
        return f"arn:aws:iam::{self.hub_id}:role/{ROLE}"

    async def identity_provider(self) -> str:
        """Deploy the identity provider's stack in the hub; returns the function's ARN."""
        stack = await self._settled_stack()
        if stack is not None and stack["StackStatus"] in CUT_OFF:
            await self.do(self.hub, "cloudformation", "DeleteStack", {"StackName": STACK})
            stack = await self._settled_stack()
        if stack is None:
            await self.do(
                self.hub,
                "cloudformation",
                "CreateStack",
                {
                    "StackName": STACK,
                    "TemplateBody": template_text(),
                    "Parameters": [{"ParameterKey": "CreateServer", "ParameterValue": "false"}],
                    "Capabilities": ["CAPABILITY_IAM"],
                },
            )
            stack = await self._settled_stack()
        if stack is None or stack["StackStatus"] != "CREATE_COMPLETE":
            status, reason = (stack["StackStatus"], stack.get("StackStatusReason", "")) if stack else ("gone", "")
            raise CrossdockError(f"stack {STACK} is {status}: {reason}")
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
        return str(outputs["ProviderFunctionArn"])

    async def _settled_stack(self) -> Mapping[str, Any] | None:
        while (stack := await self._stack()) is not None and stack["StackStatus"].endswith("_IN_PROGRESS"):
            await self.wait(_POLL_S)
        return stack

    async def _stack(self) -> Mapping[str, Any] | None:
        try:
            found = await self.do(self.hub, "cloudformation", "DescribeStacks", {"StackName": STACK})
        except CallFailed as error:
            if error.code == "ValidationError":
                return None
            raise
        stack: Mapping[str, Any] = found["Stacks"][0]
        return stack

    async def bucket(self, account: str, name: str) -> None:
        location = (
            {} if self.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": self.region}}
        )
        await self._unless_there(
            {"BucketAlreadyOwnedByYou"}, account, "s3", "CreateBucket", {"Bucket": name, **location}
        )

    async def role(self) -> str:
        """The role that the users of both buckets take; returns its `AROA…` id."""
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Principal": {"Service": "transfer.amazonaws.com"}, "Action": "sts:AssumeRole"}
            ],
        }
        params = {"RoleName": ROLE, "AssumeRolePolicyDocument": json.dumps(trust)}
        await self._unless_there({"EntityAlreadyExists"}, self.hub, "iam", "CreateRole", params)
        found = await self.do(self.hub, "iam", "GetRole", {"RoleName": ROLE})
        return str(found["Role"]["RoleId"])

    async def role_policy(self, *buckets: str) -> None:
        """What the role may do: everything in these buckets but to make or remove them, as in the article."""
        document = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": "s3:*",
                    "Resource": [arn for name in buckets for arn in (f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*")],
                },
                {"Effect": "Deny", "Action": ["s3:DeleteBucket", "s3:CreateBucket"], "Resource": "*"},
            ],
        }
        params = {"RoleName": ROLE, "PolicyName": "buckets", "PolicyDocument": json.dumps(document)}
        await self.do(self.hub, "iam", "PutRolePolicy", params)

    async def server(self, function_arn: str) -> str:
        """The FTP server in the hub; returns its id."""
        for server in (await self.do(self.hub, "transfer", "ListServers", {}))["Servers"]:
            described = await self.do(self.hub, "transfer", "DescribeServer", {"ServerId": server["ServerId"]})
            if TAG in described["Server"].get("Tags", []):
                return str(server["ServerId"])
        created = await self.do(
            self.hub,
            "transfer",
            "CreateServer",
            {
                "Protocols": ["FTP"],
                "EndpointType": "VPC",
                "EndpointDetails": VPC,
                "IdentityProviderType": "AWS_LAMBDA",
                "IdentityProviderDetails": {"Function": function_arn},
                "Tags": [TAG],
            },
        )
        return str(created["ServerId"])

    async def user(self, server_id: str, name: str, bucket: str, password: str) -> None:
        """A user's secret; one that is there keeps its password."""
        user = {"Password": password, "Role": self.role_arn, "HomeDirectory": f"/{bucket}"}
        params = {"Name": f"aws/transfer/{server_id}/{name}", "SecretString": json.dumps(user)}
        await self._unless_there({"ResourceExistsException"}, self.hub, "secretsmanager", "CreateSecret", params)

    async def partner_policy(self, role_id: str) -> None:
        """The partner's bucket admits every session of the hub's role, and nobody else of the hub."""
        arn = f"arn:aws:s3:::{self.partner_bucket}"
        document = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "TransferSessionsOfTheHub",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{self.hub_id}:root"},
                    "Action": [
                        "s3:PutObject",
                        "s3:PutObjectAcl",
                        "s3:GetObject",
                        "s3:DeleteObject",
                        "s3:ListBucket",
                        "s3:GetBucketLocation",
                    ],
                    "Resource": [arn, f"{arn}/*"],
                    "Condition": {"StringLike": {"aws:userId": f"{role_id}:*"}},
                }
            ],
        }
        params = {"Bucket": self.partner_bucket, "Policy": json.dumps(document)}
        await self.do(self.partner, "s3", "PutBucketPolicy", params)

    async def build(self, password: Callable[[], str]) -> str:
        """Everything at once; returns the server's id."""
        function_arn = await self.identity_provider()
        await self.bucket(self.hub, self.hub_bucket)
        await self.bucket(self.partner, self.partner_bucket)
        role_id = await self.role()
        await self.role_policy(self.hub_bucket, self.partner_bucket)
        await self.partner_policy(role_id)
        server_id = await self.server(function_arn)
        await self.user(server_id, "user1", self.hub_bucket, password())
        await self.user(server_id, "user2", self.partner_bucket, password())
        return server_id

    async def _unless_there(
        self, present: set[str], account: str, service: str, operation: str, params: Mapping[str, Any]
    ) -> None:
        try:
            await self.do(account, service, operation, params)
        except CallFailed as error:
            if error.code not in present:
                raise


def template_path() -> Path:
    """Where the identity provider's template lies."""
    return Path(str(files("crossdock.examples") / "identity-provider.yml"))


def template_text() -> str:
    return template_path().read_text()
