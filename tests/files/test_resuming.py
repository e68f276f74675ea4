"""Uploads that their user goes on with: where, when no more, and that nobody else sees anything of them."""

import asyncio
import os
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fakes.filesystems import METADATA, OWNER, names, store_file
from tests.fakes.object_store import SeenCall
from tests.fakes.patience import eventually
from tests.fakes.resumable_uploads import resumable_uploads
from tests.fakes.upload_dock import FILE, KEY, Dock

from crossdock.core.errors import BeyondEnd, Denied, NotFound, OutOfSpace, Unavailable
from crossdock.files.blocks import BLOCK_SIZE
from crossdock.files.filesystem import FileKind
from crossdock.files.resuming import LEAST_PART, parts_to_go_on_from
from crossdock.ports.resumable_uploads import ResumableUpload, UploadOwner

CONTENT = os.urandom(3 * BLOCK_SIZE + 1000)


@pytest.fixture(params=[False, True], ids=["remote", "staging"])
def dock(request: pytest.FixtureRequest) -> Dock:
    return Dock(stages=bool(request.param))


@pytest.mark.parametrize("size", [16 << 20, (16 << 20) + 1, (24 << 20) - 1, 24 << 20, len(CONTENT)])
async def test_an_interrupted_upload_goes_on_at_the_end_of_a_part_before_all_that_had_come(dock: Dock, size: int):
    at = await dock.interrupt(CONTENT[:size])
    assert at == (size - 1) // BLOCK_SIZE * BLOCK_SIZE
    assert await dock.size() == at
    await store_file(dock.session(), FILE, CONTENT[at:], at=at)
    assert dock.s3.content("bucket", KEY) == CONTENT
    assert dock.s3.buckets["bucket"][KEY].info.metadata == METADATA
    assert (dock.s3.uploads, await dock.size()) == ({}, len(CONTENT))


async def test_at_the_end_it_goes_on_as_well(dock: Dock):
    at = await dock.interrupt(CONTENT[: 2 * BLOCK_SIZE + 1])
    session = dock.session()
    assert (await session.stat(FILE)).size == at
    await store_file(session, FILE, CONTENT[at:], at="END")
    assert dock.s3.content("bucket", KEY) == CONTENT


async def test_it_may_be_interrupted_again_and_again(dock: Dock):
    sent = 0
    for wanted in (BLOCK_SIZE, 2 * BLOCK_SIZE, 3 * BLOCK_SIZE):
        sent_to = wanted + 10
        assert await dock.interrupt(CONTENT[sent:sent_to], at=sent) == wanted
        sent = wanted
    # Nothing new came: what was there stays.
    assert await dock.interrupt(CONTENT[sent : sent + 10], at="END") == sent
    await store_file(dock.session(), FILE, CONTENT[sent:], at=sent)
    assert dock.s3.content("bucket", KEY) == CONTENT


@pytest.mark.parametrize("size", [1, LEAST_PART, BLOCK_SIZE])
async def test_of_less_than_a_part_and_a_byte_nothing_stays(dock: Dock, size: int):
    assert await dock.interrupt(CONTENT[:size]) == 0
    assert (await dock.size(), dock.s3.uploads, dock.s3.staged) == (None, {}, set())


async def test_after_a_crash_the_last_part_is_sent_again_for_it_may_be_all_of_the_file(dock: Dock):
    await dock.be_killed(CONTENT)
    assert await dock.size() == 2 * BLOCK_SIZE
    await store_file(dock.session(), FILE, CONTENT[2 * BLOCK_SIZE :], at=2 * BLOCK_SIZE)
    assert dock.s3.content("bucket", KEY) == CONTENT
    assert dock.s3.uploads == {}


@settings(max_examples=300)
@given(
    st.dictionaries(st.integers(1, 12), st.integers(1, 2 * LEAST_PART)),
    st.none() | st.integers(0, 12),
)
def test_the_parts_to_go_on_from_are_whole_in_order_and_never_all(sizes: dict[int, int], noted: int | None):
    count = parts_to_go_on_from(sizes, noted)
    assert all(sizes[number] >= LEAST_PART for number in range(1, count + 1))
    if noted is None:
        assert count < len(sizes) or not sizes
    else:
        assert count <= noted


