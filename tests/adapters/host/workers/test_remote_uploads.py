"""The account of resumable uploads, which the parent keeps for its workers."""

import asyncio
from dataclasses import replace

import pytest
from tests.fakes.clock import START
from tests.fakes.filesystems import OWNER
from tests.fakes.resumable_uploads import resumable_uploads
from tests.fakes.worker_lines import joined_to, make_parent

from crossdock.adapters.host.workers.calls import NOTE_UPLOAD, TAKE_UPLOAD, OfUpload
from crossdock.adapters.host.workers.remote_uploads import RemoteResumableUploads, UploadAnswers
from crossdock.core.errors import OutOfSpace
from crossdock.core.homes import ObjectPlace
from crossdock.ports.resumable_uploads import ResumableUpload

PLACE = ObjectPlace(bucket="bucket", key="in/f\u00fcr")
UPLOAD = ResumableUpload(owner=OWNER, place=PLACE, upload_id="u1", began_at=START, touched_at=START, if_match="etag")


async def test_a_worker_keeps_account_at_its_parent() -> None:
    uploads = resumable_uploads()
    async with joined_to(make_parent(resumable=uploads)) as line:
        remote = RemoteResumableUploads(line)
        assert await remote.note(UPLOAD)
        assert await remote.find(OWNER, PLACE) is None
        await remote.leave(replace(UPLOAD, parts=3))
        assert await remote.find(OWNER, PLACE) == await uploads.find(OWNER, PLACE) == replace(UPLOAD, parts=3)
        assert await remote.take(UPLOAD)
        assert not await uploads.take(UPLOAD)
        assert not await remote.take(UPLOAD)
        await remote.give_up(UPLOAD)
        assert not await remote.take(UPLOAD)
        await remote.forget(UPLOAD)
        assert await remote.find(OWNER, PLACE) is None


async def test_what_a_dead_worker_had_under_way_can_be_gone_on_with() -> None:
    uploads = resumable_uploads()
    other = replace(UPLOAD, place=replace(PLACE, key="other"), upload_id="u2")
    async with joined_to(make_parent(resumable=uploads)) as line:
        remote = RemoteResumableUploads(line)
        await remote.note(UPLOAD)
        await uploads.note(other)
        assert await uploads.find(OWNER, PLACE) is None
    assert await uploads.find(OWNER, PLACE) == UPLOAD
    assert await uploads.find(OWNER, other.place) is None


async def test_what_the_parent_cannot_do_the_worker_hears(monkeypatch: pytest.MonkeyPatch) -> None:
    uploads = resumable_uploads()

    async def full(upload: ResumableUpload) -> bool:
        raise OutOfSpace("the disk is full")

    monkeypatch.setattr(uploads, "note", full)
    async with joined_to(make_parent(resumable=uploads)) as line:
        with pytest.raises(OutOfSpace):
            await RemoteResumableUploads(line).note(UPLOAD)


@pytest.mark.parametrize("is_taken", [False, True])
async def test_what_a_worker_gets_as_it_dies_is_given_back(is_taken: bool) -> None:
    uploads = resumable_uploads()
    if is_taken:
        await uploads.note(UPLOAD)
        await uploads.leave(UPLOAD)
    answers = UploadAnswers(uploads)
    name = (TAKE_UPLOAD if is_taken else NOTE_UPLOAD).name
    (answer,) = (answer for answer in answers.all() if answer.call.name == name)
    answering = asyncio.create_task(answer.give(OfUpload(upload=UPLOAD)))
    await asyncio.sleep(0)  # it is being written
    answers.give_back()
    assert await answering
    assert await uploads.find(OWNER, PLACE) is not None


async def test_a_worker_has_uploads_superseded() -> None:
    uploads = resumable_uploads()
    async with joined_to(make_parent(resumable=uploads)) as line:
        remote = RemoteResumableUploads(line)
        await remote.note(UPLOAD)
        assert not await remote.supersede(OWNER, PLACE, by="u1")
        await remote.leave(UPLOAD)
        assert not await remote.supersede(OWNER, PLACE, by="u1")
        assert await remote.supersede(OWNER, PLACE)
        assert await uploads.find(OWNER, PLACE) is None
