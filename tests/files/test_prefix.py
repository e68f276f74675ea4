"""Uploads that begin with bytes of the object that is there: APPE, and REST before STOR."""

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.fakes.blocks import MemorySpill
from tests.fakes.filesystems import METADATA, files, make_s3, store_file
from tests.fakes.object_store import MemoryS3

from crossdock.core.errors import BeyondEnd, Denied, Exists, FileError, IsADirectory, NotFound, Unavailable, WrongSize
from crossdock.core.homes import ObjectPlace
from crossdock.files.blocks import BLOCK_SIZE, BlockPool
from crossdock.files.part_plan import DEFAULT_PLAN, MAX_PARTS
from crossdock.files.parts_sink import PartsSink
from crossdock.files.prefix import CopySizes, UploadStart, copied_runs, find_prefix
from crossdock.files.upload import Upload

PATH = "/bucket/home/f"
KEY = "home/f"
PLACE = ObjectPlace(bucket="bucket", key=KEY)
BOTH = pytest.mark.parametrize("stages", [False, True], ids=["parts", "staged"])
MIB = 1 << 20
LEAST = 20
"""Bytes in the least part, and twice as many in a block, of the tests that need many parts."""
SIZES = CopySizes(least=LEAST, usual=3 * LEAST, most_parts=4)


def pattern(size: int, seed: int = 7) -> bytes:
    return bytes(number * seed % 251 for number in range(size))


async def let_all_go_on() -> None:
    """Turns enough for everybody to come to where they wait."""
    for _ in range(30):
        await asyncio.sleep(0)


def operations(s3: MemoryS3) -> list[str]:
    return [call.operation for call in s3.calls]


class Bench:
    """An upload in parts of a few bytes to a key that has an object."""

    def __init__(self, old: bytes) -> None:
        self.s3 = MemoryS3(min_part=LEAST)
        self.s3.add_bucket("bucket")
        self.s3.add("bucket", KEY, old)
        self.spill = MemorySpill()
        self.pool = BlockPool(budget=8 * 2 * LEAST, spill=self.spill, block_size=2 * LEAST)

    async def open(self, at: UploadStart) -> Upload:
        store = self.s3.store()
        prefix = await find_prefix(store, PLACE, at)
        sink = PartsSink(store, PLACE, METADATA, blocks=self.pool, prefix=prefix, sizes=SIZES)
        await sink.begin()
        return Upload(sink, place=PLACE)

    async def is_clean(self) -> bool:
        """Whether no upload is left, and every block of memory has come back."""
        taken = [await self.pool.take() for _ in range(8)]
        return not self.s3.uploads and self.spill.given == 0 and len(taken) == 8


# What comes out.


@BOTH
@pytest.mark.parametrize(
    ("at", "expected"),
    [("END", b"0123456789new"), (10, b"0123456789new"), (4, b"0123new"), (1, b"0new"), (0, b"new")],
)
async def test_an_upload_begins_with_what_is_kept_of_the_file(stages: bool, at: UploadStart, expected: bytes):
    s3 = make_s3()
    s3.add("bucket", KEY, b"0123456789", {"user-agent": "somebody else"})
    await store_file(files(s3, stages=stages), PATH, b"new", at=at)
    assert s3.content("bucket", KEY) == expected
    assert s3.buckets["bucket"][KEY].info.metadata == METADATA
    assert not s3.staged
    assert not s3.uploads


@BOTH
@pytest.mark.parametrize("old", [b"", b"0123456789"])
async def test_nothing_may_come_after_what_is_kept(stages: bool, old: bytes):
    s3 = make_s3()
    s3.add("bucket", KEY, old)
    await store_file(files(s3, stages=stages), PATH, b"", at="END")
    assert s3.content("bucket", KEY) == old
    assert not s3.uploads


@BOTH
async def test_at_the_end_of_no_file_a_new_one_begins(stages: bool):
    s3 = make_s3()
    s3.add("bucket", "home/f/below", b"a directory beside")
    await store_file(files(s3, stages=stages), PATH, b"new", at="END")
    assert s3.content("bucket", KEY) == b"new"