# Who sees it.


@pytest.mark.parametrize(
    "owner",
    [
        replace(OWNER, username="user2"),
        replace(OWNER, server_id="s-0123456789abcdef1"),
        replace(OWNER, role_arn="arn:aws:iam::111111111111:role/other"),
    ],
)
async def test_nobody_else_sees_it_or_goes_on_with_it(dock: Dock, owner: UploadOwner):
    at = await dock.interrupt(CONTENT)
    other = dock.session(owner=owner)
    with pytest.raises(NotFound):
        await other.stat(FILE)
    with pytest.raises(NotFound):
        await other.open_write(FILE, at=at)
    with pytest.raises(NotFound):
        await other.remove(FILE)
    await store_file(other, FILE, b"another's")
    assert dock.s3.content("bucket", KEY) == b"another's"
    assert await dock.size() == at


async def test_it_is_never_listed_or_read(dock: Dock):
    await dock.interrupt(CONTENT)
    session = dock.session()
    assert (await session.stat(FILE)).size
    dock.s3.add("bucket", "home/other", b"")
    assert await names(session, "/bucket/home") == ["other"]
    with pytest.raises(NotFound):
        await session.open_read(FILE)
    with pytest.raises(NotFound):
        await session.rename(FILE, FILE + "2")
    with pytest.raises(NotFound):
        await session.stat(FILE, expecting=FileKind.DIRECTORY)


async def test_the_file_that_it_is_to_replace_stays_and_is_read(dock: Dock):
    await store_file(dock.session(), FILE, b"old")
    at = await dock.interrupt(CONTENT)
    session = dock.session()
    assert (await session.stat(FILE)).size == at
    download = await session.open_read(FILE)
    assert download.info.size == 3
    await download.close()
    await store_file(session, FILE, CONTENT[at:], at=at)
    assert dock.s3.content("bucket", KEY) == CONTENT


# Where it goes on.


async def test_it_goes_on_at_the_end_of_an_earlier_part_as_well(dock: Dock):
    await dock.interrupt(CONTENT)
    await store_file(dock.session(), FILE, b"another end", at=BLOCK_SIZE)
    assert dock.s3.content("bucket", KEY) == CONTENT[:BLOCK_SIZE] + b"another end"


@pytest.mark.parametrize("at", [1, BLOCK_SIZE + 1, 3 * BLOCK_SIZE + 1, 10 * BLOCK_SIZE])
async def test_it_goes_on_nowhere_else(dock: Dock, at: int):
    size = await dock.interrupt(CONTENT)
    with pytest.raises(BeyondEnd, match=f"resumed at {size}, not {at}"):
        await dock.session().open_write(FILE, at=at)
    await store_file(dock.session(), FILE, CONTENT[size:], at=size)
    assert dock.s3.content("bucket", KEY) == CONTENT


async def test_at_the_end_nothing_is_written_behind_other_bytes_than_the_client_was_told_of(dock: Dock):
    told = await dock.interrupt(CONTENT[: 2 * BLOCK_SIZE])
    session = dock.session()
    assert (await session.stat(FILE)).size == told
    assert await dock.interrupt(CONTENT[told:], at=told) > told
    with pytest.raises(Unavailable, match="meanwhile"):
        await session.open_write(FILE, at="END")


async def test_at_the_end_nothing_begins_where_the_upload_that_was_told_of_is_gone(dock: Dock):
    await dock.interrupt(CONTENT)
    session = dock.session()
    assert (await session.stat(FILE)).size
    await dock.session().remove(FILE)
    with pytest.raises(Unavailable, match="meanwhile"):
        await session.open_write(FILE, at="END")
    await store_file(session, FILE, b"new", at="END")
    assert dock.s3.content("bucket", KEY) == b"new"


