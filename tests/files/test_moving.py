"""Renaming directories: every object below is copied, and only then do the originals go."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.blocks import make_pool
from tests.fakes.filesystems import METADATA, PATH, TREE, files, make_s3
from tests.fakes.object_store import MemoryS3, MemoryStore, MemoryUpload
from tests.fakes.two_s3s import Apart, everything, failure_of

from crossdock.core.errors import (
    Denied,
    Exists,
    InvalidName,
    IsADirectory,
    NotFound,
    Unavailable,
    Unsupported,
)
from crossdock.core.homes import ObjectPlace, PathHome
from crossdock.files.blocks import BLOCK_SIZE
from crossdock.files.moving import AT_ONCE
from crossdock.files.object_filesystem import ObjectFileSystem
from crossdock.ports.objects import Copied

OLD, NEW = "/bucket/home/old", "/bucket/home/new"
ROOTS = PathHome(root="/")
"""All buckets."""


def directory(s3: MemoryS3, *names: str) -> dict[str, bytes]:
    """Files below the old name, and what they hold."""
    contents = {name: f"content of {name}".encode() for name in names}
    for name, content in contents.items():
        s3.add("bucket", f"home/old/{name}", content, METADATA)
    return contents


def below(s3: MemoryS3, name: str) -> dict[str, bytes]:
    prefix = f"home/{name}/"
    return {key[len(prefix) :]: s3.content("bucket", key) for key in s3.keys("bucket") if key.startswith(prefix)}


async def rename(s3: MemoryS3, old: str = OLD, new: str = NEW, **permissions: set[str]) -> None:
    await files(s3, **permissions).rename(old, new, directories=True)


# What moves.


async def test_all_that_lies_below_moves_and_nothing_beside(s3: MemoryS3):
    contents = directory(s3, "", "a", "b/c/d", "empty/", "odd//x", "🎉")
    for beside in ("home/older", "home/old.txt", "home/olds/x"):
        s3.add("bucket", beside)
    await rename(s3)
    assert below(s3, "new") == contents
    assert below(s3, "old") == {}
    assert {"home/older", "home/old.txt", "home/olds/x"} <= set(s3.keys("bucket"))
    assert s3.buckets["bucket"]["home/new/a"].info.metadata == METADATA


async def test_an_empty_directory_moves_with_its_marker(s3: MemoryS3):
    directory(s3, "")
    await rename(s3)
    assert s3.keys("bucket") == ["home/new/"]


async def test_a_file_moves_and_leaves_a_directory_of_its_name(s3: MemoryS3):
    directory(s3, "x")
    s3.add("bucket", "home/old", b"the file")
    await rename(s3)
    assert s3.keys("bucket") == ["home/new", "home/old/x"]


async def test_more_than_a_page_moves_into_another_bucket(s3: MemoryS3):
    for number in range(1100):
        s3.add("bucket", f"inbox/d/{number}", str(number).encode())
    await files(s3, TREE).rename("/in/d", "/out/2026/e", directories=True)
    assert s3.keys("bucket") == []
    assert {key: s3.content("second-bucket", key) for key in s3.keys("second-bucket")} == {
        f"e/{number}": str(number).encode() for number in range(1100)
    }


async def test_several_are_copied_at_once_but_not_all(s3: MemoryS3):
    contents = directory(s3, *(f"{number:02}" for number in range(3 * AT_ONCE)))
    s3.add("bucket", "home/old/zz")
    gate = s3.hold("CopyObject")
    async with asyncio.TaskGroup() as tasks:
        renaming = tasks.create_task(rename(s3))
        await gate.entered.wait()  # the file of that name, which is not there
        gate.open.set()
        gate.open = asyncio.Event()
        for _ in range(100):
            await asyncio.sleep(0)
        assert [call.operation for call in s3.calls].count("CopyObject") == 1 + AT_ONCE
        assert not renaming.done()
        gate.open.set()
    assert below(s3, "new") == {**contents, "zz": b""}


# What is refused.


@pytest.mark.parametrize("taken", ["home/new", "home/new/", "home/new/x"])
async def test_nothing_may_be_at_the_target(s3: MemoryS3, taken: str):
    contents = directory(s3, "a")
    s3.add("bucket", taken, b"target")
    with pytest.raises(Exists):
        await rename(s3)
    assert below(s3, "old") == contents
    assert s3.content("bucket", taken) == b"target"


async def test_a_directory_does_not_move_into_itself(s3: MemoryS3):
    contents = directory(s3, "a/x")
    for target in ("inside", "a/inside"):
        with pytest.raises(Unsupported, match="into itself"):
            await rename(s3, new=f"{OLD}/{target}")
    with pytest.raises(Exists):
        await rename(s3, new=OLD)
    with pytest.raises(Exists):
        await rename(s3, old=f"{OLD}/a", new=OLD)
    assert below(s3, "old") == contents


async def test_what_is_not_there_or_not_the_users_does_not_move(s3: MemoryS3):
    with pytest.raises(NotFound):
        await rename(s3)
    for path in ("/in", "/out/2026", "/in/shared"):
        with pytest.raises(IsADirectory):
            await files(s3, TREE).rename(path, "/in/new", directories=True)


async def test_a_name_that_gets_too_long_is_known_before_anything_is_copied(s3: MemoryS3):
    contents = directory(s3, "a", "x" * 1000)
    with pytest.raises(InvalidName):
        await rename(s3, new="/bucket/home/" + "n" * 30)
    assert s3.keys("bucket") == [f"home/old/{name}" for name in sorted(contents)]


async def test_too_many_are_known_before_anything_is_copied(s3: MemoryS3, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("crossdock.files.moving.MOST_OBJECTS", 2)
    contents = directory(s3, "a", "b", "c")
    with pytest.raises(Unsupported, match="more than the 2 objects"):
        await rename(s3)
    assert (below(s3, "old"), below(s3, "new")) == (contents, {})


# What fails.


class ForgetfulStore(MemoryStore):
    """Copies no more once it has copied `left` objects from below the old name."""

    left = 0

    async def copy(self, source: ObjectPlace, target: ObjectPlace, *, if_none_match: bool = False) -> Copied:
        if source.key.startswith("home/old/"):
            self.left -= 1
            if self.left < 0:
                raise Unavailable("503")
        return await super().copy(source, target, if_none_match=if_none_match)


@given(left=st.integers(0, 30), count=st.integers(1, 25))
async def test_a_copy_that_fails_leaves_the_source_whole_and_no_copies(left: int, count: int):
    s3 = make_s3()
    contents = directory(s3, *map(str, range(count)))
    store = ForgetfulStore(s3, lambda *asked: True)
    store.left = left
    fs = ObjectFileSystem(home=PATH, store=store, metadata=METADATA, blocks=make_pool())
    if left >= count:
        await fs.rename(OLD, NEW, directories=True)
        assert (below(s3, "old"), below(s3, "new")) == ({}, contents)
        return
    with pytest.raises(Unavailable, match=r"^503$"):
        await fs.rename(OLD, NEW, directories=True)
    assert (below(s3, "old"), below(s3, "new")) == (contents, {})


async def test_who_may_not_delete_moves_nothing(s3: MemoryS3):
    contents = directory(s3, "a", "b")
    with pytest.raises(Denied, match=r"s3:DeleteObject.*copies below /bucket/home/new stayed behind"):
        await rename(s3, actions={"s3:GetObject", "s3:PutObject", "s3:ListBucket"})
    # Nor may they take the copies back.
    assert below(s3, "old") == below(s3, "new") == contents


async def test_originals_that_cannot_be_deleted_stay_and_their_copies_go(s3: MemoryS3):
    contents = directory(s3, "a", "b")
    for _ in contents:
        s3.fail("DeleteObject", Denied("not the old ones"))
    with pytest.raises(Denied, match=r"^not the old ones$"):
        await rename(s3)
    assert (below(s3, "old"), below(s3, "new")) == (contents, {})


async def test_a_deletion_that_fails_with_some_originals_gone_leaves_the_target_whole(s3: MemoryS3):
    contents = directory(s3, *map(str, range(20)))
    s3.fail("DeleteObject", Unavailable("503"))
    with pytest.raises(Unavailable, match="503; the copies below /bucket/home/new stay, for some originals are gone"):
        await rename(s3)
    assert below(s3, "new") == contents
    assert 0 < len(below(s3, "old")) < 20


@pytest.mark.parametrize("turns", range(0, 60, 3))
async def test_a_client_that_leaves_finds_one_of_the_two_whole_and_the_other_gone(s3: MemoryS3, turns: int):
    contents = directory(s3, *map(str, range(12)))
    renaming = asyncio.ensure_future(rename(s3))
    for _ in range(turns):
        await asyncio.sleep(0)
    renaming.cancel()
    await asyncio.wait([renaming])
    assert (below(s3, "old"), below(s3, "new")) in ((contents, {}), ({}, contents))


# Between two S3s.


def apart(s3: MemoryS3) -> ObjectFileSystem:
    return ObjectFileSystem(home=ROOTS, store=Apart(s3, everything), metadata=METADATA, blocks=make_pool())


async def test_a_directory_moves_to_an_s3_that_keeps_directories(s3: MemoryS3):
    for name in ("", "empty/", "f", "none"):
        s3.add("bucket", f"old/{name}", b"x" if name == "f" else b"", METADATA)
    store = KeepingDirectories(s3, everything)
    fs = ObjectFileSystem(home=ROOTS, store=store, metadata=METADATA, blocks=make_pool())
    await fs.rename("/bucket/old", "/second-bucket/new", directories=True)
    assert s3.keys("bucket") == []
    assert s3.keys("second-bucket") == ["new/", "new/empty/", "new/f", "new/none"]
    assert s3.content("second-bucket", "new/f") == b"x"


async def test_a_directory_that_others_make_in_the_other_s3_meanwhile_is_not_taken_back(s3: MemoryS3):
    s3.add("bucket", "old/")
    s3.add("bucket", "old/f")
    s3.fail("CompleteMultipartUpload", Unavailable("503"))
    gate = s3.hold("GetObject")
    async with asyncio.TaskGroup() as tasks:
        renaming = apart(s3).rename("/bucket/old", "/second-bucket/new", directories=True)
        failing = tasks.create_task(failure_of(renaming))
        await gate.entered.wait()
        s3.add("second-bucket", "new/")
        gate.open.set()
    assert str(failing.result()) == "503"
    assert (s3.keys("bucket"), s3.keys("second-bucket")) == (["old/", "old/f"], ["new/"])


class KeepingDirectories(Apart):
    """As SeaweedFS does: what lies below a directory makes it, and no multipart upload does."""

    async def start_multipart(self, place: ObjectPlace, *started: Any, **condition: Any) -> MemoryUpload:
        if place.key.endswith("/"):
            place = replace(place, key=f"{place.key}stray")
        return await super().start_multipart(place, *started, **condition)


@pytest.mark.parametrize("turns", [*range(0, 60, 7), *range(60, 3000, 500)])
async def test_a_client_that_leaves_finds_one_of_two_s3s_whole_and_nothing_in_the_other(s3: MemoryS3, turns: int):
    contents = {f"old/{number}": bytes(100 << 10) + str(number).encode() for number in range(12)}
    for key, content in contents.items():
        s3.add("bucket", key, content)
    renaming = asyncio.ensure_future(apart(s3).rename("/bucket/old", "/second-bucket/old", directories=True))
    for _ in range(turns):
        await asyncio.sleep(0)
    renaming.cancel()
    await asyncio.wait([renaming])
    there = [{key: s3.content(bucket, key) for key in s3.keys(bucket)} for bucket in ("bucket", "second-bucket")]
    assert there in ([contents, {}], [{}, contents])
    assert s3.uploads == {}


async def test_a_client_that_leaves_does_not_wait_for_large_files(s3: MemoryS3):
    for key in ("old/a", "old/b"):
        s3.add("bucket", key, bytes(2 * BLOCK_SIZE + 1))
    gate = s3.hold("UploadPart")
    renaming = asyncio.ensure_future(apart(s3).rename("/bucket/old", "/second-bucket/old", directories=True))
    await gate.entered.wait()
    renaming.cancel()
    gate.open.set()
    await asyncio.wait([renaming])
    assert s3.keys("bucket") == ["old/a", "old/b"]
    assert (s3.keys("second-bucket"), s3.uploads) == ([], {})
    assert "CompleteMultipartUpload" not in {call.operation for call in s3.calls}


# What others do meanwhile.


async def test_what_is_put_below_the_old_name_meanwhile_stays_there(s3: MemoryS3):
    contents = directory(s3, "a", "b")
    gate = s3.hold("DeleteObject")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(rename(s3))
        await gate.entered.wait()
        s3.add("bucket", "home/old/late", b"late")
        gate.open.set()
    assert (below(s3, "old"), below(s3, "new")) == ({"late": b"late"}, contents)


async def test_what_is_changed_below_the_old_name_meanwhile_stays_there(s3: MemoryS3):
    directory(s3, "a", "b")
    gate = s3.hold("CopyObject")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(rename(s3))
        await gate.entered.wait()
        gate.open.set()
        gate.open = asyncio.Event()
        for _ in range(30):
            await asyncio.sleep(0)
        s3.add("bucket", "home/old/a", b"changed")
        gate.open.set()
    assert below(s3, "old") == {"a": b"changed"}
    assert below(s3, "new") == {"a": b"changed", "b": b"content of b"}


async def test_what_is_changed_in_the_moment_of_its_deletion_stays_there(s3: MemoryS3):
    contents = directory(s3, "a", "b")
    gate = s3.hold("DeleteObject")
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(rename(s3))
        await gate.entered.wait()
        s3.add("bucket", "home/old/a", b"changed")
        gate.open.set()
    assert (below(s3, "old"), below(s3, "new")) == ({"a": b"changed"}, contents)


async def test_what_others_put_at_the_target_meanwhile_is_not_replaced(s3: MemoryS3):
    contents = directory(s3, "a", "b")
    gate = s3.hold("CopyObject")
    async with asyncio.TaskGroup() as tasks:
        failing = tasks.create_task(failure_of(rename(s3)))
        await gate.entered.wait()  # the file of that name, which is not there
        s3.add("bucket", "home/new/a", b"theirs")
        gate.open.set()
    assert isinstance(failing.result(), Exists)
    assert (below(s3, "old"), below(s3, "new")) == (contents, {"a": b"theirs"})


async def test_what_others_put_at_the_target_meanwhile_is_not_taken_back(s3: MemoryS3):
    contents = directory(s3, "a", "b")
    for _ in contents:
        s3.fail("DeleteObject", Denied("not the old ones"))
    gate = s3.hold("DeleteObject")
    async with asyncio.TaskGroup() as tasks:
        failing = tasks.create_task(failure_of(rename(s3)))
        await gate.entered.wait()
        s3.add("bucket", "home/new/a", b"theirs")
        s3.add("bucket", "home/new/c", b"theirs")
        gate.open.set()
    assert isinstance(failing.result(), Denied)
    assert below(s3, "old") == contents
    assert below(s3, "new") == {"a": b"theirs", "c": b"theirs"}
