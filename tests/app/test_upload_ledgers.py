"""Uploads that were left behind are swept again and again, and none of them that its user may go on with."""

import asyncio
from datetime import timedelta

import pytest
from tests.fakes.clock import START, FakeClock
from tests.fakes.filesystems import OWNER
from tests.fakes.house import make_house
from tests.fakes.resumable_uploads import resumable_uploads

from crossdock.adapters.aws.begun_uploads import GIVEN_UP_AFTER, Swept
from crossdock.app.upload_ledgers import (
    AT_AWS,
    SELDOM_S,
    SWEEP_EVERY_S,
    UploadLedgers,
    sweep_forever,
    sweep_unresumable,
)
from crossdock.core.errors import Denied, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.ports.resumable_uploads import ResumableUpload
from crossdock.ports.upload_ledger import BegunUpload

CLEAN, STAYS = Swept(aborted=1), Swept(aborted=0, stayed={"box/u1": "box/file: denied"})


async def pauses(*outcomes: Swept | Unavailable) -> list[float]:
    """Between sweeps that end so."""
    ahead, waited = list(outcomes), list[float]()

    async def sweep() -> Swept:
        outcome = ahead.pop(0)
        if isinstance(outcome, Unavailable):
            raise outcome
        return outcome

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        if not ahead:
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await sweep_forever(sweep, sleep=sleep)
    return waited


async def test_it_waits_longer_while_something_stays_and_no_longer_than_an_hour():
    assert await pauses(*[STAYS] * 6) == [300, 600, 1200, 2400, SELDOM_S, SELDOM_S]


async def test_it_waits_as_at_first_when_nothing_stays():
    assert await pauses(CLEAN, STAYS, STAYS, CLEAN, STAYS) == [SWEEP_EVERY_S, 600, 1200, SWEEP_EVERY_S, 600]


async def test_a_state_that_fails_is_told_and_tried_again(caplog):
    assert await pauses(Unavailable("the disk fails"), CLEAN) == [SWEEP_EVERY_S, SWEEP_EVERY_S]
    assert "the disk fails" in [getattr(record, "reason", "") for record in caplog.records]


async def test_what_fails_or_stays_is_told_once_and_again_when_it_has_been_well_meanwhile(caplog):
    away = Unavailable("the disk fails")
    two = Swept(aborted=0, stayed={"box/u1": "box/file: denied (request 2)", "box/u2": "box/other: denied"})
    told: list[list[str]] = []
    for outcomes in ([STAYS, STAYS, two, STAYS], [away, away], [STAYS, CLEAN, STAYS], [away, CLEAN, away]):
        caplog.clear()
        await pauses(*outcomes)
        told.append([record.reason for record in caplog.records if hasattr(record, "reason")])
    assert told == [
        ["box/file: denied", "box/other: denied"],
        ["the disk fails"],
        ["box/file: denied", "box/file: denied"],
        ["the disk fails", "the disk fails"],
    ]


async def test_what_is_not_tried_again_is_told(caplog):
    await pauses(STAYS, Swept(aborted=0, forgotten=("box/file: denied",)))
    assert [record.getMessage() for record in caplog.records] == [
        "an upload that was left behind stays, and is tried again",
        "the parts of an upload stay where they are: it is not tried again",
    ]


async def test_a_state_that_works_again_is_told(caplog):
    await pauses(Unavailable("the disk fails"), CLEAN, CLEAN)
    assert [record.getMessage() for record in caplog.records if record.levelname == "WARNING"] == [
        "uploads that were left behind cannot be swept",
        "what was left behind can be swept again",
    ]


async def test_what_one_sweep_could_not_abort_comes_last_in_the_next():
    house = make_house()
    ledgers, tried = UploadLedgers(house), list[str]()
    for number in range(4):
        await ledgers.of_run("an earlier run", AT_AWS).note(begun(f"u{number}"))

    async def abort(upload: BegunUpload) -> None:
        tried.append(upload.upload_id)
        if upload.upload_id != "u3":
            raise Unavailable("500 InternalError")

    for _ in range(2):
        await sweep_unresumable(ledgers(AT_AWS), abort, house.state)
    assert tried == ["u0", "u1", "u2", "u3", "u0", "u1", "u2"]


# Whose uploads are swept.

PLACE = ObjectPlace(bucket="box", key="in/file")


def begun(upload_id: str) -> BegunUpload:
    return BegunUpload(place=PLACE, upload_id=upload_id, role_arn="")


def resumable(upload_id: str) -> ResumableUpload:
    return ResumableUpload(owner=OWNER, place=PLACE, upload_id=upload_id, began_at=START, touched_at=START)


async def test_what_becomes_resumable_while_a_slow_s3_is_swept_is_spared():
    house = make_house()
    ledgers, uploads = UploadLedgers(house), resumable_uploads(house.state)
    worker = ledgers.begin_run()
    for number in range(150):
        await ledgers.of_run("an earlier run", AT_AWS).note(begun(f"left {number:03}"))
    aborted = list[str]()

    async def abort(upload: BegunUpload) -> None:
        if not aborted:
            # Further on than the first page.
            await ledgers.of_run(worker, AT_AWS).note(begun("mine"))
            await uploads.note(resumable("mine"))
            uploads.abandon(resumable("mine"))
            ledgers.end_run(worker)
        aborted.append(upload.upload_id)

    assert (await sweep_unresumable(ledgers(AT_AWS), abort, house.state)).aborted == 150
    assert "mine" not in aborted
    assert [upload.upload_id async for upload in ledgers(AT_AWS).left_behind()] == ["mine"]
    await uploads.forget(resumable("mine"))
    assert (await sweep_unresumable(ledgers(AT_AWS), abort, house.state)).aborted == 1


async def test_what_a_worker_began_is_over_with_it_and_nothing_of_it_is_written_then():
    clock = FakeClock()
    house = make_house(clock=clock)
    ledgers = UploadLedgers(house)
    first, second = ledgers.begin_run(), ledgers.begin_run()
    for run, upload_id in ((first, "swept"), (first, "left"), (second, "under way")):
        await ledgers.of_run(run, AT_AWS).note(begun(upload_id))
    await ledgers(AT_AWS).note(begun("of the parent"))
    await ledgers(AT_AWS).forget(begun("swept"))
    assert [upload async for upload in ledgers(AT_AWS).left_behind()] == []
    clock.advance(timedelta(days=29).total_seconds())
    before = house.state.generation()
    ledgers.end_run(first)
    assert house.state.generation() == before
    assert [upload.upload_id async for upload in ledgers(AT_AWS).left_behind()] == ["left"]
    # A note that was under way when it died.
    await ledgers.of_run(first, AT_AWS).note(begun("late"))

    async def abort(upload: BegunUpload) -> None:
        raise Denied("the role was deleted")

    clock.advance((GIVEN_UP_AFTER - timedelta(days=29)).total_seconds())
    swept = await ledgers(AT_AWS).sweep(abort)
    assert (len(swept.stayed), len(swept.forgotten)) == (1, 1)
    assert [upload.upload_id async for upload in ledgers(AT_AWS).left_behind()] == ["late"], (
        "the thirty days count from the beginning"
    )


async def test_after_a_restart_all_of_the_former_run_and_its_workers_are_left_behind():
    house = make_house()
    former, now = UploadLedgers(house), UploadLedgers(house)
    await former(AT_AWS).note(begun("u1"))
    await former.of_run(former.begin_run(), AT_AWS).note(begun("u2"))
    now.begin_run()
    assert [upload.upload_id async for upload in now(AT_AWS).left_behind()] == ["u1", "u2"]
