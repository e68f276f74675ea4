"""Whose an object is, and to whom its ACL gives what, under the three settings of a bucket's Object Ownership. Pure.

An object that another account wrote may be that account's. The bucket's policy then still denies, but allows nothing:
its owner's own policies decide, and for others the object's ACL.

Sources: S3 User Guide, "Controlling ownership of objects and disabling ACLs for your bucket", "Canned ACL", "Mapping of
ACL permissions and access policy permissions", "How Amazon S3 authorizes a request for an object operation".
"""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from crossdock.cloud.s3.bucket_directory import Bucket, Ownership
from crossdock.cloud.s3.failures import acl_not_supported, invalid_argument, missing_header, not_implemented
from crossdock.cloud.s3.owners import canonical_id
from crossdock.core.object_writing import ACL_HEADER, CANNED_ACLS, FULL_CONTROL, OWNER_READ
from crossdock.operations.operation import Owned, Params
from crossdock.policy.document import Policy, PolicyKind, parse_policy
from crossdock.policy.evaluate import NamedPolicy
from crossdock.ports.storage import ObjectEntry, ObjectSummary

GRANTS = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP")

_READ = ("s3:GetObject", "s3:GetObjectVersion")
_ACP = ("s3:GetObjectAcl", "s3:GetObjectVersionAcl", "s3:PutObjectAcl", "s3:PutObjectVersionAcl")


def checked_ownership(text: str) -> Ownership:
    try:
        return Ownership(text)
    except ValueError:
        raise invalid_argument("Invalid x-amz-object-ownership", "x-amz-object-ownership", text) from None


def asked_acl(bucket: Bucket, params: Params) -> str:
    """The canned ACL that a write asks for; empty where it says nothing, or nothing that counts.

    Raises:
        ServiceError: AccessControlListNotSupported for what BucketOwnerEnforced does not bear, NotImplemented for ACLs
            that would let in others than the two accounts.
    """
    acl: str = params.get("ACL") or ""
    has_grants = any(params.get(grant) is not None for grant in GRANTS)
    if not bucket.has_acls:
        if has_grants or acl not in ("", FULL_CONTROL):
            raise acl_not_supported()
        return ""
    if has_grants:
        raise not_implemented("x-amz-grant-full-control", "Of ACLs Crossdock knows canned ones.")
    if acl not in ("", *CANNED_ACLS):
        raise not_implemented(ACL_HEADER, f"Crossdock knows {', '.join(CANNED_ACLS)}.")
    return acl


def put_acl(bucket: Bucket, params: Params) -> str:
    """The canned ACL that PutObjectAcl asks for; empty where ACLs do not count.

    Raises:
        ServiceError: MissingSecurityHeader for none at all; AccessControlListNotSupported, NotImplemented.
    """
    policy: Params | None = params.get("AccessControlPolicy")
    acl = asked_acl(bucket, params)
    if policy is None:
        if not params.get("ACL"):
            raise missing_header(ACL_HEADER)
        return acl
    if bucket.has_acls:
        raise not_implemented("AccessControlPolicy", "Of ACLs Crossdock knows canned ones.")
    # S3 takes full control of the bucket's owner "or an equivalent form of this ACL expressed in the XML format".
    grants = [((one.get("Grantee") or {}).get("ID"), one.get("Permission")) for one in policy.get("Grants") or ()]
    if grants != [(canonical_id(bucket.account_id), "FULL_CONTROL")]:
        raise acl_not_supported()
    return acl


def account_of(principal_arn: str) -> str:
    """Empty of one who signed nothing."""
    parts = principal_arn.split(":")
    return parts[4] if len(parts) > 5 else ""


def owner_of_new(bucket: Bucket, writer: str, acl: str) -> str:
    """Whose an object becomes that an account writes. What nobody signed is the bucket owner's."""
    if not bucket.has_acls or not writer:
        return bucket.account_id
    if bucket.ownership is Ownership.PREFERRED and acl == FULL_CONTROL:
        return bucket.account_id
    return writer


def owner_of_entry(bucket: Bucket, entry: ObjectEntry | ObjectSummary) -> str:
    """Under BucketOwnerEnforced also what another account wrote before is the bucket owner's."""
    return entry.owner_account or bucket.account_id if bucket.has_acls else bucket.account_id


def owned_by_another(bucket: Bucket, entry: ObjectEntry | None) -> Owned | None:
    """What an authoriser has to know of an object that is not the bucket owner's."""
    if entry is None or (owner := owner_of_entry(bucket, entry)) == bucket.account_id:
        return None
    return Owned(account_id=owner, grants=_grants(bucket.account_id, entry.headers.get(ACL_HEADER, "")))


def acl_of(bucket: Bucket, entry: ObjectEntry) -> dict[str, Any]:
    """The answer of GetObjectAcl."""
    owner = owner_of_entry(bucket, entry)
    grants = [_grant(owner, "FULL_CONTROL")]
    if owner != bucket.account_id:
        granted = {FULL_CONTROL: "FULL_CONTROL", OWNER_READ: "READ"}.get(entry.headers.get(ACL_HEADER, ""))
        grants += [_grant(bucket.account_id, granted)] if granted else []
    return {"Owner": {"ID": canonical_id(owner)}, "Grants": grants}


def _grant(account_id: str, permission: str) -> dict[str, Any]:
    return {"Grantee": {"Type": "CanonicalUser", "ID": canonical_id(account_id)}, "Permission": permission}


@lru_cache(maxsize=1024)
def _grants(bucket_owner: str, acl: str) -> NamedPolicy:
    """A canned ACL as a policy of the object: what it gives the bucket's owner, who passes it on by own policies."""
    name = "the object's ACL"
    actions: Sequence[str] = {FULL_CONTROL: (*_READ, *_ACP), OWNER_READ: _READ}.get(acl, ())
    if not actions:
        return NamedPolicy(name=name, policy=Policy(version="2012-10-17", statements=()))
    statement = {
        "Sid": acl,
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{bucket_owner}:root"},
        "Action": list(actions),
        "Resource": "arn:aws:s3:::*",
    }
    text = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    return NamedPolicy(name=name, policy=parse_policy(text, PolicyKind.RESOURCE))
