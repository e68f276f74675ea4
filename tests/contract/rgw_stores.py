"""Buckets of Ceph's S3 gateway, and callers who are sessions of its roles."""

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any
from uuid import uuid4

from tests.contract.permissions import ALL, resources_of
from tests.fakes.ceph_rgw import CephRgw
from tests.fakes.stub_s3 import aws_session

from crossdock.adapters.aws.connection import S3Connection, open_s3
from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.adapters.aws.retrying import Patience
from crossdock.adapters.aws.writing import AS_THE_BUCKET_SAYS
from crossdock.adapters.host.clock import SystemClock
from crossdock.core.arns import parse_arn
from crossdock.core.object_writing import ObjectWritings
from crossdock.core.principals import AssumedRole
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.objects import ObjectStore

ONE_ATTEMPT = Patience(attempts=1)
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


class RgwCaller:
    def __init__(self, stores: "RgwStores", role: str, buckets: Iterable[str], store: ObjectStore) -> None:
        self.store = store
        self._stores = stores
        self._role = role
        self._buckets = tuple(buckets)

    async def limit_to(self, actions: Iterable[str]) -> None:
        await self._stores.limit_role(self._role, actions, self._buckets)


class RgwStores:
    """One gateway serves all tests, so every name is new."""

    def __init__(self, connection: S3Connection, *, s3: Any, iam: Any, sts: Any) -> None:
        self._connection = connection
        self.s3 = s3
        self._iam = iam
        self._sts = sts
        self._prefix = uuid4().hex[:12]
        self._numbers = count(1)

    async def add_bucket(self) -> str:
        name = f"{self._prefix}-{next(self._numbers)}"
        await self.s3.create_bucket(Bucket=name)
        return name

    async def caller(self, *buckets: str, actions: Iterable[str] = ALL) -> RgwCaller:
        role = f"role-{self._prefix}-{next(self._numbers)}"
        trust = {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam:::user/admin"]}, "Action": ["sts:AssumeRole"]}
        made = await self._iam.create_role(RoleName=role, AssumeRolePolicyDocument=_document(trust))
        await self.limit_role(role, actions, buckets)
        session = await self._sts.assume_role(RoleArn=made["Role"]["Arn"], RoleSessionName="session")
        found = session["Credentials"]
        credentials = TemporaryCredentials(
            access_key_id=found["AccessKeyId"],
            secret_access_key=found["SecretAccessKey"],
            session_token=found["SessionToken"],
            expires_at=found["Expiration"],
        )
        principal = AssumedRole(role_arn=parse_arn(made["Role"]["Arn"]), role_id="", session_name="session")
        return RgwCaller(self, role, buckets, AwsObjectStore(self._connection, credentials, principal=principal))

    async def limit_role(self, role: str, actions: Iterable[str], buckets: Iterable[str]) -> None:
        # A policy must name something.
        allowed = {
            "Effect": "Allow",
            "Action": list(actions) or ["s3:GetBucketCORS"],
            "Resource": resources_of(buckets),
        }
        await self._iam.put_role_policy(RoleName=role, PolicyName="what", PolicyDocument=_document(allowed))


def _document(statement: Any) -> str:
    # Without spaces: Ceph does not decode the plus that a form makes of one.
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


@asynccontextmanager
async def rgw_stores(
    rgw: CephRgw,
    *,
    url: str | None = None,
    patience: Patience = ONE_ATTEMPT,
    read_timeout_s: float = 60.0,
    writings: ObjectWritings = AS_THE_BUCKET_SAYS,
) -> AsyncIterator[RgwStores]:
    """`url` is another way to it, for those who call as a role."""
    async with AsyncExitStack() as stack:
        clients = {
            service: await stack.enter_async_context(
                aws_session().create_client(
                    service,
                    region_name="us-east-1",
                    endpoint_url=rgw.url,
                    aws_access_key_id=rgw.access_key,
                    aws_secret_access_key=rgw.secret_key,
                )
            )
            for service in ("s3", "iam", "sts")
        }
        connection = await stack.enter_async_context(
            open_s3(
                region="us-east-1",
                clock=SystemClock(),
                endpoint_url=url or rgw.url,
                path_style=True,
                patience=patience,
                read_timeout_s=read_timeout_s,
                writings=writings,
                session=aws_session(),
            )
        )
        yield RgwStores(connection, **clients)
