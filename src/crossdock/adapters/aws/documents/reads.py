"""Every call that is made of AWS, with the permission that it takes, and what comes of one that fails.

Source: Service Authorization Reference, "Actions, resources, and condition keys" of the services named here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from crossdock.core.errors import CrossdockError


class NotRead(CrossdockError):
    """A document could not be read; the message says why, to stand after "because".

    `remedy` says what would show it, and `code` is AWS's, empty where AWS was not reached.
    """

    def __init__(self, why: str, *, remedy: str = "", code: str = "") -> None:
        super().__init__(why)
        self.remedy = remedy
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """What a call takes: the action, and the resources that it may be asked of. `shows` names the statement for it."""

    action: str
    resource: str
    shows: str


_ROLES, _POLICIES = "arn:aws:iam::*:role/*", "arn:aws:iam::*:policy/*"
_USERS, _GROUPS = "arn:aws:iam::*:user/*", "arn:aws:iam::*:group/*"
_BUCKETS, _KEYS = "arn:aws:s3:::*", "arn:aws:kms:*:*:key/*"


def _read(shows: str, action: str, resource: str = "*") -> Read:
    return Read(action=action, resource=resource, shows=shows)


READS: Mapping[tuple[str, str], Read] = {
    ("transfer", "DescribeServer"): _read("Servers", "transfer:DescribeServer", "arn:aws:transfer:*:*:server/*"),
    ("transfer", "DescribeUser"): _read("Servers", "transfer:DescribeUser", "arn:aws:transfer:*:*:user/*"),
    ("iam", "GetRole"): _read("Roles", "iam:GetRole", _ROLES),
    ("iam", "ListRolePolicies"): _read("Roles", "iam:ListRolePolicies", _ROLES),
    ("iam", "GetRolePolicy"): _read("Roles", "iam:GetRolePolicy", _ROLES),
    ("iam", "ListAttachedRolePolicies"): _read("Roles", "iam:ListAttachedRolePolicies", _ROLES),
    ("iam", "GetPolicy"): _read("Policies", "iam:GetPolicy", _POLICIES),
    ("iam", "GetPolicyVersion"): _read("Policies", "iam:GetPolicyVersion", _POLICIES),
    ("iam", "ListRoles"): _read("RoleIds", "iam:ListRoles"),
    ("iam", "GetUser"): _read("GatewayUser", "iam:GetUser", _USERS),
    ("iam", "ListUserPolicies"): _read("GatewayUser", "iam:ListUserPolicies", _USERS),
    ("iam", "GetUserPolicy"): _read("GatewayUser", "iam:GetUserPolicy", _USERS),
    ("iam", "ListAttachedUserPolicies"): _read("GatewayUser", "iam:ListAttachedUserPolicies", _USERS),
    ("iam", "ListGroupsForUser"): _read("GatewayUser", "iam:ListGroupsForUser", _USERS),
    ("iam", "ListGroupPolicies"): _read("GatewayUserGroups", "iam:ListGroupPolicies", _GROUPS),
    ("iam", "GetGroupPolicy"): _read("GatewayUserGroups", "iam:GetGroupPolicy", _GROUPS),
    ("iam", "ListAttachedGroupPolicies"): _read("GatewayUserGroups", "iam:ListAttachedGroupPolicies", _GROUPS),
    ("s3", "GetBucketPolicy"): _read("Buckets", "s3:GetBucketPolicy", _BUCKETS),
    ("s3", "GetBucketLocation"): _read("Buckets", "s3:GetBucketLocation", _BUCKETS),
    ("s3", "GetPublicAccessBlock"): _read("Buckets", "s3:GetBucketPublicAccessBlock", _BUCKETS),
    ("s3", "GetBucketEncryption"): _read("Buckets", "s3:GetEncryptionConfiguration", _BUCKETS),
    ("s3", "GetBucketOwnershipControls"): _read("Buckets", "s3:GetBucketOwnershipControls", _BUCKETS),
    ("s3", "ListBuckets"): _read("WhoseBuckets", "s3:ListAllMyBuckets"),
    ("s3control", "GetPublicAccessBlock"): _read("WhoseBuckets", "s3:GetAccountPublicAccessBlock"),
    ("kms", "DescribeKey"): _read("Keys", "kms:DescribeKey", _KEYS),
    ("kms", "GetKeyPolicy"): _read("Keys", "kms:GetKeyPolicy", _KEYS),
    ("kms", "ListGrants"): _read("Keys", "kms:ListGrants", _KEYS),
    ("organizations", "DescribeOrganization"): _read("Organization", "organizations:DescribeOrganization"),
    ("organizations", "ListRoots"): _read("Organization", "organizations:ListRoots"),
    ("organizations", "ListParents"): _read("Organization", "organizations:ListParents"),
    ("organizations", "ListPoliciesForTarget"): _read("Organization", "organizations:ListPoliciesForTarget"),
    ("organizations", "DescribePolicy"): _read("Organization", "organizations:DescribePolicy"),
}
"""By botocore's name of the service, and the operation. `sts:GetCallerIdentity` takes no permission."""


def read_policy() -> Mapping[str, Any]:
    """The policy that a profile's identity needs, so that nothing of its account is unknown."""
    statements: dict[str, tuple[list[str], list[str]]] = {}
    for read in READS.values():
        actions, resources = statements.setdefault(read.shows, ([], []))
        actions.append(read.action)
        if read.resource not in resources:
            resources.append(read.resource)
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": f"Read{shows}",
                "Effect": "Allow",
                "Action": actions,
                "Resource": resources if len(resources) > 1 else resources[0],
            }
            for shows, (actions, resources) in statements.items()
        ],
    }
