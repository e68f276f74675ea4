"""S3's operations on a bucket whose objects lie in another S3: passed on there once they have been authorised.

What an object is, its tag, its checksums and what is wrong with a request, the other S3 says; names and owners are this
one's. An operation that is not in `PASSED` answers NotImplemented: the local index knows nothing of such a bucket.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crossdock.cloud.s3.backed_bodies import receive_whole, streamed
from crossdock.cloud.s3.backed_names import (
    condition_of,
    listing_answer,
    listing_params,
    own_marker,
    require_own_versions,
    told_params,
    uploads_answer,
    uploads_params,
)
from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.checksums import checksum_members
from crossdock.cloud.s3.conditions import http_date
from crossdock.cloud.s3.encryption import asked_encryption
from crossdock.cloud.s3.etags import unquoted
from crossdock.cloud.s3.failures import (
    invalid_range,
    invalid_request,
    no_such_key,
    no_such_upload,
    not_implemented,
    not_modified,
    precondition_failed,
)
from crossdock.cloud.s3.get_object import attributes_answer
from crossdock.cloud.s3.multipart import part_number
from crossdock.cloud.s3.names import parse_copy_source
from crossdock.cloud.s3.object_headers import refuse_unsupported, stored_headers, stored_metadata
from crossdock.cloud.s3.owners import owner_of
from crossdock.cloud.s3.ownership import asked_acl
from crossdock.cloud.s3.permissions import check_version, presence_permission
from crossdock.cloud.s3.storage import Storage
from crossdock.core.backings import USER_AGENT, Backing
from crossdock.core.errors import InvalidName, NameTooLong, ServiceError
from crossdock.operations.call import Call
from crossdock.operations.call import not_implemented as operation_not_implemented
from crossdock.operations.operation import Params, Result
from crossdock.ports.backings import SentBody

_CONDITIONAL_HEADERS: Mapping[str, str] = {"IfMatch": "If-Match", "IfNoneMatch": "If-None-Match"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """A call that has been authorised, on its way to the other S3."""

    storage: Storage
    call: Call
    bucket: Bucket
    backing: Backing

    @property
    def params(self) -> Params:
        return self.call.params

    @property
    def key(self) -> str:
        return str(self.params["Key"])

    async def ask(self, operation: str, params: Mapping[str, Any]) -> dict[str, Any]:
        """Raises ServiceError, in this bucket's names."""
        try:
            answer = dict(await self.storage.foreign.call(self.backing, operation, params))
        except ServiceError as error:
            self._noted(error)
            raise await self._retold(error) from error
        self._noted(None)
        return answer

    async def send(self, sent: SentBody) -> Mapping[str, str]:
        """The headers of the answer. Raises ServiceError."""
        try:
            headers = await self.storage.foreign.send(self.backing, sent)
        except ServiceError as error:
            self._noted(error)
            raise await self._retold(error) from error
        self._noted(None)
        return headers

    def _noted(self, error: ServiceError | None) -> None:
        """For the operator, of whom this S3 is no concern where it only says no."""
        name = self.bucket.name
        if error is None or error.code != "ServiceUnavailable":
            self.storage.outages.worked(name)
        else:
            reason = error.reason or str(error)
            self.storage.outages.failed(name, bucket=name, behind=self.backing.where, reason=reason)

    async def _retold(self, error: ServiceError) -> ServiceError:
        """An error about the other bucket's key as one about this one's. Answers to HEAD have a status alone."""
        if error.status == 304:
            head = await self._head()
            at = head.get("LastModified")
            return not_modified({"ETag": head["ETag"], **({"Last-Modified": http_date(at)} if at else {})})
        if error.code == "NoSuchUpload":
            return no_such_upload(self.params["UploadId"])
        if error.code in ("NoSuchKey", "404"):
            # Who may not list the bucket must not learn which keys there are.
            missing = await self._missing()
            await self.call.demand(presence_permission(missing.bucket))
            return no_such_key(missing.key)
        if error.status == 412:
            return precondition_failed(condition_of(self.params))
        if error.status == 416 and "Range" in self.params:
            return invalid_range(self.params["Range"], (await self._head())["ContentLength"])
        return ServiceError(
            error.code, error.message, status=error.status, fault=error.fault, reason=error.reason or str(error)
        )

    async def _head(self) -> Mapping[str, Any]:
        """What the answer to an error does not tell of the object."""
        return await self.storage.foreign.call(self.backing, "HeadObject", {"Key": self.backing.key_of(self.key)})

    async def _missing(self) -> "_Missing":
        """Of a copy it is the source that is not there."""
        if "CopySource" not in self.params:
            return _Missing(self.bucket, self.key)
        source = parse_copy_source(self.params["CopySource"])
        return _Missing(await self.storage.source_bucket_of(self.call, source.bucket), source.key)


