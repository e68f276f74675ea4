"""Writes and deletions that are made only while a condition holds, also at stores that know no such conditions.

S3 tests the condition and acts in one step. Where a store refuses the header (501, NotImplemented), what is there is
looked at before the call is made without it: another's write in between is not seen. Where a store overlooks the
header nobody is told; so a deletion, which cannot be made good, is preceded by that look in any case.

Source: S3 User Guide, "Add preconditions to S3 operations with conditional requests".
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from crossdock.adapters.aws.connection import BoundS3
from crossdock.adapters.aws.failures import status_of
from crossdock.cloud.s3.etags import quoted, unquoted
from crossdock.core.errors import Exists, NotFound, Unavailable
from crossdock.core.homes import ObjectPlace

T = TypeVar("T")

NOT_IMPLEMENTED = 501
CHANGED = (404, 409, 412)
"""What is answered to a conditional delete when the object is gone, being replaced, or another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """That the key has the object of that ETag, or with `if_none_match` none; or that nothing is asked."""

    if_match: str | None = None
    if_none_match: bool = False

    @property
    def headers(self) -> Mapping[str, str]:
        if self.if_none_match:
            return {"If-None-Match": "*"}
        return {} if self.if_match is None else {"If-Match": quoted(self.if_match)}

    @property
    def members(self) -> Mapping[str, str]:
        """The same as botocore names it."""
        return {name.replace("-", ""): value for name, value in self.headers.items()}


async def write_if(
    s3: BoundS3, place: ObjectPlace, attempt: Callable[[Condition], Awaitable[T]], condition: Condition
) -> T:
    """Make a call if the condition holds for its key; else Unavailable, NotFound, or Exists where no object may be."""
    try:
        return await attempt(condition)
    except Unavailable as error:
        if not condition.headers or status_of(error) != NOT_IMPLEMENTED:
            raise
    if (present := await _etag_of(s3, place)) != condition.if_match:
        if condition.if_none_match:
            raise Exists(f"{place} is there already")
        raise (NotFound if present is None else Unavailable)(f"{place} was not written: another object is there")
    return await attempt(Condition())


async def delete_if(s3: BoundS3, place: ObjectPlace, etag: str) -> None:
    """Delete the object of that ETag. Another one stays, and what is gone is gone."""
    if await _etag_of(s3, place) != etag:
        return
    try:
        await s3.call("DeleteObject", Bucket=place.bucket, Key=place.key, IfMatch=quoted(etag))
    except (NotFound, Unavailable) as error:
        status = status_of(error)
        if status == NOT_IMPLEMENTED:
            await s3.call("DeleteObject", Bucket=place.bucket, Key=place.key)
        elif status not in CHANGED or await _etag_of(s3, place) == etag:
            raise


async def _etag_of(s3: BoundS3, place: ObjectPlace) -> str | None:
    try:
        return unquoted((await s3.call("HeadObject", Bucket=place.bucket, Key=place.key))["ETag"])
    except NotFound:
        return None
