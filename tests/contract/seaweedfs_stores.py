"""Buckets of SeaweedFS, and callers who are sessions of its roles; what it lacks."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.contract.vendor_stores import document, vendor_stores
from tests.fakes.seaweedfs import ADMINISTRATOR

ACCOUNT = "000000000000"

_KEYS_ARE_PATHS = "SeaweedFS takes keys for paths, and changes or refuses those that a path would be changed in"
_NO_SUCH_KEYS = "Crossdock asks no S3 for keys that it would change, and SeaweedFS takes keys for paths"
_FILE_OR_FOLDER = "SeaweedFS keeps one of a key and the same key with a slash at its end, and not both"
_LONG_NAMES = "SeaweedFS keeps at most 255 bytes between two slashes"
_FOLDERS_HAVE_NO_METADATA = "SeaweedFS keeps no metadata of a key that ends with a slash"


def _keys(reason: str) -> Mapping[str, str]:
    """Of the cases of a test of keys."""
    changed = ("a//b", "./x", "a/../b", "..", "/lead", "back\\slash")
    reasons = {
        **dict.fromkeys(changed, reason),
        "folder/": _FOLDERS_HAVE_NO_METADATA,
        "x" * 1024: _LONG_NAMES,
    }
    return {f"test_a_key_is_kept_exactly[{key}]": why for key, why in reasons.items()}


SEAWEEDFS_LACKS: Mapping[str, str] = {
    **_keys(_KEYS_ARE_PATHS),
    "test_keys_that_look_alike_are_different_objects": _KEYS_ARE_PATHS,
    "test_a_listing_rolls_up_at_the_delimiter": _FILE_OR_FOLDER,
    "test_a_missing_key_is_told_only_to_those_who_may_list": "SeaweedFS tells everybody who may read",
    "test_it_takes_the_permission_to_list_parts": "SeaweedFS lists an upload's parts to whoever may write it",
}
"""Tests of the contract that SeaweedFS cannot pass, by name, and why."""
SEAWEEDFS_LACKS_OF_USERS: Mapping[str, str] = {
    **_keys(_NO_SUCH_KEYS),
    "test_keys_that_look_alike_are_different_objects": _NO_SUCH_KEYS,
    "test_a_listing_rolls_up_at_the_delimiter": _FILE_OR_FOLDER,
    "test_pages_together_are_the_whole_listing_once": _NO_SUCH_KEYS,
    "test_a_part_may_be_copied_from_elsewhere_and_from_odd_keys": _NO_SUCH_KEYS,
    "test_a_copy_has_content_and_metadata_of_its_source": _NO_SUCH_KEYS,
}
"""The same for its users, who are not sessions of roles."""


@dataclass(frozen=True, slots=True)
class SeaweedRoles:
    """With managed policies, of which there is one version: SeaweedFS has no policies of roles' own."""

    iam: Any

    async def make(self, name: str, policy: str) -> str:
        administrator = f"arn:aws:iam::{ACCOUNT}:user/{ADMINISTRATOR}"
        trust = {"Effect": "Allow", "Principal": {"AWS": [administrator]}, "Action": ["sts:AssumeRole"]}
        await self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
        policies = await self.iam.create_policy(PolicyName=name, PolicyDocument=policy)
        await self.iam.attach_role_policy(RoleName=name, PolicyArn=policies["Policy"]["Arn"])
        # What it calls the role's ARN is none, for it lacks the account.
        return f"arn:aws:iam::{ACCOUNT}:role/{name}"

    async def limit(self, name: str, policy: str) -> None:
        arn = f"arn:aws:iam::{ACCOUNT}:policy/{name}"
        await self.iam.create_policy_version(PolicyArn=arn, PolicyDocument=policy, SetAsDefault=True)


seaweedfs_stores = partial(vendor_stores, roles=SeaweedRoles)
