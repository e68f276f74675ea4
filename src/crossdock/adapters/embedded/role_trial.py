"""What the embedded cloud would decide: the questions of STS's and S3's own tables, without their handlers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from crossdock.adapters.embedded.assumer import ORIGIN, EmbeddedRoleAssumer, missing_role, service_caller
from crossdock.adapters.embedded.backed_objects import BackedObjects
from crossdock.adapters.embedded.file_errors import file_errors
from crossdock.adapters.embedded.granting import acl_in
from crossdock.adapters.embedded.object_store import EmbeddedObjectStore
from crossdock.cloud.iam.records import ROLES, USERS
from crossdock.cloud.s3.permissions import presence_permission
from crossdock.core.backings import Backing
from crossdock.core.errors import ServiceError, Unavailable
from crossdock.core.principals import AssumedRole
from crossdock.policy.evaluate import Decision
from crossdock.ports.authority import AssumeRefused, RoleRequest
from crossdock.ports.trials import Assumption, KeyQuestion, ObjectQuestion


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedRoleTrial:
    """See `ports.trials.RoleTrial`. STS keeps no sessions, so even the assumption that succeeds leaves nothing."""

    assumer: EmbeddedRoleAssumer

    async def assume(self, asked: RoleRequest) -> Assumption:
        operations = self.assumer.operations
        try:
            call = operations.begin(
                "sts",
                "AssumeRole",
                {"RoleArn": asked.role_arn, "RoleSessionName": asked.session_name},
                caller=service_caller(asked.server, asked.username),
                account_id=asked.server.account_id,
                region=asked.server.region,
                origin=ORIGIN,
            )
            (permission,) = await operations.permissions(call)
        except ServiceError as error:
            return Assumption(decision=None, refusal=error.message)
        decision = await operations.decide(call, permission)
        if not decision.is_allowed:
            # STS is not asked in earnest: it would record the refusal.
            missing = await missing_role(operations.house.state, asked.role_arn)
            return Assumption(decision=None if missing else decision, refusal=missing)
        try:
            session = await self.assumer.assume(asked)
        except AssumeRefused as error:
            return Assumption(decision=decision, refusal=str(error))
        if not isinstance(session.store, EmbeddedObjectStore):
            raise TypeError(f"the embedded cloud gave a {type(session.store).__name__}")
        return Assumption(
            decision=decision, session=EmbeddedTrialSession(principal=session.principal, store=session.store)
        )

    async def living(self, ids: frozenset[str]) -> Mapping[str, str]:
        if not ids:
            return {}
        async with self.assumer.operations.house.state.reading() as tx:
            roles = [(role.role_id, role.arn) for role in await ROLES.everything(tx)]
            users = [(user.user_id, user.arn) for user in await USERS.everything(tx)]
        return {unique_id: arn for unique_id, arn in (*roles, *users) if unique_id in ids}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedTrialSession:
    """See `ports.trials.TrialSession`."""

    principal: AssumedRole
    store: EmbeddedObjectStore

    @property
    def follows_aws_buckets(self) -> bool:
        """What lies here is staged on this disk, and an attached bucket takes no ACL."""
        return False

    async def acl_in(self, bucket: str) -> str:
        return await acl_in(self.store.client, bucket)

    async def decide(self, question: ObjectQuestion) -> Decision:
        client = self.store.client
        with file_errors():
            call = client.operations.begin(
                "s3",
                question.operation,
                {**_PARAMS[question.operation](question), **({"ACL": question.acl} if question.acl else {})},
                caller=client.caller,
                account_id=client.caller.principal.account_id,
                region=client.region,
                origin=client.origin,
            )
            needed = await client.operations.permissions(call)
            permission = next((one for one in needed if one.action == question.action), None)
            if permission is None:
                # What decides whether S3 tells that a key is not there, and only then.
                permission = presence_permission(await client.storage.bucket_of(call))
            return await client.operations.decide(call, permission)

    async def decide_key(self, question: KeyQuestion) -> Decision | None:
        """Nothing is encrypted here, and there is no KMS."""
        return None

    async def backing_of(self, bucket: str) -> Backing | None:
        found = await self.store.client.storage.buckets.find(bucket)
        return None if found is None else found.backing

    async def try_backing(self, bucket: str) -> None:
        found = await self.store.client.storage.buckets.find(bucket)
        if found is None or found.backing is None:
            raise Unavailable(f"the bucket {bucket} was detached meanwhile")
        backing = found.backing
        # Past our own policies: what they let the role do is no question here.
        await BackedObjects(self.store.client, found).ask(
            lambda store: store.list(backing.bucket, backing.prefix, limit=1)
        )


def _of_object(question: ObjectQuestion) -> Mapping[str, Any]:
    return {"Bucket": question.place.bucket, "Key": question.place.key}


def _of_listing(question: ObjectQuestion) -> Mapping[str, Any]:
    place = question.place
    params = {"Bucket": place.bucket, "Prefix": place.directory_prefix, "MaxKeys": question.limit}
    return {**params, "Delimiter": question.delimiter} if question.delimiter else params


def _of_copy(question: ObjectQuestion) -> Mapping[str, Any]:
    source = question.source or question.place
    return {**_of_object(question), "CopySource": quote(f"{source.bucket}/{source.key}")}


_PARAMS: Mapping[str, Callable[[ObjectQuestion], Mapping[str, Any]]] = {
    "AbortMultipartUpload": lambda question: {**_of_object(question), "UploadId": "none"},
    "CopyObject": _of_copy,
    "DeleteObject": _of_object,
    "GetObject": _of_object,
    "HeadObject": _of_object,
    "ListObjectsV2": _of_listing,
    "ListParts": lambda question: {**_of_object(question), "UploadId": "none"},
    "PutObject": _of_object,
    "UploadPartCopy": lambda question: {**_of_copy(question), "UploadId": "none", "PartNumber": 1},
}
