"""Buckets of Ceph's S3 gateway, and callers who are sessions of its roles; what it lacks."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.contract.vendor_stores import document, vendor_stores

_NO_CONDITIONS = "Pacific overlooks conditions of CopyObject and CompleteMultipartUpload"
_NO_PART_COPIES = "Pacific refuses UploadPartCopy to sessions of roles, whatever their policy"
_NO_CONDITION_OF_PARTS = "Pacific overlooks conditions of UploadPartCopy"
_ALL_PARTS = "Pacific completes an upload only with every part that it has"
RGW_LACKS: Mapping[str, str] = {
    "test_a_missing_key_is_told_only_to_those_who_may_list": "Pacific tells everybody who may read",
    "test_a_copy_that_may_replace_nothing_replaces_nothing": _NO_CONDITIONS,
    "test_of_many_copies_to_one_new_key_one_is_made": _NO_CONDITIONS,
    "test_an_upload_for_one_object_replaces_no_other": _NO_CONDITIONS,
    "test_an_upload_for_one_object_makes_none_where_that_is_gone": _NO_CONDITIONS,
    "test_an_upload_that_may_replace_nothing_replaces_nothing": _NO_CONDITIONS,
    "test_a_portable_upload_keeps_its_condition_in_another_store": _NO_CONDITIONS,
    "test_a_resumed_upload_keeps_its_condition": _NO_CONDITIONS,
    "test_parts_that_are_forgotten_are_none_of_the_object": _ALL_PARTS,
    "test_parts_may_be_copied_from_the_object_that_is_replaced": _NO_PART_COPIES,
    "test_a_part_may_be_copied_from_elsewhere_and_from_odd_keys": _NO_PART_COPIES,
    "test_no_part_is_copied_of_an_object_that_was_replaced_or_deleted": _NO_PART_COPIES,
    "test_a_portable_upload_copies_through_another_store": _NO_PART_COPIES,
}
"""Tests of the contract that Ceph's S3 gateway 16.2 (Pacific) cannot pass, by name, and why."""
RGW_LACKS_OF_USERS: Mapping[str, str] = {
    **{test: why for test, why in RGW_LACKS.items() if why in (_NO_CONDITIONS, _ALL_PARTS)},
    "test_a_part_may_be_copied_from_elsewhere_and_from_odd_keys": (
        "Pacific decodes the source of UploadPartCopy twice, so that it finds no key with %2F"
    ),
    "test_no_part_is_copied_of_an_object_that_was_replaced_or_deleted": _NO_CONDITION_OF_PARTS,
    "test_a_portable_upload_copies_through_another_store": _NO_CONDITION_OF_PARTS,
}
"""The same for its users, who are not sessions of roles."""


@dataclass(frozen=True, slots=True)
class RgwRoles:
    """With policies of their own: Pacific has no others."""

    iam: Any

    async def make(self, name: str, policy: str) -> str:
        trust = {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam:::user/admin"]}, "Action": ["sts:AssumeRole"]}
        made = await self.iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(trust))
        await self.limit(name, policy)
        return str(made["Role"]["Arn"])

    async def limit(self, name: str, policy: str) -> None:
        await self.iam.put_role_policy(RoleName=name, PolicyName="what", PolicyDocument=policy)


rgw_stores = partial(vendor_stores, roles=RgwRoles)
