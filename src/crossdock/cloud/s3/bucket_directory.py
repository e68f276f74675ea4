"""Which buckets there are, and whose they are.

Every object operation asks, so an answer is kept until something changes that policies depend on, and costs no
database round trip.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from crossdock.cloud.iam.epoch_cache import EpochCache
from crossdock.cloud.s3.failures import no_such_bucket
from crossdock.core.arns import bucket_arn, object_arn
from crossdock.core.backings import Backing
from crossdock.operations.records import Records
from crossdock.ports.host import Epoch
from crossdock.ports.state import State, TableSpec, Transaction

CACHED_BUCKETS = 10_000


class Ownership(StrEnum):
    """A bucket's setting of Object Ownership; that of a new one is ENFORCED, under which there are no ACLs."""

    ENFORCED = "BucketOwnerEnforced"
    PREFERRED = "BucketOwnerPreferred"
    OBJECT_WRITER = "ObjectWriter"


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketRecord:
    """`bucket_id` is new each time a bucket of this name is created.

    `policy` is the text that was put, or empty; `policy_pins` are the ids of the users and roles that it names.
    `backing` is where the objects are, when they are not here. `ownership` is None when the setting was deleted,
    which is as OBJECT_WRITER.
    """

    name: str
    account_id: str
    region: str
    bucket_id: str
    created_at: datetime
    policy: str = ""
    policy_pins: Mapping[str, str] = field(default_factory=dict)
    backing: Backing | None = None
    ownership: Ownership | None = Ownership.ENFORCED


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ownership:
    """A row that only says: this account has a bucket of this name (both are in the key)."""


BUCKETS = Records(TableSpec(name="s3_buckets"), BucketRecord)
_OWNERSHIPS = Records(TableSpec(name="s3_buckets_by_account"), _Ownership)


async def add_bucket(tx: Transaction, record: BucketRecord) -> None:
    await BUCKETS.put(tx, record, record.name, is_new=True)
    await _OWNERSHIPS.put(tx, _Ownership(), record.account_id, record.name)


async def remove_bucket(tx: Transaction, record: BucketRecord) -> None:
    await BUCKETS.delete(tx, record.name)
    await _OWNERSHIPS.delete(tx, record.account_id, record.name)


async def buckets_after(tx: Transaction, account_id: str, name: str) -> list[BucketRecord]:
    """Some of an account's buckets, by name, beginning after a name; empty when there are no more."""
    after = (account_id, name) if name else None
    page = await _OWNERSHIPS.page_with_keys(tx, account_id, after=after)
    found = [await BUCKETS.get(tx, key[-1]) for key, _ in page]
    return [record for record in found if record is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """A bucket as operations meet it."""

    name: str
    account_id: str
    region: str
    bucket_id: str
    backing: Backing | None = None
    ownership: Ownership | None = Ownership.ENFORCED

    @property
    def has_acls(self) -> bool:
        """Whether objects may be other accounts', and have ACLs that count: see `ownership.py`."""
        return self.ownership is not Ownership.ENFORCED and self.backing is None

    @property
    def arn(self) -> str:
        return str(bucket_arn(self.name))

    def object_arn(self, key: str) -> str:
        return str(object_arn(self.name, key))


async def present_record(tx: Transaction, bucket: Bucket) -> BucketRecord:
    """Raises NoSuchBucket when it was deleted meanwhile, perhaps for another of its name."""
    record = await BUCKETS.get(tx, bucket.name)
    if record is None or record.bucket_id != bucket.bucket_id:
        raise no_such_bucket(bucket.name)
    return record


class BucketDirectory:
    """Finds buckets by name."""

    def __init__(self, *, state: State, epoch: Epoch) -> None:
        self._state = state
        self._cache: EpochCache[Bucket | None] = EpochCache(epoch, capacity=CACHED_BUCKETS)

    async def find(self, name: str) -> Bucket | None:
        return await self._cache.get(name, lambda: self._load(name))

    async def _load(self, name: str) -> Bucket | None:
        async with self._state.reading() as tx:
            record = await BUCKETS.get(tx, name)
        if record is None:
            return None
        return Bucket(
            name=record.name,
            account_id=record.account_id,
            region=record.region,
            bucket_id=record.bucket_id,
            backing=record.backing,
            ownership=record.ownership,
        )
