"""A caller's store on an attached bucket: what its own policies say, and what becomes of transfers under way."""

import socket
from collections.abc import AsyncIterator
from dataclasses import replace
from itertools import pairwise

import pytest
from tests.contract.object_stores import embedded_store
from tests.contract.object_worlds import read
from tests.contract.permissions import ALL, resources_of
from tests.fakes.backed_cloud import BEHIND, BackedCloud, attach, backed_cloud
from tests.fakes.blocks import make_pool

from crossdock.adapters.embedded import backed_transfers
from crossdock.adapters.embedded.backing_names import BackingNames
from crossdock.adapters.embedded.object_store import EmbeddedObjectStore
from crossdock.cloud.s3.bucket_directory import Bucket
from crossdock.core.backings import Backing
from crossdock.core.errors import (
    CannotCopy,
    Denied,
    Exists,
    FileError,
    InvalidName,
    NameTooLong,
    NotFound,
    ServiceError,
    Unavailable,
    Unsupported,
)
from crossdock.core.homes import ObjectPlace, PathHome
from crossdock.files.object_filesystem import ObjectFileSystem
from crossdock.ports.objects import ObjectStore

PART = 5 << 20
KEY = ObjectPlace(bucket="box", key="k")


@pytest.fixture
async def backed(tmp_path) -> AsyncIterator[BackedCloud]:
    async with backed_cloud(tmp_path) as backed:
        await backed.attach("box", prefix="below/")
        await backed.cloud.s3.bucket("own")
        yield backed


async def store_of(backed: BackedCloud, *actions: str, role: str = "visitor") -> ObjectStore:
    arn = await backed.cloud.role(role, actions or ALL, resources_of(["box", "own", "second"]))
    return await embedded_store(backed.cloud, await backed.cloud.session_of(arn))


@pytest.fixture
async def store(backed: BackedCloud) -> ObjectStore:
    return await store_of(backed)


async def test_a_role_without_permission_is_refused_although_the_backing_could(backed: BackedCloud):
    await backed.behind.s3.put(BEHIND, "below/k", b"x")
    nobody = await store_of(backed, "s3:GetObjectVersion", role="nobody")
    assert isinstance(nobody, EmbeddedObjectStore)
    for call in (
        nobody.head(KEY),
        nobody.read(KEY),
        nobody.put(KEY, [b"y"], {}),
        nobody.stage(KEY, {}),
        nobody.start_multipart(KEY, {}),
        nobody.copy(KEY, ObjectPlace(bucket="box", key="other")),
        nobody.delete(KEY),
        nobody.list("box", ""),
    ):
        with pytest.raises(Denied, match="box"):
            await call
    assert await backed.behind.s3.keys(BEHIND) == ["below/k"]
    assert await backed.behind.s3.read(BEHIND, "below/k") == b"x"


async def test_a_place_there_is_not_staged_and_one_here_is(store: EmbeddedObjectStore):
    assert await store.stage(KEY, {}) is None
    staged = await store.stage(ObjectPlace(bucket="own", key="k"), {})
    assert staged is not None
    await staged.commit(b"x")


async def test_what_is_written_behind_our_back_is_there_at_once(backed: BackedCloud, store: ObjectStore):
    for content in (b"one", b"two"):
        await backed.behind.s3.put(BEHIND, "below/k", content)
        assert await read(store, KEY) == content
    await backed.behind.s3("DeleteObject", Bucket=BEHIND, Key="below/k")
    with pytest.raises(NotFound, match="there is no object s3://box/k"):
        await store.head(KEY)


@pytest.fixture
def looked(backed: BackedCloud, monkeypatch: pytest.MonkeyPatch) -> list[Backing]:
    """The backings whose credentials were looked after, each time."""
    found: list[Backing] = []
    store_of = backed.connections.store_of

    async def counted(backing: Backing) -> ObjectStore:
        found.append(backing)
        return await store_of(backing)

    monkeypatch.setattr(backed.connections, "store_of", counted)
    return found


async def test_a_download_looks_after_its_credentials_once_in_what_is_asked_for_at_once(
    backed: BackedCloud, store: ObjectStore, looked: list[Backing]
):
    content = bytes(9 << 20)
    await backed.behind.s3.put(BEHIND, "below/k", content)
    assert await read(store, KEY) == content
    # When it was opened, for each 2 MiB or a little more, and perhaps where it ends.
    assert 4 <= len(looked) <= 7