async def test_only_one_session_goes_on_with_it(dock: Dock):
    at = await dock.interrupt(CONTENT)
    first = await dock.session().open_write(FILE, at=at)
    with pytest.raises(NotFound):
        await dock.session().open_write(FILE, at=at)
    await first.write(0, CONTENT[at:])
    await first.commit()
    assert dock.s3.content("bucket", KEY) == CONTENT


# What ends it.


async def test_a_new_beginning_gives_it_up(dock: Dock):
    await dock.interrupt(CONTENT)
    assert await dock.interrupt(b"another version") == 0
    await dock.sweep()
    assert (await dock.size(), dock.s3.uploads) == (None, {})


async def test_a_new_beginning_that_is_refused_gives_nothing_up():
    dock = Dock(stages=True)
    at = await dock.interrupt(CONTENT)
    with pytest.raises(Denied):
        await dock.session(actions={"s3:GetObject"}).open_write(FILE)
    assert await dock.size() == at


async def test_a_renamed_file_gives_up_what_waited_there(dock: Dock):
    await dock.interrupt(CONTENT)
    session = dock.session()
    await store_file(session, FILE + ".part", b"renamed")
    await session.rename(FILE + ".part", FILE, replace=True)
    assert await dock.size() == len(b"renamed")
    await store_file(dock.session(), FILE, b" and more", at="END")
    assert dock.s3.content("bucket", KEY) == b"renamed and more"
    await dock.sweep()
    assert dock.s3.uploads == {}


async def test_what_was_left_after_a_newer_file_is_nobodys(dock: Dock):
    hanging = await dock.session().open_write(FILE)
    await hanging.write(0, CONTENT)
    await store_file(dock.session(), FILE, b"newer")
    await hanging.interrupted(interruption="nobody answers")
    assert await dock.size() == len(b"newer")
    await store_file(dock.session(), FILE, b" still", at="END")
    assert dock.s3.content("bucket", KEY) == b"newer still"
    await dock.sweep()
    assert dock.s3.uploads == {}


async def test_who_deletes_it_hears_that_it_was_there(dock: Dock):
    await dock.interrupt(CONTENT)
    await dock.session().remove(FILE)
    assert await dock.size() is None
    await dock.sweep()
    assert dock.s3.uploads == {}
    with pytest.raises(NotFound):
        await dock.session().remove(FILE)


async def test_one_whose_end_may_not_be_aborted_is_gone_on_with_by_nobody(dock: Dock):
    await dock.interrupt(CONTENT)
    upload = await dock.session(actions={"s3:ListMultipartUploadParts", "s3:PutObject"}).open_write(FILE, at="END")
    dock.s3.fail("UploadPart", Denied("the bucket policy"))
    seen = len(dock.s3.calls)
    await upload.write(0, CONTENT[: BLOCK_SIZE + 1])
    await eventually(lambda: SeenCall("UploadPart", "bucket", KEY) in dock.s3.calls[seen:])
    for _ in range(5):
        await asyncio.sleep(0)  # until the answer is here
    with pytest.raises(Denied):
        await upload.write(upload.size, CONTENT)
    await upload.discard(interruption="the bucket policy")
    assert await dock.size() is None
    assert len(dock.s3.uploads) == 1
    await dock.sweep()
    assert dock.s3.uploads == {}


async def test_one_that_the_store_does_not_have_any_more_was_none(dock: Dock):
    await dock.interrupt(CONTENT)
    dock.s3.uploads.clear()
    assert await dock.size() is None
    await store_file(dock.session(), FILE, b"new", at="END")
    assert dock.s3.content("bucket", KEY) == b"new"


async def test_after_its_time_nobody_sees_it(dock: Dock):
    await dock.interrupt(CONTENT)
    dock.clock.advance(25 * 3600)
    assert await dock.size() is None


async def test_who_may_not_list_parts_begins_anew_and_the_log_says_why(dock: Dock, caplog: pytest.LogCaptureFixture):
    at = await dock.interrupt(CONTENT)
    session = dock.session(actions={"s3:PutObject", "s3:GetObject", "s3:ListBucket"})
    with pytest.raises(NotFound):
        await session.stat(FILE)
    with pytest.raises(NotFound):
        await session.open_write(FILE, at=at)
    assert "s3:ListMultipartUploadParts" in caplog.records[0].reason  # type: ignore[attr-defined]
    await store_file(session, FILE, b"new")
    assert dock.s3.content("bucket", KEY) == b"new"


