"""Where workers may have uploads noted."""

import pytest
from tests.fakes.clock import START
from tests.fakes.house import make_house

from crossdock.adapters.aws.begun_uploads import BegunUploads
from crossdock.app.upload_ledgers import AT_AWS, UploadLedgers
from crossdock.app.worker_ledgers import worker_ledgers
from crossdock.cloud.s3.bucket_directory import BUCKETS, BucketRecord
from crossdock.core.backings import Backing
from crossdock.core.errors import Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.operations.call import House
from crossdock.ports.upload_ledger import BegunUpload

UPLOAD = BegunUpload(place=ObjectPlace(bucket="bucket", key="k"), upload_id="u1", role_arn="")
ATTACHED, ELSEWHERE = Backing(bucket="behind"), Backing(bucket="elsewhere")


@pytest.fixture
async def house() -> House:
    found = make_house()
    async with found.state.transaction() as tx:
        for name, backing in (("here", None), ("there", ATTACHED)):
            record = BucketRecord(
                name=name, bucket_id=name, account_id="1", region="r", created_at=START, backing=backing
            )
            await BUCKETS.put(tx, record, name)
    return found


async def left_by(ledger: BegunUploads) -> list[BegunUpload]:
    return [upload async for upload in ledger.left_behind()]


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
async def test_only_where_the_service_keeps_files(house: House, where: str, is_at_aws: bool, is_noted: bool):
    ledgers = UploadLedgers(house)
    worker = worker_ledgers(ledgers, house.state, is_at_aws=is_at_aws)()
    if is_noted:
        await worker.of(where).note(UPLOAD)
        assert await left_by(ledgers(where)) == []
        worker.give_back()
        assert await left_by(ledgers(where)) == [UPLOAD]
        await worker.of(where).forget(UPLOAD)
    else:
        with pytest.raises(Unavailable, match="keeps no files there"):
            await worker.of(where).note(UPLOAD)
        worker.give_back()
    assert await left_by(ledgers(where)) == []


async def test_a_workers_end_is_none_of_anothers(house: House):
    ledgers = UploadLedgers(house)
    hire = worker_ledgers(ledgers, house.state, is_at_aws=True)
    first, second = hire(), hire()
    await second.of(AT_AWS).note(UPLOAD)
    first.give_back()
    assert await left_by(ledgers(AT_AWS)) == []
    second.give_back()
    assert await left_by(ledgers(AT_AWS)) == [UPLOAD]
