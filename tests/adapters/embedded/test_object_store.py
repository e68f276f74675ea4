"""The embedded S3 as a session uses it, beyond the contract that every store keeps (tests/contract)."""

import asyncio
import os
from hashlib import md5

import pytest
from tests.fakes.object_store import MemoryS3
from tests.fakes.s3 import PARTNER, EmbeddedS3

from crossdock.adapters.embedded.object_store import EmbeddedObjectStore
from crossdock.core.errors import Denied, Exists, InvalidName, NotFound, OutOfSpace, Unavailable, Unsupported
from crossdock.core.homes import ObjectPlace
from crossdock.ports.objects import PortableUpload, StagingObjectStore
from crossdock.ports.storage import ObjectEntry, Segment

KEY = ObjectPlace(bucket="box", key="key")
THEIRS = ObjectPlace(bucket="kiste", key="key")
AGENT = {"user-agent": "AWSTransfer"}


async def content(store: EmbeddedObjectStore, place: ObjectPlace = KEY, offset: int = 0) -> bytes:
    reader = await store.read(place, offset=offset)
    try:
        return b"".join([chunk async for chunk in reader.chunks()])
    finally:
        await reader.close()


def test_the_store_stages(store: EmbeddedObjectStore):
    assert isinstance(store, StagingObjectStore)


async def test_what_is_put_is_told_as_it_will_be_listed(s3: EmbeddedS3, store: EmbeddedObjectStore):
    s3.parts.clock.advance(1.5)
    written = await store.put(KEY, [b"con", b"tent"], AGENT)
    assert written.etag == md5(b"content").hexdigest()
    assert written == await store.head(KEY)
    (listed,) = (await store.list("box", "")).objects
    assert (listed.etag, listed.size, listed.modified_at) == (written.etag, written.size, written.modified_at)


async def test_a_multipart_upload_is_told_as_it_will_be_listed(s3: EmbeddedS3, store: EmbeddedObjectStore):
    s3.parts.clock.advance(1.5)
    upload = await store.start_multipart(KEY, AGENT)
    assert isinstance(upload, PortableUpload)
    s3.parts.clock.advance(60)
    await upload.upload_part(2, [b"second"])
    await upload.upload_part(1, [b"x" * (5 << 20)])
    written = await upload.complete()
    assert written == await store.head(KEY)
    assert written.etag.endswith("-2")
    assert await content(store, offset=5 << 20) == b"second"


async def test_aborting_again_or_too_late_is_nothing(s3: EmbeddedS3, store: EmbeddedObjectStore):
    upload = await store.start_multipart(KEY, {})
    await upload.upload_part(1, [b"x"])
    for _ in range(2):
        await upload.abort()
    assert s3.blobs.blob_ids == frozenset()
    done = await store.start_multipart(KEY, {})
    await done.upload_part(1, [b"x"])
    await done.complete()
    await done.abort()
    assert await content(store) == b"x"


async def test_an_upload_goes_on_only_in_a_store_of_its_kind(store: EmbeddedObjectStore):
    upload = await store.start_multipart(KEY, {})
    with pytest.raises(TypeError, match="another kind of store"):
        upload.under(MemoryS3().store())
    await upload.abort()


async def test_an_upload_goes_on_under_renewed_credentials(s3: EmbeddedS3, login, store: EmbeddedObjectStore):
    upload = await store.start_multipart(KEY, {})
    await upload.upload_part(1, [b"x" * (5 << 20)])
    s3.parts.clock.advance(3600)
    with pytest.raises(Denied):
        await upload.upload_part(2, [b"late"])
    renewed = upload.under(await login())
    await renewed.upload_part(2, [b"end"])
    assert (await renewed.complete()).size == (5 << 20) + 3


async def test_a_copy_is_told_as_it_will_be_listed_and_shares_the_bytes(s3: EmbeddedS3, store: EmbeddedObjectStore):
    await store.put(KEY, [b"content"], AGENT)
    s3.parts.clock.advance(60)
    target = ObjectPlace(bucket="box", key="ü +%?#/日")
    copied = await store.copy(KEY, target)
    assert copied.source == await store.head(KEY)
    assert copied.target == await store.head(target)
    assert copied.target.modified_at == s3.parts.clock.now()
    assert len(s3.blobs.blob_ids) == 1


