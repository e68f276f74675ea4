"""Deleting what a run made: of this run, or of all that left something behind. What is not tagged so is not touched."""

from collections.abc import Callable, Iterator
from typing import Any

from botocore.exceptions import ClientError
from tests.aws.accounts import PATH, PREFIX, TAG, Account


def sweep(hub: Account, partner: Account, *, run: str = "") -> list[str]:
    """What was deleted. `run` empty: of every run."""
    deleted: list[str] = []
    # The bucket first: its policy names a role of the hub.
    for kind, account in ((_buckets, partner), (_functions, hub), (_log_groups, hub), (_roles, hub)):
        for name, delete in kind(account, run):
            delete()
            deleted.append(name)
    return deleted


Found = Iterator[tuple[str, Callable[[], None]]]


def _is_ours(tags: dict[str, str], run: str) -> bool:
    return TAG in tags and run in ("", tags[TAG])


def _buckets(account: Account, run: str) -> Found:
    s3 = account.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        if name.startswith(PREFIX + run) and _is_ours(_bucket_tags(s3, name, run), run):
            yield f"bucket {name}", lambda name=name: _delete_bucket(s3, name)


def _bucket_tags(s3: Any, name: str, run: str) -> dict[str, str]:
    try:
        return {tag["Key"]: tag["Value"] for tag in s3.get_bucket_tagging(Bucket=name)["TagSet"]}
    except ClientError as error:
        if error.response["Error"]["Code"] == "NotImplemented":
            return {TAG: run}  # the embedded S3 has no tags: the name alone tells
        if error.response["Error"]["Code"] in ("NoSuchTagSet", "NoSuchBucket", "AccessDenied"):
            return {}
        raise


def _delete_bucket(s3: Any, name: str) -> None:
    for upload in s3.list_multipart_uploads(Bucket=name).get("Uploads", []):
        s3.abort_multipart_upload(Bucket=name, Key=upload["Key"], UploadId=upload["UploadId"])
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for item in page.get("Contents", []):
            s3.delete_object(Bucket=name, Key=item["Key"])
    s3.delete_bucket(Bucket=name)


def _functions(account: Account, run: str) -> Found:
    lambda_ = account.client("lambda")
    for page in lambda_.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            name, arn = function["FunctionName"], function["FunctionArn"]
            if name.startswith(PREFIX + run) and _is_ours(lambda_.list_tags(Resource=arn)["Tags"], run):
                yield f"function {name}", lambda name=name: lambda_.delete_function(FunctionName=name)


def _log_groups(account: Account, run: str) -> Found:
    logs = account.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/aws/transfer/s-"):
        for group in page["logGroups"]:
            name, arn = group["logGroupName"], group["arn"].removesuffix(":*")
            if _is_ours(logs.list_tags_for_resource(resourceArn=arn)["tags"], run):
                yield f"log group {name}", lambda name=name: logs.delete_log_group(logGroupName=name)


def _roles(account: Account, run: str) -> Found:
    iam = account.client("iam")
    for page in iam.get_paginator("list_roles").paginate(PathPrefix=PATH):
        for role in page["Roles"]:
            name = role["RoleName"]
            tags = {tag["Key"]: tag["Value"] for tag in iam.list_role_tags(RoleName=name)["Tags"]}
            if name.startswith(PREFIX + run) and _is_ours(tags, run):
                yield f"role {name}", lambda name=name: _delete_role(iam, name)


def _delete_role(iam: Any, name: str) -> None:
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)
