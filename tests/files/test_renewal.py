"""Credentials that are renewed before they expire."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import replace
from datetime import timedelta
from types import MappingProxyType

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.logins import ROLE, SERVER, MemoryAssumer
from tests.fakes.object_store import MemoryS3, MemoryStore

from crossdock.core.errors import Denied, Exists
from crossdock.core.homes import ObjectPlace
from crossdock.files.renewal import RETRY_AFTER, RenewedStagingStore, RenewedStore, renewed
from crossdock.ports.authority import RoleRequest, RoleSession
from crossdock.ports.objects import ObjectInfo, ObjectStore, StagingObjectStore

PLACE = ObjectPlace(bucket="bucket", key="key")
OTHER = ObjectPlace(bucket="bucket", key="other")


class Bench:
    """A session of an hour whose stores stop working when it is over."""

    def __init__(self, s3: MemoryS3, *, stages: bool = False) -> None:
        self.s3 = s3
        self.clock = FakeClock()
        self.assumer = MemoryAssumer(clock=self.clock, s3=s3, stages=stages)
        self.reasons: list[str] = []
        self.gate: asyncio.Event | None = None

    async def assume(self) -> RoleSession:
        if self.gate is not None:
            await self.gate.wait()
        session = await self.assumer.assume(
            RoleRequest(server=SERVER, username="user1", role_arn=ROLE, session_name="user1.x@s-1", session_policy=None)
        )
        assert isinstance(session.store, MemoryStore)
        session.store.allows = lambda *asked: self.clock.now() < session.expires_at
        return session

    async def open(self) -> RenewedStore:
        return renewed(await self.assume(), assume=self.assume, clock=self.clock, refused=self.reasons.append)

    @property
    def renewals(self) -> int:
        return len(self.assumer.assumed) - 1


async def use_all(store: RenewedStore) -> None:
    await store.put(PLACE, [b"content"], {})
    assert (await store.head(PLACE)).size == 7
    assert (await store.read(PLACE, offset=3)).info.size == 7
    with pytest.raises(Exists):
        await store.copy(PLACE, PLACE, if_none_match=True)
    copied = await store.copy(PLACE, OTHER)
    await store.delete(OTHER, if_match="another")
    assert (await store.head(OTHER)).etag == copied.target.etag
    page = await store.list("bucket", "k", delimiter="", limit=5)
    assert [info.place for info in page.objects] == [PLACE]
    await store.delete(OTHER)
    upload = await store.start_multipart(OTHER, {})
    source = await store.head(PLACE)
    await upload.copy_part(1, source, offset=0, size=7)
    await upload.complete()
    upload = await store.start_multipart(OTHER, {}, if_none_match=True)
    await upload.upload_part(1, [b"part"])
    with pytest.raises(Exists):
        await upload.complete()
    await upload.abort()
    upload = await store.start_multipart(OTHER, {}, if_match=(await store.head(OTHER)).etag)
    await upload.upload_part(1, [b"part"])
    await upload.complete()
    await (await store.start_multipart(OTHER, {})).abort()


async def test_every_call_goes_to_the_sessions_store(s3: MemoryS3):
    bench = Bench(s3)
    await use_all(await bench.open())
    assert s3.content("bucket", "other") == b"part"
    assert s3.uploads == {}
    assert bench.renewals == 0


async def test_credentials_are_renewed_after_four_fifths_of_their_life_under_the_same_name(s3: MemoryS3):
    bench = Bench(s3)
    store = await bench.open()
    bench.clock.advance(2879)
    await use_all(store)
    assert bench.renewals == 0
    bench.clock.advance(1)
    await use_all(store)
    assert bench.renewals == 1
    assert bench.assumer.assumed[0] == bench.assumer.assumed[1]


async def test_a_session_that_slept_is_renewed_when_it_wakes(s3: MemoryS3):
    bench = Bench(s3)
    store = await bench.open()
    for _ in range(3):
        bench.clock.advance(36_000)
        await use_all(store)
    assert bench.renewals == 3


async def test_many_at_once_renew_once_and_go_on_meanwhile(s3: MemoryS3):
    bench = Bench(s3)
    store = await bench.open()
    bench.clock.advance(3000)
    bench.gate = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        renewing = tasks.create_task(store.put(PLACE, [b"first"], {}))
        await asyncio.sleep(0)
        await store.put(OTHER, [b"second"], {})  # with the old credentials, which are still good
        assert not renewing.done()
        bench.gate.set()
    assert bench.renewals == 1


async def test_all_wait_for_new_credentials_once_the_old_have_expired(s3: MemoryS3):
    bench = Bench(s3)
    store = await bench.open()
    bench.clock.advance(3600)
    bench.gate = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(store.put(PLACE, [b"x"], {})) for _ in range(5)]
        for _ in range(10):
            await asyncio.sleep(0)
        assert not any(task.done() for task in waiting)
        bench.gate.set()
    assert bench.renewals == 1


async def test_a_refused_renewal_is_told_and_tried_again_while_the_old_credentials_serve(s3: MemoryS3):
    bench = Bench(s3)
    store = await bench.open()
    bench.assumer.refusal = "the trust policy of the role does not admit transfer.amazonaws.com"
    bench.clock.advance(3000)
    await store.put(PLACE, [b"x"], {})
    await store.put(PLACE, [b"x"], {})
    assert bench.reasons == [f"the credentials could not be renewed: {bench.assumer.refusal}"]
    bench.clock.advance(RETRY_AFTER / timedelta(seconds=1))
    await store.put(PLACE, [b"x"], {})
    assert len(bench.reasons) == 2
    bench.assumer.refusal = ""
    bench.clock.advance(RETRY_AFTER / timedelta(seconds=1))
    await store.put(PLACE, [b"x"], {})
    assert bench.renewals == 1


async def test_expired_credentials_that_cannot_be_renewed_deny_everything(s3: MemoryS3):
    bench = Bench(s3)
    store = await bench.open()
    bench.clock.advance(3600)
    bench.assumer.refusal = "the role was deleted"
    for _ in range(3):
        with pytest.raises(Denied, match="the role was deleted"):
            await store.head(PLACE)
    assert len(bench.reasons) == 1  # not every operation of a client becomes a call to STS
    bench.assumer.refusal = ""
    bench.clock.advance(RETRY_AFTER / timedelta(seconds=1))
    await store.put(PLACE, [b"x"], {})


async def test_an_upload_outlives_the_credentials_it_began_with(s3: MemoryS3):
    bench = Bench(s3)
    store = await bench.open()
    s3.min_part = 1
    upload = await store.start_multipart(PLACE, {})
    for number in range(1, 4):
        await upload.upload_part(number, [str(number).encode()])
        bench.clock.advance(3600)
    await upload.complete()
    assert s3.content("bucket", "key") == b"123"
    assert bench.renewals == 3


async def test_an_upload_outlived_by_nothing_can_be_aborted(s3: MemoryS3):
    bench = Bench(s3)
    upload = await (await bench.open()).start_multipart(PLACE, {})
    bench.clock.advance(7200)
    await upload.abort()
    assert s3.uploads == {}


class Asking:
    """A reader that notes as whom it would ask for what is still to come."""

    def __init__(self, info: ObjectInfo) -> None:
        self.info = info
        self.asked_as: list[ObjectStore] = []
        self.is_open = True

    async def region(self) -> None:
        return None

    async def chunks(self) -> AsyncIterator[bytes]:
        for chunk in (b"one", b"two"):
            yield chunk

    async def close(self) -> None:
        self.is_open = False

    def go_on_under(self, store: ObjectStore) -> None:
        self.asked_as.append(store)


class AskingStore:
    """A store with just one reader."""

    def __init__(self, reader: Asking) -> None:
        self._reader = reader

    async def read(self, place: ObjectPlace, *, offset: int = 0) -> Asking:
        return self._reader


async def test_a_download_goes_on_under_the_newest_credentials(s3: MemoryS3):
    bench = Bench(s3)
    s3.add("bucket", "key", b"content")
    first = await bench.assume()
    asking = Asking(await first.store.head(PLACE))
    store = renewed(
        replace(first, store=AskingStore(asking)), assume=bench.assume, clock=bench.clock, refused=bench.reasons.append
    )
    reader = await store.read(PLACE)
    assert reader.info.size == 7
    assert await reader.region() is None
    received = []
    async for chunk in reader.chunks():
        received.append(chunk)
        bench.clock.advance(3000)
    assert received == [b"one", b"two"]
    assert bench.renewals == 2
    assert asking.asked_as[0] is not asking.asked_as[1]
    assert asking.asked_as[1] is await store.current()
    await reader.close()
    assert not asking.is_open


async def test_a_staging_store_stays_one(s3: MemoryS3):
    bench = Bench(s3, stages=True)
    store = await bench.open()
    assert isinstance(store, StagingObjectStore)
    bench.clock.advance(3600)
    staged = await store.stage(PLACE, {}, if_none_match=True)
    await staged.write(b"content")
    await staged.commit()
    assert s3.content("bucket", "key") == b"content"
    assert bench.renewals == 1
    assert not isinstance(await Bench(s3).open(), StagingObjectStore)


async def test_a_store_that_stops_staging_is_a_mistake(s3: MemoryS3):
    bench = Bench(s3)
    store = RenewedStagingStore(
        await bench.assume(), assume=bench.assume, clock=bench.clock, refused=bench.reasons.append
    )
    with pytest.raises(TypeError):
        await store.stage(PLACE, {})


class StubbornUpload:
    """A multipart upload that cannot change hands."""

    upload_id = "stubborn"
    parts: Mapping[int, int] = MappingProxyType({})

    def forget_parts(self, above: int) -> None: ...

    async def upload_part(self, number: int, body: object) -> None: ...

    async def copy_part(self, number: int, source: object, *, offset: int, size: int) -> None: ...

    async def complete(self) -> None: ...

    async def abort(self) -> None: ...


class StubbornStore(MemoryStore):
    async def start_multipart(self, place: ObjectPlace, metadata: object, **how: object) -> StubbornUpload:
        return StubbornUpload()


async def test_an_upload_that_cannot_change_hands_is_left_as_it_is(s3: MemoryS3):
    bench = Bench(s3)
    session = replace(await bench.assume(), store=StubbornStore(s3, lambda *asked: True))
    store = renewed(session, assume=bench.assume, clock=bench.clock, refused=bench.reasons.append)
    assert isinstance(await store.start_multipart(PLACE, {}), StubbornUpload)