async def test_a_source_of_a_strange_name_is_copied(store: EmbeddedObjectStore):
    source = ObjectPlace(bucket="box", key="a b+c%2Fd?versionId=x//é/")
    await store.put(source, [b"content"], {})
    await store.copy(source, KEY)
    assert await content(store) == b"content"


async def test_a_copy_onto_itself_is_unsupported(store: EmbeddedObjectStore):
    await store.put(KEY, [b"content"], {})
    with pytest.raises(Unsupported):
        await store.copy(KEY, KEY)


async def test_a_source_replaced_under_way_is_not_copied_as_another(s3: EmbeddedS3, store: EmbeddedObjectStore):
    await store.put(KEY, [b"content"], {})
    s3.steps.before("objects.link", lambda: s3.put("box", "key", b"another"))
    with pytest.raises(Unavailable):
        await store.copy(KEY, ObjectPlace(bucket="box", key="target"))
    assert await s3.keys("box") == ["key"]


async def test_what_comes_to_the_target_under_way_is_not_replaced(s3: EmbeddedS3, store: EmbeddedObjectStore):
    await store.put(KEY, [b"content"], {})
    target = ObjectPlace(bucket="box", key="target")
    s3.steps.before("objects.link", lambda: s3.put("box", "target", b"another"))
    with pytest.raises(Exists):
        await store.copy(KEY, target, if_none_match=True)
    assert await content(store, target) == b"another"


async def test_an_object_replaced_under_way_is_not_deleted(s3: EmbeddedS3, store: EmbeddedObjectStore):
    written = await store.put(KEY, [b"content"], {})
    s3.steps.before("objects.delete", lambda: s3.put("box", "key", b"another"))
    await store.delete(KEY, if_match=written.etag)
    assert await content(store) == b"another"


async def test_a_deletion_that_fails_otherwise_is_told(s3: EmbeddedS3, store: EmbeddedObjectStore):
    written = await store.put(KEY, [b"content"], {})
    s3.steps.fail("objects.delete", Unavailable("bad disk"))
    with pytest.raises(Unavailable):
        await store.delete(KEY, if_match=written.etag)
    with pytest.raises(NotFound):
        await store.delete(ObjectPlace(bucket="nowhere", key="key"), if_match=written.etag)


async def test_a_key_that_is_too_long_is_no_name(store: EmbeddedObjectStore):
    with pytest.raises(InvalidName):
        await store.put(ObjectPlace(bucket="box", key="x" * 1025), [b""], {})


async def test_a_bucket_that_cannot_be_is_not_found(store: EmbeddedObjectStore):
    for bucket in ("nowhere", "No_Bucket"):
        with pytest.raises(NotFound):
            await store.list(bucket, "")


async def test_pages_go_on_by_their_token(store: EmbeddedObjectStore):
    for key in ("a/1", "a/2", "b", "c"):
        await store.put(ObjectPlace(bucket="box", key=key), [b""], {})
    first = await store.list("box", "", limit=2)
    assert (first.prefixes, [info.place.key for info in first.objects]) == (("a/",), ["b"])
    second = await store.list("box", "", limit=2, token=first.next_token)
    assert ([info.place.key for info in second.objects], second.next_token) == (["c"], None)
    flat = await store.list("box", "a/", delimiter="")
    assert [info.place.key for info in flat.objects] == ["a/1", "a/2"]


# The disk.


@pytest.mark.parametrize(
    ("step", "size"), [("blobs.write", 2 << 20), ("blobs.seal", 2 << 20), ("objects.put", 2 << 20), ("blobs.store", 9)]
)
async def test_a_full_disk_is_out_of_space_and_the_session_goes_on(
    s3: EmbeddedS3, store: EmbeddedObjectStore, step: str, size: int
):
    await store.put(KEY, [b"as before"], {})
    s3.steps.fail(step, OutOfSpace("no space left on device"))
    with pytest.raises(OutOfSpace):
        await store.put(KEY, [b"x" * size], {})
    assert await content(store) == b"as before"
    await store.put(KEY, [b"x" * size], {})
    assert (await store.head(KEY)).size == size


