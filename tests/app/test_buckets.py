"""Buckets attached on an operator's word: one that leads back here is refused, one that goes leaves nothing undone."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from tests.fakes.backed_cloud import BackedCloud, backed_cloud, credentials_of
from tests.fakes.certificates import server_context
from tests.fakes.stub_s3 import stub_s3

from crossdock.app.backing_sweeps import BackingSweeps, Parting
from crossdock.app.buckets import BucketKeeper, CannotAttach
from crossdock.app.cloud import Cloud
from crossdock.app.upload_ledgers import UploadLedgers
from crossdock.cloud.s3.backing_probe import ProbeFailed
from crossdock.core.backings import Backing
from crossdock.core.errors import CrossdockError
from crossdock.core.homes import ObjectPlace
from crossdock.ports.upload_ledger import BegunUpload
from crossdock.settings.buckets_file import DeclaredBucket


def keeper_of(backed: BackedCloud) -> BucketKeeper:
    s3 = backed.cloud.s3
    cloud = SimpleNamespace(
        operations=s3.operations,
        accounts=s3.parts.accounts,
        assumer=SimpleNamespace(storage=s3.storage),
        backings=backed.connections,
    )
    house = s3.parts.house
    return BucketKeeper(
        cloud=cast(Cloud, cloud),
        house=house,
        sweeps=BackingSweeps(house=house, foreign=backed.connections, ledger_of=UploadLedgers(house)),
        own_url=backed.cloud.url,
        region="us-east-1",
    )


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
        assert await keeper.detach("box") == (backed.backing(), Parting())
        assert await backed.behind.s3.keys("behind") == ["k"]


async def begin_behind(backed: BackedCloud, keeper: BucketKeeper) -> None:
    """An upload that an earlier run of the service has begun and not ended."""
    upload_id = (await backed.behind.s3("CreateMultipartUpload", Bucket="behind", Key="k"))["UploadId"]
    begun = BegunUpload(place=ObjectPlace(bucket="behind", key="k"), upload_id=upload_id, role_arn="")
    await UploadLedgers(keeper.house)(backed.backing().where).note(begun)


async def unfinished(backed: BackedCloud) -> int:
    return len((await backed.behind.s3("ListMultipartUploads", Bucket="behind"))["Uploads"])


async def test_what_was_left_unfinished_is_aborted_when_the_bucket_is_detached(tmp_path) -> None:
    async with backed_cloud(tmp_path) as backed:
        keeper = keeper_of(backed)
        await keeper.attach("hub", "box", backed.backing())
        await begin_behind(backed, keeper)
        answer = await keeper.answer({"do": "detach", "name": "box"})
        assert (answer["to"], answer["aborted"], answer["stayed"], answer["reason"]) == ("s3://behind/", 1, 0, "")
        assert await unfinished(backed) == 0


async def test_what_cannot_be_aborted_then_is_told_and_forgotten(tmp_path, caplog) -> None:
    async with backed_cloud(tmp_path) as backed:
        keeper = keeper_of(backed)
        await keeper.attach("hub", "box", backed.backing())
        await begin_behind(backed, keeper)
        await backed.behind.limit_role("gateway-0", [], ["*"])
        _, parting = await keeper.detach("box")
        assert (parting.aborted, parting.stayed) == (0, 1)
        assert parting.reason.startswith("/behind/k: s3:AbortMultipartUpload on behind/k: AccessDenied")
        assert "stay at the S3 of a bucket that was detached" in caplog.text
        assert await unfinished(backed) == 1
        assert not [one async for one in UploadLedgers(keeper.house)(backed.backing().where).left_behind()]


async def test_an_endpoint_where_no_s3_is_is_told_with_where_it_was_looked_for(tmp_path) -> None:
    async with backed_cloud(tmp_path) as backed, stub_s3(tls=server_context(tmp_path)) as tls:
        wrong = replace(backed.backing(), endpoint_url=f"http://127.0.0.1:{tls.port}")
        with pytest.raises(ProbeFailed) as caught:
            await keeper_of(backed).attach("hub", "box", wrong)
    assert str(caught.value) == (
        f"s3://behind/ at http://127.0.0.1:{tls.port} failed the step list: ListObjectsV2 of behind/: the connection "
        "was closed without an answer: is the endpoint's URL right, with http:// or https:// and the port?"
    )


async def test_what_is_wrong_with_a_bucket_of_the_file_is_told_with_file_and_bucket(tmp_path) -> None:
    async with backed_cloud(tmp_path) as backed:
        declared = DeclaredBucket(name="landing", account="hubb", backing=Backing(bucket="one"))
        with pytest.raises(CannotAttach, match=r"^/etc/buckets\.toml: bucket 'landing': there is no account 'hubb'"):
            await keeper_of(backed).apply_all([declared], Path("/etc/buckets.toml"))
