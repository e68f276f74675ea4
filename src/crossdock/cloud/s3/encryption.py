"""Server-side encryption as clients ask for it: noted with the object and answered, where a setting says so.

Nothing is encrypted, so without that setting it is refused (docs/deviations.md).

Sources: S3 User Guide, "Using server-side encryption with Amazon S3 managed keys", "Specifying server-side encryption
with AWS KMS"; S3 API Reference, PutObject.
"""

from collections.abc import Mapping
from typing import Any

from crossdock.cloud.s3.failures import invalid_argument, not_implemented
from crossdock.operations.operation import Params

HEADER = "x-amz-server-side-encryption"
KEY_HEADER = "x-amz-server-side-encryption-aws-kms-key-id"
BUCKET_KEY_HEADER = "x-amz-server-side-encryption-bucket-key-enabled"
HEADERS = (HEADER, KEY_HEADER, BUCKET_KEY_HEADER)
"""Kept with an object, or an upload, by these names."""

KMS = ("aws:kms", "aws:kms:dsse")
KNOWN = ("AES256", *KMS)

_REFUSAL = "Crossdock does not encrypt objects; encrypt its disk."


def asked_encryption(params: Params, *, is_noted: bool, account_id: str, region: str) -> Mapping[str, str]:
    """What to keep of the encryption that a write asks for; empty where it asks for none.

    Args:
        is_noted: see the setting `api.pretend_encryption`.
        account_id: whose a key is that is named by its id alone; `region`, where.
    """
    algorithm, key = params.get("ServerSideEncryption"), params.get("SSEKMSKeyId")
    bucket_key = params.get("BucketKeyEnabled")
    if algorithm is None and key is None and not bucket_key:
        return {}
    if not is_noted:
        raise not_implemented(HEADER, _REFUSAL)
    if algorithm not in KNOWN:
        raise invalid_argument("The encryption method specified is not supported", HEADER, algorithm or "")
    if algorithm not in KMS:
        if key is not None:
            raise invalid_argument(
                "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : "
                "aws:kms",
                HEADER,
                algorithm,
            )
        return {HEADER: algorithm}
    noted = {HEADER: algorithm, KEY_HEADER: _arn(key or "alias/aws/s3", account_id=account_id, region=region)}
    return {**noted, BUCKET_KEY_HEADER: "true"} if bucket_key else noted


def encryption_members(headers: Mapping[str, str]) -> dict[str, Any]:
    """The members of an answer that tell what was noted."""
    if HEADER not in headers:
        return {}
    members: dict[str, Any] = {"ServerSideEncryption": headers[HEADER]}
    if KEY_HEADER in headers:
        members["SSEKMSKeyId"] = headers[KEY_HEADER]
    if BUCKET_KEY_HEADER in headers:
        members["BucketKeyEnabled"] = True
    return members


def kept_encryption(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Of an upload's headers those of its encryption, for the object that comes of it."""
    return {name: headers[name] for name in HEADERS if name in headers}


def _arn(key: str, *, account_id: str, region: str) -> str:
    if key.startswith("arn:"):
        return key
    return f"arn:aws:kms:{region}:{account_id}:{key if key.startswith('alias/') else f'key/{key}'}"
