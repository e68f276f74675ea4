"""Who ends the uploads that nobody went on with, and when."""

import asyncio
from dataclasses import replace

from tests.fakes.clock import START
from tests.fakes.filesystems import OWNER
from tests.fakes.patience import eventually
from tests.fakes.resumable_uploads import resumable_uploads

from crossdock.adapters.memory.state import MemoryState
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


async def test_another_buckets_s3_that_hangs_holds_up_nobody() -> None:
    uploads = resumable_uploads()
    ended: list[str] = []

    async def end(given: ResumableUpload) -> None:
        if given.place.bucket == "hanging":
            await asyncio.Event().wait()
        ended.append(given.upload_id)

    hanging = replace(upload("a"), place=ObjectPlace(bucket="hanging", key="a"))
    for one in (hanging, upload("b"), upload("c")):
        await uploads.note(one)
    for one in (hanging, upload("b")):
        await uploads.give_up(one)
    sweeping = asyncio.create_task(sweep_forever(uploads, end))
    try:
        await eventually(lambda: ended == ["b"])
        await uploads.give_up(upload("c"))
        await eventually(lambda: ended == ["b", "c"])
    finally:
        sweeping.cancel()


class Broken(MemoryState):
    """It fails at once, without a turn of the loop."""

    def reading(self):
        raise Unavailable("the disk fails")


async def test_sweeps_without_a_pause_that_fail_at_once_leave_others_a_turn() -> None:
    sweeping = asyncio.create_task(sweep_forever(resumable_uploads(Broken()), unasked, every_s=0))
    try:
        for _ in range(10):
            await asyncio.sleep(0)
        assert not sweeping.done()
    finally:
        sweeping.cancel()


async def unasked(_given: ResumableUpload) -> None:
    raise AssertionError("nothing can be read that would be ended")


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
