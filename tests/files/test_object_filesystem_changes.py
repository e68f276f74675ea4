"""A file system over S3: reading, writing, removing, making, renaming."""

import asyncio
from collections.abc import Mapping

import pytest
from tests.fakes.blocks import make_pool
from tests.fakes.filesystems import METADATA, ROOT, TREE, files, store_file
from tests.fakes.object_store import MemoryS3, MemoryStagingStore

from crossdock.core.errors import (
    Denied,
    DirectoryNotEmpty,
    Exists,
    InvalidName,
    IsADirectory,
    NotADirectory,
    NotFound,
    Unsupported,
    WrongSize,
)
from crossdock.core.homes import ObjectPlace
from crossdock.files.object_filesystem import ObjectFileSystem
from crossdock.files.prefix import UploadStart

# Reading and writing.


class _KeptElsewhere(MemoryStagingStore):
    """A store that stages, whose bytes of these places are kept elsewhere."""

    async def stage(self, place: ObjectPlace, metadata: Mapping[str, str], **condition: str | bool | None) -> None:
        return None


@pytest.mark.parametrize("at", [0, 3, "END"])
async def test_what_is_not_staged_goes_in_parts(s3: MemoryS3, at: UploadStart):
    s3.add("bucket", "home/f", b"old bytes")
    store = _KeptElsewhere(s3, lambda *asked: True)
    fs = ObjectFileSystem(home=ROOT, store=store, metadata=METADATA, blocks=make_pool())
    await store_file(fs, "/f", b"new", at=at)
    assert s3.content("bucket", "home/f") == {0: b"new", 3: b"oldnew", "END": b"old bytesnew"}[at]
    upload = await fs.open_write("/new", is_new=True)
    s3.add("bucket", "home/new", b"came meanwhile")
    with pytest.raises(Exists):
        await upload.commit()
    assert s3.content("bucket", "home/new") == b"came meanwhile"


async def test_a_file_is_read_from_an_offset(s3: MemoryS3):
    s3.add("bucket", "home/f", b"0123456789")
    download = await files(s3).open_read("/bucket/home/f", 4)
    assert b"".join([chunk async for chunk in download.chunks()]) == b"456789"
    await download.close()


async def test_reading_what_is_no_file_fails(s3: MemoryS3):
    s3.add("bucket", "home/sub/x")
    for path, error in (
        ("/bucket/home/none", NotFound),
        ("/bucket/home/sub", NotFound),
        ("/bucket/home", IsADirectory),
        ("/bucket", NotFound),
    ):
        with pytest.raises(error):
            await files(s3).open_read(path)
    with pytest.raises(NotFound):
        await files(s3, TREE).open_read("/nowhere")
    with pytest.raises(IsADirectory):
        await files(s3, TREE).open_read("/out")


@pytest.mark.parametrize("stages", [False, True])
async def test_a_written_file_says_who_wrote_it(s3: MemoryS3, stages: bool):
    await store_file(files(s3, ROOT, stages=stages), "/sub/späce ü.txt", b"content")
    stored = s3.buckets["bucket"]["home/sub/späce ü.txt"]
    assert stored.content == b"content"
    assert stored.info.metadata == {"user-agent": "AWSTransfer", "user-agent-id": "user1@s-0123456789abcdef0"}


@pytest.mark.parametrize("stages", [False, True])
async def test_who_may_only_put_can_drop_a_file(s3: MemoryS3, stages: bool):
    await store_file(files(s3, actions={"s3:PutObject"}, stages=stages), "/bucket/home/drop", b"content")
    assert s3.content("bucket", "home/drop") == b"content"
    assert {call.operation for call in s3.calls} <= {"PutObject", "(write)", "(discard)"}


async def test_a_virtual_directory_takes_no_files(s3: MemoryS3):
    with pytest.raises(NotFound):
        await files(s3, TREE).open_write("/upload.txt")
    with pytest.raises(NotFound):
        await files(s3, TREE).open_write("/out/upload.txt")
    with pytest.raises(IsADirectory):
        await files(s3, TREE).open_write("/out")
    with pytest.raises(IsADirectory):
        await files(s3, TREE).open_write("/in")


async def test_a_mapped_file_can_be_written(s3: MemoryS3):
    await store_file(files(s3, TREE), "/readme", b"new")
    assert s3.content("second-bucket", "texts/readme.txt") == b"new"


