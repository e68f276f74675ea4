"""Uploads that were left behind at the S3s of attached buckets: each S3 is swept, whatever is wrong with another."""

import asyncio
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass, field

import pytest
from tests.fakes.clock import START
from tests.fakes.filesystems import OWNER
from tests.fakes.house import make_house
from tests.fakes.patience import eventually
from tests.fakes.resumable_uploads import resumable_uploads

from crossdock.adapters.aws.begun_uploads import BEGUN, Swept, noted_nodes
from crossdock.app.backing_sweeps import BackingSweeps, Parting
from crossdock.app.upload_ledgers import AT_AWS, UploadLedgers
from crossdock.cloud.s3.bucket_directory import BUCKETS, BucketRecord
from crossdock.core.backings import Backing
from crossdock.core.errors import Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.operations.call import House
from crossdock.ports.resumable_uploads import ResumableUpload
from crossdock.ports.upload_ledger import BegunUpload

PLACE = ObjectPlace(bucket="behind", key="k")
ONE, TWO, THREE = (Backing(bucket=name) for name in ("one", "two", "three"))


@dataclass
class S3s:
    """They are there but for those in `away`; those in `hanging` never answer."""

    away: Collection[Backing] = ()
    hanging: Collection[Backing] = ()
    asked: list[str] = field(default_factory=list)
    aborted: list[str] = field(default_factory=list)

    async def abort_upload(self, backing: Backing, upload: BegunUpload) -> None:
        self.asked.append(upload.upload_id)
        if backing in self.hanging:
            await asyncio.Event().wait()
        if backing in self.away:
            raise Unavailable(f"no connection to {backing.where} can be made")
        self.aborted.append(upload.upload_id)


def begun(upload_id: str) -> BegunUpload:
    return BegunUpload(place=PLACE, upload_id=upload_id, role_arn="")


@pytest.fixture
async def house() -> AsyncIterator[House]:
    made = make_house()
    yield made
    await made.tasks.close()


async def attach(house: House, *backings: Backing) -> None:
    async with house.state.transaction() as tx:
        for backing in backings:
            name = f"here-{backing.bucket}"
            record = BucketRecord(
                name=name, bucket_id=name, account_id="1", region="r", created_at=START, backing=backing
            )
            await BUCKETS.put(tx, record, name)


async def detach(house: House, *backings: Backing) -> None:
    async with house.state.transaction() as tx:
        for backing in backings:
            await BUCKETS.delete(tx, f"here-{backing.bucket}")


async def left_at(house: House, *backings: Backing) -> None:
    """By an earlier run of the service, an upload at each."""
    former = UploadLedgers(house)
    for backing in backings:
        await former(backing.where).note(begun(f"at {backing.bucket}"))


def sweeps_of(house: House, s3s: S3s, *, parting_s: float = 60) -> BackingSweeps:
    return BackingSweeps(house=house, foreign=s3s, ledger_of=UploadLedgers(house), parting_s=parting_s)


async def test_an_s3_that_hangs_one_that_is_away_and_one_with_damaged_records_hinder_no_other(house, caplog) -> None:
    s3s = S3s(hanging={ONE}, away={Backing(bucket="away")})
    await attach(house, ONE, TWO, THREE, *s3s.away)
    await left_at(house, ONE, THREE, *s3s.away)
    async with house.state.transaction() as tx:
        await tx.table(BEGUN.spec).put((TWO.where, "behind/u"), {"of": "another version"})
    await sweeps_of(house, s3s).look()
    await eventually(lambda: set(s3s.asked) == {"at one", "at three", "at away"})
    assert s3s.aborted == ["at three"]
    reasons = [getattr(record, "reason", "") for record in caplog.records]
    assert f"{PLACE}: no connection to s3://away/ at AWS can be made" in reasons
    assert [reason for reason in reasons if "behind/u cannot be read" in reason]


async def test_what_is_resumable_by_now_is_spared(house) -> None:
    await attach(house, ONE)
    for upload_id in ("u1", "u2"):
        await UploadLedgers(house)(ONE.where).note(begun(upload_id))
    uploads = resumable_uploads(house.state)
    known = ResumableUpload(owner=OWNER, place=PLACE, upload_id="u2", began_at=START, touched_at=START)

    class Slow(S3s):
        async def abort_upload(self, backing: Backing, upload: BegunUpload) -> None:
            await uploads.note(known)
            await super().abort_upload(backing, upload)

    s3s = Slow()
    assert await sweeps_of(house, s3s).sweep(ONE) == Swept(aborted=1)
    assert s3s.aborted == ["u1"]


async def test_a_bucket_that_is_attached_later_is_swept_from_then_on_and_each_once(house) -> None:
    s3s = S3s(hanging={ONE})
    sweeps = sweeps_of(house, s3s)
    await attach(house, ONE)
    await left_at(house, ONE)
    await sweeps.look()
    await eventually(lambda: s3s.asked == ["at one"])
    await attach(house, TWO)
    await left_at(house, TWO)
    await sweeps.look()
    await eventually(lambda: s3s.asked == ["at one", "at two"])


