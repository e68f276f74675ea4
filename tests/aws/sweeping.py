"""Deleting what a run made: of this run, or of all that left something behind. What is not tagged so is not touched."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from tests.aws.accounts import PATH, PREFIX, TAG, Account

BUCKET = re.compile(rf"{PREFIX}(?P<run>[0-9a-f]{{8}})-(partner|preferred)")
"""As `building.py` names them: where an S3 has no tags, no other name will do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What may be of a run, by its name; whether it is, its tags tell."""

    name: str
    tags: Callable[[], Mapping[str, str]]
    delete: Callable[[], object]


@dataclass(slots=True, kw_only=True)
class Swept:
    """What was deleted; and a sentence for each that could not be, or that could not be looked for."""

    deleted: list[str] = field(default_factory=list)
    stayed: list[str] = field(default_factory=list)

    @contextmanager
    def trying(self, what: str) -> Iterator[None]:
        """In the block, AWS's errors are noted: what comes after it is deleted all the same."""
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            self.stayed.append(f"{what}: {error}")


def sweep(hub: Account, partner: Account, *, run: str = "") -> Swept:
    """`run` empty: of every run."""
    swept = Swept()
    # The bucket first: its policy names a role of the hub.
    for kind, account in ((_buckets, partner), (_functions, hub), (_log_groups, hub), (_roles, hub)):
        with swept.trying(f"looking for {kind.__name__.strip('_').replace('_', ' ')}"):
            for found in kind(account, run):
                with swept.trying(found.name):
                    if _is_ours(found.tags(), run):
                        found.delete()
                        swept.deleted.append(found.name)
    return swept


def _is_ours(tags: Mapping[str, str], run: str) -> bool:
    return TAG in tags and run in ("", tags[TAG])


def _buckets(account: Account, _run: str) -> Iterator[Found]:
    s3 = account.client("s3")
    for bucket in s3.list_buckets()["Buckets"]:
        name = bucket["Name"]
        if (made := BUCKET.fullmatch(name)) is not None:
            tags = partial(_bucket_tags, s3, name, made["run"])
            yield Found(name=f"bucket {name}", tags=tags, delete=partial(_delete_bucket, s3, name))


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


def _functions(account: Account, run: str) -> Iterator[Found]:
    lambda_ = account.client("lambda")
    for page in lambda_.get_paginator("list_functions").paginate():
        for function in page["Functions"]:
            name, arn = function["FunctionName"], function["FunctionArn"]
            if name.startswith(PREFIX + run):
                delete = partial(lambda_.delete_function, FunctionName=name)
                yield Found(name=f"function {name}", tags=partial(_function_tags, lambda_, arn), delete=delete)


def _function_tags(lambda_: Any, arn: str) -> dict[str, str]:
    tags: dict[str, str] = lambda_.list_tags(Resource=arn)["Tags"]
    return tags


def _log_groups(account: Account, _run: str) -> Iterator[Found]:
    logs = account.client("logs")
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix="/aws/transfer/s-"):
        for group in page["logGroups"]:
            name, arn = group["logGroupName"], group["arn"].removesuffix(":*")
            delete = partial(logs.delete_log_group, logGroupName=name)
            yield Found(name=f"log group {name}", tags=partial(_log_group_tags, logs, arn), delete=delete)


def _log_group_tags(logs: Any, arn: str) -> dict[str, str]:
    tags: dict[str, str] = logs.list_tags_for_resource(resourceArn=arn)["tags"]
    return tags


def _roles(account: Account, run: str) -> Iterator[Found]:
    iam = account.client("iam")
    for page in iam.get_paginator("list_roles").paginate(PathPrefix=PATH):
        for role in page["Roles"]:
            name = role["RoleName"]
            if name.startswith(PREFIX + run):
                tags = partial(_role_tags, iam, name)
                yield Found(name=f"role {name}", tags=tags, delete=partial(_delete_role, iam, name))


def _role_tags(iam: Any, name: str) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in iam.list_role_tags(RoleName=name)["Tags"]}


def _delete_role(iam: Any, name: str) -> None:
    for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
        iam.delete_role_policy(RoleName=name, PolicyName=policy)
    iam.delete_role(RoleName=name)
