"""The keys that servers show, and how they lie in the state."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.host_keys import TYPES, material
from tests.fakes.house import CountingEntropy, PlainSealer, make_house
from tests.fakes.transfer import HUB, REGION

from crossdock.adapters.host.sealing import AesGcmSealer, SealingKey
from crossdock.adapters.host.sql_state import open_state
from crossdock.adapters.memory.state import MemoryState
from crossdock.core.errors import Unavailable
from crossdock.core.servers import ServerState
from crossdock.transfer.host_key_directory import StateHostKeys
from crossdock.transfer.host_key_records import HOST_KEYS, HostKeysRecord, host_keys_of
from crossdock.transfer.host_key_vault import HostKeyVault
from crossdock.transfer.server_records import SERVERS, ServerRecord

SERVER_ID = "s-0123456789abcdef0"


@pytest.fixture
def threads():
    with ThreadPoolExecutor(2) as pool:
        yield pool


class Making:
    """Makes keys, and counts how often."""

    def __init__(self):
        self.times = 0

    def __call__(self):
        self.times += 1
        return [material(algorithm, f"made {self.times}") for algorithm in TYPES]


def directory(state, threads, *, sealer=None, generate=None):
    vault = HostKeyVault(
        sealer=sealer or PlainSealer(), threads=threads, entropy=CountingEntropy(), generate=generate or Making()
    )
    return StateHostKeys(state=state, vault=vault, clock=FakeClock())


async def put_server(state, clock):
    record = ServerRecord(
        server_id=SERVER_ID,
        account_id=HUB,
        region=REGION,
        settings={"Protocols": ["SFTP"]},
        is_wanted=True,
        state=ServerState.ONLINE,
        created_at=clock.now(),
    )
    async with state.transaction() as tx:
        await SERVERS.put(tx, record, HUB, REGION, SERVER_ID)


async def delete_server(state):
    async with state.transaction() as tx:
        await SERVERS.delete(tx, HUB, REGION, SERVER_ID)


async def test_a_server_that_is_not_there_has_no_keys_and_none_are_made(threads):
    making = Making()
    assert await directory(MemoryState(), threads, generate=making).active(SERVER_ID) == ()
    assert making.times == 0


async def test_a_server_of_an_older_data_directory_gets_its_keys_once(threads):
    house, making = make_house(), Making()
    await put_server(house.state, house.clock)
    keys = directory(house.state, threads, generate=making)
    first = await keys.active(SERVER_ID)
    assert [key.algorithm for key in first] == list(TYPES)
    assert await keys.active(SERVER_ID) == first
    assert making.times == 1


async def test_who_asks_at_the_same_time_gets_the_same_keys(threads):
    house = make_house()
    await put_server(house.state, house.clock)
    keys = directory(house.state, threads)
    answers = await asyncio.gather(*(keys.active(SERVER_ID) for _ in range(5)))
    assert all(answer == answers[0] for answer in answers)
    assert len(answers[0]) == len(TYPES)


async def test_a_server_that_goes_while_its_keys_are_made_leaves_none_behind(threads):
    house = make_house()
    await put_server(house.state, house.clock)
    loop = asyncio.get_running_loop()
    making = Making()

    def deleted_meanwhile():
        asyncio.run_coroutine_threadsafe(delete_server(house.state), loop).result(10)
        return making()

    assert await directory(house.state, threads, generate=deleted_meanwhile).active(SERVER_ID) == []
    async with house.state.reading() as tx:
        assert await host_keys_of(tx, SERVER_ID) == ()


async def test_keys_outlive_a_restart_and_lie_encrypted_on_disk(threads, tmp_path):
    sealer = AesGcmSealer(SealingKey(key_id="0badcafe", secret=bytes(32)))
    path = tmp_path / "state.db"
    state = await open_state(path)
    try:
        await put_server(state, FakeClock())
        before = await directory(state, threads, sealer=sealer).active(SERVER_ID)
    finally:
        await state.close()
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert before[0].key_id.encode() in kept
    assert b"PRIVATE KEY" not in kept
    for key in before:
        assert key.private_key.splitlines()[2] not in kept
    state = await open_state(path)
    try:
        assert await directory(state, threads, sealer=sealer).active(SERVER_ID) == before
    finally:
        await state.close()


async def test_a_key_that_does_not_open_makes_the_server_unavailable_and_names_itself(threads):
    house = make_house()
    await put_server(house.state, house.clock)
    (first, *_) = await directory(house.state, threads).active(SERVER_ID)
    with pytest.raises(Unavailable, match=f"{first.key_id} of {SERVER_ID} cannot be opened"):
        await directory(house.state, threads, sealer=PlainSealer(b"another")).active(SERVER_ID)


async def test_a_sealed_key_that_is_moved_to_another_server_does_not_open(threads):
    house = make_house()
    await put_server(house.state, house.clock)
    keys = directory(house.state, threads)
    await keys.active(SERVER_ID)
    async with house.state.transaction() as tx:
        moved = HostKeysRecord(keys=tuple(await host_keys_of(tx, SERVER_ID)))
        await HOST_KEYS.put(tx, moved, "s-0000000000000000f")
    with pytest.raises(Unavailable, match="cannot be opened"):
        await keys.active("s-0000000000000000f")
    assert "sealed_key" not in repr(moved)