async def test_a_denied_write_is_known_at_once_where_the_store_stages(s3: MemoryS3):
    with pytest.raises(Denied, match="s3:PutObject"):
        await files(s3, actions=set(), stages=True).open_write("/bucket/home/f")


async def test_names_that_s3_or_a_protocol_cannot_keep_are_refused(s3: MemoryS3):
    for path in ("/bucket/a\nb", "/bucket/a\0b", "/bucket/\udcff", "/bucket/" + "x" * 1025):
        with pytest.raises(InvalidName):
            await files(s3).open_write(path)
        with pytest.raises(InvalidName):
            await files(s3).stat(path)
    with pytest.raises(InvalidName):  # one byte more with the marker's slash
        await files(s3).make_directory("/bucket/" + "x" * 1024)
    assert s3.keys("bucket") == []


async def test_an_announced_size_goes_to_the_upload(s3: MemoryS3):
    upload = await files(s3).open_write("/bucket/home/f", expected_size=3)
    await upload.write(0, b"1234")
    with pytest.raises(WrongSize, match="4 bytes came, 3 were announced"):
        await upload.commit()
    assert s3.keys("bucket") == []


# Removing and making.


async def test_a_removed_file_is_gone_and_so_is_a_directory_without_a_marker(s3: MemoryS3):
    s3.add("bucket", "home/sub/only")
    fs = files(s3)
    await fs.remove("/bucket/home/sub/only")
    with pytest.raises(NotFound):
        await fs.stat("/bucket/home/sub")


async def test_a_directory_with_a_marker_stays_when_its_last_file_goes(s3: MemoryS3):
    s3.add("bucket", "home/sub/")
    s3.add("bucket", "home/sub/only")
    fs = files(s3)
    await fs.remove("/bucket/home/sub/only")
    assert (await fs.stat("/bucket/home/sub")).is_directory


async def test_only_files_can_be_removed(s3: MemoryS3):
    s3.add("bucket", "home/sub/")
    for path in ("/bucket/home/none", "/bucket/home/sub", "/bucket"):
        with pytest.raises(NotFound):
            await files(s3).remove(path)
    with pytest.raises(IsADirectory):
        await files(s3).remove("/bucket/home")
    assert s3.keys("bucket") == ["home/sub/"]


async def test_removing_needs_looking_and_deleting(s3: MemoryS3):
    s3.add("bucket", "home/f")
    for actions in ({"s3:GetObject"}, {"s3:DeleteObject"}):
        with pytest.raises(Denied):
            await files(s3, actions=actions).remove("/bucket/home/f")
    await files(s3, actions={"s3:GetObject", "s3:DeleteObject"}).remove("/bucket/home/f")
    assert s3.keys("bucket") == []


async def test_a_new_directory_is_a_marker_that_says_who_made_it(s3: MemoryS3):
    await files(s3).make_directory("/bucket/home/new")
    stored = s3.buckets["bucket"]["home/new/"]
    assert (stored.content, stored.info.metadata) == (b"", METADATA)
    assert (await files(s3).stat("/bucket/home/new")).is_directory


async def test_who_may_only_put_can_make_directories(s3: MemoryS3):
    await files(s3, actions={"s3:PutObject"}).make_directory("/bucket/home/new")
    assert s3.keys("bucket") == ["home/new/"]
    with pytest.raises(Denied):
        await files(s3, actions={"s3:GetObject", "s3:ListBucket"}).make_directory("/bucket/home/other")


@pytest.mark.parametrize("key", ["home/taken", "home/taken/", "home/taken/x"])
async def test_a_taken_name_can_be_no_new_directory(s3: MemoryS3, key: str):
    s3.add("bucket", key, b"content")
    with pytest.raises(Exists):
        await files(s3).make_directory("/bucket/home/taken")
    assert s3.content("bucket", key) == b"content"


async def test_directories_of_the_layout_can_be_neither_made_nor_removed(s3: MemoryS3):
    for path in ("/", "/in", "/out", "/out/2026", "/in/shared"):
        with pytest.raises(Exists):
            await files(s3, TREE).make_directory(path)
        with pytest.raises(Denied):
            await files(s3, TREE).remove_directory(path)
    for path in ("/new", "/out/new"):
        with pytest.raises(NotFound):
            await files(s3, TREE).make_directory(path)
        with pytest.raises(NotFound):
            await files(s3, TREE).remove_directory(path)


