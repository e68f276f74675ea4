"""Buckets of the moto server, where everybody may do everything."""

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import uuid4

from tests.contract.permissions import ALL
from tests.fakes.stub_s3 import aws_session

from crossdock.adapters.aws.connection import S3Connection, open_s3
from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.adapters.aws.retrying import Patience
from crossdock.adapters.host.clock import SystemClock
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.objects import ObjectStore

KEY = {"access_key_id": "AKIAMOTO", "secret_access_key": "a secret of the tests"}
_NOBODY_IS_DENIED = "moto decides nothing about permissions"
_NO_CONDITIONS = "moto overlooks conditions, but for those of PutObject and of reading"
MOTO_LACKS: Mapping[str, str] = {
    "test_a_missing_key_is_told_only_to_those_who_may_list": _NOBODY_IS_DENIED,
    "test_reading_needs_get_object_and_nothing_else": _NOBODY_IS_DENIED,
    "test_putting_needs_put_object_and_nothing_else": _NOBODY_IS_DENIED,
    "test_deleting_needs_delete_object_also_where_nothing_is": _NOBODY_IS_DENIED,
    "test_listing_needs_list_bucket": _NOBODY_IS_DENIED,
    "test_a_denial_says_which_action": _NOBODY_IS_DENIED,
    "test_another_bucket_is_out_of_reach": _NOBODY_IS_DENIED,
    "test_deleting_one_version_needs_reading_and_deleting": _NOBODY_IS_DENIED,
    "test_copying_a_part_needs_reading_and_writing": _NOBODY_IS_DENIED,
    "test_it_takes_the_permission_to_list_parts": _NOBODY_IS_DENIED,
    "test_an_upload_is_authorised_once_more_when_it_completes": _NOBODY_IS_DENIED,
    "test_a_copy_needs_reading_and_writing": _NOBODY_IS_DENIED,
    "test_a_copy_that_may_replace_nothing_replaces_nothing": _NO_CONDITIONS,
    "test_of_many_copies_to_one_new_key_one_is_made": _NO_CONDITIONS,
    "test_no_part_is_copied_of_an_object_that_was_replaced_or_deleted": _NO_CONDITIONS,
    "test_a_portable_upload_copies_through_another_store": _NO_CONDITIONS,
    "test_an_upload_for_one_object_replaces_no_other": _NO_CONDITIONS,
    "test_an_upload_for_one_object_makes_none_where_that_is_gone": _NO_CONDITIONS,
    "test_a_resumed_upload_keeps_its_condition": _NO_CONDITIONS,
    "test_no_part_is_copied_of_bytes_that_are_not_there": "moto copies the bytes that are there",
    "test_no_upload_is_gone_on_with_that_is_none_or_another_keys": "moto asks for no key of an upload",
}
"""Tests of the contract that the moto server cannot pass, by name, and why."""


@dataclass(frozen=True, slots=True)
class MotoCaller:
    store: ObjectStore

    async def limit_to(self, actions: Iterable[str]) -> None:
        """There is nobody whom moto denies anything."""


class MotoStores:
    """One server serves all tests, so every name is new."""

    def __init__(self, connection: S3Connection, s3: Any) -> None:
        self._connection = connection
        self._s3 = s3
        self._prefix = uuid4().hex[:12]
        self._numbers = count(1)

    async def add_bucket(self) -> str:
        name = f"{self._prefix}-{next(self._numbers)}"
        await self._s3.create_bucket(Bucket=name)
        return name

    async def caller(self, *buckets: str, actions: Iterable[str] = ALL) -> MotoCaller:
        credentials = TemporaryCredentials(**KEY, session_token="", expires_at=datetime.max.replace(tzinfo=UTC))
        return MotoCaller(AwsObjectStore(self._connection, credentials))


@asynccontextmanager
async def moto_stores(url: str) -> AsyncIterator[MotoStores]:
    connecting = open_s3(
        region="us-east-1",
        clock=SystemClock(),
        endpoint_url=url,
        path_style=True,
        patience=Patience(attempts=1),
        session=aws_session(),
    )
    client = aws_session().create_client(
        "s3",
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id=KEY["access_key_id"],
        aws_secret_access_key=KEY["secret_access_key"],
    )
    async with connecting as connection, client as s3:
        yield MotoStores(connection, s3)
