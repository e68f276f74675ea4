"""ListObjectsV2 and ListObjects.

Source: S3 API Reference, ListObjectsV2 and ListObjects; S3 User Guide, "Organizing objects using prefixes".
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote_plus

from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.etags import quoted
from crossdock.cloud.s3.failures import invalid_argument
from crossdock.cloud.s3.owners import owner_of
from crossdock.cloud.s3.ownership import owner_of_entry
from crossdock.cloud.s3.storage import Storage
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.operations.paging import page_key, page_token
from crossdock.ports.storage import IndexPage, ObjectSummary

MAX_KEYS = 1000
_EMPTY = IndexPage(objects=(), prefixes=(), next_after=None)


async def list_objects_v2(storage: Storage, call: Call) -> Result:
    """A page of keys. A continuation token outweighs StartAfter."""
    params = call.params
    bucket = await storage.bucket_of(call)
    start_after: str = params.get("StartAfter") or ""
    token: str | None = params.get("ContinuationToken") or None
    key = page_key(token, error_code="InvalidArgument")
    page = await _page(storage, bucket, params, after=key[0] if key else start_after)
    encode = encoder(params)
    answer: dict[str, Any] = {
        **keys_told(bucket, params, prefixes=page.prefixes, is_truncated=page.next_after is not None),
        "KeyCount": len(page.objects) + len(page.prefixes),
        "Contents": _contents(bucket, page.objects, encode, with_owner=bool(params.get("FetchOwner"))),
    }
    if token is not None:
        answer["ContinuationToken"] = token
    elif start_after:
        answer["StartAfter"] = encode(start_after)
    if page.next_after is not None:
        answer["NextContinuationToken"] = page_token((page.next_after,))
    return answer


async def list_objects(storage: Storage, call: Call) -> Result:
    """The first version: pages go on after a key or a common prefix, which is told only beside a delimiter."""
    params = call.params
    bucket = await storage.bucket_of(call)
    marker: str = params.get("Marker") or ""
    page = await _page(storage, bucket, params, after=marker)
    encode = encoder(params)
    answer: dict[str, Any] = {
        **keys_told(bucket, params, prefixes=page.prefixes, is_truncated=page.next_after is not None),
        "Marker": encode(marker),
        "Contents": _contents(bucket, page.objects, encode, with_owner=True),
    }
    if page.next_after is not None and params.get("Delimiter"):
        answer["NextMarker"] = encode(page.next_after)
    return answer


class Encoder:
    """How keys are written in an answer: as they are, or so that any key survives XML."""

    def __init__(self, *, is_url: bool) -> None:
        self._is_url = is_url

    def __call__(self, text: str) -> str:
        return quote_plus(text, safe="/") if self._is_url else text


def encoder(params: Params) -> Encoder:
    encoding = params.get("EncodingType")
    if encoding not in (None, "", "url"):
        raise invalid_argument("Invalid Encoding Method specified in Request", "encoding-type", encoding)
    return Encoder(is_url=encoding == "url")


def checked_limit(value: int | None, name: str, largest: int) -> int:
    """How many are asked for; more than S3 gives are not refused, but cut."""
    if value is None:
        return largest
    if value < 0:
        raise invalid_argument(f"Argument {name} must be an integer between 0 and 2147483647", name, value)
    return min(value, largest)


def max_keys_of(params: Params) -> int:
    return checked_limit(params.get("MaxKeys"), "max-keys", MAX_KEYS)


def keys_told(bucket: Bucket, params: Params, *, prefixes: Sequence[str], is_truncated: bool) -> dict[str, Any]:
    """What an answer has in both versions, but for the objects."""
    encode = encoder(params)
    return {
        "Name": bucket.name,
        "Prefix": "",
        **question_told(params),
        "MaxKeys": max_keys_of(params),
        "IsTruncated": is_truncated,
        "CommonPrefixes": [{"Prefix": encode(prefix)} for prefix in prefixes],
    }


def question_told(params: Params) -> dict[str, Any]:
    """What an answer repeats of the question."""
    encode = encoder(params)
    told: dict[str, Any] = {name: encode(params[name]) for name in ("Prefix", "Delimiter") if params.get(name)}
    if params.get("EncodingType"):
        told["EncodingType"] = params["EncodingType"]
    return told


async def _page(storage: Storage, bucket: Bucket, params: Params, *, after: str) -> IndexPage:
    max_keys = max_keys_of(params)
    encoder(params)
    if max_keys == 0:
        # S3 says of an empty page that it is the last.
        return _EMPTY
    return await storage.objects.scan(
        bucket.bucket_id,
        prefix=params.get("Prefix") or "",
        delimiter=params.get("Delimiter") or "",
        after=after,
        limit=max_keys,
    )


def _contents(
    bucket: Bucket, objects: Sequence[ObjectSummary], encode: Encoder, *, with_owner: bool
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for summary in objects:
        item: dict[str, Any] = {
            "Key": encode(summary.key),
            "LastModified": summary.modified_at,
            "ETag": quoted(summary.etag),
            "Size": summary.size,
            "StorageClass": "STANDARD",
        }
        if with_owner:
            item["Owner"] = owner_of(owner_of_entry(bucket, summary))
        found.append(item)
    return found
