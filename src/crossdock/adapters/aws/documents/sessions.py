"""A session of a role that nobody has, and what S3 would answer it: see `ports.trials.TrialSession`."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from crossdock.adapters.aws.documents.asking import TELL, Asked, decide, unknown_id
from crossdock.adapters.aws.documents.buckets import BucketDocuments
from crossdock.adapters.aws.documents.key_decisions import decide_about_key
from crossdock.adapters.aws.documents.organization import Control, of_resource
from crossdock.adapters.aws.documents.principals import PrincipalDocuments
from crossdock.adapters.aws.documents.readers import Readers
from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.permissions import list_permission, object_permission, presence_permission
from crossdock.core.backings import Backing
from crossdock.core.errors import FileError, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.core.object_writing import CROSS_ACCOUNT, FULL_CONTROL, OFF, ObjectWriting
from crossdock.core.principals import AssumedRole
from crossdock.files.verbs import WRITES
from crossdock.operations.caller import Caller, Context
from crossdock.operations.operation import Permission
from crossdock.policy.decision import Decision
from crossdock.policy.requests import Layer, UnreadLayer
from crossdock.policy.unsure import UnknownKey
from crossdock.ports.objects import ObjectStore
from crossdock.ports.trials import KeyQuestion, ObjectQuestion

_SAYING = ("s3:PutObject", "s3:PutObjectAcl")
_ACL = "s3:x-amz-acl"
_SSE, _SSE_KEY = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
_OF_S3: Context = {
    # Crossdock and AWS's own service sign a header of each request, and speak no TLS that is older.
    "s3:authType": ("REST-HEADER",),
    "s3:signatureversion": ("AWS4-HMAC-SHA256",),
    "s3:TlsVersion": ("1.2",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsTrialSession:
    """See `ports.trials.TrialSession`. The principal of `caller` is the role."""

    caller: Caller
    role: PrincipalDocuments
    readers: Readers

    @property
    def principal(self) -> AssumedRole:
        if not isinstance(self.caller.principal, AssumedRole):
            raise TypeError(f"{self.caller.principal.arn} is no session of a role")
        return self.caller.principal

    @property
    def store(self) -> ObjectStore | None:
        """Nobody may look at objects in the name of the role without assuming it."""
        return None

    @property
    def follows_aws_buckets(self) -> bool:
        return True

    async def acl_in(self, bucket: str) -> str:
        """As Transfer and Crossdock both do, where nobody has told Crossdock otherwise."""
        acl = self.readers.writing.acl
        if acl != CROSS_ACCOUNT:
            return "" if acl == OFF else acl
        try:
            found = await self.readers.buckets.find(bucket)
        except FileError:
            return ""  # the decision about the write will tell
        return "" if self._owner(found) == self.role.arn.account_id else FULL_CONTROL

    async def decide(self, question: ObjectQuestion) -> Decision:
        reads_source = question.source is not None and question.action == "s3:GetObject"
        place = question.source if question.source is not None and reads_source else question.place
        bucket = await self.readers.buckets.find(place.bucket)
        own = self.role.arn.account_id
        asked = Asked(
            caller=self.caller,
            who=self.role,
            permission=_permission(question, place, bucket, self.readers.writing),
            owner=self._owner(bucket),
            region=bucket.region,
            ours=await self.readers.organization.control(own),
            theirs=await self._binding(bucket),
            resource=bucket.policy,
            public_access=bucket.public_access,
            unread=bucket.unread,
            unknown=self._unknown(bucket),
            absent=_absent(question, self.readers.writing),
        )
        decision = decide(asked, told=self.readers.told, now=self.readers.clock.now())
        if question.action == "s3:PutObjectAcl" and decision.is_allowed:
            await self._require_acls(bucket, question.acl)
        return decision

    async def decide_key(self, question: KeyQuestion) -> Decision | None:
        bucket = await self.readers.buckets.find(question.place.bucket)
        return await decide_about_key(question, caller=self.caller, role=self.role, bucket=bucket, readers=self.readers)

    async def backing_of(self, bucket: str) -> Backing | None:
        """AWS has no attached buckets."""
        return None

    async def try_backing(self, bucket: str) -> None:
        raise Unsupported(f"{bucket} is not attached to another S3")

    async def _require_acls(self, bucket: BucketDocuments, acl: str) -> None:
        """Raises Unsupported for an ACL that the bucket refuses whoever sends it."""
        if acl != FULL_CONTROL and bucket.owner and await self.readers.buckets.refuses_acls(bucket):
            raise Unsupported(
                f"the Object Ownership of bucket {bucket.name} is BucketOwnerEnforced, which takes no ACL but "
                f"{FULL_CONTROL}, and {acl} is sent: change acl in aws.buckets"
            )

    def _owner(self, bucket: BucketDocuments) -> str:
        """Where it may be the role's own, nothing is demanded that only another account's bucket needs."""
        own = self.role.arn.account_id
        return bucket.owner or (own if own in bucket.may_be_of else "")

    async def _binding(self, bucket: BucketDocuments) -> Control:
        if bucket.owner:
            return of_resource(await self.readers.organization.control(bucket.owner))
        why = f"it is not known whose bucket {bucket.name} is"
        keys = ("aws:resourceorgid", "aws:resourceorgpaths")
        return Control(
            unread=(UnreadLayer(layer=Layer.RESOURCE_CONTROL, why=why),),
            unknown=tuple(UnknownKey(key=key, why=f"is not known, for {why}", remedy=TELL) for key in keys),
        )

    def _unknown(self, bucket: BucketDocuments) -> tuple[UnknownKey, ...]:
        found = [*unknown_id(self.role)]
        if not bucket.owner:
            keys = ("aws:resourceaccount", "s3:resourceaccount")
            found += [UnknownKey(key=key, why="is whoever owns the bucket", remedy=TELL) for key in keys]
        if not bucket.region:
            found.append(UnknownKey(key="aws:requestedregion", why="is that of the bucket", remedy=TELL))
        return tuple(found)


def _permission(
    question: ObjectQuestion, place: ObjectPlace, found: BucketDocuments, writing: ObjectWriting
) -> Permission:
    bucket = Bucket(name=found.name, account_id=found.owner, region=found.region, bucket_id="")
    if question.action != "s3:ListBucket":
        copied = {}
        if question.source is not None and question.action == "s3:PutObject":
            copied = {"s3:x-amz-copy-source": (f"{question.source.bucket}/{question.source.key}",)}
        said = {_ACL: (question.acl,)} if question.acl and question.action in _SAYING else {}
        is_write = question.action == "s3:PutObject" and question.operation in WRITES
        encrypted = _encryption_keys(writing) if is_write else {}
        permission = object_permission(bucket, place.key, question.action, {**copied, **said, **encrypted})
    elif question.operation == "ListObjectsV2":
        permission = list_permission(bucket, _listing(question))
    else:
        permission = presence_permission(bucket)
    return replace(permission, context={**_OF_S3, **permission.context})


def _listing(question: ObjectQuestion) -> Mapping[str, Any]:
    params = {"Prefix": question.place.directory_prefix, "MaxKeys": question.limit}
    return {**params, "Delimiter": question.delimiter} if question.delimiter else params


def _encryption_keys(writing: ObjectWriting) -> dict[str, tuple[str, ...]]:
    said = {_SSE: writing.sse, _SSE_KEY: writing.kms_key_id}
    return {key: (value,) for key, value in said.items() if value}


def _absent(question: ObjectQuestion, writing: ObjectWriting) -> frozenset[str]:
    """What a write alone says, and of an upload its beginning; and an ACL that is switched off."""
    is_without_acl = question.action not in _SAYING or question.operation not in WRITES or writing.acl == OFF
    is_no_write = question.action != "s3:PutObject"
    return frozenset([*([_ACL] if is_without_acl else []), *([_SSE, _SSE_KEY] if is_no_write else [])])
