"""A file system over S3: what is found and listed. Changes are in `test_object_filesystem_changes.py`."""

import pytest
from tests.fakes.filesystems import PATH, ROOT, TREE, files, names
from tests.fakes.object_store import MemoryS3, SeenCall

from crossdock.core.errors import Denied, FileError, NotADirectory, NotFound, Unavailable
from crossdock.core.homes import HomeDirectory, PathHome
from crossdock.files.filesystem import Attributes, FileKind

# Looking.


async def test_a_file_is_told_with_size_time_and_etag(s3: MemoryS3):
    info = s3.add("bucket", "home/a.txt", b"12345")
    attributes = await files(s3).stat("/bucket/home/a.txt")
    assert attributes == Attributes(kind=FileKind.FILE, size=5, modified_at=info.modified_at, etag=info.etag)


@pytest.mark.parametrize("key", ["home/sub/", "home/sub/x", "home/sub//", "home/sub/./x"])
@pytest.mark.parametrize("expecting", FileKind)
async def test_a_prefix_is_a_directory_with_or_without_a_marker(s3: MemoryS3, key: str, expecting: FileKind):
    s3.add("bucket", key)
    assert await files(s3).stat("/bucket/home/sub", expecting=expecting) == Attributes(kind=FileKind.DIRECTORY)


@pytest.mark.parametrize("expecting", FileKind)
async def test_a_key_that_only_begins_alike_is_no_directory(s3: MemoryS3, expecting: FileKind):
    s3.add("bucket", "home/subway")
    s3.add("bucket", "home/sub-a/x")
    with pytest.raises(NotFound):
        await files(s3).stat("/bucket/home/sub", expecting=expecting)


async def test_where_file_and_directory_share_a_name_the_expected_one_is_told(s3: MemoryS3):
    s3.add("bucket", "home/a", b"123")
    s3.add("bucket", "home/a/b")
    assert (await files(s3).stat("/bucket/home/a")).size == 3
    assert (await files(s3).stat("/bucket/home/a", expecting=FileKind.DIRECTORY)).is_directory


async def test_a_file_where_a_directory_is_expected_is_told_as_a_file(s3: MemoryS3):
    s3.add("bucket", "home/a", b"123")
    fs = files(s3, actions={"s3:ListBucket"})
    attributes = await fs.stat("/bucket/home/a", expecting=FileKind.DIRECTORY)
    assert (attributes.kind, attributes.size) == (FileKind.FILE, 3)


@pytest.mark.parametrize("expecting", FileKind)
async def test_a_bucket_is_a_directory_even_when_empty(s3: MemoryS3, expecting: FileKind):
    assert (await files(s3).stat("/bucket", expecting=expecting)).is_directory
    with pytest.raises(NotFound):
        await files(s3).stat("/no-such-bucket", expecting=expecting)


async def test_a_bucket_that_may_not_be_listed_is_denied(s3: MemoryS3):
    with pytest.raises(Denied):
        await files(s3, actions={"s3:GetObject"}).stat("/bucket")


async def test_home_and_mappings_are_there_before_any_key(s3: MemoryS3):
    nothing_allowed = files(s3, TREE, actions=set())
    for path in ("/", "/in", "/out", "/out/2026"):
        assert (await nothing_allowed.stat(path, expecting=FileKind.DIRECTORY)).is_directory
    assert (await files(s3, actions=set()).stat("/bucket/home")).is_directory
    assert s3.calls == []


async def test_what_no_mapping_holds_is_not_found(s3: MemoryS3):
    for path in ("/nowhere", "/inbox", "/out/2027", "/readme/x"):
        with pytest.raises(NotFound):
            await files(s3, TREE).stat(path)
        with pytest.raises(NotFound):
            await names(files(s3, TREE), path)


async def test_a_missing_file_is_denied_to_who_may_not_list(s3: MemoryS3):
    with pytest.raises(NotFound):
        await files(s3, actions={"s3:GetObject", "s3:ListBucket"}).stat("/bucket/home/none")
    with pytest.raises(Denied):
        await files(s3, actions={"s3:GetObject"}).stat("/bucket/home/none")


async def test_who_may_list_but_not_read_still_finds_directories(s3: MemoryS3):
    s3.add("bucket", "home/sub/x")
    s3.add("bucket", "home/file")
    fs = files(s3, actions={"s3:ListBucket"})
    assert (await fs.stat("/bucket/home/sub")).is_directory
    with pytest.raises(Denied, match="s3:GetObject"):
        await fs.stat("/bucket/home/file")


async def test_a_listing_right_for_some_prefixes_does_not_turn_missing_into_denied(s3: MemoryS3):
    def allows(action: str, bucket: str, key: str) -> bool:
        return action != "s3:ListBucket" or key in ("", "home/none/")

    fs = files(s3, allows=allows)
    with pytest.raises(NotFound):
        await fs.stat("/bucket/home/none", expecting=FileKind.DIRECTORY)
    with pytest.raises(NotFound):
        await fs.stat("/bucket/home/other")


# Listing.


async def test_a_listing_shows_files_and_directories_once_in_order(s3: MemoryS3):
    for key in ("home/", "home/b.txt", "home/a/x", "home/a/y", "home/c/", "home/späce ünï", "other"):
        s3.add("bucket", key)
    assert await names(files(s3), "/bucket/home") == ["a/", "b.txt", "c/", "späce ünï"]
    assert await names(files(s3), "/bucket/home/c") == []
    assert await names(files(s3), "/bucket") == ["home/", "other"]


async def test_keys_that_no_path_can_name_are_hidden_and_harm_nothing(s3: MemoryS3):
    for key in ("home/ok", "home//x", "home/./x", "home/../x", "home/.", "home/..", "home/a\rb", "home/a\n/b"):
        s3.add("bucket", key)
    assert await names(files(s3), "/bucket/home") == ["ok"]


