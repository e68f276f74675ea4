"""The account of uploads that can be gone on with: who finds which, across crashes, and which are swept."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.resumable_uploads import resumable_uploads

from crossdock.adapters.memory.state import MemoryState
from crossdock.core.errors import Denied, ServiceError
from crossdock.core.homes import ObjectPlace
from crossdock.files.resumable_uploads import (
    GIVEN_UP_AFTER,
    UPLOADS,
    StateResumableUploads,
    resumable_upload_ids,
)
from crossdock.ports.authority import AssumeRefused
from crossdock.ports.resumable_uploads import ResumableUpload, UploadOwner

OWNER = UploadOwner(server_id="s-0123456789abcdef0", username="user1", role_arn="arn:aws:iam::111111111111:role/r")
PLACE = ObjectPlace(bucket="bucket", key="in/file")
DAY = timedelta(days=1)


class House:
    def __init__(self) -> None:
        self.state = MemoryState()
        self.clock = FakeClock()
        self.ended: list[str] = []
        self.failure: Exception | None = None

    def run(self, number: int = 1, *, per_user: int = 100) -> StateResumableUploads:
        return resumable_uploads(self.state, run=str(number), clock=self.clock, per_user=per_user, keep_for=DAY)

    def upload(self, upload_id: str = "u1", *, owner: UploadOwner = OWNER, place: ObjectPlace = PLACE):
        now = self.clock.now()
        return ResumableUpload(owner=owner, place=place, upload_id=upload_id, began_at=now, touched_at=now)

    async def end(self, upload: ResumableUpload) -> None:
        if self.failure is not None:
            raise self.failure
        self.ended.append(upload.upload_id)

    async def ids(self) -> set[str]:
        return set(await resumable_upload_ids(self.state))


async def test_an_upload_is_found_when_it_was_left_and_by_one_at_a_time():
    house = House()
    uploads, upload = house.run(), house.upload()
    assert await uploads.note(upload)
    assert await uploads.find(OWNER, PLACE) is None
    await uploads.leave(replace(upload, parts=3))
    found = await uploads.find(OWNER, PLACE)
    assert found is not None
    assert (found.upload_id, found.parts, found.began_at) == ("u1", 3, upload.began_at)
    assert await uploads.take(found)
    assert not await uploads.take(found)
    assert await uploads.find(OWNER, PLACE) is None
    await uploads.leave(replace(found, parts=4))
    again = await uploads.find(OWNER, PLACE)
    assert again is not None
    assert again.parts == 4
    await uploads.forget(again)
    assert not await uploads.take(again)
    assert await uploads.find(OWNER, PLACE) is None
    assert await house.ids() == set()


@pytest.mark.parametrize(
    ("owner", "place"),
    [
        (replace(OWNER, server_id="s-0123456789abcdef1"), PLACE),
        (replace(OWNER, username="user"), PLACE),
        (replace(OWNER, username="user11"), PLACE),
        (replace(OWNER, role_arn="arn:aws:iam::111111111111:role/other"), PLACE),
        (OWNER, replace(PLACE, key="in/fil")),
        (OWNER, replace(PLACE, key="in/file2")),
        (OWNER, replace(PLACE, bucket="other")),
    ],
)
async def test_nobody_else_finds_it_and_nowhere_else(owner: UploadOwner, place: ObjectPlace):
    house = House()
    uploads, upload = house.run(), house.upload()
    await uploads.note(upload)
    await uploads.leave(replace(upload, parts=3))
    assert await uploads.find(owner, place) is None


async def test_the_newest_counts_and_none_that_was_given_up():
    house = House()
    uploads = house.run()
    for number in (1, 2):
        upload = house.upload(f"u{number}")
        await uploads.note(upload)
        await uploads.leave(replace(upload, parts=number))
        house.clock.advance(60)
    newest = await uploads.find(OWNER, PLACE)
    assert newest is not None
    assert newest.upload_id == "u2"
    await uploads.give_up(newest)
    assert not await uploads.take(newest)
    older = await uploads.find(OWNER, PLACE)
    assert older is not None
    assert older.upload_id == "u1"


async def test_a_user_has_only_so_many():
    house = House()
    uploads = house.run(per_user=2)
    first = house.upload("u1")
    assert await uploads.note(first)
    assert await uploads.note(house.upload("u2"))
    assert not await uploads.note(house.upload("u3"))
    assert await uploads.note(house.upload("u4", owner=replace(OWNER, username="user2")))
    await uploads.forget(first)
    assert await uploads.note(house.upload("u3"))


async def test_after_a_crash_all_are_found_and_nobody_tells_how_far_they_came():
    house = House()
    killed, upload = house.run(1), house.upload()
    await killed.note(upload)
    await killed.leave(replace(upload, parts=3))
    assert await killed.take(upload)
    found = await house.run(2).find(OWNER, PLACE)
    assert found is not None
    assert found.parts is None


async def test_what_a_worker_had_when_it_died_can_be_found():
    house = House()
    uploads, upload = house.run(), house.upload()
    await uploads.note(upload)
    uploads.abandon(upload)
    assert await uploads.find(OWNER, PLACE) is not None


async def test_what_is_past_its_time_is_ended_and_what_is_under_way_is_not():
    house = House()
    uploads = house.run()
    for name in ("left", "under-way", "given-up"):
        await uploads.note(house.upload(name, place=replace(PLACE, key=name)))
    await uploads.leave(house.upload("left", place=replace(PLACE, key="left")))
    await uploads.give_up(house.upload("given-up", place=replace(PLACE, key="given-up")))
    await uploads.sweep(house.end)
    assert house.ended == ["given-up"]
    house.clock.advance(DAY.total_seconds())
    await uploads.sweep(house.end)
    assert house.ended == ["given-up"]
    house.clock.advance(1)
    assert await uploads.find(OWNER, replace(PLACE, key="left")) is None
    await uploads.sweep(house.end)
    assert house.ended == ["given-up", "left"]
    assert await house.ids() == {"under-way"}


async def test_what_a_crash_interrupted_has_its_time_from_the_next_start_on():
    house = House()
    await house.run(1).note(house.upload())
    house.clock.advance(10 * DAY.total_seconds())
    restarted = house.run(2)
    await restarted.sweep(house.end)
    assert await restarted.find(OWNER, PLACE) is not None
    house.clock.advance(DAY.total_seconds() + 1)
    await restarted.sweep(house.end)
    assert house.ended == ["u1"]


@pytest.mark.parametrize("failure", [Denied("no"), AssumeRefused("the role is gone"), ServiceError("AccessDenied", "")])
async def test_what_cannot_be_ended_is_tried_again_for_a_month(failure: Exception):
    house = House()
    uploads = house.run()
    await uploads.note(house.upload())
    await uploads.leave(house.upload())
    house.clock.advance(DAY.total_seconds() + 1)
    house.failure = failure
    for _ in range(2):
        await uploads.sweep(house.end)
        assert await house.ids() == {"u1"}
    house.clock.advance(GIVEN_UP_AFTER.total_seconds())
    await uploads.sweep(house.end)
    assert await house.ids() == set()


async def test_a_newer_file_gives_up_all_of_its_owner_there_and_only_that():
    house = House()
    uploads = house.run()
    waiting, under_way, newer = (house.upload(name) for name in ("waiting", "under-way", "newer"))
    others = [
        house.upload("else", place=replace(PLACE, key="in/file2")),
        house.upload("another's", owner=replace(OWNER, username="user2")),
    ]
    for upload in (waiting, under_way, newer, *others):
        await uploads.note(upload)
    for upload in (waiting, *others):
        await uploads.leave(replace(upload, parts=3))
    assert await uploads.supersede(OWNER, PLACE, by="newer")
    assert not await uploads.supersede(OWNER, PLACE, by="newer")
    await uploads.sweep(house.end)
    assert house.ended == ["waiting"]
    for upload in (under_way, newer):
        await uploads.leave(replace(upload, parts=3))
    found = await uploads.find(OWNER, PLACE)
    assert found is not None
    assert found.upload_id == "newer"
    for upload in others:
        assert await uploads.find(upload.owner, upload.place) is not None
    await uploads.sweep(house.end, await uploads.given_up())
    assert house.ended == ["waiting", "under-way"]


async def test_what_cannot_be_ended_is_told_once(caplog):
    house = House()
    uploads, upload = house.run(), house.upload()
    await uploads.note(upload)
    await uploads.give_up(upload)
    house.failure = Denied("the role was deleted")
    for _ in range(3):
        await uploads.sweep(house.end)
    assert [record.reason for record in caplog.records] == ["the role was deleted"]
    house.failure = None
    await uploads.sweep(house.end)
    assert house.ended == ["u1"]


async def test_what_is_under_way_alone_is_nothing_that_could_be_found():
    house = House()
    uploads = house.run()
    await uploads.note(house.upload())
    assert not await uploads.supersede(OWNER, PLACE)


async def test_all_below_a_directory_are_superseded():
    house = House()
    uploads = house.run()
    await uploads.note(house.upload())
    await uploads.leave(house.upload())
    assert not await uploads.supersede(OWNER, replace(PLACE, key="i/"))
    assert not await uploads.supersede(OWNER, ObjectPlace(bucket="other", key="in/"))
    assert await uploads.find(OWNER, PLACE) is not None
    assert await uploads.supersede(OWNER, replace(PLACE, key="in/"))
    assert await uploads.find(OWNER, PLACE) is None


async def test_an_upload_is_under_way_before_anybody_can_find_it():
    """A worker that dies while it is noted abandons it afterwards, and not before it is under way."""
    house = House()
    uploads = house.run()
    found: list[ResumableUpload | None] = []

    async def look() -> None:
        for _ in range(20):
            found.append(await uploads.find(OWNER, PLACE))

    await asyncio.gather(uploads.note(house.upload()), look())
    assert found == [None] * 20


@pytest.mark.parametrize("then", ["left", "completed", "taken and left", "taken", "given up and left"])
async def test_a_sweep_decides_when_it_comes_to_an_upload_and_not_before(then: str):
    """Another's end may take long, and things happen meanwhile."""
    house = House()
    before, uploads = house.run(1), house.run(2)
    slow, upload = house.upload("a", place=replace(PLACE, key="a")), house.upload("b", place=replace(PLACE, key="b"))
    for one in (slow, upload):
        await before.note(one)
    if then != "completed":
        await before.leave(replace(upload, parts=3))
    await before.give_up(slow)
    house.clock.advance(DAY.total_seconds() + 1)

    async def end(one: ResumableUpload) -> None:
        house.ended.append(one.upload_id)
        if one.upload_id == "a":
            await uploads.note(upload) if then == "left" else await uploads.take(upload)
            if then == "completed":
                await uploads.forget(upload)
            if then == "given up and left":
                await uploads.supersede(OWNER, upload.place)
            if then.endswith("left"):
                await uploads.leave(replace(upload, parts=5))

    await uploads.sweep(end)
    found = await uploads.find(OWNER, upload.place)
    is_left = then in ("left", "taken and left")
    assert (None if found is None else found.parts) == (5 if is_left else None)
    assert house.ended == (["a", "b"] if then == "given up and left" else ["a"])
    assert await house.ids() == ({"b"} if is_left or then == "taken" else set())


