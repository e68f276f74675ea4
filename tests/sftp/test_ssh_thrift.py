"""What a login and a packet take less, and that it is asyncssh's own way where that is wanted."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncssh
import pytest
from asyncssh.constants import MSG_EXT_INFO, MSG_IGNORE, MSG_KEX_LAST
from asyncssh.packet import String
from tests.fakes.closing import all_closed
from tests.fakes.sftp_house import PATIENCE_S, eventually

from crossdock.sftp.ssh_thrift import ThriftyConnection

HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")
GCM, CBC = "aes128-gcm@openssh.com", "aes128-cbc"
THRIFTY = pytest.mark.parametrize("is_thrifty", [True, False], ids=["thrifty", "asyncssh"])


class Counted:
    """A transport that notes how many packets went into each write, and is another one in all else."""

    def __init__(self, transport: Any, sent: list[int]) -> None:
        self._transport = transport
        self._sent = sent
        self.writes: list[list[int]] = []

    def write(self, data: bytes) -> None:
        self.writes.append(list(self._sent))
        self._sent.clear()
        self._transport.write(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Everybody(asyncssh.SSHServer):
    def begin_auth(self, username: str) -> bool:
        return False


class Watched(ThriftyConnection):
    """`transport.writes` are the types of the packets in each."""

    def __init__(self, options: asyncssh.SSHServerConnectionOptions, *, is_thrifty: bool) -> None:
        super().__init__(asyncio.get_running_loop(), options)
        self.is_thrifty = is_thrifty
        self._protocol_factory = Everybody
        self.sent: list[int] = []

    def connection_made(self, transport: Any) -> None:
        self.counted = Counted(transport, self.sent)
        super().connection_made(self.counted)  # type: ignore[arg-type]

    def send_packet(self, pkttype: int, *args: bytes, handler: Any = None) -> None:
        if not self._deferred_packets and pkttype != MSG_IGNORE:
            self.sent.append(pkttype)
        super().send_packet(pkttype, *args, handler=handler)


@asynccontextmanager
async def login(*, is_thrifty: bool, cipher: str = GCM) -> AsyncIterator[tuple[Watched, list[int]]]:
    """The server's connection after a login, and the types of the packets that the client has got of it."""
    made: list[Watched] = []
    got: list[int] = []

    def serve() -> Watched:
        options = asyncssh.SSHServerConnectionOptions(
            server_host_keys=[HOST_KEY], encryption_algs=[cipher], keepalive_interval=3600
        )
        made.append(Watched(options, is_thrifty=is_thrifty))
        return made[0]

    class Client(asyncssh.SSHClient):
        def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
            conn.log_received_packet = lambda kind, *args, **kwargs: got.append(kind)  # type: ignore[method-assign]

    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with (
        server,
        asyncio.timeout(PATIENCE_S),
        asyncssh.connect(
            "127.0.0.1",
            port,
            known_hosts=None,
            config=None,
            client_keys=None,
            client_factory=Client,
            encryption_algs=[cipher],
        ) as client,
    ):
        yield made[0], got
        client.abort()
    await all_closed(port)


@THRIFTY
async def test_answers_leave_together_until_the_login(is_thrifty: bool):
    async with login(is_thrifty=is_thrifty) as (conn, _):
        writes = conn.counted.writes
        of_keys = next(write for write in writes if MSG_EXT_INFO in write)
        if is_thrifty:
            assert len(of_keys) == 3  # the reply of the key exchange, NEWKEYS, EXT_INFO
            assert len(writes) <= 5
        else:
            assert len(writes) > 7
            assert max(map(len, writes)) <= 2


@THRIFTY
@pytest.mark.parametrize("cipher", [GCM, CBC])
async def test_only_cbc_wants_a_packet_before_each(is_thrifty: bool, cipher: str):
    async with login(is_thrifty=is_thrifty, cipher=cipher) as (_, got):
        assert max(got) > MSG_KEX_LAST
        assert (MSG_IGNORE in got) is (not is_thrifty or cipher == CBC)


@THRIFTY
async def test_a_packet_that_is_to_be_ignored_is_sent_to_whoever_asks_for_it(is_thrifty: bool):
    async with login(is_thrifty=is_thrifty) as (conn, got):
        before = got.count(MSG_IGNORE)
        conn.send_packet(MSG_IGNORE, String(b"for a key exchange that is due"))
        await eventually(lambda: got.count(MSG_IGNORE) > before)


@THRIFTY
async def test_a_packet_puts_the_keepalive_off(is_thrifty: bool):
    async with login(is_thrifty=is_thrifty) as (conn, _):
        timer, heard_at = conn._keepalive_timer, conn._heard_at
        assert timer is not None
        conn._recv_data()
        assert (conn._keepalive_timer is timer) is is_thrifty
        if is_thrifty:
            assert conn._heard_at > heard_at
            conn._keepalive_timer_callback()
            assert conn._keepalive_timer is not timer  # not yet: something was heard since
            assert conn._keepalive_count == 0
            conn._heard_at -= 3600
        conn._keepalive_timer_callback()
        assert conn._keepalive_count == 1


async def test_what_was_gathered_is_sent_before_the_end():
    async with login(is_thrifty=True) as (conn, _):
        conn._gathered = [b"the last words"]
        count = len(conn.counted.writes)
        conn._force_close(None)
        assert len(conn.counted.writes) == count + 1


async def test_tasks_of_the_login_take_their_first_step_at_once_and_later_ones_in_their_turn():
    async with login(is_thrifty=True) as (conn, _):

        async def nothing() -> None:
            return

        later = conn.create_task(nothing())
        assert not later.done()
        conn._auth_complete = False
        now = conn.create_task(nothing())
        assert now.done()
        conn._auth_complete = True
        await later