@pytest.mark.parametrize("ending", ["aborted", "away", "hanging"])
async def test_of_a_bucket_that_is_attached_no_more_nothing_stays_noted(house, caplog, ending: str) -> None:
    """Deleted as a bucket is, through the API."""
    s3s = S3s()
    sweeps = sweeps_of(house, s3s, parting_s=0.01)
    await attach(house, ONE, TWO)
    await sweeps.look()
    await left_at(house, ONE)
    await detach(house, ONE)
    s3s.away, s3s.hanging = [ONE] * (ending == "away"), [ONE] * (ending == "hanging")
    await sweeps.look()
    assert s3s.aborted == (["at one"] if ending == "aborted" else [])
    assert await noted_nodes(house.state) == frozenset()
    told = [record for record in caplog.records if record.levelname == "WARNING"]
    assert [(one.at, one.uploads) for one in told] == ([] if ending == "aborted" else [(ONE.where, 1)])
    if ending == "hanging":
        assert told[0].reason == "it did not answer within 0.01 s"


@pytest.mark.parametrize("is_swept", [True, False])
async def test_what_could_not_be_seen_when_a_bucket_was_detached_is_aborted_later(house, caplog, is_swept) -> None:
    s3s = S3s()
    sweeps = sweeps_of(house, s3s)
    await attach(house, ONE, TWO)
    if is_swept:
        await sweeps.look()
    await left_at(house, ONE)
    await detach(house, ONE)
    async with house.state.transaction() as tx:
        await tx.table(BEGUN.spec).put((ONE.where, "damaged"), {"of": "another version"})
    with pytest.raises(Unavailable):
        await (sweeps.look() if is_swept else sweeps.part_from(ONE))
    with pytest.raises(Unavailable):
        await sweeps.look()
    assert s3s.asked == []
    async with house.state.transaction() as tx:
        await tx.table(BEGUN.spec).delete((ONE.where, "damaged"))
    await sweeps.look()
    assert s3s.aborted == ["at one"]
    assert await noted_nodes(house.state) == frozenset()
    assert caplog.records == []


async def test_what_is_being_aborted_is_not_forgotten_meanwhile(house, caplog) -> None:
    may_go_on = asyncio.Event()

    class Slow(S3s):
        async def abort_upload(self, backing: Backing, upload: BegunUpload) -> None:
            await super().abort_upload(backing, upload)
            await may_go_on.wait()

    s3s = Slow()
    sweeps = sweeps_of(house, s3s)
    await left_at(house, ONE)
    parting = asyncio.create_task(sweeps.part_from(ONE))
    await eventually(lambda: s3s.asked == ["at one"])
    looking = asyncio.create_task(sweeps.look())
    for _ in range(50):
        await asyncio.sleep(0)
    assert await noted_nodes(house.state) == {ONE.where}
    may_go_on.set()
    assert await parting == Parting(aborted=1)
    await looking
    assert (s3s.asked, caplog.records) == (["at one"], [])


def test_why_nobody_could_look_is_told(caplog) -> None:
    Parting(reason="the disk fails").log(ONE.where)
    Parting().log(ONE.where)
    (told,) = caplog.records
    assert (told.at, told.reason) == (ONE.where, "the disk fails")
    assert "cannot be seen, and are looked at again" in told.getMessage()


async def test_who_may_go_on_with_an_upload_cannot_when_its_bucket_is_detached(house) -> None:
    s3s = S3s()
    await left_at(house, ONE)
    known = ResumableUpload(owner=OWNER, place=PLACE, upload_id="at one", began_at=START, touched_at=START)
    await resumable_uploads(house.state).note(known)
    assert await sweeps_of(house, s3s).part_from(ONE) == Parting(aborted=1)


async def test_what_is_under_way_ends_by_itself_and_what_another_bucket_has_there_is_its_own(house) -> None:
    s3s = S3s()
    sweeps = sweeps_of(house, s3s)
    await sweeps.ledger_of(ONE.where).note(begun("under way"))
    assert await sweeps.part_from(ONE) == Parting()
    await left_at(house, TWO)
    await attach(house, TWO)
    assert await sweeps.part_from(Backing(bucket="two", profile="another")) == Parting()
    assert s3s.aborted == []
    assert await noted_nodes(house.state) == {ONE.where, TWO.where}


async def test_what_was_left_where_nothing_is_attached_is_forgotten_and_told_but_for_awss_own(house, caplog) -> None:
    s3s = S3s()
    await left_at(house, ONE)
    await UploadLedgers(house)(AT_AWS).note(begun("of the authority aws"))
    await sweeps_of(house, s3s).look()
    assert await noted_nodes(house.state) == {AT_AWS}
    assert s3s.asked == []
    (told,) = caplog.records
    assert (told.at, told.uploads, told.reason) == (ONE.where, 1, "no bucket is attached there any more")


async def test_a_state_that_fails_is_told_once_and_looked_at_again(house, caplog) -> None:
    async with house.state.transaction() as tx:
        await tx.table(BUCKETS.spec).put(("damaged",), {"of": "another version"})
    rounds = 0

    async def sleep(_seconds: float) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 3:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await sweeps_of(house, S3s()).run(sleep=sleep)
    assert [record.getMessage() for record in caplog.records] == ["which S3s are to be swept cannot be seen"]
