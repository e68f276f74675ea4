"""What callers of the contract's stores may do."""

from collections.abc import Iterable

ALL = (
    "s3:ListBucket",
    "s3:GetObject",
    "s3:PutObject",
    "s3:DeleteObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
)


def resources_of(buckets: Iterable[str]) -> list[str]:
    """The buckets and all that is in them."""
    return [arn for bucket in buckets for arn in (f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*")]
