"""What a session does is told to its log, and why it could not."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import pytest
from tests.fakes.blocks import make_pool
from tests.fakes.filesystems import METADATA, PATH, TREE, files, names
from tests.fakes.logins import SERVER, MemoryLog
from tests.fakes.object_store import MemoryS3, Stored
from tests.fakes.patience import eventually
from tests.fakes.resumable_uploads import resumable_uploads
from tests.fakes.two_s3s import Apart, everything

from crossdock.core.errors import BeyondEnd, Denied, NotADirectory, NotFound, Unavailable, WrongSize
from crossdock.core.homes import HomeDirectory, PathHome
from crossdock.core.servers import InterruptedUploads
from crossdock.files.blocks import BLOCK_SIZE
from crossdock.files.filesystem import FileKind
from crossdock.files.object_filesystem import ObjectFileSystem
from crossdock.files.recorded import RecordedFileSystem
from crossdock.files.session_log import SessionLog


class Bench:
    def __init__(
        self,
        s3: MemoryS3,
        home: HomeDirectory = PATH,
        *,
        actions: set[str] | None = None,
        stages: bool = False,
        kept: InterruptedUploads = InterruptedUploads.DISCARD,
        are_apart: bool = False,
    ) -> None:
        self.s3 = s3
        self._kept = MemoryLog()
        log = SessionLog(log=self._kept, server=SERVER, username="user1", session_id="9ca9a0e1cec6ad9d")
        resumable = resumable_uploads() if kept is InterruptedUploads.RESUME else None
        below = files(s3, home, actions=actions, stages=stages, kept=kept, resumable=resumable)
        if are_apart:
            store = Apart(s3, everything)
            below = ObjectFileSystem(home=home, store=store, metadata=METADATA, blocks=make_pool())
        self.fs = RecordedFileSystem(below, home=home, log=log)

    def told(self) -> list[Mapping[str, object]]:
        """The events, without what they all have in common."""
        return [
            {name: value for name, value in event.items() if name not in ("resource-arn", "session-id")}
            for _, event in self._kept.events
        ]


ROOTS = PathHome(root="/")
"""All buckets."""

OPENED = {"activity-type": "OPEN", "mode": "CREATE|TRUNCATE|WRITE", "path": "/bucket/home/f"}


async def test_an_upload_is_opened_and_closed_with_its_size(s3: MemoryS3):
    bench = Bench(s3)
    upload = await bench.fs.open_write("/bucket/home/f")
    await upload.write(0, b"12345")
    assert bench.told() == [OPENED]
    await upload.commit()
    assert bench.told() == [OPENED, {"activity-type": "CLOSE", "path": "/bucket/home/f", "bytes-in": "5"}]


async def test_an_interrupted_upload_is_partially_closed(s3: MemoryS3):
    bench = Bench(s3)
    upload = await bench.fs.open_write("/bucket/home/f")
    await upload.write(0, b"123")
    await upload.discard(interruption="the connection was reset")
    assert bench.told()[1:] == [
        {
            "activity-type": "PARTIAL_CLOSE",
            "path": "/bucket/home/f",
            "bytes-in": "3",
            "message": "the connection was reset",
        }
    ]


async def test_an_upload_that_is_denied_at_its_end_tells_which_policy(s3: MemoryS3):
    bench = Bench(s3, actions={"s3:GetObject"})
    upload = await bench.fs.open_write("/bucket/home/f")
    await upload.write(0, b"123")
    with pytest.raises(Denied):
        await upload.commit()
    _, error, partial = bench.told()
    assert (error["activity-type"], error["operation"], error["path"]) == ("ERROR", "CLOSE", "/bucket/home/f")
    assert "s3:PutObject" in str(error["message"])
    assert partial["activity-type"] == "PARTIAL_CLOSE"


async def test_an_upload_that_is_denied_at_once_is_never_opened(s3: MemoryS3):
    bench = Bench(s3, actions=set(), stages=True)
    with pytest.raises(Denied):
        await bench.fs.open_write("/bucket/home/f")
    (error,) = bench.told()
    assert (error["activity-type"], error["operation"]) == ("ERROR", "OPEN")


async def test_another_size_than_announced_is_told(s3: MemoryS3):
    bench = Bench(s3)
    upload = await bench.fs.open_write("/bucket/home/f", expected_size=5)
    await upload.write(0, b"123")
    with pytest.raises(WrongSize):
        await upload.commit()
    _, error, partial = bench.told()
    assert error["message"] == partial["message"] == "3 bytes came, 5 were announced"


async def test_parts_that_stay_behind_are_told(s3: MemoryS3):
    bench = Bench(s3, actions={"s3:PutObject"})
    upload = await bench.fs.open_write("/bucket/home/f")
    await upload.write(0, bytes(2 * BLOCK_SIZE + 1))
    await upload.discard(interruption="ABOR")
    _, error, partial = bench.told()
    assert "s3:AbortMultipartUpload" in str(error["message"])
    assert (partial["activity-type"], partial["message"]) == ("PARTIAL_CLOSE", "ABOR")


async def test_a_download_is_opened_and_closed_with_its_size(s3: MemoryS3):
    s3.add("bucket", "home/f", b"0123456789")
    bench = Bench(s3)
    download = await bench.fs.open_read("/bucket/home/f", 4)
    assert [chunk async for chunk in download.chunks()] == [b"456789"]
    download.advance(6)
    await download.close()
    assert bench.told() == [
        {"activity-type": "OPEN", "mode": "READ", "path": "/bucket/home/f"},
        {"activity-type": "CLOSE", "path": "/bucket/home/f", "bytes-out": "6"},
    ]


async def test_an_interrupted_download_is_partially_closed(s3: MemoryS3):
    s3.add("bucket", "home/f", bytes(1 << 20))
    bench = Bench(s3)
    download = await bench.fs.open_read("/bucket/home/f")
    await anext(aiter(download.chunks()))
    download.advance(1000)
    await download.close(interruption="ABOR")
    assert bench.told()[1:] == [
        {"activity-type": "PARTIAL_CLOSE", "path": "/bucket/home/f", "bytes-out": "1000", "message": "ABOR"}
    ]


async def test_a_download_that_the_store_broke_tells_why(s3: MemoryS3):
    info = s3.add("bucket", "home/f", b"content")
    s3.buckets["bucket"]["home/f"] = Stored(b"conten", info)  # it stops a byte short
    bench = Bench(s3)
    download = await bench.fs.open_read("/bucket/home/f")
    with pytest.raises(Unavailable):
        assert [chunk async for chunk in download.chunks()]
    await download.close()
    _, error, partial = bench.told()
    assert (error["activity-type"], error["operation"]) == ("ERROR", "CLOSE")
    assert "early" in str(error["message"])
    assert partial["activity-type"] == "PARTIAL_CLOSE"


async def test_changes_are_told_with_the_paths_of_the_store(s3: MemoryS3):
    s3.add("bucket", "inbox/f", b"content")
    bench = Bench(s3, TREE)
    await bench.fs.rename("/in/f", "/out/2026/g")
    await bench.fs.make_directory("/in/d")
    await bench.fs.remove_directory("/in/d")
    await bench.fs.remove("/out/2026/g")
    assert bench.told() == [
        {"activity-type": "RENAME", "path": "/bucket/inbox/f", "new-path": "/second-bucket/g"},
        {"activity-type": "MKDIR", "path": "/bucket/inbox/d"},
        {"activity-type": "RMDIR", "path": "/bucket/inbox/d"},
        {"activity-type": "DELETE", "path": "/second-bucket/g"},
    ]


async def test_an_append_is_told_with_the_bytes_that_came(s3: MemoryS3):
    s3.add("bucket", "home/f", b"old")
    bench = Bench(s3)
    upload = await bench.fs.open_write("/bucket/home/f", at="END")
    await upload.write(0, b"12345")
    await upload.commit()
    opened = {**OPENED, "mode": "CREATE|WRITE"}
    assert bench.told() == [opened, {"activity-type": "CLOSE", "path": "/bucket/home/f", "bytes-in": "5"}]


async def test_an_append_that_cannot_begin_is_told_with_its_reason(s3: MemoryS3):
    s3.add("bucket", "home/f", b"old")
    bench = Bench(s3)
    with pytest.raises(BeyondEnd):
        await bench.fs.open_write("/bucket/home/f", at=4)
    (error,) = bench.told()
    assert (error["operation"], error["message"]) == (
        "OPEN",
        "/bucket/home/f has 3 bytes and cannot be continued at 4",
    )


async def test_a_renamed_directory_is_one_event(s3: MemoryS3):
    s3.add("bucket", "home/d/x")
    s3.add("bucket", "home/d/y")
    bench = Bench(s3)
    await bench.fs.rename("/bucket/home/d", "/bucket/home/e", directories=True)
    assert bench.told() == [{"activity-type": "RENAME", "path": "/bucket/home/d", "new-path": "/bucket/home/e"}]


CHANGES = pytest.mark.parametrize(
    ("call", "activity", "do"),
    [
        ("DeleteObject", "DELETE", lambda fs: fs.remove("/bucket/home/f")),
        ("PutObject", "MKDIR", lambda fs: fs.make_directory("/bucket/home/e")),
        ("DeleteObject", "RMDIR", lambda fs: fs.remove_directory("/bucket/home/d")),
        ("CopyObject", "RENAME", lambda fs: fs.rename("/bucket/home/f", "/bucket/home/g")),
        ("DeleteObject", "RENAME", lambda fs: fs.rename("/bucket/home/f", "/bucket/home/g")),
        ("DeleteObject", "RENAME", lambda fs: fs.rename("/bucket/home/d", "/bucket/home/e", directories=True)),
        ("CompleteMultipartUpload", "RENAME", lambda fs: fs.rename("/bucket/home/f", "/second-bucket/f")),
    ],
)
"""Whose client leaves while the store is at this call."""


async def left(bench: Bench, call: str, change: Callable[[RecordedFileSystem], Awaitable[None]]) -> None:
    for name in ("f", "d/"):
        bench.s3.add("bucket", f"home/{name}", b"x" if name == "f" else b"")
    gate = bench.s3.hold(call)
    changing = asyncio.ensure_future(change(bench.fs))
    await gate.entered.wait()
    changing.cancel()
    gate.open.set()
    await asyncio.wait([changing])
    assert changing.cancelled()


@CHANGES
async def test_a_change_is_told_that_the_store_made_though_its_client_had_gone(s3: MemoryS3, call: str, activity, do):
    bench = Bench(s3, ROOTS, are_apart=True)
    await left(bench, call, do)
    assert [event["activity-type"] for event in bench.told()] == [activity]


@CHANGES
async def test_why_a_change_failed_is_told_though_its_client_had_gone(s3: MemoryS3, call: str, activity, do):
    for _ in range(2):  # both of those that a directory has, a copy and the original, should not be deleted
        s3.fail(call, Unavailable("503"))
    bench = Bench(s3, ROOTS, are_apart=True)
    await left(bench, call, do)
    (error,) = bench.told()
    assert (error["activity-type"], error["operation"]) == ("ERROR", activity)
    assert str(error["message"]).startswith("503")


async def test_copies_that_stay_of_a_rename_that_is_given_up_are_told(s3: MemoryS3):
    s3.fail("DeleteObject", Unavailable("503"))
    for name in ("a", "b"):
        s3.add("bucket", f"home/d/{name}")
    bench = Bench(s3)
    gate = s3.hold("CopyObject")
    renaming = asyncio.ensure_future(bench.fs.rename("/bucket/home/d", "/bucket/home/e", directories=True))
    await gate.entered.wait()  # the file of that name, which is not there
    gate.open.set()
    gate.open = asyncio.Event()
    await eventually(lambda: s3.calls[-1].key == "home/d/b")
    renaming.cancel()
    gate.open.set()
    await asyncio.wait([renaming])
    assert renaming.cancelled()
    assert bench.told() == [
        {
            "activity-type": "ERROR",
            "operation": "RENAME",
            "path": "/bucket/home/d",
            "message": "copies below /bucket/home/e stayed behind: 503",
        }
    ]


async def test_a_change_that_had_not_begun_when_its_client_left_is_none(s3: MemoryS3):
    bench = Bench(s3)
    await left(bench, "HeadObject", lambda fs: fs.remove("/bucket/home/f"))
    assert s3.keys("bucket") == ["home/d/", "home/f"]
    assert bench.told() == []


@pytest.mark.parametrize(
    ("operation", "do"),
    [
        ("OPEN", lambda fs: fs.open_read("/bucket/home/f")),
        ("STAT", lambda fs: fs.stat("/bucket/home/f")),
        ("LIST", lambda fs: names(fs, "/bucket/home")),
        ("DELETE", lambda fs: fs.remove("/bucket/home/f")),
        ("MKDIR", lambda fs: fs.make_directory("/bucket/home/f")),
        ("RMDIR", lambda fs: fs.remove_directory("/bucket/home/f")),
        ("RENAME", lambda fs: fs.rename("/bucket/home/f", "/bucket/home/g")),
    ],
)
async def test_a_denial_is_told_with_the_side_that_refused(s3: MemoryS3, operation: str, do):
    bench = Bench(s3, actions=set())
    with pytest.raises(Denied) as caught:
        await do(bench.fs)
    (error,) = bench.told()
    assert (error["activity-type"], error["operation"]) == ("ERROR", operation)
    assert error["message"] == str(caught.value)
    assert str(error["path"]).startswith("/bucket/home")


async def test_looking_and_listing_are_no_events_nor_is_looking_for_nothing(s3: MemoryS3):
    s3.add("bucket", "home/f")
    bench = Bench(s3)
    await bench.fs.stat("/bucket/home/f", expecting=FileKind.DIRECTORY)
    assert await names(bench.fs, "/bucket/home") == ["f"]
    with pytest.raises(NotFound):
        await bench.fs.stat("/bucket/home/none")
    with pytest.raises(NotADirectory):
        await names(bench.fs, "/bucket/home/f")
    assert bench.told() == []


async def test_a_path_that_leads_nowhere_is_told_as_the_client_sent_it(s3: MemoryS3):
    bench = Bench(s3, TREE)
    with pytest.raises(NotFound):
        await bench.fs.open_write("/nowhere")
    (error,) = bench.told()
    assert error["path"] == "/nowhere"


async def test_an_error_without_words_is_told_by_its_name(s3: MemoryS3):
    s3.fail("HeadObject", Unavailable())
    bench = Bench(s3)
    with pytest.raises(Unavailable):
        await bench.fs.stat("/bucket/home/f")
    assert bench.told()[0]["message"] == "Unavailable"


@pytest.mark.parametrize(
    ("interruption", "message"),
    [
        ("Transfer aborted.", "Transfer aborted; what had arrived is the file, of 3 bytes"),
        ("the channel was closed", "the channel was closed; what had arrived is the file, of 3 bytes"),
    ],
)
async def test_what_stays_of_an_upload_is_told_in_one_sentence(s3: MemoryS3, interruption: str, message: str):
    bench = Bench(s3, kept=InterruptedUploads.KEEP)
    upload = await bench.fs.open_write("/bucket/home/f")
    await upload.write(0, b"123")
    await upload.interrupted(interruption=interruption)
    _, partial = bench.told()
    assert (partial["activity-type"], partial["message"]) == ("PARTIAL_CLOSE", message)


@pytest.mark.parametrize(("interruption", "beginning"), [("", ""), ("Transfer aborted.", "Transfer aborted; ")])
async def test_where_an_upload_can_be_gone_on_with_is_told_in_one_sentence(
    s3: MemoryS3, interruption: str, beginning: str
):
    bench = Bench(s3, kept=InterruptedUploads.RESUME)
    upload = await bench.fs.open_write("/bucket/home/f")
    await upload.write(0, bytes(2 * BLOCK_SIZE + 1))
    await upload.interrupted(interruption=interruption)
    _, partial = bench.told()
    assert partial["message"] == f"{beginning}it can be resumed at {2 * BLOCK_SIZE}"
