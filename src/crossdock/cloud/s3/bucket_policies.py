"""PutBucketPolicy, GetBucketPolicy, DeleteBucketPolicy, and what the authoriser asks about buckets.

Source: S3 API Reference, PutBucketPolicy; S3 User Guide, "Policies and permissions in Amazon S3".
"""

from dataclasses import replace

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.cloud.iam.parsed import named_policy
from crossdock.cloud.iam.principal_pins import UnknownPrincipal, pins_of, stale_pins, with_pins
from crossdock.cloud.iam.resource_policies import ResourceGuard
from crossdock.cloud.s3.action_levels import has_bucket_level, has_object_level
from crossdock.cloud.s3.action_names import is_s3_action
from crossdock.cloud.s3.bucket_directory import BUCKETS, Bucket, present_record
from crossdock.cloud.s3.failures import method_not_allowed, no_such_bucket_policy
from crossdock.cloud.s3.storage import Storage
from crossdock.core.arns import Arn
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.policy.document import MalformedPolicy, Policy, PolicyKind, PolicyTooLong, parse_policy
from crossdock.policy.statements import Statement
from crossdock.ports.state import Transaction

INVALID_ACTION = "Policy has invalid action"
ACTION_MISMATCH = "Action does not apply to any resource(s) in statement"
INVALID_RESOURCE = "Policy has invalid resource"


async def put_bucket_policy(storage: Storage, call: Call) -> Result:
    bucket = await _own_bucket(storage, call, "PUT")
    text: str = call.params["Policy"]
    policy = check_bucket_policy(text, bucket.name)
    async with policy_transaction(call, storage.epoch) as tx:
        record = await present_record(tx, bucket)
        try:
            pins = await pins_of(tx, policy)
        except UnknownPrincipal as error:
            raise _malformed("Invalid principal in policy", detail=error.value) from error
        await BUCKETS.put(tx, replace(record, policy=text, policy_pins=pins), record.name)
    return {}


async def get_bucket_policy(storage: Storage, call: Call) -> Result:
    bucket = await _own_bucket(storage, call, "GET")
    async with call.reading() as tx:
        record = await present_record(tx, bucket)
        if not record.policy:
            raise no_such_bucket_policy(bucket.name)
        return {"Policy": with_pins(record.policy, await stale_pins(tx, record.policy_pins))}


async def delete_bucket_policy(storage: Storage, call: Call) -> Result:
    """Deleting what is not there succeeds."""
    bucket = await _own_bucket(storage, call, "DELETE")
    async with policy_transaction(call, storage.epoch) as tx:
        record = await present_record(tx, bucket)
        await BUCKETS.put(tx, replace(record, policy="", policy_pins={}), record.name)
    return {}


class BucketPolicies:
    """Implements `cloud.iam.resource_policies.ResourcePolicySource` for buckets and their objects."""

    def subject_of(self, resource: Arn) -> str:
        return resource.resource.partition("/")[0]

    async def find(self, tx: Transaction, subject: str) -> ResourceGuard | None:
        record = await BUCKETS.get(tx, subject)
        if record is None:
            return None
        if not record.policy:
            return ResourceGuard(account_id=record.account_id)
        policy = named_policy(
            f"bucket policy of {record.name}", with_pins(record.policy, record.policy_pins), PolicyKind.RESOURCE
        )
        return ResourceGuard(account_id=record.account_id, policy=policy)


def check_bucket_policy(text: str, bucket: str) -> Policy:
    """Read a policy that is about to guard a bucket.

    Raises:
        ServiceError: MalformedPolicy, or PolicyTooLarge beyond 20 KB.
    """
    try:
        policy = parse_policy(text, PolicyKind.RESOURCE)
    except PolicyTooLong as error:
        raise ServiceError("PolicyTooLarge", error.message) from error
    except MalformedPolicy as error:
        raise _malformed(error.message, detail=error.detail) from error
    for statement in policy.statements:
        for action in (*statement.actions, *statement.not_actions):
            if not is_s3_action(action):
                raise _malformed(INVALID_ACTION, detail=action)
    for statement in policy.statements:
        _check_resources(statement, bucket)
    return policy


def _check_resources(statement: Statement, bucket: str) -> None:
    """A statement speaks of this very bucket, and its actions can be done to what it speaks of."""
    resources = statement.resources or statement.not_resources
    for resource in resources:
        name = resource.removeprefix("arn:aws:s3:::").partition("/")[0]
        if not resource.startswith("arn:aws:s3:::") or not _covers(name, bucket):
            raise _malformed(INVALID_RESOURCE, detail=resource)
    if not statement.actions or not statement.resources:
        return
    names_objects = any("/" in resource or resource.endswith("*") for resource in resources)
    names_bucket = any("/" not in resource for resource in resources)
    for action in statement.actions:
        if not (names_objects and has_object_level(action)) and not (names_bucket and has_bucket_level(action)):
            raise _malformed(ACTION_MISMATCH, detail=action)


def _covers(pattern: str, bucket: str) -> bool:
    """Whether the bucket's part of a resource means this bucket: its name, or its beginning and a `*`."""
    return pattern == bucket or (pattern.endswith("*") and len(pattern) > 1 and bucket.startswith(pattern[:-1]))


def _malformed(message: str, *, detail: str) -> ServiceError:
    return ServiceError("MalformedPolicy", message, members={"Detail": detail} if detail else None)


async def _own_bucket(storage: Storage, call: Call, method: str) -> Bucket:
    """S3 lets nobody but the owner's account touch a bucket's policy, whatever that policy says."""
    bucket = await storage.bucket_of(call)
    if call.caller.principal.account_id != bucket.account_id:
        raise method_not_allowed("BUCKETPOLICY", method)
    return bucket