async def test_a_small_download_looks_after_its_credentials_when_it_is_opened(
    backed: BackedCloud, store: ObjectStore, looked: list[Backing]
):
    await backed.behind.s3.put(BEHIND, "below/k", b"small")
    assert await read(store, KEY) == b"small"
    assert len(looked) == 1


async def test_a_client_that_pauses_has_its_credentials_looked_after_anew(
    backed: BackedCloud, store: ObjectStore, looked: list[Backing], monkeypatch: pytest.MonkeyPatch
):
    await backed.behind.s3.put(BEHIND, "below/k", b"small")
    monkeypatch.setattr(backed_transfers, "SURE_S", 0.0)
    assert await read(store, KEY) == b"small"
    assert len(looked) > 1


async def test_nothing_beside_the_prefix_is_seen_or_reached(backed: BackedCloud, store: ObjectStore):
    for key in ("below", "below/", "belowmore/x", "x", "below/in/x"):
        await backed.behind.s3.put(BEHIND, key, b"theirs")
    page = await store.list("box", "", delimiter="")
    assert [info.place.key for info in page.objects] == ["in/x"]
    assert (await store.list("box", "")).prefixes == ("in/",)
    for key in ("../x", "../below", "in/../../x"):
        with pytest.raises(NotFound):
            await store.head(ObjectPlace(bucket="box", key=key))
        await store.delete(ObjectPlace(bucket="box", key=key))
    assert len(await backed.behind.s3.keys(BEHIND)) == 5


async def test_a_key_that_is_too_long_below_the_prefix_is_no_name_and_the_sentence_says_why(store: ObjectStore):
    place = ObjectPlace(bucket="box", key="x" * 1019)
    other = ObjectPlace(bucket="box", key="k")
    for call in (
        store.head(place),
        store.read(place),
        store.put(place, [b""], {}),
        store.start_multipart(place, {}),
        store.copy(place, other),
        store.copy(other, place),
        store.delete(place),
    ):
        with pytest.raises(NameTooLong, match=r"1019 bytes, and 1018 are left for keys: .* with the prefix 'below/'"):
            await call


async def test_a_name_as_long_as_may_be_is_looked_for_as_file_and_as_directory(store: ObjectStore):
    longest = ObjectPlace(bucket="box", key="x" * 1018)
    with pytest.raises(NotFound):
        await store.head(longest)
    assert (await store.list("box", longest.directory_prefix)).objects == ()
    await store.put(longest, [b"x"], {})
    assert (await store.head(longest)).size == 1


async def test_an_s3_that_takes_keys_for_paths_gets_no_key_that_it_would_change(
    backed: BackedCloud, store: ObjectStore
):
    await backed.attach("box", prefix="below/", keeps_keys=False)
    climbing = ObjectPlace(bucket="box", key="../other")
    for call in (store.head(climbing), store.read(climbing), store.put(climbing, [b""], {}), store.list("box", "../")):
        with pytest.raises(InvalidName):
            await call
    await store.put(KEY, [b"x"], {})


async def test_nothing_is_copied_to_where_the_bytes_would_have_to_come_through_here(
    backed: BackedCloud, store: ObjectStore
):
    await store.put(KEY, [b"x"], {})
    with pytest.raises(CannotCopy, match="in another S3"):
        await store.copy(KEY, ObjectPlace(bucket="own", key="k"))
    with pytest.raises(CannotCopy, match="in another S3"):
        await store.copy(ObjectPlace(bucket="own", key="k"), KEY)
    other = backed.credentials_file.with_name("other")
    other.write_text(backed.credentials_file.read_text())
    await backed.attach("second", credentials_file=other)
    second = ObjectPlace(bucket="second", key="k")
    with pytest.raises(CannotCopy, match="different credentials"):
        await store.copy(KEY, second)
    upload = await store.start_multipart(second, {})
    with pytest.raises(CannotCopy, match="different credentials"):
        await upload.copy_part(1, await store.head(KEY), offset=0, size=1)
    await upload.abort()