async def test_only_an_empty_directory_is_removed(s3: MemoryS3):
    for key in ("home/empty/", "home/full/", "home/full/x", "home/implied/x", "home/odd//", "home/file"):
        s3.add("bucket", key)
    fs = files(s3)
    await fs.remove_directory("/bucket/home/empty")
    for name, error in (
        ("full", DirectoryNotEmpty),
        ("implied", DirectoryNotEmpty),
        ("odd", DirectoryNotEmpty),
        ("file", NotADirectory),
        ("none", NotFound),
    ):
        with pytest.raises(error):
            await fs.remove_directory(f"/bucket/home/{name}")
    assert s3.keys("bucket") == ["home/file", "home/full/", "home/full/x", "home/implied/x", "home/odd//"]


async def test_a_file_that_appears_while_its_directory_is_removed_is_not_lost(s3: MemoryS3):
    s3.add("bucket", "home/d/")
    gate = s3.hold("DeleteObject")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(files(s3).remove_directory("/bucket/home/d"))
        await gate.entered.wait()
        await store_file(files(s3), "/bucket/home/d/late", b"late")
        gate.open.set()
    assert s3.keys("bucket") == ["home/d/late"]
    assert (await files(s3).stat("/bucket/home/d")).is_directory
    with pytest.raises(DirectoryNotEmpty):
        await files(s3).remove_directory("/bucket/home/d")


async def test_a_directory_that_somebody_else_removes_meanwhile_is_removed(s3: MemoryS3):
    s3.add("bucket", "home/d/")
    gate = s3.hold("DeleteObject")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(files(s3).remove_directory("/bucket/home/d"))
        await gate.entered.wait()
        del s3.buckets["bucket"]["home/d/"]
        gate.open.set()
    assert s3.keys("bucket") == []


# Renaming.


async def test_a_file_is_renamed_with_its_metadata_also_into_another_bucket(s3: MemoryS3):
    s3.add("bucket", "inbox/a", b"content", METADATA)
    await files(s3, TREE).rename("/in/a", "/out/2026/b")
    assert s3.keys("bucket") == []
    assert s3.buckets["second-bucket"]["b"].content == b"content"
    assert s3.buckets["second-bucket"]["b"].info.metadata == METADATA


@pytest.mark.parametrize("taken", ["home/b", "home/b/", "home/b/x"])
async def test_a_rename_overwrites_nothing(s3: MemoryS3, taken: str):
    s3.add("bucket", "home/a", b"source")
    s3.add("bucket", taken, b"target")
    with pytest.raises(Exists):
        await files(s3).rename("/bucket/home/a", "/bucket/home/b")
    assert (s3.content("bucket", "home/a"), s3.content("bucket", taken)) == (b"source", b"target")


async def test_a_file_is_not_renamed_onto_itself(s3: MemoryS3):
    s3.add("bucket", "home/a", b"source")
    with pytest.raises(Exists):
        await files(s3).rename("/bucket/home/a", "/bucket/home/a")
    assert s3.content("bucket", "home/a") == b"source"


async def test_directories_are_not_renamed(s3: MemoryS3):
    s3.add("bucket", "home/sub/x")
    with pytest.raises(Unsupported):
        await files(s3).rename("/bucket/home/sub", "/bucket/home/new")
    with pytest.raises(IsADirectory):
        await files(s3).rename("/bucket/home", "/bucket/new")
    assert s3.keys("bucket") == ["home/sub/x"]


async def test_renaming_nothing_is_not_found(s3: MemoryS3):
    with pytest.raises(NotFound):
        await files(s3).rename("/bucket/home/none", "/bucket/home/new")
    assert s3.keys("bucket") == []


