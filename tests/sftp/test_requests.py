"""Paths with a slash at their end, and directories that are renamed."""

import pytest
from tests.fakes.object_store import MemoryS3
from tests.fakes.sftp_talk import CREAT, PUT, READ, TRUNC, WRITE, Answer, Talk, sftp_talk, text, u32

from crossdock.sftp.packets import Kind, OpenFlags

POSIX = "posix-rename@openssh.com"


async def renamed(talk: Talk, old: str, new: str, *, by: str = "RENAME") -> Answer:
    if by == "RENAME":
        return await talk.ask(Kind.RENAME, text(old), text(new))
    return await talk.extended(by, text(old), text(new))


# With a slash at its end.


@pytest.mark.parametrize("kind", [Kind.STAT, Kind.LSTAT, Kind.REMOVE])
async def test_with_a_slash_at_its_end_a_path_is_no_files(s3: MemoryS3, kind: Kind):
    s3.add("bucket", "home/f", b"content")
    async with sftp_talk(s3) as talk:
        for path in ("f/", "/bucket/home/f//"):
            answer = await talk.ask(kind, text(path))
            assert (answer.code, answer.message) == (2, "Not a directory")
        assert (await talk.extended("statvfs@openssh.com", text("f/"))).code == 2
        assert s3.keys("bucket") == ["home/f"]


@pytest.mark.parametrize(
    ("flags", "code", "message"),
    [
        (READ, 2, "Not a directory"),
        (WRITE, 2, "Not a directory"),
        (WRITE | TRUNC, 2, "Not a directory"),
        (WRITE | CREAT, 4, "Is a directory"),
        (PUT, 4, "Is a directory"),
    ],
)
async def test_no_file_is_opened_by_a_path_with_a_slash_at_its_end(
    s3: MemoryS3, flags: OpenFlags, code: int, message: str
):
    s3.add("bucket", "home/f", b"content")
    async with sftp_talk(s3, max_handles=1) as talk:
        for path in ("f/", "none/"):
            answer = await talk.ask(Kind.OPEN, text(path), u32(flags), u32(0))
            assert (answer.code, answer.message) == (code, message)
        assert s3.keys("bucket") == ["home/f"]
        await talk.opened("f", READ)  # none of them has kept a handle


async def test_a_directory_may_have_a_slash_at_its_end(s3: MemoryS3):
    s3.add("bucket", "home/d/x", b"x")
    s3.add("bucket", "home/d", b"a file of the same name")
    async with sftp_talk(s3) as talk:
        for path in ("d/", "/", "/bucket/", "./"):
            assert (await talk.ask(Kind.STAT, text(path))).attributes["permissions"] & 0o040000
        assert (await talk.ask(Kind.STAT, text("d"))).attributes["permissions"] & 0o100000
        assert (await talk.ask(Kind.MKDIR, text("e/"))).code == 0
        assert (await talk.ask(Kind.RMDIR, text("e/"))).code == 0
        assert (await talk.ask(Kind.STAT, text("e/"))).code == 2


async def test_a_file_that_is_being_written_has_no_slash_at_its_end(s3: MemoryS3):
    async with sftp_talk(s3) as talk:
        await talk.opened("f", PUT)
        assert (await talk.ask(Kind.STAT, text("f/"))).code == 2


@pytest.mark.parametrize("by", ["RENAME", POSIX])
@pytest.mark.parametrize(("old", "new"), [("f", "new/"), ("f/", "new"), ("f/", "new/"), ("f", "d/")])
async def test_a_file_is_renamed_to_no_path_with_a_slash_at_its_end(s3: MemoryS3, by: str, old: str, new: str):
    s3.add("bucket", "home/f", b"f")
    s3.add("bucket", "home/d/x", b"x")
    for allowed in (False, True):
        async with sftp_talk(s3, rename_directories=allowed) as talk:
            answer = await renamed(talk, old, new, by=by)
            assert (answer.code, answer.message) == (2, "Not a directory")
            assert s3.keys("bucket") == ["home/d/x", "home/f"]


# Directories.


@pytest.mark.parametrize("by", ["RENAME", POSIX])
@pytest.mark.parametrize(("old", "new"), [("d", "e"), ("d/", "e/")])
async def test_a_directory_is_renamed_where_that_is_allowed(s3: MemoryS3, by: str, old: str, new: str):
    s3.add("bucket", "home/d/x", b"x")
    s3.add("bucket", "home/d/deep/y", b"y")
    async with sftp_talk(s3) as talk:
        assert (await renamed(talk, old, new, by=by)).code == 8
    async with sftp_talk(s3, rename_directories=True) as talk:
        assert (await renamed(talk, old, new, by=by)).code == 0
        assert s3.keys("bucket") == ["home/e/deep/y", "home/e/x"]
        assert (await renamed(talk, old, "other", by=by)).code == 2
        assert (await renamed(talk, "e", "e/inside", by=by)).code == 8


@pytest.mark.parametrize("by", ["RENAME", POSIX])
async def test_a_directory_replaces_nothing(s3: MemoryS3, by: str):
    for key in ("d/x", "full/y", "f"):
        s3.add("bucket", f"home/{key}", key.encode())
    async with sftp_talk(s3, rename_directories=True) as talk:
        for new in ("f", "full"):
            answer = await renamed(talk, "d", new, by=by)
            assert (answer.code, answer.message) == (4, "File already exists")
        assert s3.keys("bucket") == ["home/d/x", "home/f", "home/full/y"]
        assert s3.content("bucket", "home/f") == b"f"


async def test_a_directory_that_is_renamed_to_itself_stays(s3: MemoryS3):
    s3.add("bucket", "home/d/x", b"x")
    async with sftp_talk(s3) as talk:
        assert (await renamed(talk, "d", "d", by=POSIX)).code == 8
        assert (await renamed(talk, "none", "none", by=POSIX)).code == 2
    async with sftp_talk(s3, rename_directories=True) as talk:
        assert (await renamed(talk, "d", "d", by=POSIX)).code == 0
        assert s3.keys("bucket") == ["home/d/x"]
