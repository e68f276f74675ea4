"""Uploads that a crash left behind: noted before their first part, aborted at the next start, and no others."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from tests.contract.object_stores import connect
from tests.fakes.clock import FakeClock
from tests.fakes.http_cloud import HttpCloud, serve_cloud
from tests.fakes.stub_s3 import CALLER, error, hangs_up, ok, stub_s3

from crossdock.adapters.aws.begun_uploads import BEGUN as NOTED
from crossdock.adapters.aws.begun_uploads import GIVEN_UP_AFTER, BegunUploads, Swept
from crossdock.adapters.aws.connection import S3Connection
from crossdock.adapters.aws.known_uploads import KnownUploads
from crossdock.adapters.aws.object_store import AwsObjectStore
from crossdock.adapters.memory.state import MemoryState
from crossdock.core.arns import parse_arn
from crossdock.core.errors import Denied, OutOfSpace, Unavailable
from crossdock.core.homes import ObjectPlace
from crossdock.core.principals import AssumedRole
from crossdock.ports.authority import AssumeRefused
from crossdock.ports.objects import OpenUpload
from crossdock.ports.upload_ledger import BegunUpload

PLACE = ObjectPlace(bucket="box", key="in/file")
PART = 5 << 20


class House:
    """A state, and the runs of a service on it."""

    def __init__(self) -> None:
        self.state = MemoryState()
        self.clock = FakeClock()

    def run(self, number: int, *, node: str = "node") -> BegunUploads:
        return BegunUploads(self.state, node=node, run=str(number), clock=self.clock)

    async def noted(self, *, node: str = "node") -> list[str]:
        return await left_by(self.run(0, node=node))


async def left_by(ledger: BegunUploads) -> list[str]:
    return [upload.upload_id async for upload in ledger.left_behind()]


def begun(upload_id: str) -> BegunUpload:
    return BegunUpload(place=PLACE, upload_id=upload_id, role_arn=str(CALLER.role_arn))


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """The bucket `box` of a cloud, and stores of the sessions of its roles."""

    cloud: HttpCloud
    connection: S3Connection

    async def role(self, *actions: str, name: str = "role") -> str:
        return await self.cloud.role(name, actions or ["s3:*"], ["arn:aws:s3:::box/*"])

    async def store(self, role_arn: str, ledger: BegunUploads | None = None) -> AwsObjectStore:
        principal = AssumedRole(role_arn=parse_arn(role_arn), role_id="", session_name="session")
        key = await self.cloud.session_of(role_arn)
        return AwsObjectStore(self.connection, key, principal=principal, ledger=ledger)

    async def count(self) -> int:
        """Of the uploads that are begun."""
        return len((await self.cloud.s3("ListMultipartUploads", Bucket="box"))["Uploads"])


@pytest.fixture
async def box() -> AsyncIterator[Box]:
    async with serve_cloud() as cloud, connect(cloud) as connection:
        await cloud.s3.bucket("box")
        yield Box(cloud=cloud, connection=connection)


async def test_an_upload_is_noted_until_it_has_ended_either_way(box: Box):
    house = House()
    store = await box.store(await box.role(), house.run(1))
    first = await store.start_multipart(PLACE, {})
    second = await store.start_multipart(PLACE, {})
    assert len(await house.noted()) == 2
    assert {upload.session_name async for upload in house.run(0).left_behind()} == {"session"}
    await first.upload_part(1, [b"x"])
    await first.complete()
    assert len(await house.noted()) == 1
    await second.abort()
    assert await house.noted() == []


async def test_an_upload_that_another_ends_is_forgotten(box: Box):
    """As one that its user might have gone on with, and did not."""
    house = House()
    arn = await box.role()
    store = await box.store(arn, house.run(1))
    upload = await store.start_multipart(PLACE, {})
    assert upload.upload_id in box.connection.known_uploads
    for _ in range(2):
        await store.abort_upload(BegunUpload(place=PLACE, upload_id=upload.upload_id, role_arn=arn))
        assert upload.upload_id not in box.connection.known_uploads
        assert (await box.count(), await house.noted()) == (0, [])


async def test_what_a_crash_left_behind_is_aborted_at_the_next_start_and_nothing_else(box: Box):
    house = House()
    arn = await box.role()
    await (await box.store(arn)).start_multipart(PLACE, {})  # somebody else's
    await (await (await box.store(arn, house.run(1))).start_multipart(PLACE, {})).upload_part(1, [bytes(PART)])
    await (await box.store(arn, house.run(1, node="other"))).start_multipart(PLACE, {})  # of another node, which runs
    now = house.run(2)
    running = await (await box.store(arn, now)).start_multipart(PLACE, {})
    assert await box.count() == 4
    asked: list[str] = []

    async def abort(upload: BegunUpload) -> None:
        asked.append(upload.role_arn)
        await (await box.store(arn)).abort_upload(upload)

    swept = await now.sweep(abort)
    assert swept == Swept(aborted=1)
    assert asked == [arn]
    assert await box.count() == 3
    assert (await now.sweep(abort)).aborted == 0
    await running.upload_part(1, [b"x"])
    await running.complete()


async def test_what_cannot_be_aborted_is_tried_at_every_start_for_a_month():
    house = House()
    await house.run(1).note(begun("u1"))
    await house.run(1).note(begun("u2"))

    async def abort(upload: BegunUpload) -> None:
        raise (Denied if upload.upload_id == "u1" else AssumeRefused)("the role was deleted")

    for number in (2, 3):
        swept = await house.run(number).sweep(abort)
        assert (swept.aborted, len(swept.stayed)) == (0, 2)
        assert swept.stayed["box/u1"] == "/box/in/file: the role was deleted"
    house.clock.advance(GIVEN_UP_AFTER / timedelta(seconds=1))
    assert await house.run(4).sweep(abort) == Swept(aborted=0, forgotten=("/box/in/file: the role was deleted",) * 2)
    assert await house.run(5).sweep(abort) == Swept(aborted=0)


async def test_what_could_not_be_aborted_is_tried_again_in_the_same_run_and_what_is_under_way_is_not(box: Box):
    house = House()
    now = house.run(1)
    may, may_not = await box.role(name="may"), await box.role("s3:PutObject", name="may-not")

    async def abort(upload: BegunUpload) -> None:
        await (await box.store(allowed[upload.role_arn])).abort_upload(upload)

    running = await (await box.store(may, now)).start_multipart(PLACE, {})
    over = await (await box.store(may_not, now)).start_multipart(PLACE, {})
    assert await left_by(now) == []
    with pytest.raises(Denied):
        await over.abort()
    assert await left_by(now) == [over.upload_id]
    allowed = {may_not: may_not}
    assert len((await now.sweep(abort)).stayed) == 1
    assert await box.count() == 2
    allowed = {may_not: may}
    assert await now.sweep(abort) == Swept(aborted=1)
    assert await left_by(now) == []
    assert await box.count() == 1
    await running.upload_part(1, [b"x"])
    await running.complete()
    assert await house.noted() == []


async def test_an_upload_that_could_not_be_aborted_and_cannot_be_noted_fails_as_before(caplog):
    ledger = BrokenLedger()
    async with stub_s3() as stub, stub.store(ledger=ledger) as store:
        ledger.is_broken = False
        stub.then(ok(b"<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"))
        upload = await store.start_multipart(PLACE, {})
        ledger.is_broken = True
        stub.then(error(403, "AccessDenied"))
        with pytest.raises(Denied):
            await upload.abort()
    assert "the state's disk is full" in caplog.records[-1].reason


async def test_who_goes_on_with_an_upload_writes_nothing_before_its_end(box: Box):
    """Else one that is aborted while its parts are listed would be noted once more, and nobody would end it."""
    house = House()
    arn = await box.role()
    first, second = await box.store(arn, house.run(1)), await box.store(arn, house.run(2))
    upload = await first.start_multipart(PLACE, {})
    await upload.upload_part(1, [bytes(PART)])
    begun = OpenUpload(place=PLACE, upload_id=upload.upload_id, began_at=house.clock.now())
    before = house.state.generation()
    resumed = await second.resume_multipart(begun)
    assert house.state.generation() == before
    await resumed.upload_part(2, [b"x"])
    await resumed.complete()
    assert [upload async for upload in house.run(3).left_behind()] == []


async def test_what_an_earlier_version_noted_under_its_run_is_swept_too():
    house = House()
    old = {
        "bucket": "box",
        "key": "in/file",
        "upload_id": "u1",
        "role_arn": "",
        "began_at": "2026-03-15T00:47:00+00:00",
    }
    async with house.state.transaction() as tx:
        await tx.table(NOTED.spec).put(("node", "run", "box/u1"), old, expected_version=None)
    assert (await house.run(2).sweep(lambda upload: asyncio.sleep(0))).aborted == 1
    assert await house.noted() == []


async def test_more_than_a_page_is_swept():
    house = House()
    for number in range(250):
        await house.run(1).note(begun(f"u{number}"))
    assert len(await house.noted()) == 250
    swept = await house.run(2).sweep(lambda upload: asyncio.sleep(0))
    assert swept.aborted == 250
    assert await house.noted() == []


async def test_of_a_bucket_whose_s3_is_not_well_the_rest_waits_and_other_buckets_are_swept():
    house = House()
    for number in range(10):
        await house.run(1).note(begun(f"u{number}"))
    other = BegunUpload(place=ObjectPlace(bucket="well", key="k"), upload_id="u", role_arn="")
    await house.run(1).note(other)
    asked: list[BegunUpload] = []

    async def abort(upload: BegunUpload) -> None:
        asked.append(upload)
        if upload != other:
            raise Unavailable("S3 did not answer in time")

    swept = await house.run(2).sweep(abort)
    assert swept.aborted == 1
    assert set(swept.stayed) == {"box/u0", "box/u1", "box/u2", "box/"}
    assert asked == [begun("u0"), begun("u1"), begun("u2"), other]
    house.clock.advance(GIVEN_UP_AFTER / timedelta(seconds=1))
    swept = await house.run(2).sweep(abort)
    assert (len(swept.forgotten), set(swept.stayed)) == (3, {"box/"})
    assert await house.noted() == [f"u{number}" for number in range(3, 10)], "what was not tried is not forgotten"


async def test_uploads_that_always_fail_hide_no_others():
    house, now = House(), list[str]()
    for number in range(20):
        await house.run(1).note(begun(f"u{number:02}"))
    bad = {f"u{number:02}" for number in range(8)}

    async def abort(upload: BegunUpload) -> None:
        now.append(upload.upload_id)
        if upload.upload_id in bad:
            raise Unavailable("500 InternalError")

    ledger, tried = house.run(2), list[list[str]]()
    for _ in range(5):
        now = []
        await ledger.sweep(abort)
        tried.append(now)
    good = [f"u{number:02}" for number in range(8, 20)]
    assert tried == [
        ["u00", "u01", "u02"],
        ["u03", "u04", "u05"],
        ["u06", "u07", *good, "u00", "u01", "u02"],
        # The longest ago first.
        ["u03", "u04", "u05"],
        ["u06", "u07", "u00"],
    ]
    assert set(await house.noted()) == bad
    for upload_id in bad - {"u05"}:
        await ledger.forget(begun(upload_id))
    bad.clear()
    assert await ledger.sweep(abort) == Swept(aborted=1)


async def test_of_an_s3_that_answers_between_failures_nothing_waits():
    house, tried = House(), list[str]()
    for number in range(12):
        await house.run(1).note(begun(f"u{number:02}"))

    async def abort(upload: BegunUpload) -> None:
        tried.append(upload.upload_id)
        if len(tried) % 3:
            raise Unavailable("500 InternalError")

    assert (await house.run(2).sweep(abort)).aborted == 4
    assert len(tried) == 12


async def test_what_nobody_can_abort_any_more_is_forgotten_but_for_what_is_under_way():
    house = House()
    await house.run(1).note(begun("left"))
    now = house.run(2)
    await now.note(begun("under way"))
    assert await now.forget_left_behind() == 1
    assert await house.noted() == ["under way"]


class BrokenLedger:
    def __init__(self) -> None:
        self.is_broken = True
        self.forgotten: list[str] = []

    async def note(self, upload: BegunUpload) -> None:
        if self.is_broken:
            raise OutOfSpace("the state's disk is full")

    async def forget(self, upload: BegunUpload) -> None:
        self.forgotten.append(upload.upload_id)


async def test_an_upload_that_cannot_be_noted_does_not_go_on():
    async with stub_s3() as stub, stub.store(ledger=BrokenLedger()) as store:
        stub.then(ok(b"<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"))
        stub.then(ok(status=204))
        with pytest.raises(OutOfSpace):
            await store.start_multipart(PLACE, {})
    assert (stub.seen[-1].method, stub.seen[-1].target) == ("DELETE", "/box/in/file?uploadId=u1")


class FullState(MemoryState):
    """Takes nothing any more."""

    def transaction(self):
        raise OutOfSpace("the state's disk is full")


async def test_an_upload_that_is_remembered_too_long_is_complete_all_the_same(caplog):
    ledger = BegunUploads(FullState(), node="node", run="1", clock=FakeClock())
    await ledger.forget(begun("u1"))
    assert "still noted as begun" in caplog.text


# Begun unheard.

SESSION = "arn:aws:sts::111111111111:assumed-role/files/user1.x@s-1"
BEGUN = ok(b"<InitiateMultipartUploadResult><UploadId>mine</UploadId></InitiateMultipartUploadResult>")


def listing(*uploads: tuple[str, str, str]):
    entries = "".join(
        f"<Upload><Key>{key}</Key><UploadId>{upload_id}</UploadId><Initiator><ID>{who}</ID></Initiator></Upload>"
        for key, upload_id, who in uploads
    )
    return ok(f"<ListMultipartUploadsResult>{entries}</ListMultipartUploadsResult>".encode())


async def test_of_uploads_that_were_begun_unheard_only_the_sessions_own_are_aborted():
    found = listing(
        ("in/file", "lost", SESSION),
        ("in/file", "mine", SESSION),
        ("in/file", "of another session", SESSION[:-1] + "2"),
        ("in/file", "of a user", "arn:aws:iam::111111111111:user/user1"),
        ("in/file2", "of another key", SESSION),
    )
    async with stub_s3() as stub, stub.store(attempts=2) as store:
        stub.then(hangs_up, BEGUN, found, ok(status=204))
        await store.start_multipart(PLACE, {})
    assert stub.is_done
    assert stub.seen[2].target == "/box?uploads&prefix=in%2Ffile"
    assert (stub.seen[3].method, stub.seen[3].target) == ("DELETE", "/box/in/file?uploadId=lost")


async def test_an_upload_that_was_begun_unheard_is_aborted_though_no_other_could_be_begun():
    async with stub_s3() as stub, stub.store() as store:
        stub.then(hangs_up, listing(("in/file", "lost", SESSION)), ok(status=204))
        with pytest.raises(Unavailable):
            await store.start_multipart(PLACE, {})
    assert stub.seen[-1].method == "DELETE"


async def test_who_may_not_list_uploads_is_told_what_may_have_stayed(caplog):
    async with stub_s3() as stub, stub.store(attempts=2) as store:
        stub.then(hangs_up, BEGUN, error(403, "AccessDenied"))
        await store.start_multipart(PLACE, {})
    assert "may have been begun unheard" in caplog.text


@pytest.mark.parametrize("how", ["no session is known", "all is well"])
async def test_nothing_is_looked_for_where_nothing_can_be_known_or_nothing_was_lost(how):
    async with stub_s3() as stub, stub.store(attempts=2, principal=None if "known" in how else CALLER) as store:
        stub.then(*([hangs_up] if "known" in how else []), BEGUN)
        await store.start_multipart(PLACE, {})
    assert stub.is_done


def test_uploads_are_known_from_their_beginning_to_their_end():
    known = KnownUploads()
    known.add("u1")
    assert "u1" in known
    known.discard("u1")
    known.discard("u1")
    assert "u1" not in known
    with known.beginning(PLACE):
        assert known.is_alone(PLACE)
        with known.beginning(PLACE):
            assert not known.is_alone(PLACE)
        assert known.is_alone(PLACE)
    assert not known.is_alone(PLACE)


async def test_what_its_user_may_go_on_with_is_spared_until_nobody_may():
    house = House()
    await house.run(1).note(begun("u1"))
    await house.run(1).note(begun("u2"))
    aborted: list[str] = []

    async def is_first(upload: BegunUpload) -> bool:
        return upload.upload_id == "u1"

    async def abort(upload: BegunUpload) -> None:
        aborted.append(upload.upload_id)

    await house.run(2).sweep(abort, is_spared=is_first)
    assert (aborted, await house.noted()) == (["u2"], ["u1"])
    await house.run(3).sweep(abort)
    assert (aborted, await house.noted()) == (["u2", "u1"], [])


async def test_each_is_asked_about_only_when_it_would_be_aborted_next():
    house, events = House(), list[str]()
    for upload_id in ("u1", "u2"):
        await house.run(1).note(begun(upload_id))

    async def is_spared(upload: BegunUpload) -> bool:
        events.append(f"ask {upload.upload_id}")
        return False

    async def abort(upload: BegunUpload) -> None:
        events.append(f"abort {upload.upload_id}")

    await house.run(2).sweep(abort, is_spared=is_spared)
    assert events == ["ask u1", "abort u1", "ask u2", "abort u2"]


async def test_what_other_runs_that_live_have_begun_is_not_left_behind():
    house, living = House(), {"1"}
    now = BegunUploads(house.state, node="node", run="2", clock=house.clock, living=living)
    await house.run(1).note(begun("u1"))
    assert await left_by(now) == []
    living.clear()
    assert [upload async for upload in now.left_behind()] == [begun("u1")]
