"""Buckets attached on an operator's word: one that leads back here is refused. Uploads that were left behind at their
S3s: each S3 is swept, whatever is wrong with another."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from tests.fakes.backed_cloud import BackedCloud, backed_cloud, credentials_of
from tests.fakes.clock import START
from tests.fakes.filesystems import OWNER
from tests.fakes.house import make_house
from tests.fakes.resumable_uploads import resumable_uploads

from crossdock.adapters.aws.begun_uploads import BEGUN, Swept
from crossdock.app.buckets import BucketKeeper, CannotAttach, sweep_backings
from crossdock.app.cloud import Cloud
from crossdock.app.upload_ledgers import UploadLedgers
from crossdock.cloud.s3.bucket_directory import BUCKETS, BucketRecord
from crossdock.core.backings import Backing
from crossdock.core.errors import CrossdockError, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.operations.call import House
from crossdock.ports.resumable_uploads import ResumableUpload
from crossdock.ports.upload_ledger import BegunUpload
from crossdock.settings.buckets_file import DeclaredBucket

PLACE = ObjectPlace(bucket="behind", key="k")
ONE, TWO, THREE = (Backing(bucket=name) for name in ("one", "two", "three"))


@dataclass
class Reach:
    """S3s that are there but for those in `away`."""

    away: set[Backing] = field(default_factory=set)
    aborted: list[str] = field(default_factory=list)

    async def store_of(self, backing: Backing) -> "Reach":
        if backing in self.away:
            raise Unavailable(f"no connection to {backing.where} can be made")
        return self

    async def abort_upload(self, upload: BegunUpload) -> None:
        self.aborted.append(upload.upload_id)


def begun(upload_id: str) -> BegunUpload:
    return BegunUpload(place=PLACE, upload_id=upload_id, role_arn="")


async def attach(house: House, *backings: Backing) -> None:
    async with house.state.transaction() as tx:
        for backing in backings:
            name = f"here-{backing.bucket}"
            record = BucketRecord(
                name=name, bucket_id=name, account_id="1", region="r", created_at=START, backing=backing
            )
            await BUCKETS.put(tx, record, name)


async def test_an_s3_that_is_away_and_one_whose_records_are_damaged_hinder_no_other() -> None:
    house, reach = make_house(), Reach(away={ONE})
    await attach(house, ONE, TWO, THREE)
    former = UploadLedgers(house)
    for backing in (ONE, THREE):
        await former(backing.where).note(begun(f"at {backing.bucket}"))
    async with house.state.transaction() as tx:
        await tx.table(BEGUN.spec).put((TWO.where, "behind/u"), {"of": "another version"})
    swept = await sweep_backings(house, reach, UploadLedgers(house))
    assert reach.aborted == ["at three"]
    assert swept.aborted == 1
    assert {sentence.partition(" is not swept")[0] for sentence in swept.stayed} == {ONE.where, TWO.where}


async def test_what_is_resumable_by_now_is_spared() -> None:
    house = make_house()
    await attach(house, ONE)
    for upload_id in ("u1", "u2"):
        await UploadLedgers(house)(ONE.where).note(begun(upload_id))
    uploads = resumable_uploads(house.state)
    known = ResumableUpload(owner=OWNER, place=PLACE, upload_id="u2", began_at=START, touched_at=START)

    class Slow(Reach):
        async def abort_upload(self, upload: BegunUpload) -> None:
            await uploads.note(known)
            await super().abort_upload(upload)

    reach = Slow()
    assert await sweep_backings(house, reach, UploadLedgers(house)) == Swept(aborted=1, stayed=())
    assert reach.aborted == ["u1"]


def keeper_of(backed: BackedCloud) -> BucketKeeper:
    s3 = backed.cloud.s3
    cloud = SimpleNamespace(
        operations=s3.operations,
        accounts=s3.parts.accounts,
        assumer=SimpleNamespace(storage=s3.storage),
        backings=backed.connections,
    )
    return BucketKeeper(cloud=cast(Cloud, cloud), house=s3.parts.house, own_url=backed.cloud.url, region="us-east-1")


@pytest.mark.parametrize("name", ["loop", "another"])
async def test_an_endpoint_that_leads_back_here_is_refused_however_it_is_spelled(tmp_path, name: str) -> None:
    async with backed_cloud(tmp_path) as backed:
        keeper, s3 = keeper_of(backed), backed.cloud.s3
        await s3.bucket("loop")
        (tmp_path / "own").write_text(await credentials_of(backed.cloud, "gateway"))
        own = replace(
            backed.backing(bucket="loop", prefix="a/"),
            endpoint_url=f"http://localhost:{backed.cloud.port}",
            credentials_file=str(tmp_path / "own"),
        )
        for backing in (own, replace(own, endpoint_url=backed.cloud.url)):
            with pytest.raises(CrossdockError, match="is this very service: a bucket cannot be backed by itself"):
                await keeper.attach("hub", name, backing)
        assert await s3.keys("loop") == []
        with pytest.raises(CannotAttach, match="is not attached" if name == "loop" else "there is no bucket"):
            await keeper.detach(name)


async def test_another_s3_is_attached_and_detached(tmp_path) -> None:
    async with backed_cloud(tmp_path) as backed:
        keeper = keeper_of(backed)
        # Both S3s have a bucket of this name: what is put into the one is not in the other.
        await backed.cloud.s3.bucket("behind")
        await keeper.attach("hub", "box", backed.backing())
        await backed.cloud.s3.put("box", "k", b"x")
        assert await backed.behind.s3.keys("behind") == ["k"]
        assert await keeper.detach("box") == backed.backing()
        assert await backed.behind.s3.keys("behind") == ["k"]


async def test_what_is_wrong_with_a_bucket_of_the_file_is_told_with_file_and_bucket(tmp_path) -> None:
    async with backed_cloud(tmp_path) as backed:
        declared = DeclaredBucket(name="landing", account="hubb", backing=ONE)
        with pytest.raises(CannotAttach, match=r"^/etc/buckets\.toml: bucket 'landing': there is no account 'hubb'"):
            await keeper_of(backed).apply_all([declared], Path("/etc/buckets.toml"))
