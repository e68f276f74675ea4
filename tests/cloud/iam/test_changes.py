"""A change becomes effective at once."""

import pytest
from tests.fakes.cloud import HUB, REGION, make_operations, make_parts
from tests.fakes.cloud import CloudParts as Parts
from tests.fakes.house import CountedEpoch

from crossdock.cloud.iam.changes import policy_transaction
from crossdock.core.principals import AccountRoot
from crossdock.operations.audit import AUDIT
from crossdock.operations.call import Call
from crossdock.operations.caller import Caller, Origin
from crossdock.ports.state import TableSpec

THINGS = TableSpec(name="things")


def call_in(parts: Parts) -> Call:
    return Call(
        service="iam",
        operation="PutRolePolicy",
        params={},
        caller=Caller(principal=AccountRoot(account_id=HUB)),
        account_id=HUB,
        region=REGION,
        origin=Origin(),
        request_id="r",
        now=parts.clock.now(),
        operations=make_operations(parts),
    )


async def test_the_epoch_rises_after_the_commit() -> None:
    parts = make_parts()
    before = parts.epoch.current()

    async with policy_transaction(call_in(parts), parts.epoch) as tx:
        await tx.table(THINGS).put(("a",), {})
        assert parts.epoch.current() == before

    assert parts.epoch.current() == before + 1
    async with parts.state.reading() as tx:
        assert await tx.table(THINGS).get(("a",)) is not None
        assert len(await tx.table(AUDIT).page()) == 1


async def test_who_sees_the_new_epoch_sees_the_change() -> None:
    parts = make_parts()

    class Watched(CountedEpoch):
        """Looks, at the very moment of the rise, whether the change is there."""

        committed: list[bool]

        def __init__(self) -> None:
            super().__init__()
            self.committed = []

        def advance(self) -> None:
            self.committed.append("things" in parts.state._state._tables)
            super().advance()

    epoch = Watched()
    async with policy_transaction(call_in(parts), epoch) as tx:
        await tx.table(THINGS).put(("a",), {})

    assert epoch.committed == [True]


async def test_the_epoch_rises_even_when_the_change_fails_because_nobody_knows_how_far_it_came() -> None:
    parts = make_parts()
    before = parts.epoch.current()

    async def change() -> None:
        async with policy_transaction(call_in(parts), parts.epoch):
            raise ValueError("cut off")

    with pytest.raises(ValueError, match="cut off"):
        await change()

    assert parts.epoch.current() == before + 1
