"""Who ends the uploads that nobody went on with, and when."""

import asyncio

from tests.fakes.clock import START
from tests.fakes.filesystems import OWNER
from tests.fakes.patience import eventually
from tests.fakes.resumable_uploads import resumable_uploads

from crossdock.app.resumable_uploads import sweep_forever
from crossdock.core.errors import Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.resumable_uploads import ResumableUpload


def upload(name: str) -> ResumableUpload:
    place = ObjectPlace(bucket="bucket", key=name)
    return ResumableUpload(owner=OWNER, place=place, upload_id=name, began_at=START, touched_at=START)


async def test_what_is_given_up_is_ended_at_once() -> None:
    uploads = resumable_uploads()
    ended: list[str] = []

    async def end(given: ResumableUpload) -> None:
        ended.append(given.upload_id)

    await uploads.note(upload("given-up"))
    sweeping = asyncio.create_task(sweep_forever(uploads, end))
    try:
        await asyncio.sleep(0)
        assert ended == []
        await uploads.give_up(upload("given-up"))
        await eventually(lambda: ended == ["given-up"])
    finally:
        sweeping.cancel()


async def test_a_sweep_that_fails_is_not_the_last() -> None:
    uploads = resumable_uploads()
    ended: list[str] = []

    async def end(given: ResumableUpload) -> None:
        ended.append(given.upload_id)
        if len(ended) == 1:
            raise Unavailable("S3 is away")

    await uploads.note(upload("a"))
    sweeping = asyncio.create_task(sweep_forever(uploads, end, every_s=0.001))
    try:
        await uploads.give_up(upload("a"))
        await eventually(lambda: ended == ["a", "a"])
    finally:
        sweeping.cancel()
