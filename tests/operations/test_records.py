"""Typed rows."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

import pytest

from crossdock.adapters.memory.state import MemoryState
from crossdock.core.errors import Unavailable
from crossdock.operations.records import Records
from crossdock.ports.state import NotUnique, TableSpec, VersionConflict


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lid:
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    name: str
    made_at: datetime
    colour: Colour = Colour.RED
    lid: Lid | None = None
    content: bytes = b""
    tags: dict[str, str] = field(default_factory=dict)
    parts: tuple[Lid, ...] = ()


BOXES = Records(TableSpec(name="boxes", unique=("name",)), Box)
BOX = Box(
    name="a",
    made_at=datetime(2026, 3, 15, 0, 47, tzinfo=UTC),
    lid=Lid(size=3),
    content=b"\x00\xff",
    tags={"k": "v"},
    parts=(Lid(size=1), Lid(size=2)),
)


async def test_what_was_put_comes_back_the_same() -> None:
    state = MemoryState()
    async with state.transaction() as tx:
        await BOXES.put(tx, BOX, "hub", "a")

    async with state.reading() as tx:
        assert await BOXES.get(tx, "hub", "a") == BOX
        assert await BOXES.get(tx, "hub", "b") is None


async def test_a_new_record_does_not_replace_one_that_is_there() -> None:
    async with MemoryState().transaction() as tx:
        await BOXES.put(tx, BOX, "hub", "a", is_new=True)

        with pytest.raises(VersionConflict):
            await BOXES.put(tx, BOX, "hub", "a", is_new=True)


async def test_a_unique_field_is_kept_unique() -> None:
    async with MemoryState().transaction() as tx:
        await BOXES.put(tx, BOX, "hub", "a")

        with pytest.raises(NotUnique) as refused:
            await BOXES.put(tx, BOX, "hub", "b")
        assert refused.value.field_name == "name"


async def test_deleting_tells_whether_there_was_one() -> None:
    async with MemoryState().transaction() as tx:
        await BOXES.put(tx, BOX, "hub", "a")

        assert await BOXES.delete(tx, "hub", "a") is True
        assert await BOXES.delete(tx, "hub", "a") is False


PLAIN = Records(TableSpec(name="lids"), Lid)


async def test_a_page_begins_after_a_key_and_stays_below_its_prefix() -> None:
    async with MemoryState().transaction() as tx:
        for size in range(5):
            await PLAIN.put(tx, Lid(size=size), "hub", str(size))
        await PLAIN.put(tx, Lid(size=9), "partner", "0")

        assert await PLAIN.page(tx, "hub", after=("hub", "1"), limit=2) == [Lid(size=2), Lid(size=3)]
        keyed = await PLAIN.page_with_keys(tx, "hub", limit=1)
        assert keyed == [(("hub", "0"), Lid(size=0))]


async def test_everything_goes_on_beyond_one_page() -> None:
    async with MemoryState().transaction() as tx:
        for size in range(1001):
            await PLAIN.put(tx, Lid(size=size), "hub", f"{size:05}")

        assert [lid.size for lid in await PLAIN.everything(tx, "hub")] == list(range(1001))
        assert await PLAIN.everything(tx, "partner") == []


@pytest.mark.parametrize("row", [{}, {"name": "a"}, {"name": "a", "made_at": "never"}])
async def test_a_row_that_is_no_such_record_is_unavailable_and_named(row) -> None:
    state = MemoryState()
    async with state.transaction() as tx:
        await tx.table(BOXES.spec).put(("hub", "a"), row)

    async with state.reading() as tx:
        for reading in (BOXES.get(tx, "hub", "a"), BOXES.everything(tx)):
            with pytest.raises(Unavailable, match="the stored record boxes hub a cannot be read"):
                await reading