@pytest.mark.parametrize("step", ["blobs.stage", "blobs.write", "blobs.seal", "objects.put"])
@pytest.mark.parametrize("failure", [OutOfSpace("full"), Unavailable("bad disk")])
async def test_a_staged_put_that_finds_no_room_leaves_nothing(
    s3: EmbeddedS3, store: EmbeddedObjectStore, step: str, failure: Exception
):
    await store.put(KEY, [b"as before"], {})
    before = s3.blobs.blob_ids
    s3.steps.fail(step, failure)

    async def put() -> None:
        staged = await store.stage(KEY, {})
        try:
            await staged.write(b"x" * 100)
            await staged.commit()
        finally:
            await staged.discard()

    with pytest.raises(type(failure)):
        await put()
    assert await content(store) == b"as before"
    for kept in s3.blobs.blob_ids - before:
        # Whether that commit is on disk nobody knows: its bytes must stay until the sweep.
        assert (step, type(failure)) == ("objects.put", Unavailable)
        s3.blobs.forget(kept)


async def test_a_multipart_upload_that_finds_no_room_can_be_aborted(s3: EmbeddedS3, store: EmbeddedObjectStore):
    upload = await store.start_multipart(KEY, {})
    await upload.upload_part(1, [b"x"])
    s3.steps.fail("uploads.put_part", OutOfSpace("full"))
    with pytest.raises(OutOfSpace):
        await upload.upload_part(2, [b"y"])
    await upload.abort()
    assert s3.blobs.blob_ids == frozenset()


async def test_bytes_that_the_disk_does_not_give_break_the_reading(s3: EmbeddedS3, store: EmbeddedObjectStore):
    bucket = await s3.storage.bucket_named("box")
    segment = await s3.storage.blobs.store([b"short"])
    longer = ObjectEntry(
        size=9,
        etag="x",
        modified_at=s3.parts.clock.now(),
        segments=(Segment(blob_id=segment.blob_id, size=9),),
        headers={"content-type": "text/plain"},
    )
    await s3.storage.objects.put(bucket.bucket_id, "key", longer)
    with pytest.raises(Unavailable, match="bytes early"):
        await content(store)


# Staged puts.


async def test_a_staged_put_has_a_tag_that_is_no_md5_and_no_checksum(s3: EmbeddedS3, store: EmbeddedObjectStore):
    staged = await store.stage(KEY, AGENT)
    await staged.write(b"content")
    written = await staged.commit()
    assert written == await store.head(KEY)
    assert written.etag.endswith("-1")
    assert written.etag != f"{md5(b'content').hexdigest()}-1"
    asked = await s3("HeadObject", Bucket="box", Key="key", ChecksumMode="ENABLED")
    assert not [name for name in asked if name.startswith("Checksum")]


async def test_an_empty_staged_put_keeps_no_blob(s3: EmbeddedS3, store: EmbeddedObjectStore):
    staged = await store.stage(KEY, {})
    assert (await staged.commit()).size == 0
    await staged.discard()
    assert s3.blobs.blob_ids == frozenset()


async def test_a_staged_put_replaces_what_was_there(s3: EmbeddedS3, store: EmbeddedObjectStore):
    await store.put(KEY, [b"old"], {})
    reader = await store.read(KEY)
    staged = await store.stage(KEY, {})
    await staged.write(b"new")
    await staged.commit()
    assert b"".join([chunk async for chunk in reader.chunks()]) == b"old"
    await reader.close()
    assert await content(store) == b"new"
    assert len(s3.blobs.blob_ids) == 1


