"""What the other S3 is told of a request on an attached bucket, and what the client is told of its answer. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any

from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.cloud.s3.failures import not_implemented
from crossdock.cloud.s3.listing import checked_limit, encoder, keys_told, max_keys_of, question_told
from crossdock.cloud.s3.owners import owner_of
from crossdock.cloud.s3.upload_listing import MAX_LISTED
from crossdock.core.backings import Backing
from crossdock.core.errors import Unavailable
from crossdock.operations.operation import Params

_ANSWERED_HERE = frozenset(
    {
        "ACL",
        "Bucket",
        "CopySource",
        "EncodingType",
        "ExpectedBucketOwner",
        "ExpectedSourceBucketOwner",
        "FetchOwner",
        "OptionalObjectAttributes",
        "RequestPayer",
        "VersionId",
    }
)
"""Of which the other S3 hears nothing: they are about this bucket and its owner, or about how an answer is written."""

_LISTED_MEMBERS = ("LastModified", "ETag", "Size", "StorageClass", "ChecksumAlgorithm", "ChecksumType")
_CONDITIONS: Mapping[str, str] = {
    "CopySourceIfMatch": "x-amz-copy-source-If-Match",
    "CopySourceIfNoneMatch": "x-amz-copy-source-If-None-Match",
    "CopySourceIfModifiedSince": "x-amz-copy-source-If-Modified-Since",
    "CopySourceIfUnmodifiedSince": "x-amz-copy-source-If-Unmodified-Since",
    "IfNoneMatch": "If-None-Match",
    "IfMatch": "If-Match",
    "IfUnmodifiedSince": "If-Unmodified-Since",
}


def told_params(backing: Backing, params: Params) -> dict[str, Any]:
    """The parameters as the other S3 has them, with its key; without the bucket, which the backing names."""
    told = {name: value for name, value in params.items() if name not in _ANSWERED_HERE and value is not None}
    if "Key" in told:
        told["Key"] = backing.key_of(told["Key"])
    return told


def listing_params(backing: Backing, params: Params) -> dict[str, Any]:
    """Of ListObjects and ListObjectsV2. A token of the other S3 is the client's to bring back, as it is."""
    encoder(params)
    told = told_params(backing, params)
    told["Prefix"] = backing.prefix_of(params.get("Prefix") or "")
    told["MaxKeys"] = max_keys_of(params)
    for name in ("StartAfter", "Marker"):
        if told.get(name):
            told[name] = backing.prefix_of(told[name])
    return {name: value for name, value in told.items() if value != ""}


def listing_answer(bucket: Bucket, backing: Backing, params: Params, answer: Mapping[str, Any]) -> dict[str, Any]:
    """The members that both versions have, with this bucket's names. Raises Unavailable for what is not below the
    prefix."""
    # The zero-byte object that stands for the prefix itself has no key here.
    found = [item for item in answer.get("Contents", ()) if item["Key"] != backing.prefix]
    rolled = [_own(backing, item["Prefix"]) for item in answer.get("CommonPrefixes", ())]
    return {
        **keys_told(bucket, params, prefixes=rolled, is_truncated=bool(answer.get("IsTruncated"))),
        "Contents": _contents(bucket, backing, params, found),
    }


def uploads_params(backing: Backing, params: Params) -> dict[str, Any]:
    """Of ListMultipartUploads."""
    told = told_params(backing, params)
    told["Prefix"] = backing.prefix_of(params.get("Prefix") or "")
    told["MaxUploads"] = checked_limit(params.get("MaxUploads"), "max-uploads", MAX_LISTED)
    if told.get("KeyMarker"):
        told["KeyMarker"] = backing.prefix_of(told["KeyMarker"])
    return {name: value for name, value in told.items() if value != ""}


def uploads_answer(bucket: Bucket, backing: Backing, params: Params, answer: Mapping[str, Any]) -> dict[str, Any]:
    """Everybody is shown as the bucket's owner: who began an upload, the other S3 does not know."""
    encode, owner = encoder(params), owner_of(bucket.account_id)
    told: dict[str, Any] = {
        **question_told(params),
        "Bucket": bucket.name,
        "KeyMarker": encode(params.get("KeyMarker") or ""),
        "UploadIdMarker": params.get("UploadIdMarker") or "",
        "MaxUploads": checked_limit(params.get("MaxUploads"), "max-uploads", MAX_LISTED),
        "IsTruncated": bool(answer.get("IsTruncated")),
        "Uploads": [
            {**item, "Key": encode(_own(backing, item["Key"])), "Owner": owner, "Initiator": owner}
            for item in answer.get("Uploads", ())
        ],
        "CommonPrefixes": [
            {"Prefix": encode(_own(backing, item["Prefix"]))} for item in answer.get("CommonPrefixes", ())
        ],
    }
    if told["IsTruncated"]:
        told["NextKeyMarker"] = encode(_own(backing, answer["NextKeyMarker"]))
        told["NextUploadIdMarker"] = answer.get("NextUploadIdMarker", "")
    return told


def own_marker(backing: Backing, params: Params, marker: str) -> str:
    """What ListObjects goes on after, as this bucket has it, written as the client wants keys."""
    return encoder(params)(_own(backing, marker))


def condition_of(params: Params) -> str:
    """The header that did not hold, as far as can be told: S3 says only that one did not."""
    return next((header for name, header in _CONDITIONS.items() if params.get(name) is not None), "")


def require_own_versions(params: Params) -> None:
    """A version of the other bucket's is none of this one's."""
    if "versionId=" in str(params.get("CopySource", "")) and not str(params["CopySource"]).endswith("versionId=null"):
        raise not_implemented("x-amz-copy-source", "An attached bucket shows no versions.")


def _contents(
    bucket: Bucket, backing: Backing, params: Params, found: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    encode = encoder(params)
    # The first version always tells the owner.
    owner = {"Owner": owner_of(bucket.account_id)} if params.get("FetchOwner", True) else {}
    return [
        {
            "Key": encode(_own(backing, item["Key"])),
            **{name: item[name] for name in _LISTED_MEMBERS if name in item},
            **owner,
        }
        for item in found
    ]


def _own(backing: Backing, key: str) -> str:
    try:
        return backing.own_key(key)
    except ValueError as error:
        raise Unavailable(f"another key was answered than was asked for: {error}") from error
