"""What the flags of an OPEN come to, above all for who may put files and see none."""

import pytest
from tests.fakes.object_store import MemoryS3
from tests.fakes.sftp_talk import APPEND, CREAT, EXCL, PUT, READ, TRUNC, WRITE, Talk, sftp_talk, text, u32, u64

from crossdock.sftp.packets import Kind, OpenFlags

OLD, NEW = b"what was there before", b"new"
PUT_ONLY = {"s3:PutObject"}


async def refused(talk: Talk, path: str, flags: OpenFlags) -> int:
    return (await talk.ask(Kind.OPEN, text(path), u32(flags), u32(0))).code


async def put_as_scp(talk: Talk, path: str, content: bytes) -> int:
    """Without TRUNC; the end is told when it has come."""
    handle = await talk.opened(path, WRITE | CREAT)
    if content:
        await talk.write(handle, 0, content)
    assert (await talk.ask(Kind.FSETSTAT, handle, u32(1) + u64(len(content)))).code == 0
    return (await talk.close(handle)).code


@pytest.mark.parametrize("flags", [WRITE | EXCL, READ | WRITE | EXCL])
async def test_excl_without_creat_means_nothing(s3: MemoryS3, flags: OpenFlags):
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3) as talk:
        assert await refused(talk, "none", flags) == 2
        assert (await talk.close(await talk.opened("f", flags))).code == 0
        assert s3.content("bucket", "home/f") == OLD
        assert (await talk.put("f", NEW, flags)).code == 8
        assert s3.content("bucket", "home/f") == OLD
        assert (await talk.put("f", NEW, flags | TRUNC)).code == 0
        assert s3.content("bucket", "home/f") == NEW


async def test_who_may_only_put_uploads_as_clients_do(s3: MemoryS3):
    for name in ("f", "g", "h"):
        s3.add("bucket", f"home/{name}", OLD)
    async with sftp_talk(s3, actions=PUT_ONLY) as talk:
        assert (await talk.put("f", NEW, PUT)).code == 0
        assert s3.content("bucket", "home/f") == NEW
        assert await put_as_scp(talk, "g", NEW) == 0
        assert s3.content("bucket", "home/g") == NEW
        assert await put_as_scp(talk, "h", b"") == 0
        assert s3.content("bucket", "home/h") == b""
        assert await put_as_scp(talk, "new", NEW) == 0
        assert s3.content("bucket", "home/new") == NEW


async def test_who_may_only_put_makes_a_file_of_its_own_and_replaces_none(s3: MemoryS3):
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3, actions=PUT_ONLY) as talk:
        assert (await talk.put("new", NEW, WRITE | CREAT | EXCL)).code == 0
        assert s3.content("bucket", "home/new") == NEW
        closed = await talk.put("f", NEW, WRITE | CREAT | EXCL)
        assert (closed.code, closed.message) == (4, "File already exists")
        assert s3.content("bucket", "home/f") == OLD


@pytest.mark.parametrize("flags", [WRITE, WRITE | TRUNC, READ | WRITE, WRITE | EXCL])
async def test_who_may_only_put_opens_no_file_that_has_to_be_there(s3: MemoryS3, flags: OpenFlags):
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3, actions=PUT_ONLY) as talk:
        for path in ("f", "none"):
            answer = await talk.ask(Kind.OPEN, text(path), u32(flags), u32(0))
            assert (answer.code, "cannot be seen" in answer.message) == (3, True)
        assert s3.keys("bucket") == ["home/f"]
        assert s3.content("bucket", "home/f") == OLD


@pytest.mark.parametrize("ends", [(), (1,), (9,), (3, 2)])
async def test_who_may_only_put_cuts_off_nothing_unasked(s3: MemoryS3, ends: tuple[int, ...]):
    """Nobody says how long the file is that is there."""
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3, actions=PUT_ONLY, is_no_op=True) as talk:
        handle = await talk.opened("f", WRITE | CREAT)
        assert (await talk.write(handle, 0, NEW)).code == 0
        for end in ends:
            assert (await talk.ask(Kind.FSETSTAT, handle, u32(1) + u64(end))).code == 0
        if ends == (3, 2):
            assert (await talk.write(handle, 3, b"more")).code == 0
        closed = await talk.close(handle)
        assert (closed.code, "cannot be seen" in closed.message) == (3, True)
        assert s3.content("bucket", "home/f") == OLD


async def test_what_is_appended_to_nothing_goes_to_its_end_whatever_the_offset(s3: MemoryS3):
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3, allow_append=True) as talk:
        for path, further in (("f", TRUNC), ("new", TRUNC), ("own", EXCL)):
            handle = await talk.opened(path, WRITE | APPEND | CREAT | further)
            for piece in (b"one ", b"two"):
                assert (await talk.write(handle, 0, piece)).code == 0
            assert (await talk.close(handle)).code == 0
            assert s3.content("bucket", f"home/{path}") == b"one two"
        assert await refused(talk, "f", WRITE | APPEND | CREAT | EXCL) == 4


async def test_who_may_only_put_appends_to_nothing_that_may_be_there(s3: MemoryS3):
    s3.add("bucket", "home/f", OLD)
    async with sftp_talk(s3, actions=PUT_ONLY, allow_append=True) as talk:
        assert await refused(talk, "f", WRITE | APPEND) == 3
        assert await refused(talk, "f", WRITE | APPEND | CREAT) == 3
        assert s3.content("bucket", "home/f") == OLD
