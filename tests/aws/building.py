"""What the article has, made on AWS as docs/aws.md tells it: everything tagged with the run."""

import hashlib
import io
import json
import secrets
import zipfile
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError
from tests.aws.accounts import PATH, PREFIX, TAG, Account, allow, document, persist, tags

USER = "user2"

FUNCTION = """
import hashlib
import hmac
import json
import os


def handler(event, context):
    user = json.loads(os.environ["USERS"]).get(event.get("username"))
    digest = hashlib.sha256(event.get("password", "").encode()).hexdigest()
    if user is None or not hmac.compare_digest(digest, user["PasswordDigest"]):
        return {}
    return {"Role": user["Role"], "HomeDirectory": user["HomeDirectory"]}
"""
"""The identity provider: a random password of one run, so its digest in the function's environment will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """`credentials` are the gateway's, as a machine with its role has them."""

    run: str
    server_id: str
    bucket: str
    preferred_bucket: str
    function_arn: str
    gateway_role: str
    user_role: str
    user_role_id: str
    external_id: str = field(repr=False)
    password: str = field(repr=False)
    credentials: dict[str, str] = field(repr=False)


def new_run() -> str:
    return secrets.token_hex(4)


def build(hub: Account, partner: Account, run: str) -> Built:
    """Raises botocore's errors; what was made until then is swept by its tag."""
    iam, name, external_id = hub.client("iam"), f"{PREFIX}{run}", secrets.token_urlsafe(12)
    server_id, password = f"s-{secrets.token_hex(9)[:17]}", secrets.token_urlsafe(12)
    bucket, preferred = f"{name}-partner", f"{name}-preferred"
    # Made here, so that it has the tag however the run ends.
    hub.client("logs").create_log_group(logGroupName=f"/aws/transfer/{server_id}", tags={TAG: run})

    root = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{hub.account_id}:root"}, "Action": "sts:AssumeRole"}
    gateway = _role(iam, f"{name}-gateway", run, root | _with_external_id(external_id))
    admits = {"Effect": "Allow", "Principal": {"AWS": gateway["Arn"]}, "Action": "sts:AssumeRole"}
    user = persist(
        lambda: _role(iam, f"{name}-user", run, admits | _with_external_id(external_id)), "MalformedPolicyDocument"
    )
    of_lambda = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    function_role = _role(iam, f"{name}-function", run, of_lambda)

    value = {
        "PasswordDigest": hashlib.sha256(password.encode()).hexdigest(),
        "Role": user["Arn"],
        "HomeDirectory": f"/{bucket}",
    }
    there = {**value, "HomeDirectory": f"/{preferred}"}
    function_arn = _function(hub, f"{name}-users", function_role["Arn"], {USER: value, f"{USER}-preferred": there}, run)
    logs = f"arn:aws:logs:{hub.region}:{hub.account_id}:log-group:/aws/transfer/*"
    _allow(
        iam,
        f"{name}-gateway",
        allow("sts:AssumeRole", f"arn:aws:iam::{hub.account_id}:role{PATH}*"),
        allow("lambda:InvokeFunction", function_arn),
        allow(["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"], logs),
    )
    resources = [arn for one in (bucket, preferred) for arn in (f"arn:aws:s3:::{one}", f"arn:aws:s3:::{one}/*")]
    _allow(iam, f"{name}-user", allow("s3:*", resources))
    for one, ownership in ((bucket, "BucketOwnerEnforced"), (preferred, "BucketOwnerPreferred")):
        _bucket(partner, one, ownership, run)
    built = Built(
        run=run,
        server_id=server_id,
        bucket=bucket,
        preferred_bucket=preferred,
        function_arn=function_arn,
        gateway_role=gateway["Arn"],
        user_role=user["Arn"],
        user_role_id=user["RoleId"],
        external_id=external_id,
        password=password,
        credentials=_assume(hub, gateway["Arn"], external_id),
    )
    for one in (bucket, preferred):
        admit(hub, partner, built, one)
    return built


def admit(hub: Account, partner: Account, built: Built, bucket: str) -> None:
    """The article's bucket policy: the hub's account, as long as it is the user's role."""
    statement = {
        "Sid": "BucketPolicyForFTP",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{hub.account_id}:root"},
        "Action": [
            *("s3:PutObject", "s3:PutObjectAcl", "s3:GetObject", "s3:DeleteObject", "s3:ListBucket"),
            *("s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads", "s3:GetBucketLocation"),
        ],
        "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"],
        "Condition": {"StringLike": {"aws:userId": f"{built.user_role_id}:*"}},
    }
    partner.client("s3").put_bucket_policy(Bucket=bucket, Policy=document(statement))


def _with_external_id(external_id: str) -> dict[str, Any]:
    return {"Condition": {"StringEquals": {"sts:ExternalId": external_id}}}


def _role(iam: Any, name: str, run: str, trust: dict[str, Any]) -> dict[str, Any]:
    role: dict[str, Any] = iam.create_role(
        RoleName=name, Path=PATH, AssumeRolePolicyDocument=document(trust), Tags=tags(run)
    )["Role"]
    return role


def _allow(iam: Any, role: str, *statements: dict[str, Any]) -> None:
    iam.put_role_policy(RoleName=role, PolicyName="crossdock-test", PolicyDocument=document(*statements))


def _function(hub: Account, name: str, role: str, users: dict[str, Any], run: str) -> str:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        # Lambda runs as another user than whoever wrote the archive.
        entry = zipfile.ZipInfo("index.py")
        entry.external_attr = 0o644 << 16
        archive.writestr(entry, FUNCTION)
    lambda_ = hub.client("lambda")
    arn: str = persist(
        lambda: lambda_.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role,
            Handler="index.handler",
            Code={"ZipFile": packed.getvalue()},
            Environment={"Variables": {"USERS": json.dumps(users)}},
            Timeout=15,
            Tags={TAG: run},
        ),
        "InvalidParameterValueException",  # the role is too new
    )["FunctionArn"]
    lambda_.get_waiter("function_active_v2").wait(FunctionName=name)
    return arn


def _bucket(partner: Account, name: str, ownership: str, run: str) -> None:
    s3 = partner.client("s3")
    where = {} if partner.region == "us-east-1" else {"LocationConstraint": partner.region}
    further: dict[str, Any] = {"CreateBucketConfiguration": where} if where else {}
    s3.create_bucket(Bucket=name, ObjectOwnership=ownership, **further)
    try:
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": tags(run)})
    except ClientError as error:
        if error.response["Error"]["Code"] != "NotImplemented":  # by the embedded S3
            raise


def _assume(hub: Account, role: str, external_id: str) -> dict[str, str]:
    """As the machine that the gateway runs on gets them."""
    issued = persist(
        lambda: hub.client("sts").assume_role(RoleArn=role, RoleSessionName="crossdock-test", ExternalId=external_id),
        "AccessDenied",
    )["Credentials"]
    return {
        "AWS_ACCESS_KEY_ID": issued["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": issued["SecretAccessKey"],
        "AWS_SESSION_TOKEN": issued["SessionToken"],
    }