async def test_a_bucket_deleted_while_bytes_are_staged_takes_none(s3: EmbeddedS3, store: EmbeddedObjectStore):
    staged = await store.stage(KEY, {})
    await staged.write(b"content")
    s3.steps.before("objects.put", lambda: s3("DeleteBucket", Bucket="box"))
    with pytest.raises(NotFound):
        await staged.commit()
    await staged.discard()
    assert s3.blobs.blob_ids == frozenset()


async def test_a_name_of_a_bucket_that_is_anothers_by_now_is_decided_anew(s3: EmbeddedS3, store: EmbeddedObjectStore):
    staged = await store.stage(KEY, {})
    await staged.write(b"content")
    await s3("DeleteBucket", Bucket="box")
    await s3.bucket("box", as_=s3.partner)
    with pytest.raises(Denied):
        await staged.commit()
    await staged.discard()
    assert (await s3("ListObjectsV2", as_=s3.partner, Bucket="box"))["KeyCount"] == 0


async def test_a_commit_that_is_cancelled_leaves_the_old_object_or_the_new(s3: EmbeddedS3, store: EmbeddedObjectStore):
    for turns in range(12):
        await store.put(KEY, [b"old"], {})
        staged = await store.stage(KEY, {})
        await staged.write(b"new")
        task = asyncio.get_running_loop().create_task(staged.commit())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        await staged.discard()
        assert await content(store) in ((b"old", b"new") if task.cancelled() else (b"new",))


# Whose permissions.


async def test_across_accounts_both_sides_decide_and_the_log_hears_which(
    s3: EmbeddedS3, store: EmbeddedObjectStore, allow, role: str
):
    await s3.bucket("kiste", as_=s3.partner)
    with pytest.raises(Denied) as denied:
        await store.put(THEIRS, [b"content"], {})
    assert f"of account {PARTNER}" in str(denied.value)
    assert "there is no bucket policy of kiste" in str(denied.value)
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::111111111111:root"},
        "Action": ["s3:PutObject", "s3:GetObject"],
        "Resource": "arn:aws:s3:::kiste/*",
    }
    user_id = (await s3.iam("GetRole", RoleName="files"))["Role"]["RoleId"]
    condition = {"StringLike": {"aws:userId": f"{user_id}:*"}}
    await s3.policy("kiste", {**statement, "Condition": condition}, as_=s3.partner)
    await store.put(THEIRS, [b"content"], {})
    assert await content(store, THEIRS) == b"content"
    other = {"StringLike": {"aws:userId": "AROAANOTHERROLEXXXXX:*"}}
    await s3.policy("kiste", {**statement, "Condition": other}, as_=s3.partner)
    with pytest.raises(Denied):
        await store.put(THEIRS, [b"other"], {})
    await s3.policy("kiste", {**statement, "Condition": condition}, as_=s3.partner)
    await allow("s3:*", resource="arn:aws:s3:::box/*")
    with pytest.raises(Denied, match="identity"):
        await store.put(THEIRS, [b"other"], {})
    assert await s3.read("kiste", "key", as_=s3.partner) == b"content"


async def test_a_change_of_policy_holds_at_the_next_operation(s3: EmbeddedS3, store: EmbeddedObjectStore, allow):
    await store.put(KEY, [b"content"], {})
    await allow("s3:GetObject")
    with pytest.raises(Denied):
        await store.put(KEY, [b"other"], {})
    assert await content(store) == b"content"
    await allow("s3:PutObject")
    with pytest.raises(Denied):
        await store.read(KEY)


async def test_a_reader_gives_regions_of_the_rest_from_its_offset(s3: EmbeddedS3, store: EmbeddedObjectStore):
    await s3.put("box", "key", b"content")
    reader = await store.read(KEY, offset=3)
    region = await reader.region()
    assert region is not None
    assert os.pread(region.fd, region.size, region.offset) == b"tent"
    assert await reader.region() is None
    await reader.close()


async def test_bytes_may_come_through_the_descriptor(store: EmbeddedObjectStore):
    staged = await store.stage(KEY, {})
    assert os.write(await staged.target(), b"con") == 3
    staged.advance(3)
    await staged.write(b"tent")
    assert (await staged.commit()).size == 7
    assert await content(store) == b"content"
