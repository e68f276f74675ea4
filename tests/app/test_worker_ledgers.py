"""Where workers may have uploads noted."""

import pytest
from tests.fakes.clock import START
from tests.fakes.worker_lines import MemoryLedger

from crossdock.adapters.memory.state import MemoryState
from crossdock.app.upload_ledgers import AT_AWS
from crossdock.app.worker_ledgers import worker_ledgers
from crossdock.cloud.s3.bucket_directory import BUCKETS, BucketRecord
from crossdock.core.backings import Backing
from crossdock.core.errors import Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.upload_ledger import BegunUpload

UPLOAD = BegunUpload(place=ObjectPlace(bucket="bucket", key="k"), upload_id="u1", role_arn="")
ATTACHED, ELSEWHERE = Backing(bucket="behind"), Backing(bucket="elsewhere")


@pytest.fixture
async def state() -> MemoryState:
    found = MemoryState()
    async with found.transaction() as tx:
        for name, backing in (("here", None), ("there", ATTACHED)):
            record = BucketRecord(
                name=name, bucket_id=name, account_id="1", region="r", created_at=START, backing=backing
            )
            await BUCKETS.put(tx, record, name)
    return found


@pytest.mark.parametrize(
    ("where", "is_at_aws", "is_noted"),
    [
        (ATTACHED.where, False, True),
        (ELSEWHERE.where, False, False),
        (AT_AWS, False, False),
        (AT_AWS, True, True),
        (ATTACHED.where, True, False),
    ],
)
async def test_only_where_the_service_keeps_files(state: MemoryState, where: str, is_at_aws: bool, is_noted: bool):
    ledger = MemoryLedger(where)
    noting = worker_ledgers({where: ledger}.__getitem__, state, is_at_aws=is_at_aws)(where)
    if is_noted:
        await noting.note(UPLOAD)
        assert ledger.noted == [UPLOAD]
        await noting.forget(UPLOAD)
    else:
        with pytest.raises(Unavailable, match="keeps no files there"):
            await noting.note(UPLOAD)
    assert ledger.noted == []
