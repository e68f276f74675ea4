"""Server-side encryption as clients ask for it: noted with the object and answered, where a setting says so.

Nothing is encrypted, so without that setting it is refused (docs/deviations.md).

Sources: S3 User Guide, "Using server-side encryption with Amazon S3 managed keys", "Specifying server-side encryption
with AWS KMS"; S3 API Reference, PutObject.
"""

from collections.abc import Mapping
from typing import Any

from crossdock.cloud.s3.failures import invalid_argument, not_implemented
from crossdock.core.object_writing import ENCRYPTIONS, KMS, SSE_BUCKET_KEY_HEADER, SSE_HEADER, SSE_KEY_HEADER
from crossdock.operations.operation import Params

HEADERS = (SSE_HEADER, SSE_KEY_HEADER, SSE_BUCKET_KEY_HEADER)
"""Kept with an object, or an upload, by these names."""

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
        raise not_implemented(SSE_HEADER, _REFUSAL)
    if algorithm not in ENCRYPTIONS:
        raise invalid_argument("The encryption method specified is not supported", SSE_HEADER, algorithm or "")
    if algorithm not in KMS:
        if key is not None:
            raise invalid_argument(
                "Server Side Encryption with AWS KMS managed key requires HTTP header x-amz-server-side-encryption : "
                "aws:kms",
                SSE_HEADER,
                algorithm,
            )
        return {SSE_HEADER: algorithm}
    noted = {SSE_HEADER: algorithm, SSE_KEY_HEADER: _arn(key or "alias/aws/s3", account_id=account_id, region=region)}
    return {**noted, SSE_BUCKET_KEY_HEADER: "true"} if bucket_key else noted


def encryption_members(headers: Mapping[str, str]) -> dict[str, Any]:
    """The members of an answer that tell what was noted."""
    if SSE_HEADER not in headers:
        return {}
    members: dict[str, Any] = {"ServerSideEncryption": headers[SSE_HEADER]}
    if SSE_KEY_HEADER in headers:
        members["SSEKMSKeyId"] = headers[SSE_KEY_HEADER]
    if SSE_BUCKET_KEY_HEADER in headers:
        members["BucketKeyEnabled"] = True
    return members


def _arn(key: str, *, account_id: str, region: str) -> str:
    if key.startswith("arn:"):
        return key
    return f"arn:aws:kms:{region}:{account_id}:{key if key.startswith('alias/') else f'key/{key}'}"