@pytest.mark.parametrize("size", [0, 1, 3 * PART + 1])
async def test_what_the_s3s_do_not_copy_is_renamed_through_here(backed: BackedCloud, store: ObjectStore, size: int):
    content = bytes(range(256)) * (size // 256 + 1)
    other = backed.credentials_file.with_name("other")
    other.write_text(backed.credentials_file.read_text())
    await backed.attach("second", prefix="second/", credentials_file=other)
    places = [ObjectPlace(bucket=bucket, key="k") for bucket in ("box", "second", "own", "box")]
    await store.put(places[0], [content[:size]], {"told": "so"})
    files = ObjectFileSystem(home=PathHome(root="/"), store=store, metadata={}, blocks=make_pool())
    for source, target in pairwise(places):
        await files.rename(str(source), str(target))
        assert await read(store, target) == content[:size]
        assert (await store.head(target)).metadata == {"told": "so"}
        with pytest.raises(NotFound):
            await store.head(source)
    assert await backed.behind.s3.keys(BEHIND) == ["below/k"]


async def attach_around(backed: BackedCloud, store: ObjectStore) -> ObjectFileSystem:
    """`second` is the whole bucket in which `box` lies below a prefix, under credentials of another name."""
    other = backed.credentials_file.with_name("other")
    other.write_text(backed.credentials_file.read_text())
    await backed.attach("second", credentials_file=other)
    return ObjectFileSystem(home=PathHome(root="/"), store=store, metadata={}, blocks=make_pool())


@pytest.mark.parametrize("size", [0, 1, 2 * PART])
@pytest.mark.parametrize(("old", "new"), [("/box/k", "/second/below/k"), ("/second/below/k", "/box/k")])
async def test_an_object_is_not_renamed_onto_itself(
    backed: BackedCloud, store: ObjectStore, size: int, old: str, new: str
):
    files = await attach_around(backed, store)
    await store.put(KEY, [bytes(size)], {})
    for replaces, error in ((True, Unsupported), (False, Exists)):
        with pytest.raises(error):
            await files.rename(old, new, replace=replaces)
    assert await read(store, KEY) == bytes(size)


async def test_an_object_of_another_name_in_front_of_the_same_bucket_is_replaced(
    backed: BackedCloud, store: ObjectStore
):
    files = await attach_around(backed, store)
    await store.put(KEY, [b"new"], {})
    await backed.behind.s3.put(BEHIND, "below/other", b"old")
    await files.rename("/box/k", "/second/below/other", replace=True)
    assert await backed.behind.s3.keys(BEHIND) == ["below/other"]
    assert await backed.behind.s3.read(BEHIND, "below/other") == b"new"


async def test_a_directory_is_not_lost_in_front_of_the_same_bucket(backed: BackedCloud, store: ObjectStore):
    files = await attach_around(backed, store)
    keys = ["d/", "d/e/", "d/e/x", "d/x"]
    for key in keys:
        await store.put(ObjectPlace(bucket="box", key=key), [key.encode()] if key[-1] == "x" else [], {})
    for old, new in (("/box/d", "/second/below/d"), ("/second/below/d/e", "/box/d"), ("/second/below", "/box/d")):
        for replaces in (False, True):
            with pytest.raises(Exists):
                await files.rename(old, new, directories=True, replace=replaces)
    assert await backed.behind.s3.keys(BEHIND) == [f"below/{key}" for key in keys]
    # Into itself, which the names do not tell: nothing is lost, and it has the name that was wanted.
    await files.rename("/box/d", "/second/below/d/new", directories=True)
    moved = [f"below/d/new/{key[2:]}" for key in keys]
    assert await backed.behind.s3.keys(BEHIND) == moved
    assert [await backed.behind.s3.read(BEHIND, key) for key in moved] == [b"", b"", b"d/e/x", b"d/x"]


async def test_an_upload_does_not_go_on_in_a_bucket_that_was_attached_elsewhere(
    backed: BackedCloud, store: ObjectStore
):
    upload = await store.start_multipart(KEY, {})
    await upload.upload_part(1, [bytes(PART)])
    await backed.attach("box", prefix="elsewhere/")
    for call in (upload.upload_part(2, [b"x"]), upload.complete()):
        with pytest.raises(Unavailable, match="attached elsewhere"):
            await call
    await upload.abort()
    assert await backed.behind.s3.keys(BEHIND) == []
    assert (await backed.behind.s3("ListMultipartUploads", Bucket=BEHIND))["Uploads"] == []


async def test_an_upload_to_a_bucket_that_was_detached_leaves_nothing(backed: BackedCloud, store: ObjectStore):
    upload = await store.start_multipart(KEY, {})
    await upload.upload_part(1, [b"x"])
    await backed.cloud.s3("DeleteBucket", Bucket="box")
    with pytest.raises(NotFound):
        await upload.complete()
    await upload.abort()
    assert (await backed.behind.s3("ListMultipartUploads", Bucket=BEHIND))["Uploads"] == []


async def test_transfers_under_way_go_on_with_changed_credentials(backed: BackedCloud, store: ObjectStore):
    upload = await store.start_multipart(KEY, {})
    await upload.upload_part(1, [bytes(4 * PART)])
    await backed.change_credentials()
    await upload.upload_part(2, [b"end"])
    await upload.complete()
    reader = await store.read(KEY)
    chunks = reader.chunks()
    content = await anext(chunks)
    await backed.change_credentials()
    content += b"".join([chunk async for chunk in chunks])
    await reader.close()
    assert content == bytes(4 * PART) + b"end"


async def test_an_s3_that_refuses_crossdock_is_unavailable_to_its_users(backed: BackedCloud, store: ObjectStore):
    await store.put(KEY, [b"x"], {})
    backed.credentials_file.write_text("[default]\naws_access_key_id = AKIAX\naws_secret_access_key = no\n")
    for call in (
        store.head(KEY),
        store.read(KEY),
        store.put(KEY, [b"y"], {}),
        store.delete(KEY),
        store.list("box", ""),
    ):
        with pytest.raises(FileError) as raised:
            await call
        assert type(raised.value) is Unavailable
        assert "behind the bucket box" in str(raised.value)


async def test_a_bucket_that_is_gone_there_is_unavailable_and_no_missing_file(backed: BackedCloud, store: ObjectStore):
    await backed.behind.s3("DeleteBucket", Bucket=BEHIND)
    with pytest.raises(Unavailable, match="NoSuchBucket"):
        await store.read(KEY)


def test_an_answer_beside_the_prefix_is_no_object_of_the_bucket():
    bucket = Bucket(
        name="box", account_id="1", region="r", bucket_id="b", backing=Backing(bucket="behind", prefix="below/")
    )
    names = BackingNames(bucket)
    assert names.there(KEY) == ObjectPlace(bucket="behind", key="below/k")
    with pytest.raises(Unavailable, match="another key was answered"):
        names.key_here("beside")
    with pytest.raises(ValueError, match="lie here"):
        assert BackingNames(replace(bucket, backing=None)).backing


def outage_lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "behind an attached bucket" in record.getMessage()]


