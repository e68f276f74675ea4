"""A thousand clients at once through nine passive ports, and ten thousand that do nothing."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest
from tests.e2e.crowd import Client, allow_descriptors, come
from tests.e2e.quay import Quay, open_quay
from tests.e2e.watching import ftp_connections, resident_bytes

VARIABLES = {"CROSSDOCK_LOGIN_TIMEOUT_S": "300", "CROSSDOCK_LOGIN_PRE_LOGIN_TIMEOUT_S": "600"}
IDLE, ADMITTED = 10_000, 500
ABREAST = 250
GIBIBYTE = 1 << 30

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    allow_descriptors(16_384)
    with open_quay(tmp_path_factory.mktemp("quay"), variables=VARIABLES) as running:
        yield running


def addresses(count: int) -> list[str]:
    return [f"127.1.{number // 250}.{number % 250 + 1}" for number in range(count)]


async def upload(quay: Quay, source: str, key: str, content: bytes) -> None:
    client = await come(quay, source)
    try:
        ended = await client.store(key, content)
        assert ended[0] == 226, (key, ended)
    finally:
        client.abandon()


async def upload_all(quay: Quay, folder: str, sources: Sequence[str]) -> None:
    quay.put(f"{folder}/", b"")
    async with asyncio.TaskGroup() as tasks:
        for number, source in enumerate(sources):
            key = f"{folder}/{number}"
            tasks.create_task(upload(quay, source, key, content_of(key)))


def content_of(key: str) -> bytes:
    return key.encode() * 1000


def check(quay: Quay, folder: str, count: int) -> None:
    keys = [f"{folder}/{number}" for number in range(count)]
    assert set(quay.keys(f"{folder}/")) == {f"{folder}/", *keys}
    for key in keys:
        assert quay.content(key) == content_of(key), key


def test_a_thousand_clients_from_a_thousand_addresses_upload_at_once(quay: Quay) -> None:
    asyncio.run(upload_all(quay, "thousand", addresses(1000)))
    check(quay, "thousand", 1000)


def test_two_hundred_clients_from_one_address_upload_at_once(quay: Quay) -> None:
    asyncio.run(upload_all(quay, "one", ["127.6.0.1"] * 200))
    check(quay, "one", 200)


async def do_nothing(quay: Quay) -> int:
    """Be many clients that do nothing; returns the service's resident bytes."""
    clients: list[Client] = []
    try:
        sources = addresses(IDLE)
        for begun in range(0, IDLE, ABREAST):
            coming = (come(quay, source, logs_in=begun < ADMITTED) for source in sources[begun : begun + ABREAST])
            clients += await asyncio.gather(*coming)
        assert ftp_connections(quay) == IDLE
        assert (await clients[0].say("NOOP"))[0] == 200
        return resident_bytes(quay)
    finally:
        for client in clients:
            client.abandon()


def test_ten_thousand_idle_sessions_fit_into_a_gibibyte(quay: Quay) -> None:
    before = resident_bytes(quay)
    taken = asyncio.run(do_nothing(quay))
    print(f"{IDLE} sessions, {ADMITTED} of them admitted: {before >> 20} MiB before, {taken >> 20} MiB with them")
    assert taken < GIBIBYTE