@dataclass(frozen=True, slots=True)
class _Missing:
    bucket: Bucket
    key: str


async def pass_on(storage: Storage, call: Call, bucket: Bucket) -> Result:
    """Do what an authorised call of an attached bucket asks for.

    Raises:
        ServiceError: InvalidRequest for a request that was passed on already, NotImplemented for an operation that is
            not passed on, else what the other S3 says.
    """
    if bucket.backing is None:
        raise ValueError(f"the objects of {bucket.name} lie here")
    if USER_AGENT in call.origin.user_agent:
        # Nobody can tell whether it comes round: each turn would hold a connection until none is left.
        raise invalid_request(
            f"{bucket.name} is attached to another S3 itself: a bucket cannot be attached to an attached bucket of "
            "Crossdock's. Attach it to where the objects lie."
        )
    if call.operation not in PASSED:
        raise operation_not_implemented("s3", f"{call.operation} on a bucket whose objects lie in another S3")
    refuse_unsupported(call.params)
    asked_acl(bucket, call.params)
    asked_encryption(call.params, is_noted=False, account_id="", region="")
    check_version(call.params)
    passing = Passing(storage=storage, call=call, bucket=bucket, backing=bucket.backing)
    try:
        return await PASSED[call.operation](passing)
    except NameTooLong as error:
        most = {"MaxSizeAllowed": str(passing.backing.most_key_bytes)}
        raise ServiceError("KeyTooLongError", "Your key is too long", members=most, reason=str(error)) from error
    except InvalidName as error:
        raise invalid_request(f"The key cannot be kept: {error}.") from error


async def _as_it_is(passing: Passing) -> Result:
    answer = await passing.ask(passing.call.operation, told_params(passing.backing, passing.params))
    answer.pop("VersionId", None)
    answer.pop("CopySourceVersionId", None)
    if "Bucket" in answer:
        answer["Bucket"] = passing.bucket.name
    if "Key" in answer:
        answer["Key"] = passing.key
    return answer


async def _get(passing: Passing) -> Result:
    return streamed(await _as_it_is(passing))


async def _attributes(passing: Passing) -> Result:
    """By HeadObject: an S3 that does not know GetObjectAttributes may answer with the whole object instead."""
    wanted = passing.params["ObjectAttributes"]
    mode = {"ChecksumMode": "ENABLED"} if "Checksum" in wanted else {}
    head = await passing.ask("HeadObject", {"Key": passing.backing.key_of(passing.key), **mode})
    return attributes_answer(
        wanted,
        etag=unquoted(head["ETag"]),
        size=head["ContentLength"],
        modified_at=head.get("LastModified"),
        checksums={name: value for name, value in head.items() if name.startswith("Checksum")},
        storage_class=head.get("StorageClass", "STANDARD"),
    )


async def _list(passing: Passing) -> Result:
    params, backing = passing.params, passing.backing
    answer = await passing.ask("ListObjects", listing_params(backing, params))
    told = listing_answer(passing.bucket, backing, params, answer)
    told["Marker"] = own_marker(backing, params, backing.prefix + (params.get("Marker") or ""))
    if answer.get("NextMarker"):
        told["NextMarker"] = own_marker(backing, params, answer["NextMarker"])
    return told


