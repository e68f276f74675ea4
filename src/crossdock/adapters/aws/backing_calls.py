"""Calls of S3's own operations at the S3 behind a bucket, with all their parameters, and its errors as S3 tells them.

An error that is between Crossdock and that S3, as when it refuses the backing's credentials, is none of the caller's:
they hear that the service is unavailable, and the error's `reason` says why, for the log.
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Protocol

import aiohttp
from botocore.exceptions import BotoCoreError

from crossdock.adapters.aws.answers import Answer, info_of
from crossdock.adapters.aws.connection import BoundS3
from crossdock.adapters.aws.refusals import Refused
from crossdock.adapters.aws.requests import S3Request, part_query
from crossdock.core.errors import Denied, Fault, FileError, InvalidName, ServiceError, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.backings import SentBody
from crossdock.ports.objects import FileRegion, ObjectInfo

READ_BYTES = 256 << 10

_OWN = frozenset(
    {
        "400",
        "AuthorizationHeaderMalformed",
        "NoSuchBucket",
        "PermanentRedirect",
        "RequestTimeTooSkewed",
        "TemporaryRedirect",
    }
)
"""Codes that are about what the backing says, and no denial. "400" is all that an answer to HEAD tells of those."""


async def call_as_told(s3: BoundS3, bucket: str, operation: str, params: Mapping[str, Any]) -> Answer:
    """See `ports.backings.ForeignS3.call`."""
    try:
        answer = dict(await s3.call(operation, **params, Bucket=bucket))
    except FileError as error:
        raise _service_error(error) from error
    answer.pop("ResponseMetadata", None)
    # botocore adds it to every time that is read.
    answer.pop("ExpiresString", None)
    if operation in ("GetObject", "HeadObject"):
        body = answer.get("Body")
        try:
            info = info_of(ObjectPlace(bucket=bucket, key=params["Key"]), answer)
        except Unavailable as error:
            if body is not None:
                body.close()
            raise _service_error(error) from error
        if body is not None:
            answer["Body"] = StreamedReader(info, body)
    return answer


async def send_as_told(s3: BoundS3, bucket: str, sent: SentBody) -> Mapping[str, str]:
    """See `ports.backings.ForeignS3.send`."""
    is_part = bool(sent.upload_id)
    request = S3Request(
        operation="UploadPart" if is_part else "PutObject",
        method="PUT",
        place=ObjectPlace(bucket=bucket, key=sent.key),
        query=part_query(sent.upload_id, sent.part_number) if is_part else "",
        headers=sent.headers,
        body=sent.body,
    )
    try:
        return (await s3.send(request)).headers
    except FileError as error:
        raise _service_error(error) from error


def is_own_trouble(error: FileError) -> bool:
    """Whether an error is between Crossdock and the other S3."""
    code = error.__cause__.refusal.code if isinstance(error.__cause__, Refused) else ""
    return isinstance(error, Denied) or code in _OWN


class StreamedBody(Protocol):
    """What is used of aiobotocore's."""

    async def read(self, amt: int) -> bytes: ...

    def close(self) -> None: ...


class StreamedReader:
    """See `ports.objects.ObjectReader`. Of one answer: what breaks is not asked for again."""

    def __init__(self, info: ObjectInfo, body: StreamedBody) -> None:
        self._info = info
        self._body = body

    @property
    def info(self) -> ObjectInfo:
        return self._info

    async def region(self) -> FileRegion | None:
        return None

    async def chunks(self) -> AsyncIterator[bytes]:
        try:
            while chunk := await self._body.read(READ_BYTES):
                yield chunk
        except (BotoCoreError, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unavailable(f"GetObject of {self._info.place} broke off: {error}") from error

    async def close(self) -> None:
        self._body.close()


def _service_error(error: FileError) -> ServiceError:
    if isinstance(error, InvalidName) and not isinstance(error.__cause__, Refused):
        return ServiceError("InvalidRequest", "The request cannot be passed on to where the object lies")
    if is_own_trouble(error) or not isinstance(error.__cause__, Refused):
        return ServiceError(
            "ServiceUnavailable",
            "The store in which this bucket's objects lie cannot be reached, or does not let Crossdock in.",
            status=503,
            fault=Fault.RECEIVER,
            reason=str(error),
        )
    refusal = error.__cause__.refusal
    fault = Fault.RECEIVER if refusal.status >= 500 else Fault.SENDER
    return ServiceError(refusal.code, refusal.message, status=refusal.status, fault=fault, reason=str(error))
