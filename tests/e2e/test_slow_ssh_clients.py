"""SSH clients that stand still, before and after their logins: a fast one does not notice, and none stays for ever."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager

import asyncssh
import pytest
from tests.e2e.crowd import allow_descriptors
from tests.e2e.harness import until
from tests.e2e.quay import Quay, open_quay
from tests.e2e.sftp_misfortunes import logged_in
from tests.e2e.watching import connections

SILENT, STALLED = 400, 60
SOME = bytes(range(256)) * 4096
TRANSFERS = 20
SLOWER = 4.0
"""How much slower the fast client may be beside all the others, on a machine that has other things to do, too."""
PATIENCE_S = 60.0
BEGINNINGS = (b"", b"SSH-2.0-slow", b"SSH-2.0-slow\r\n", b"SSH-2.0-slow\r\n\0\0\4\0\x08\x14")
"""How far the silent get: they say nothing, half a version, a version, half of what begins a key exchange."""

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    allow_descriptors(8192)
    with open_quay(tmp_path_factory.mktemp("quay"), with_sftp=True) as running:
        yield running


@pytest.fixture(scope="module")
def impatient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    variables = {"CROSSDOCK_SFTP_LOGIN_TIMEOUT_S": "1", "CROSSDOCK_SFTP_IDLE_TIMEOUT_S": "1"}
    with open_quay(tmp_path_factory.mktemp("impatient"), variables=variables, with_sftp=True) as running:
        yield running


@asynccontextmanager
async def silent(quay: Quay, begin: bytes, source: str) -> AsyncIterator[asyncio.StreamReader]:
    jetty = quay.jetties["managed"]
    reader, writer = await asyncio.open_connection(jetty.host, jetty.port, local_addr=(source, 0))
    writer.write(begin)
    try:
        yield reader
    finally:
        writer.close()


@asynccontextmanager
async def stalled(quay: Quay, number: int) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """An upload that has sent some bytes and stands still, or a download of which nothing is read any more."""
    async with logged_in(quay) as conn:
        sftp = await conn.start_sftp_client()
        if number % 2:
            file = await sftp.open(f"stalled-{number}", "wb")
            await file.write(SOME[:100_000])
        else:
            file = await sftp.open("long", "rb")
            assert await file.read(1000) == SOME[:1000]
            reading = asyncio.create_task(file.read())
            await asyncio.sleep(0)
            transport = conn._transport
            assert transport is not None
            transport.pause_reading()
        try:
            yield conn
        finally:
            conn.abort()
            if not number % 2:
                await asyncio.gather(reading, return_exceptions=True)


async def pace(sftp: asyncssh.SFTPClient) -> float:
    """Seconds that an upload and a download of the fast client take, in the middle."""
    taken = []
    for number in range(TRANSFERS):
        begun = time.perf_counter()
        async with sftp.open(f"fast-{number}", "wb") as file:
            await file.write(SOME)
        async with sftp.open(f"fast-{number}", "rb") as file:
            assert await file.read() == SOME
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


async def beside_the_slow(quay: Quay) -> tuple[float, float]:
    async with AsyncExitStack() as stack:
        conn = await stack.enter_async_context(logged_in(quay))
        sftp = await stack.enter_async_context(conn.start_sftp_client())
        alone = await pace(sftp)
        for number in range(SILENT):
            begin = BEGINNINGS[number % len(BEGINNINGS)]
            await stack.enter_async_context(silent(quay, begin, f"127.6.{number // 250}.{number % 250 + 1}"))
        for number in range(STALLED):
            await stack.enter_async_context(stalled(quay, number))
        beside = await pace(sftp)
        assert connections(quay) == SILENT + STALLED + 1
        return alone, beside


def test_the_silent_and_the_stalled_do_not_slow_a_fast_client_down(quay: Quay) -> None:
    quay.put("long", SOME * 64)
    alone, beside = asyncio.run(beside_the_slow(quay))
    print(f"alone {alone * 1000:.1f} ms, beside {SILENT} silent and {STALLED} stalled {beside * 1000:.1f} ms")
    assert beside < max(SLOWER * alone, 0.25)
    assert quay.keys("stalled-") == []
    assert len(quay.keys("fast-")) == TRANSFERS


@pytest.mark.parametrize("begin", BEGINNINGS)
def test_who_does_not_log_in_is_sent_away(impatient: Quay, begin: bytes) -> None:
    async def wait() -> None:
        async with asyncio.timeout(PATIENCE_S), silent(impatient, begin, "127.0.0.1") as reader:
            begun = time.monotonic()
            while await reader.read(65_536):
                pass
            assert time.monotonic() - begun > 0.5

    asyncio.run(wait())


@pytest.mark.parametrize("number", [0, 1], ids=["download", "upload"])
def test_a_transfer_that_stands_still_ends_with_the_idle_time(impatient: Quay, number: int) -> None:
    impatient.put("long", SOME * 64)

    async def wait() -> None:
        async with stalled(impatient, number):
            await asyncio.to_thread(until, "it is cut", lambda: connections(impatient) == 0)

    asyncio.run(wait())
    assert impatient.keys("stalled-") == []
    assert impatient.open_uploads() == []