@BOTH
async def test_what_is_not_there_cannot_be_continued(stages: bool):
    s3 = make_s3()
    s3.add("bucket", KEY, b"0123456789")
    fs = files(s3, stages=stages)
    with pytest.raises(BeyondEnd):
        await fs.open_write(PATH, at=11)
    with pytest.raises(NotFound):
        await fs.open_write("/bucket/home/none", at=1)
    with pytest.raises(IsADirectory):
        await fs.open_write("/bucket/home", at="END")
    assert s3.content("bucket", KEY) == b"0123456789"
    assert not s3.staged


@BOTH
async def test_the_announced_size_is_that_of_the_new_bytes(stages: bool):
    s3 = make_s3()
    s3.add("bucket", KEY, b"0123456789")
    upload = await files(s3, stages=stages).open_write(PATH, at=4, expected_size=3)
    await upload.write(0, b"new")
    assert upload.size == 3
    assert (await upload.commit()).size == 7
    upload = await files(s3, stages=stages).open_write(PATH, at="END", expected_size=7)
    await upload.write(0, b"new")
    with pytest.raises(WrongSize):
        await upload.commit()
    assert s3.content("bucket", KEY) == b"0123new"


@given(
    old=st.integers(0, 10 * LEAST),
    steps=st.lists(
        st.tuples(st.one_of(st.just("END"), st.integers(0, 10 * LEAST)), st.integers(0, 5 * LEAST)), max_size=4
    ),
    step=st.integers(1, 3 * LEAST),
)
@example(old=LEAST - 1, steps=[("END", 2 * LEAST + 1), (LEAST, 1)], step=7)
@example(old=6 * LEAST + 1, steps=[("END", 2 * LEAST), (6 * LEAST, 0)], step=2 * LEAST)
async def test_any_appends_and_resumptions_give_what_byte_strings_give(
    old: int, steps: list[tuple[UploadStart, int]], step: int
):
    model = pattern(old)
    bench = Bench(model)
    for number, (at, size) in enumerate(steps, start=3):
        kept = len(model) if at == "END" else at
        if kept > len(model):
            with pytest.raises(BeyondEnd):
                await bench.open(at)
            continue
        new = pattern(size, number)
        upload = await bench.open(at)
        for offset in range(0, size, step):
            await upload.write(offset, new[offset : offset + step])
        assert bench.s3.content("bucket", KEY) == model
        model = model[:kept] + new
        assert (await upload.commit()).size == len(model)
        assert bench.s3.content("bucket", KEY) == model
    assert await bench.is_clean()


@pytest.mark.parametrize("old", [5 * MIB - 1, 5 * MIB, 5 * MIB + 1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1])
@pytest.mark.parametrize("size", [1, BLOCK_SIZE - 1, BLOCK_SIZE, BLOCK_SIZE + 1])
async def test_the_borders_of_real_parts_are_no_borders_of_files(old: int, size: int):
    s3 = make_s3()
    model = b"o" * old
    s3.add("bucket", KEY, model)
    for at in ("END", old, old - 1):
        new = bytes([len(model) % 251]) * size
        await store_file(files(s3), PATH, new, at=at)
        model = (model if at == "END" else model[:at]) + new
        assert s3.content("bucket", KEY) == model
    assert not s3.uploads


# How it is copied.


async def test_a_large_prefix_passes_nobody():
    bench = Bench(pattern(100))
    upload = await bench.open("END")
    await upload.write(0, b"new")
    await upload.commit()
    assert sorted(operations(bench.s3)) == [
        "CompleteMultipartUpload",
        "CreateMultipartUpload",
        "HeadObject",
        "UploadPart",
        "UploadPartCopy",
        "UploadPartCopy",
    ]


async def test_a_client_may_send_while_the_prefix_is_copied():
    bench = Bench(pattern(100))
    gate = bench.s3.hold("UploadPartCopy")
    upload = await bench.open("END")
    await upload.write(0, pattern(10 * LEAST))
    await gate.entered.wait()
    await let_all_go_on()
    assert operations(bench.s3).count("UploadPart") >= 4
    gate.open.set()
    await upload.commit()
    assert bench.s3.content("bucket", KEY) == pattern(100) + pattern(10 * LEAST)
    assert await bench.is_clean()