async def _list_v2(passing: Passing) -> Result:
    params, backing = passing.params, passing.backing
    answer = await passing.ask("ListObjectsV2", listing_params(backing, params))
    told = listing_answer(passing.bucket, backing, {"FetchOwner": False, **params}, answer)
    told["KeyCount"] = len(told["Contents"]) + len(told["CommonPrefixes"])
    if params.get("ContinuationToken"):
        told["ContinuationToken"] = params["ContinuationToken"]
    elif params.get("StartAfter"):
        told["StartAfter"] = own_marker(backing, params, backing.prefix_of(params["StartAfter"]))
    if answer.get("NextContinuationToken"):
        told["NextContinuationToken"] = answer["NextContinuationToken"]
    return told


async def _list_uploads(passing: Passing) -> Result:
    params, backing = passing.params, passing.backing
    answer = await passing.ask("ListMultipartUploads", uploads_params(backing, params))
    return uploads_answer(passing.bucket, backing, params, answer)


async def _put(passing: Passing) -> Result:
    params = passing.params
    headers = {
        **stored_headers(params),
        **{f"x-amz-meta-{name}": value for name, value in stored_metadata(params).items()},
        **{header: params[name] for name, header in _CONDITIONAL_HEADERS.items() if params.get(name) is not None},
    }
    return await _send(passing, key=passing.key, headers=headers)


async def _upload_part(passing: Passing) -> Result:
    number = part_number(passing.params)
    return await _send(passing, key=passing.key, upload_id=passing.params["UploadId"], part_number=number)


async def _send(
    passing: Passing, *, key: str, headers: Mapping[str, str] | None = None, upload_id: str = "", part_number: int = 0
) -> Result:
    async with receive_whole(passing.storage, passing.params) as whole:
        sent = SentBody(
            key=passing.backing.key_of(key),
            body=whole.body,
            headers={**(headers or {}), **whole.headers},
            upload_id=upload_id,
            part_number=part_number,
        )
        answered = await passing.send(sent)
    return {
        "ETag": answered.get("ETag", ""),
        **_without_type(checksum_members(whole.checksums), is_part=bool(upload_id)),
    }


def _without_type(members: Mapping[str, str], *, is_part: bool) -> Mapping[str, str]:
    """UploadPart's answer has no ChecksumType."""
    return {name: text for name, text in members.items() if not is_part or name != "ChecksumType"}


async def _copy(passing: Passing) -> Result:
    """CopyObject and UploadPartCopy, between buckets of one S3 under the same credentials."""
    require_own_versions(passing.params)
    source = parse_copy_source(passing.params["CopySource"])
    bucket = await passing.storage.source_bucket_of(passing.call, source.bucket)
    if bucket.backing is None or not bucket.backing.is_beside(passing.backing):
        raise not_implemented("x-amz-copy-source", "The objects of the two buckets lie in different S3s.")
    told = told_params(passing.backing, passing.params)
    told["CopySource"] = {"Bucket": bucket.backing.bucket, "Key": bucket.backing.key_of(source.key)}
    answer = await passing.ask(passing.call.operation, told)
    answer.pop("VersionId", None)
    answer.pop("CopySourceVersionId", None)
    return answer


async def _complete(passing: Passing) -> Result:
    answer = dict(await _as_it_is(passing))
    return {**answer, "Location": f"/{passing.bucket.name}/{passing.key}"}


async def _list_parts(passing: Passing) -> Result:
    owner = owner_of(passing.bucket.account_id)
    return {**await _as_it_is(passing), "Owner": owner, "Initiator": owner}


async def _delete(passing: Passing) -> Result:
    await passing.ask("DeleteObject", told_params(passing.backing, passing.params))
    return {}


PASSED: Mapping[str, Callable[[Passing], Awaitable[Result]]] = {
    "AbortMultipartUpload": _as_it_is,
    "CompleteMultipartUpload": _complete,
    "CopyObject": _copy,
    "CreateMultipartUpload": _as_it_is,
    "DeleteObject": _delete,
    "GetObject": _get,
    "GetObjectAttributes": _attributes,
    "HeadObject": _as_it_is,
    "ListMultipartUploads": _list_uploads,
    "ListObjects": _list,
    "ListObjectsV2": _list_v2,
    "ListParts": _list_parts,
    "PutObject": _put,
    "UploadPart": _upload_part,
    "UploadPartCopy": _copy,
}
"""DeleteObjects is not here: it deletes key by key, each of them for itself (`delete.py`)."""