async def test_at_once_only_that_is_swept_that_was_given_up_since():
    house = House()
    uploads = house.run()
    for name in ("a", "b"):
        await uploads.note(house.upload(name))
    await uploads.give_up(house.upload("a"))
    house.failure = Denied("no")
    tried: list[str] = []

    async def end(upload: ResumableUpload) -> None:
        tried.append(upload.upload_id)
        await house.end(upload)

    await uploads.sweep(end, await uploads.given_up())
    await uploads.give_up(house.upload("b"))
    await uploads.sweep(end, await uploads.given_up())
    assert tried == ["a", "b"]
    await uploads.sweep(end)
    assert tried == ["a", "b", "a", "b"]


@pytest.mark.parametrize("end", [StateResumableUploads.forget, StateResumableUploads.give_up])
async def test_whoever_dies_while_an_upload_is_forgotten_or_given_up_does_not_keep_it(
    end: Callable[[StateResumableUploads, ResumableUpload], Coroutine[None, None, None]],
):
    house = House()
    uploads, upload = house.run(), house.upload()
    await uploads.note(upload)
    async with house.state.transaction():
        ending = asyncio.create_task(end(uploads, upload))
        await asyncio.sleep(0)  # it waits for its turn to write
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
    assert await uploads.find(OWNER, PLACE) == upload


async def test_the_ids_of_damaged_records_are_known_too():
    house = House()
    await house.run().note(house.upload("u1"))
    async with house.state.transaction() as tx:
        await tx.table(UPLOADS.spec).put(("s-1", "user1", "bucket/key", "u2"), {"of": "another version"})
    assert await house.ids() == {"u1", "u2"}