@given(st.integers(5 * MIB, 5 << 40))
@example(5 << 40)
@example(256 * MIB + 1)
@example(5000 * 256 * MIB + 1)
def test_every_copied_part_is_one_that_s3_takes_and_leaves_room_for_the_largest_object(size: int):
    runs = copied_runs(size, CopySizes())
    assert [start for start, _ in runs] == [0, *(start + count for start, count in runs[:-1])]
    assert sum(count for _, count in runs) == size
    assert all(5 * MIB <= count <= 5 << 30 for _, count in runs)
    blocks = sum(DEFAULT_PLAN.blocks(number) for number in range(len(runs) + 1, MAX_PARTS + 1))
    assert size + blocks * BLOCK_SIZE >= 5 << 40


# Who may.


@BOTH
@pytest.mark.parametrize("size", [10, 6 * MIB])
async def test_who_may_not_read_a_file_cannot_continue_it(stages: bool, size: int):
    s3 = make_s3()
    s3.add("bucket", KEY, bytes(size))
    with pytest.raises(Denied, match="s3:GetObject"):
        await files(s3, actions={"s3:PutObject", "s3:ListBucket"}, stages=stages).open_write(PATH, at="END")
    with pytest.raises(Denied, match="s3:PutObject"):
        await store_file(files(s3, actions={"s3:GetObject"}, stages=stages), PATH, b"new", at="END")
    assert s3.content("bucket", KEY) == bytes(size)


# What comes between.


@BOTH
@pytest.mark.parametrize("size", [10, 6 * MIB])
@pytest.mark.parametrize("gone", [False, True], ids=["replaced", "deleted"])
@pytest.mark.parametrize("when", ["HeadObject", "open", "write"])
async def test_versions_are_never_mixed_and_nothing_of_others_is_lost(stages: bool, size: int, gone: bool, when: str):
    s3 = make_s3()
    s3.add("bucket", KEY, bytes(size))

    def interfere() -> None:
        if gone:
            del s3.buckets["bucket"][KEY]
        else:
            s3.add("bucket", KEY, b"x" * size)

    async def append() -> None:
        upload = await files(s3, stages=stages).open_write(PATH, at="END")
        try:
            if when == "open":
                interfere()
            await upload.write(0, b"new")
            if when == "write":
                await let_all_go_on()
                interfere()
            await upload.commit()
        finally:
            await upload.discard()

    if when == "HeadObject":
        gate = s3.hold("GetObject" if stages or size == 10 else "CreateMultipartUpload")
        async with asyncio.TaskGroup() as tasks:
            appending = tasks.create_task(_failure_of(append()))
            await gate.entered.wait()
            interfere()
            gate.open.set()
        failure = appending.result()
    else:
        failure = await _failure_of(append())
    assert type(failure) is (NotFound if gone else Unavailable)
    assert s3.buckets["bucket"].keys() == (set() if gone else {KEY})
    assert gone or s3.content("bucket", KEY) == b"x" * size
    assert not s3.uploads
    assert not s3.staged


@BOTH
@pytest.mark.parametrize("size", [0, 3, 2 * BLOCK_SIZE + 1])
@pytest.mark.parametrize("when", ["opened", "written", "committing"])
async def test_an_append_to_no_file_replaces_none_that_came_meanwhile(stages: bool, size: int, when: str):
    s3 = make_s3()
    upload = await files(s3, stages=stages).open_write(PATH, at="END")
    if when == "opened":
        await store_file(files(s3, stages=stages), PATH, b"acknowledged")
    await upload.write(0, bytes(size))
    if when == "written":
        await store_file(files(s3, stages=stages), PATH, b"acknowledged")
    if when == "committing":
        gate = s3.hold("PutObject" if stages else "CompleteMultipartUpload")
        async with asyncio.TaskGroup() as tasks:
            committing = tasks.create_task(_failure_of(upload.commit()))
            await gate.entered.wait()
            s3.add("bucket", KEY, b"acknowledged")
            gate.open.set()
        failure = committing.result()
    else:
        failure = await _failure_of(upload.commit())
    await upload.discard()
    assert type(failure) is Exists
    assert s3.content("bucket", KEY) == b"acknowledged"
    assert not s3.uploads
    assert not s3.staged


