"""What every State keeps to."""

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crossdock.adapters.host.sql_state import open_state
from crossdock.adapters.memory.state import MemoryState
from crossdock.ports.state import NotUnique, State, TableSpec, VersionConflict

USERS = TableSpec(name="users", unique=("mail", "badge"))
THINGS = TableSpec(name="things")

TEXT = st.text(max_size=3) | st.text("a\x00\x01\x1f /\ud800\uffff\U00010000\U0010ffff", max_size=4)
KEYS = st.lists(TEXT, min_size=1, max_size=3).map(tuple)
EXAMPLES = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
fresh_names = count()


@pytest.fixture(params=["memory", "sql"])
async def state(request, tmp_path) -> AsyncIterator[State]:
    if request.param == "memory":
        yield MemoryState()
    else:
        opened = await open_state(tmp_path / "state.db")
        yield opened
        await opened.close()


async def put(state: State, spec: TableSpec, *rows):
    async with state.transaction() as tx:
        for key, value in rows:
            await tx.table(spec).put(key, value)


async def get(state: State, spec: TableSpec, key):
    async with state.reading() as view:
        return await view.table(spec).get(key)


async def keys(state: State, spec: TableSpec, *prefix):
    async with state.reading() as view:
        return [row.key for row in await view.table(spec).page(prefix)]


async def test_a_row_is_read_as_it_was_written(state):
    value = {"name": "é\u0000\ud800", "nested": {"list": [1, 2.5, None, True, {"a": "b"}]}}
    async with state.transaction() as tx:
        row = await tx.table(THINGS).put(("a", "b"), value)
        assert await tx.table(THINGS).get(("a", "b")) == row
    assert (row.key, row.version, row.value) == (("a", "b"), 1, value)
    assert await get(state, THINGS, ("a", "b")) == row
    assert await get(state, THINGS, ("a",)) is None
    assert await get(state, USERS, ("a", "b")) is None


async def test_a_value_is_a_copy_and_any_mapping_or_sequence_will_do(state):
    value = {"list": ["a"], "view": MappingProxyType({"b": ("c", range(2))})}
    await put(state, THINGS, (("k",), value))
    value["list"].append("later")
    row = await get(state, THINGS, ("k",))
    assert row.value == {"list": ["a"], "view": {"b": ["c", [0, 1]]}}
    row.value["list"].append("mine")
    assert (await get(state, THINGS, ("k",))).value["list"] == ["a"]


@pytest.mark.parametrize("value", [{"x": float("nan")}, {"x": b"bytes"}, {"x": object()}])
async def test_what_json_cannot_hold_is_refused(state, value):
    with pytest.raises((TypeError, ValueError)):
        await put(state, THINGS, (("k",), value))


async def test_a_key_without_parts_is_refused(state):
    with pytest.raises(ValueError, match="at least one part"):
        await put(state, THINGS, ((), {}))


async def test_versions_count_the_writes_from_one_and_anew_after_a_delete(state):
    async with state.transaction() as tx:
        table = tx.table(THINGS)
        assert [(await table.put(("k",), {"n": n})).version for n in range(3)] == [1, 2, 3]
        assert await table.delete(("k",)) is True
        assert await table.delete(("k",)) is False
        assert (await table.put(("k",), {})).version == 1


@pytest.mark.parametrize(
    ("present", "expected", "is_taken"), [(0, 0, True), (0, 1, False), (2, 0, False), (2, 2, True)]
)
async def test_a_row_is_only_written_at_the_version_that_was_expected(state, present, expected, is_taken):
    await put(state, THINGS, *[(("k",), {"n": n}) for n in range(present)])
    async with state.transaction() as tx:
        table = tx.table(THINGS)
        if is_taken:
            assert (await table.put(("k",), {}, expected_version=expected)).version == present + 1
        else:
            with pytest.raises(VersionConflict, match=f"version {present}, not {expected}"):
                await table.put(("k",), {}, expected_version=expected)
            row = await table.get(("k",))
            assert (row.version if row else 0) == present