async def test_the_log_says_once_that_an_s3_takes_no_connections_and_once_that_it_does(
    backed: BackedCloud, store: ObjectStore, caplog: pytest.LogCaptureFixture
):
    there = await backed.attach("box", prefix="below/")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and listens to nobody
        away = replace(there, endpoint_url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        await attach(backed.cloud, "box", away)
        for call in (store.list("box", ""), store.head(KEY), store.put(KEY, [b"x"], {})):
            with pytest.raises(Unavailable, match="nobody listens"):
                await call
        with pytest.raises(ServiceError, match="cannot be reached"):
            await backed.cloud.s3("GetObject", Bucket="box", Key="k")
    told = vars(next(record for record in caplog.records if "cannot be used" in record.getMessage()))
    assert (told["levelname"], told["bucket"], told["behind"]) == ("WARNING", "box", away.where)
    assert "nobody listens at 127.0.0.1" in told["reason"]
    await attach(backed.cloud, "box", there)
    for _ in range(2):
        with pytest.raises(NotFound):
            await store.head(KEY)
    assert outage_lines(caplog) == [
        "the S3 behind an attached bucket cannot be used",
        "the S3 behind an attached bucket can be used again",
    ]


async def test_the_log_is_told_when_the_api_meets_it_first_and_not_of_what_an_s3_only_refuses(
    backed: BackedCloud, store: ObjectStore, caplog: pytest.LogCaptureFixture
):
    with pytest.raises(NotFound):
        await store.head(KEY)
    assert outage_lines(caplog) == []
    await backed.behind.s3("DeleteBucket", Bucket=BEHIND)
    for _ in range(2):
        with pytest.raises(ServiceError, match="cannot be reached"):
            await backed.cloud.s3("ListObjectsV2", Bucket="box")
    assert outage_lines(caplog) == ["the S3 behind an attached bucket cannot be used"]
