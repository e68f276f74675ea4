"""Clients that stand still or crawl, beside one that does not: it must not notice them."""

import asyncio
import statistics
import time
from collections.abc import Iterator

import pytest
from tests.e2e.crowd import Client, allow_descriptors, come
from tests.e2e.quay import Quay, open_quay
from tests.e2e.watching import ftp_connections

STALLED, CRAWLING = 500, 100
SOME = bytes(range(256)) * 4096
TRANSFERS = 20
SLOWER = 4.0
"""How much slower the fast client may be beside all the others, on a machine that has other things to do, too."""

pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    allow_descriptors(8192)
    with open_quay(tmp_path_factory.mktemp("quay"), variables={"CROSSDOCK_FTP_STALLED_TIMEOUT_S": "600"}) as running:
        yield running


async def stall(quay: Quay, number: int) -> Client:
    """An upload that has sent some bytes and stands still."""
    client = await come(quay, f"127.3.{number // 250}.{number % 250 + 1}")
    await client.begin_upload(f"stalled-{number}")
    return client


async def crawl(quay: Quay, number: int) -> Client:
    """A control connection in the middle of a line, before or after the login."""
    client = await come(quay, f"127.4.0.{number + 1}", logs_in=number % 2 == 0)
    client.send(b"NOO")
    return client


async def pace(client: Client) -> float:
    """Seconds that an upload and a download of the fast client take, in the middle."""
    taken = []
    for number in range(TRANSFERS):
        begun = time.perf_counter()
        assert (await client.store(f"fast-{number}", SOME))[0] == 226
        assert await client.fetch(f"RETR fast-{number}") == (226, SOME)
        taken.append(time.perf_counter() - begun)
    return statistics.median(taken)


async def beside_the_slow(quay: Quay) -> tuple[float, float]:
    fast = await come(quay, "127.5.0.1")
    slow: list[Client] = []
    try:
        alone = await pace(fast)
        # A few at a time, as many as may log in at the same time.
        for first in range(0, STALLED, 50):
            slow += await asyncio.gather(*(stall(quay, number) for number in range(first, first + 50)))
        for first in range(0, CRAWLING, 50):
            slow += await asyncio.gather(*(crawl(quay, number) for number in range(first, first + 50)))
        assert ftp_connections(quay) == 2 * STALLED + CRAWLING + 1
        beside = await pace(fast)
        crawler = slow[-2]
        crawler.send(b"P\r\n")
        assert (await crawler.reply())[0] in (200, 530)
        return alone, beside
    finally:
        for client in (fast, *slow):
            client.abandon()


def test_stalled_uploads_and_half_spoken_lines_do_not_slow_a_fast_client_down(quay: Quay) -> None:
    alone, beside = asyncio.run(beside_the_slow(quay))
    print(f"alone {alone * 1000:.1f} ms, beside {STALLED} stalled and {CRAWLING} crawling {beside * 1000:.1f} ms")
    assert beside < max(SLOWER * alone, 0.25)
    names = quay.keys()
    assert not [name for name in names if name.startswith("stalled-")]
    assert sum(name.startswith("fast-") for name in names) == TRANSFERS
