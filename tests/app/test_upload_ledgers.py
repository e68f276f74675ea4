"""Uploads that were left behind are swept again and again, the more seldom the less comes of it."""

import asyncio

import pytest

from crossdock.adapters.aws.begun_uploads import Swept
from crossdock.app.upload_ledgers import SELDOM_S, SWEEP_EVERY_S, sweep_forever
from crossdock.core.errors import Unavailable

CLEAN, STAYS = Swept(aborted=1, stayed=()), Swept(aborted=0, stayed=("box/file: denied",))


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