async def test_a_directory_of_a_hundred_thousand_keys_is_listed_page_by_page(s3: MemoryS3):
    for number in range(2500):
        s3.add("bucket", f"home/f{number:06}")
    entries = files(s3).list("/bucket/home")
    first = await anext(entries)
    assert first.name == "f000000"
    assert s3.calls == [SeenCall("ListObjectsV2", "bucket", "home/")]
    assert len([entry async for entry in entries]) == 2499
    assert len(s3.calls) == 3


async def test_given_directories_may_be_empty(s3: MemoryS3):
    assert await names(files(s3), "/bucket/home") == []
    assert await names(files(s3, ROOT), "/") == []
    assert await names(files(s3), "/second-bucket") == []


async def test_listing_a_file_is_not_a_directory_and_nothing_is_not_found(s3: MemoryS3):
    s3.add("bucket", "home/file")
    with pytest.raises(NotADirectory):
        await names(files(s3), "/bucket/home/file")
    with pytest.raises(NotFound):
        await names(files(s3), "/bucket/home/fil")
    with pytest.raises(NotFound):
        await names(files(s3), "/no-such-bucket")


async def test_listing_without_the_right_is_denied(s3: MemoryS3):
    with pytest.raises(Denied):
        await names(files(s3, actions={"s3:GetObject"}), "/bucket/home")


async def test_virtual_directories_show_their_mappings_without_asking_s3_for_directories(s3: MemoryS3):
    s3.add("second-bucket", "texts/readme.txt", b"hello")
    fs = files(s3, TREE)
    assert await names(fs, "/out") == ["2026/"]
    assert s3.calls == []
    entries = {entry.name: entry.attributes async for entry in fs.list("/")}
    assert entries.keys() == {"in", "out", "readme"}
    assert (entries["readme"].kind, entries["readme"].size) == (FileKind.FILE, 5)


async def test_a_mapped_file_that_is_not_there_is_not_shown(s3: MemoryS3):
    assert await names(files(s3, TREE), "/") == ["in/", "out/"]
    del s3.buckets["second-bucket"]
    assert await names(files(s3, TREE), "/") == ["in/", "out/"]


async def test_a_mapped_file_that_may_not_be_looked_at_is_shown(s3: MemoryS3):
    assert await names(files(s3, TREE, actions=set()), "/") == ["in/", "out/", "readme"]


async def test_a_mapping_below_a_mapping_is_merged_into_its_listing_and_hides_the_key(s3: MemoryS3):
    for key in ("inbox/a", "inbox/shared/hidden", "inbox/z"):
        s3.add("bucket", key)
    s3.add("second-bucket", "shared/seen")
    fs = files(s3, TREE)
    assert sorted(await names(fs, "/in")) == ["a", "shared/", "z"]
    assert await names(fs, "/in/shared") == ["seen"]


async def test_the_top_of_a_path_home_is_no_bucket(s3: MemoryS3):
    fs = files(s3, PathHome(root="/"))
    assert (await fs.stat("/")).is_directory
    with pytest.raises(NotFound):
        await names(fs, "/")
    with pytest.raises(NotFound):
        await fs.open_write("/upload.txt")
    with pytest.raises(NotFound):
        await fs.open_read("/upload.txt")
    with pytest.raises(Denied):
        await fs.make_directory("/new-bucket")
    with pytest.raises(Denied):
        await fs.remove_directory("/bucket")


async def test_the_top_of_a_path_home_shows_its_bucket_as_the_way_back(s3: MemoryS3):
    fs = files(s3)
    assert await names(fs, "/") == ["bucket/"]
    assert (await fs.stat("/")).is_directory


@pytest.mark.parametrize(
    ("home", "path", "is_fixed"),
    [
        (PATH, "/", True),
        (PATH, "/bucket", True),
        (PATH, "/bucket/home", True),
        (PATH, "/bucket/home/d", False),
        (TREE, "/", True),
        (TREE, "/in", True),
        (TREE, "/in/shared", True),
        (TREE, "/in/sub", False),
    ],
)
async def test_what_the_homes_layout_has_is_fixed(s3: MemoryS3, home: HomeDirectory, path: str, is_fixed: bool):
    s3.add_bucket("second-bucket")
    for key in ("home/d/f", "inbox/f", "inbox/sub/f"):
        s3.add("bucket", key)
    for expecting in FileKind:
        assert (await files(s3, home).stat(path, expecting=expecting)).is_fixed is is_fixed
    if is_fixed:
        with pytest.raises(FileError):
            await files(s3, home).rename(path, f"{path}/elsewhere", directories=True)


async def test_a_store_that_fails_is_unavailable(s3: MemoryS3):
    s3.fail("HeadObject", Unavailable("S3 answered 503"))
    with pytest.raises(Unavailable):
        await files(s3).stat("/bucket/home/f")


async def test_a_mapped_file_is_that_one_object_whatever_lies_below_its_key(s3: MemoryS3):
    s3.add("second-bucket", "texts/readme.txt/secret", b"not for you")
    fs = files(s3, TREE)
    for expecting in FileKind:
        with pytest.raises(NotFound):
            await fs.stat("/readme", expecting=expecting)
    with pytest.raises(NotADirectory):
        await names(fs, "/readme")
    with pytest.raises(NotFound):
        await fs.stat("/readme/secret")
    s3.add("second-bucket", "texts/readme.txt", b"hello")
    assert [(await fs.stat("/readme", expecting=expecting)).size for expecting in FileKind] == [5] * len(FileKind)
    assert await names(fs, "/") == ["in/", "out/", "readme"]
