"""How the objects of a bucket in somebody else's S3 are written: whose they are to be, and how S3 encrypts them. Pure.

Sources: S3 User Guide, "Canned ACL", "Controlling ownership of objects and disabling ACLs for your bucket",
"Specifying server-side encryption with AWS KMS (SSE-KMS)", "Reducing the cost of SSE-KMS with S3 Bucket Keys".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from crossdock.core.errors import CrossdockError

OFF = "off"
CROSS_ACCOUNT = "cross-account"
FULL_CONTROL = "bucket-owner-full-control"
OWNER_READ = "bucket-owner-read"
CANNED_ACLS = (FULL_CONTROL, OWNER_READ, "private")
ACL_HEADER = "x-amz-acl"
"""The embedded S3 also keeps it with an object, or an upload, and never shows it: the canned ACL of its writing."""
SSE_HEADER = "x-amz-server-side-encryption"
SSE_KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
SSE_BUCKET_KEY_HEADER = "x-amz-server-side-encryption-bucket-key-enabled"
DUAL_LAYER = "aws:kms:dsse"
KMS = ("aws:kms", DUAL_LAYER)
ENCRYPTIONS = ("AES256", *KMS)
ALL_BUCKETS = "*"

_BUCKET = re.compile(r"[A-Za-z0-9._:-]{1,255}")
_KEY = re.compile(
    r"(?:arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:)?(?:key/)?(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})"
    r"|(?:arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:)?alias/[A-Za-z0-9/_-]{1,250}"
)
_OPTIONS = ("acl", "sse", "kms_key_id", "bucket_key")
_OF_ENCRYPTION = ("sse", "kms_key_id", "bucket_key")

Option = str | bool
Tables = Mapping[str, Mapping[str, Option]]
"""Options by bucket, as the settings write them."""


class BadWriting(CrossdockError):
    """An option that cannot be meant; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectWriting:
    """How a bucket's objects are written.

    `acl` is a canned ACL; `CROSS_ACCOUNT`, which is `FULL_CONTROL` in buckets of another account than the role's;
    `OFF`; or empty where nobody has said so. An empty `sse` leaves the encryption to the bucket, and so does a
    `bucket_key` of None with its key.
    """

    acl: str = ""
    sse: str = ""
    kms_key_id: str = ""
    bucket_key: bool | None = None

    @property
    def headers(self) -> Mapping[str, str]:
        """Of the encryption."""
        found = {
            SSE_HEADER: self.sse,
            SSE_KEY_HEADER: self.kms_key_id,
            SSE_BUCKET_KEY_HEADER: _flag(self.bucket_key),
        }
        return {name: value for name, value in found.items() if value}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectWritings:
    """For every bucket."""

    default: ObjectWriting = field(default_factory=ObjectWriting)
    by_bucket: Mapping[str, ObjectWriting] = field(default_factory=dict)

    def of(self, bucket: str) -> ObjectWriting:
        return self.by_bucket.get(bucket, self.default)


def read_writings(tables: Tables) -> ObjectWritings:
    """Options by bucket, `*` for all that are not named; a bucket takes from `*` what it does not say itself.

    What is said of the encryption belongs together: a bucket that says any of it takes none from `*`.

    Raises BadWriting for an option that is unknown or cannot be meant.
    """
    for_all = tables.get(ALL_BUCKETS, {})
    return ObjectWritings(
        default=_read(ALL_BUCKETS, for_all),
        by_bucket={
            bucket: _read(bucket, _over(for_all, table)) for bucket, table in tables.items() if bucket != ALL_BUCKETS
        },
    )


def _over(for_all: Mapping[str, Option], own: Mapping[str, Option]) -> Mapping[str, Option]:
    says_encryption = any(name in own for name in _OF_ENCRYPTION)
    taken = {name: value for name, value in for_all.items() if not (says_encryption and name in _OF_ENCRYPTION)}
    return {**taken, **own}


def _read(bucket: str, options: Mapping[str, Option]) -> ObjectWriting:
    if bucket != ALL_BUCKETS and not _BUCKET.fullmatch(bucket):
        raise BadWriting(f"{bucket[:255]!r} is neither a bucket's name nor * for every bucket")
    for name in options:
        if name not in _OPTIONS:
            raise BadWriting(f"{name!r} of bucket {bucket} is none of {', '.join(_OPTIONS)}")
    sse, key = _text(bucket, options, "sse"), _text(bucket, options, "kms_key_id")
    bucket_key = options.get("bucket_key")
    if bucket_key is not None and not isinstance(bucket_key, bool):
        raise BadWriting(f"bucket_key of bucket {bucket} must be true or false")
    if sse not in ("", OFF, *ENCRYPTIONS):
        raise BadWriting(f"sse of bucket {bucket} must be {OFF} or one of {', '.join(ENCRYPTIONS)}, not {sse!r}")
    if key and sse not in KMS:
        raise BadWriting(f'kms_key_id of bucket {bucket} needs sse = "aws:kms" or "aws:kms:dsse" beside it')
    if key and not _KEY.fullmatch(key):
        raise BadWriting(
            f"kms_key_id of bucket {bucket} must be a key's ARN, its id, or alias/NAME, not {key!r}; leave it out for "
            "the bucket's own key or AWS's"
        )
    if bucket_key is not None and sse != "aws:kms":
        raise BadWriting(f'bucket_key of bucket {bucket} needs sse = "aws:kms" beside it')
    return ObjectWriting(
        acl=_acl(bucket, _text(bucket, options, "acl")),
        sse="" if sse == OFF else sse,
        kms_key_id=key,
        bucket_key=bucket_key,
    )


def _acl(bucket: str, acl: str) -> str:
    if acl in ("", OFF, CROSS_ACCOUNT, *CANNED_ACLS):
        return acl
    known = ", ".join((CROSS_ACCOUNT, OFF, *CANNED_ACLS))
    if acl.startswith(("public-", "authenticated-")):
        raise BadWriting(
            f"acl of bucket {bucket}: {acl} would show every upload to everybody; it must be one of {known}"
        )
    raise BadWriting(f"acl of bucket {bucket} must be one of {known}, not {acl!r}")


def _text(bucket: str, options: Mapping[str, Option], name: str) -> str:
    value = options.get(name, "")
    if not isinstance(value, str):
        raise BadWriting(f"{name} of bucket {bucket} must be a text in quotes")
    return value


def _flag(value: bool | None) -> str:
    return "" if value is None else str(value).lower()
