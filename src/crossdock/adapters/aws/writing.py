"""What a write says of an object besides its content: whose it is to be (a canned ACL), and how S3 encrypts it.

AWS Transfer gives the owner of a bucket in another account full control of what it writes there, for which the role
needs s3:PutObjectAcl. S3 tells nobody whose a bucket is; but it refuses a write that expects another owner than the
bucket has. So the first write to a bucket expects it to be the role's own account's. If it is, nothing is said of the
owner, now or later; if S3 refuses, the write is made again for another account's. That takes no further permission.

Sources: Transfer Family User Guide, "Create an IAM role and policy" (PutObjectACL across accounts); S3 User Guide,
"Verifying bucket ownership with bucket owner condition", "Controlling ownership of objects".
"""

import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar

from crossdock.adapters.aws.failures import refusal_behind
from crossdock.core.errors import Denied, FileError
from crossdock.core.homes import ObjectPlace
from crossdock.core.object_writing import (
    ACL_HEADER,
    CROSS_ACCOUNT,
    FULL_CONTROL,
    OFF,
    SSE_BUCKET_KEY_HEADER,
    SSE_HEADER,
    SSE_KEY_HEADER,
    ObjectWriting,
    ObjectWritings,
)

_log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_KNOWN = 10_000
_EXPECTED_OWNER = "x-amz-expected-bucket-owner"
_MEMBERS: Mapping[str, str] = {
    ACL_HEADER: "ACL",
    _EXPECTED_OWNER: "ExpectedBucketOwner",
    SSE_HEADER: "ServerSideEncryption",
    SSE_KEY_HEADER: "SSEKMSKeyId",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What PutObject, CreateMultipartUpload and CopyObject are told; UploadPart and completion refuse it."""

    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def members(self) -> Mapping[str, Any]:
        """The same as botocore names it."""
        found: dict[str, Any] = {_MEMBERS[name]: value for name, value in self.headers.items() if name in _MEMBERS}
        if SSE_BUCKET_KEY_HEADER in self.headers:
            found["BucketKeyEnabled"] = self.headers[SSE_BUCKET_KEY_HEADER] == "true"
        return found


AS_THE_BUCKET_SAYS = ObjectWritings()


class ObjectWriter:
    """Writes for all sessions, and remembers which buckets are other accounts', until the process ends.

    Args:
        grants_across_accounts: what is done where nobody has said anything of ACLs: they are AWS's own affair.
    """

    def __init__(self, writings: ObjectWritings, *, grants_across_accounts: bool) -> None:
        self._writings = writings
        self._default = CROSS_ACCOUNT if grants_across_accounts else OFF
        self._is_own: dict[tuple[str, str], bool] = {}

    async def write(self, place: ObjectPlace, account_id: str, attempt: Callable[[Written], Awaitable[T]]) -> T:
        """Make a write, with all that is to be said of its object; an attempt that S3 denies may be made again.

        Args:
            account_id: of the role that writes; empty for a caller that is no role, who never grants across accounts.
        """
        writing = self._writings.of(place.bucket)
        with _naming_encryption(place, writing.headers):
            return await self._granted(place, account_id, writing, attempt)

    async def _granted(
        self,
        place: ObjectPlace,
        account_id: str,
        writing: ObjectWriting,
        attempt: Callable[[Written], Awaitable[T]],
    ) -> T:
        acl, encryption = writing.acl or self._default, writing.headers
        if acl == OFF or (acl == CROSS_ACCOUNT and not account_id):
            return await attempt(Written(headers=encryption))
        if acl != CROSS_ACCOUNT:
            return await _granting(place, acl, encryption, attempt)
        is_own = self._is_own.get((place.bucket, account_id))
        if is_own is None:
            return await self._find_out(place, account_id, encryption, attempt)
        if is_own:
            return await attempt(Written(headers=encryption))
        try:
            return await _granting(place, FULL_CONTROL, encryption, attempt, own_account=account_id)
        except Denied:
            # A denial that passes, as a new policy's does, may have made an own bucket look like another's.
            self._is_own.pop((place.bucket, account_id), None)
            raise

    async def _find_out(
        self,
        place: ObjectPlace,
        account_id: str,
        encryption: Mapping[str, str],
        attempt: Callable[[Written], Awaitable[T]],
    ) -> T:
        try:
            done = await attempt(Written(headers={**encryption, _EXPECTED_OWNER: account_id}))
        except Denied as error:
            if not _is_of_policies(error):
                raise
        else:
            self._learn(place.bucket, account_id, is_own=True)
            return done
        done = await _granting(place, FULL_CONTROL, encryption, attempt, own_account=account_id)
        self._learn(place.bucket, account_id, is_own=False)
        return done

    def _learn(self, bucket: str, account_id: str, *, is_own: bool) -> None:
        if len(self._is_own) == MAX_KNOWN:
            self._is_own.clear()
        self._is_own[bucket, account_id] = is_own
        if not is_own:
            _log.info("a bucket's owner gets full control", extra={"bucket": bucket, "account_of_role": account_id})


@contextmanager
def _naming_encryption(place: ObjectPlace, encryption: Mapping[str, str]) -> Iterator[None]:
    """Of an S3 that has no encryption, or is not set up for it, which is not told apart: which line turns it off."""
    try:
        yield
    except FileError as error:
        refusal = refusal_behind(error)
        if not encryption or refusal is None or refusal.code != "NotImplemented":
            raise
        raise type(error)(
            f"{error}; {SSE_HEADER}: {encryption[SSE_HEADER]} was sent, which this S3 may not be able to do: "
            f'set sse = "{OFF}" under [aws.buckets."{place.bucket}"]'
        ) from error.__cause__


async def _granting(
    place: ObjectPlace,
    acl: str,
    encryption: Mapping[str, str],
    attempt: Callable[[Written], Awaitable[T]],
    *,
    own_account: str = "",
) -> T:
    try:
        return await attempt(Written(headers={**encryption, ACL_HEADER: acl}))
    except Denied as error:
        if not _is_of_policies(error):
            raise
        bucket = place.bucket
        why = f", for the bucket did not pass for one of account {own_account}" if own_account else ""
        raise Denied(
            f"{error}; x-amz-acl: {acl} was sent{why}, which takes s3:PutObjectAcl beside s3:PutObject, of the role's "
            f'policy and of the bucket\'s: allow it, or set acl = "{OFF}" under [aws.buckets."{bucket}"]'
        ) from error.__cause__


def _is_of_policies(error: Denied) -> bool:
    """Whether S3's policies denied it, rather than a key's, or that the credentials are not known or have expired."""
    refusal = refusal_behind(error)
    return refusal is not None and refusal.code in ("AccessDenied", "403") and "kms:" not in refusal.message