async def test_a_store_that_fails_leaves_what_had_arrived(dock: Dock):
    upload = await dock.session().open_write(FILE)
    await upload.write(0, CONTENT[: 2 * BLOCK_SIZE + 1])
    dock.s3.fail("UploadPart", Unavailable("S3 is away"))
    with pytest.raises(Unavailable):
        await upload.write(upload.size, CONTENT[2 * BLOCK_SIZE + 1 :] + CONTENT)
    await upload.discard(interruption="S3 is away")
    at = await dock.size()
    assert at in (BLOCK_SIZE, 2 * BLOCK_SIZE)
    await store_file(dock.session(), FILE, CONTENT[at:], at=at)
    assert dock.s3.content("bucket", KEY) == CONTENT


async def test_an_upload_that_cannot_be_noted_is_not_begun(dock: Dock):
    failing = dock.uploads.note

    async def note(upload: object) -> bool:
        raise OutOfSpace("the disk is full")

    dock.uploads.note = note  # type: ignore[method-assign,assignment]
    upload = await dock.session().open_write(FILE)
    with pytest.raises(OutOfSpace):
        await upload.write(0, CONTENT)
    await upload.discard(interruption="the disk is full")
    dock.uploads.note = failing  # type: ignore[method-assign]
    assert dock.s3.uploads == {}


async def test_what_was_noted_unheard_is_forgotten(dock: Dock):
    noting = dock.uploads.note

    async def note(upload: ResumableUpload) -> bool:
        await noting(upload)
        raise Unavailable("the answer is lost")

    dock.uploads.note = note  # type: ignore[method-assign]
    upload = await dock.session().open_write(FILE)
    with pytest.raises(Unavailable):
        await upload.write(0, CONTENT)
    await upload.discard(interruption="the answer is lost")
    dock.uploads.note = noting  # type: ignore[method-assign]
    assert (dock.s3.uploads, await dock.uploads_noted()) == ({}, frozenset())


async def test_of_more_than_so_many_nothing_stays():
    dock = Dock()
    dock.uploads = resumable_uploads(dock.state, clock=dock.clock, per_user=1)
    other = await dock.session().open_write("/bucket/home/other")
    await other.write(0, CONTENT)
    assert await dock.interrupt(CONTENT) == 0
    assert len(dock.s3.uploads) == 1
    await other.commit()
    assert await dock.interrupt(CONTENT) > 0


async def test_what_continues_a_file_can_be_gone_on_with_too(dock: Dock):
    """The first bytes are the file's, which was there before, and stays until the end."""
    await store_file(dock.session(), FILE, CONTENT)
    at = await dock.interrupt(CONTENT, at="END")
    assert at == len(CONTENT) + 3 * BLOCK_SIZE
    assert dock.s3.content("bucket", KEY) == CONTENT
    await store_file(dock.session(), FILE, (CONTENT + CONTENT)[at:], at=at)
    assert dock.s3.content("bucket", KEY) == CONTENT + CONTENT


async def test_where_the_file_was_replaced_meanwhile_it_does_not_replace_that(dock: Dock):
    await store_file(dock.session(), FILE, CONTENT)
    at = await dock.interrupt(CONTENT, at="END")
    dock.s3.add("bucket", KEY, b"somebody else's")
    with pytest.raises(Unavailable):
        await store_file(dock.session(), FILE, (CONTENT + CONTENT)[at:], at=at)
    assert dock.s3.content("bucket", KEY) == b"somebody else's"


async def test_nothing_new_of_a_continued_file_is_nothing(dock: Dock):
    await store_file(dock.session(), FILE, CONTENT)
    assert await dock.interrupt(b"1", at="END") == 0
    assert (dock.s3.uploads, dock.s3.content("bucket", KEY)) == ({}, CONTENT)