async def test_a_unique_value_belongs_to_one_row_of_its_table(state):
    await put(state, USERS, (("1",), {"mail": "a", "badge": 7}), (("2",), {"mail": None}), (("3",), {"mail": None}))
    await put(state, TableSpec(name="others", unique=("mail",)), (("1",), {"mail": "a"}))
    async with state.transaction() as tx:
        with pytest.raises(NotUnique) as refused:
            await tx.table(USERS).put(("2",), {"mail": "b", "badge": 7})
        assert refused.value.field_name == "badge"
        # The refused row left nothing behind, and the transaction goes on.
        assert (await tx.table(USERS).get(("2",))).value == {"mail": None}
        await tx.table(USERS).put(("3",), {"mail": "b", "badge": "7"})
    assert (await get(state, USERS, ("3",))).value == {"mail": "b", "badge": "7"}


async def test_a_row_may_keep_its_unique_value_and_one_given_up_is_free(state):
    await put(state, USERS, (("1",), {"mail": "a"}), (("1",), {"mail": "a", "x": 1}))
    await put(state, USERS, (("1",), {"mail": "b"}), (("2",), {"mail": "a"}))
    async with state.transaction() as tx:
        await tx.table(USERS).delete(("1",))
        await tx.table(USERS).put(("3",), {"mail": "b"})
    assert await keys(state, USERS) == [("2",), ("3",)]


async def test_a_prefix_matches_whole_parts(state):
    rows = [("a",), ("a", "b"), ("a", "b", "c"), ("a", "bb"), ("a\x00", "b"), ("ab",), ("a", "")]
    await put(state, THINGS, *[(key, {}) for key in rows])
    assert await keys(state, THINGS, "a") == [("a",), ("a", ""), ("a", "b"), ("a", "b", "c"), ("a", "bb")]
    assert await keys(state, THINGS, "a", "b") == [("a", "b"), ("a", "b", "c")]
    assert await keys(state, THINGS) == sorted(rows)


@EXAMPLES
@given(
    rows=st.sets(KEYS, max_size=12),
    prefix=st.lists(TEXT, max_size=2).map(tuple),
    after=st.none() | KEYS,
    limit=st.integers(1, 5),
)
async def test_pages_follow_the_order_of_code_points_part_by_part(state, rows, prefix, after, limit):
    spec = TableSpec(name=f"t{next(fresh_names)}")
    await put(state, spec, *[(key, {"key": list(key)}) for key in rows])
    expected = [k for k in sorted(rows) if k[: len(prefix)] == prefix and (after is None or k > after)]
    found = []
    async with state.reading() as view:
        while page := await view.table(spec).page(prefix, after=after, limit=limit):
            assert len(page) <= limit
            found += page
            after = page[-1].key
    assert [row.key for row in found] == expected
    assert all(row.value == {"key": list(row.key)} for row in found)


async def test_a_block_that_raises_leaves_nothing(state):
    await put(state, USERS, (("1",), {"mail": "a"}))

    async def fail():
        async with state.transaction() as tx:
            await tx.table(USERS).put(("2",), {"mail": "b"})
            await tx.table(USERS).delete(("1",))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert await keys(state, USERS) == [("1",)]
    await put(state, USERS, (("3",), {"mail": "b"}))
    with pytest.raises(NotUnique):
        await put(state, USERS, (("4",), {"mail": "a"}))


async def test_a_view_stays_as_it_was_and_sees_no_half_transaction(state):
    await put(state, THINGS, (("a",), {"n": 1}), (("b",), {"n": 1}))
    async with state.reading() as early, state.transaction() as tx:
        await tx.table(THINGS).put(("a",), {"n": 2})
        async with state.reading() as during:
            assert (await during.table(THINGS).get(("a",))).value == {"n": 1}
        await tx.table(THINGS).put(("b",), {"n": 2})
        assert (await early.table(THINGS).get(("b",))).value == {"n": 1}
    assert (await get(state, THINGS, ("b",))).value == {"n": 2}