async def test_a_rename_is_refused_when_nobody_can_tell_whether_the_target_is_free(s3: MemoryS3):
    s3.add("bucket", "home/a")
    with pytest.raises(Denied):
        await files(s3, actions={"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}).rename(
            "/bucket/home/a", "/bucket/home/b"
        )
    assert s3.keys("bucket") == ["home/a"]


async def test_a_rename_that_may_not_delete_keeps_the_source(s3: MemoryS3):
    s3.add("bucket", "home/a", b"content")
    with pytest.raises(Denied):
        await files(s3, actions={"s3:GetObject", "s3:PutObject", "s3:ListBucket"}).rename(
            "/bucket/home/a", "/bucket/home/b"
        )
    assert s3.content("bucket", "home/a") == b"content"


async def test_what_is_put_under_the_old_name_while_it_is_renamed_stays_there(s3: MemoryS3):
    s3.add("bucket", "home/a", b"old")
    gate = s3.hold("DeleteObject")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(files(s3).rename("/bucket/home/a", "/bucket/home/b"))
        await gate.entered.wait()
        await store_file(files(s3), "/bucket/home/a", b"acknowledged")
        gate.open.set()
    assert s3.keys("bucket") == ["home/a", "home/b"]
    assert (s3.content("bucket", "home/a"), s3.content("bucket", "home/b")) == (b"acknowledged", b"old")


async def test_what_is_removed_under_the_old_name_while_it_is_renamed_is_renamed(s3: MemoryS3):
    s3.add("bucket", "home/a", b"old")
    gate = s3.hold("DeleteObject")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(files(s3).rename("/bucket/home/a", "/bucket/home/b"))
        await gate.entered.wait()
        del s3.buckets["bucket"]["home/a"]
        gate.open.set()
    assert s3.keys("bucket") == ["home/b"]


async def test_a_rename_does_not_replace_what_came_to_the_new_name_meanwhile(s3: MemoryS3):
    s3.add("bucket", "home/a", b"source")
    gate = s3.hold("CopyObject")

    async def rename() -> None:
        with pytest.raises(Exists):
            await files(s3).rename("/bucket/home/a", "/bucket/home/b")

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(rename())
        await gate.entered.wait()
        await store_file(files(s3), "/bucket/home/b", b"acknowledged")
        gate.open.set()
    assert (s3.content("bucket", "home/a"), s3.content("bucket", "home/b")) == (b"source", b"acknowledged")


# A mapping of type FILE.


async def test_a_mapped_file_is_written_read_and_removed_like_any_other(s3: MemoryS3):
    fs = files(s3, TREE)
    await store_file(fs, "/readme", b"new")
    assert s3.content("second-bucket", "texts/readme.txt") == b"new"
    await fs.remove("/readme")
    assert not s3.keys("second-bucket")


async def test_no_directory_is_made_of_a_mapped_file(s3: MemoryS3):
    fs = files(s3, TREE)
    with pytest.raises(Exists):
        await fs.make_directory("/readme")
    with pytest.raises(NotFound):
        await fs.make_directory("/readme/below")
    s3.add("second-bucket", "texts/readme.txt/")
    with pytest.raises(NotADirectory):
        await fs.remove_directory("/readme")
    assert s3.keys("second-bucket") == ["texts/readme.txt/"]


async def test_a_rename_that_may_replace_a_file_does(s3: MemoryS3):
    s3.add("bucket", "home/a", b"new")
    s3.add("bucket", "home/b", b"old")
    await files(s3).rename("/bucket/home/a", "/bucket/home/b", replace=True)
    assert s3.keys("bucket") == ["home/b"]
    assert s3.content("bucket", "home/b") == b"new"


async def test_a_rename_that_may_replace_keeps_a_file_that_is_renamed_onto_itself(s3: MemoryS3):
    s3.add("bucket", "home/a", b"content")
    await files(s3).rename("/bucket/home/a", "/bucket/home/a", replace=True)
    assert s3.content("bucket", "home/a") == b"content"
    with pytest.raises(NotFound):
        await files(s3).rename("/bucket/home/none", "/bucket/home/none", replace=True)


async def test_a_rename_that_may_replace_replaces_no_directory(s3: MemoryS3):
    s3.add("bucket", "home/a")
    s3.add("bucket", "home/d/x")
    with pytest.raises(Exists):
        await files(s3).rename("/bucket/home/a", "/bucket/home/d", replace=True)
    assert s3.keys("bucket") == ["home/a", "home/d/x"]


@pytest.mark.parametrize("stages", [True, False])
async def test_an_upload_of_a_new_file_replaces_none(s3: MemoryS3, stages: bool):
    upload = await files(s3, stages=stages).open_write("/bucket/home/f", is_new=True)
    await upload.write(0, b"mine")
    s3.add("bucket", "home/f", b"theirs")
    with pytest.raises(Exists):
        await upload.commit()
    assert s3.content("bucket", "home/f") == b"theirs"