async def _failure_of(work) -> FileError | None:
    try:
        await work
    except FileError as error:
        return error
    return None


async def test_of_two_appends_at_once_none_is_lost_unseen():
    s3 = make_s3()
    s3.add("bucket", KEY, b"old")
    fs = files(s3)
    first, second = await fs.open_write(PATH, at="END"), await fs.open_write(PATH, at="END")
    await first.write(0, b"1")
    await second.write(0, b"2")
    await first.commit()
    with pytest.raises(Unavailable):
        await second.commit()
    assert s3.content("bucket", KEY) == b"old1"


# What fails.


@BOTH
async def test_an_interrupted_append_leaves_the_old_file(stages: bool):
    s3 = make_s3()
    s3.add("bucket", KEY, bytes(6 * MIB))
    upload = await files(s3, stages=stages).open_write(PATH, at="END")
    await upload.write(0, b"new")
    await upload.discard(interruption="the connection was reset")
    assert s3.content("bucket", KEY) == bytes(6 * MIB)
    assert not s3.uploads
    assert not s3.staged


@pytest.mark.parametrize("error", [Denied("no"), Unavailable("503"), NotFound("gone")])
async def test_a_copy_that_fails_is_told_at_the_next_call_and_leaves_nothing(error: FileError):
    bench = Bench(pattern(10 * LEAST))
    bench.s3.fail("UploadPartCopy", error)
    upload = await bench.open("END")
    await let_all_go_on()
    with pytest.raises(type(error), match=str(error)):
        await upload.reserve()
    with pytest.raises(type(error), match=str(error)):
        await upload.commit()
    assert bench.s3.content("bucket", KEY) == pattern(10 * LEAST)
    assert await bench.is_clean()


async def test_a_copy_that_fails_while_it_is_committed_fails_the_commit():
    bench = Bench(pattern(10 * LEAST))
    gate = bench.s3.hold("UploadPartCopy")
    bench.s3.fail("UploadPartCopy", Unavailable("503"))
    upload = await bench.open("END")
    async with asyncio.TaskGroup() as tasks:
        committing = tasks.create_task(_failure_of(upload.commit()))
        await gate.entered.wait()
        gate.open.set()
    assert type(committing.result()) is Unavailable
    assert bench.s3.content("bucket", KEY) == pattern(10 * LEAST)
    assert await bench.is_clean()


@pytest.mark.parametrize(
    ("stages", "size", "operation"),
    [
        (False, 10, "GetObject"),
        (False, 6 * MIB, "CreateMultipartUpload"),
        (True, 10, "GetObject"),
        (True, 10, "PutObject"),
    ],
)
async def test_an_append_that_cannot_begin_leaves_nothing(stages: bool, size: int, operation: str):
    s3 = make_s3()
    s3.add("bucket", KEY, bytes(size))
    s3.fail(operation, Unavailable("503"))
    with pytest.raises(Unavailable, match="503"):
        await files(s3, stages=stages).open_write(PATH, at="END")
    assert not s3.uploads
    assert not s3.staged


@pytest.mark.parametrize("stages", [False, True])
@pytest.mark.parametrize("size", [10, 6 * MIB])
@pytest.mark.parametrize("turns", range(12))
async def test_a_client_that_leaves_while_an_append_begins_leaves_nothing(stages: bool, size: int, turns: int):
    s3 = make_s3()
    s3.add("bucket", KEY, bytes(size))

    async def append() -> None:
        upload = await files(s3, stages=stages).open_write(PATH, at="END")
        await upload.discard()

    opening = asyncio.ensure_future(append())
    for _ in range(turns):
        await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening])
    assert s3.content("bucket", KEY) == bytes(size)
    assert not s3.uploads
    assert not s3.staged


async def test_what_stays_behind_of_an_append_that_could_not_begin_is_noted():
    s3 = make_s3()
    s3.add("bucket", KEY, b"old")
    s3.fail("GetObject", Unavailable("503"))
    s3.fail("(discard)", Unavailable("the disk"))
    with pytest.raises(Unavailable, match="503") as caught:
        await files(s3, stages=True).open_write(PATH, at="END")
    assert caught.value.__notes__ == ["something stayed behind: the disk"]