async def test_a_view_opened_before_a_commit_does_not_see_it(state):
    async with state.reading() as view:
        await put(state, THINGS, (("a",), {}))
        assert await view.table(THINGS).page() == []
    assert await keys(state, THINGS) == [("a",)]


async def test_a_view_refuses_writes(state):
    async with state.reading() as view:
        with pytest.raises(RuntimeError, match="for reading"):
            await view.table(THINGS).put(("a",), {})
        with pytest.raises(RuntimeError, match="for reading"):
            await view.table(THINGS).delete(("a",))
        assert await view.table(THINGS).page() == []


async def test_a_transaction_that_has_ended_cannot_be_used(state):
    async with state.transaction() as tx:
        table = tx.table(THINGS)
    async with state.reading() as view:
        read = view.table(THINGS)
    for use in (table.put(("a",), {}), table.delete(("a",)), table.get(("a",)), read.page()):
        with pytest.raises(RuntimeError, match="ended"):
            await use


async def test_a_task_that_would_wait_for_itself_is_told(state):
    async with state.transaction():
        with pytest.raises(RuntimeError, match="already has a transaction"):
            async with state.transaction():
                pass
    await put(state, THINGS, (("a",), {}))


async def test_writers_take_turns(state):
    async def increment():
        async with state.transaction() as tx:
            row = await tx.table(THINGS).get(("n",))
            await tx.table(THINGS).put(("n",), {"n": row.value["n"] + 1}, expected_version=row.version)

    await put(state, THINGS, (("n",), {"n": 0}))
    async with asyncio.TaskGroup() as tasks:
        for _ in range(20):
            tasks.create_task(increment())
    assert (await get(state, THINGS, ("n",))).value == {"n": 20}


async def test_tasks_of_a_group_may_share_a_transaction(state):
    async with state.transaction() as tx, asyncio.TaskGroup() as tasks:
        for n in range(20):
            tasks.create_task(tx.table(USERS).put((str(n),), {"mail": str(n)}))
    assert len(await keys(state, USERS)) == 20


async def test_many_views_may_be_open_at_once(state):
    async with asyncio.TaskGroup() as tasks:
        views = [tasks.create_task(keys(state, THINGS)) for _ in range(50)]
    assert all(view.result() == [] for view in views)


async def test_a_cancelled_writer_writes_all_or_nothing_and_the_next_one_gets_its_turn(state):
    async def write(run):
        async with state.transaction() as tx:
            for n in range(3):
                await tx.table(THINGS).put((run, str(n)), {})

    outcomes = set()
    for steps in [*range(12), *range(12, 200, 17)]:
        task = asyncio.get_running_loop().create_task(write(str(steps)))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
        written = await keys(state, THINGS, str(steps))
        assert len(written) in ((0, 3) if task.cancelled() else (3,))
        outcomes.add(task.cancelled())
        await put(state, USERS, (("x",), {"mail": "x"}))
    assert True in outcomes


async def test_a_reader_that_is_cancelled_leaves_its_place_to_others(state):
    for steps in range(60):
        task = asyncio.get_running_loop().create_task(keys(state, THINGS))
        for _ in range(steps):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait((task,))
    assert await keys(state, THINGS) == []


async def test_each_commit_makes_another_generation_and_reading_makes_none(state):
    seen = [state.generation()]
    for number in range(3):
        await put(state, THINGS, (("a",), {"number": number}))
        seen.append(state.generation())
        await get(state, THINGS, ("a",))
        assert state.generation() == seen[-1]
    assert len(set(seen)) == 4


async def test_what_is_rolled_back_makes_no_generation(state):
    before = state.generation()

    async def fail():
        async with state.transaction() as tx:
            await tx.table(THINGS).put(("a",), {})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert state.generation() == before
