"""Connections of FTP and SFTP that are cut, reset, stalled and slowed at every point, and garbage of SSH's.

What is stored stays whole, nothing leaks, and nobody else notices.
"""

import asyncio
import socket
from collections.abc import Iterator

import pytest
from tests.e2e.harness import until
from tests.e2e.misfortunes import draw, suffer
from tests.e2e.ordeals import Ordeal, withstand
from tests.e2e.quay import Quay, open_quay
from tests.e2e.sftp_misfortunes import draw_ssh, listed_names, logged_in, suffer_ssh
from tests.fakes.sftp_talk import packet, u32

from crossdock.sftp.packets import Kind

PATIENCE_S = 60.0
# A TLS stream without its close_notify is a cut that is seen, as long as the server goes by that.
VARIABLES = {"CROSSDOCK_FTP_STRICT_TLS_EOF": "true", "CROSSDOCK_LOGIN_FAILURE_DELAY_S": "0"}

# Python's ssl leaves a socket to the garbage collector whose peer resets it just before the handshake.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed <ssl:ResourceWarning")


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    with open_quay(tmp_path_factory.mktemp("quay"), variables=VARIABLES, with_sftp=True) as running:
        for name in listed_names():
            running.put(name, b"")
        yield running


@pytest.fixture(params=["ftp", "sftp"])
def ordeal(quay: Quay, request: pytest.FixtureRequest) -> Ordeal:
    if request.param == "sftp":
        return Ordeal(draw=draw_ssh, suffer=suffer_ssh, port=quay.jetties["managed"].port)
    return Ordeal(draw=draw, suffer=suffer, port=quay.port, data_ports=quay.passive_ports)


def test_nothing_partial_stays_and_nothing_leaks_after_a_hundred_faults(quay: Quay, ordeal: Ordeal) -> None:
    outcomes = withstand(quay, ordeal, 100)
    assert sum(count for outcome, count in outcomes.items() if "failed" in outcome) > 30


@pytest.mark.soak
def test_nothing_partial_stays_and_nothing_leaks_after_a_thousand_faults(quay: Quay, ordeal: Ordeal) -> None:
    outcomes = withstand(quay, ordeal, 1000)
    assert sum(count for outcome, count in outcomes.items() if "failed" in outcome) > 300


GARBAGE = {
    "no length": bytes(8),
    "endless": b"\xff" * 8,
    "truncated": packet(Kind.OPEN, u32(1), b"\0\0\xff\xff"),
    "before INIT": packet(Kind.STAT, u32(1), b"\0\0\0\1x"),
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_in_a_session_ends_that_session_and_nothing_else(quay: Quay, garbage: bytes) -> None:
    async def converse() -> None:
        async with logged_in(quay) as conn, conn.start_sftp_client() as sftp:
            async with sftp.open("beside-garbage", "wb") as file:
                await file.write(b"before ")
                writer, reader, _ = await conn.open_session(subsystem="sftp", encoding=None)
                writer.write(garbage)
                assert await reader.read() == b""
                await file.write(b"and after")
            await sftp.listdir(".")

    asyncio.run(converse())
    assert quay.content("beside-garbage") == b"before and after"


@pytest.mark.parametrize("begin", [b"", b"SSH-2.0-x\r\n", b"GET / HTTP/1.1\r\n\r\n", b"SSH-2.0-\xff\r\n"])
def test_what_is_no_ssh_ends_its_connection_and_nothing_else(quay: Quay, begin: bytes) -> None:
    jetty = quay.jetties["managed"]
    with socket.create_connection((jetty.host, jetty.port), timeout=PATIENCE_S) as stranger:
        stranger.sendall(begin + b"\xff" * 25_000)
        # The end may come as a reset, since nobody reads what is left.
        until("the connection is closed", lambda: not heard(stranger))
    assert '"ERROR"' not in quay.service.log()


def heard(stranger: socket.socket) -> bytes:
    try:
        return stranger.recv(65_536)
    except ConnectionResetError:
        return b""
