"""The SFTP edge as clients meet it: who gets in, how they log in, what they may open, and how it ends."""

import asyncio
from dataclasses import replace

import asyncssh
import pytest
from tests.fakes.host_keys import host_keys
from tests.fakes.ingress import OnlyNamedGroups
from tests.fakes.loopback import all_taken
from tests.fakes.sftp_house import (
    CLIENT_KEY,
    PATIENCE_S,
    RSA_KEY,
    STRANGE_KEY,
    eventually,
    key_line,
    sftp_house,
    sftp_server,
)

from crossdock.core.errors import Unavailable
from crossdock.core.servers import FileProtocol
from crossdock.settings import SftpSettings

PROXY_LINE = b"PROXY TCP4 192.0.2.7 198.51.100.1 4000 22\r\n"
FROM_HERE = SftpSettings(proxy_protocol_from=("127.0.0.1/32",))
CHACHA20 = ["chacha20-poly1305@openssh.com"]


async def heard(reader: asyncio.StreamReader) -> bytes:
    """Everything that is said until the connection ends, in whichever way."""
    async with asyncio.timeout(PATIENCE_S):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("how", [{"password": "secret"}, {}, {"client_keys": [RSA_KEY]}])
async def test_a_user_logs_in_and_moves_a_file(how):
    async with sftp_house() as house:
        async with house.client(**how) as conn, conn.start_sftp_client() as sftp:
            async with sftp.open("f", "wb") as file:
                await file.write(b"content" * 50_000)
            async with sftp.open("f", "rb") as file:
                assert await file.read() == b"content" * 50_000
            assert house.s3.content("bucket", "home/f") == b"content" * 50_000
        await house.everybody_left()
        assert house.log.activities() == ["CONNECTED", "OPEN", "CLOSE", "OPEN", "CLOSE", "DISCONNECTED"]


@pytest.mark.parametrize(
    ("username", "how"),
    [
        ("user1", {"password": "wrong"}),
        ("nobody", {"password": "secret"}),
        ("user1", {"client_keys": [STRANGE_KEY]}),
        ("nobody", {"client_keys": [CLIENT_KEY]}),
    ],
)
async def test_who_is_not_admitted_hears_no_reason(username, how):
    async with sftp_house() as house:
        with pytest.raises(asyncssh.PermissionDenied) as refusal:
            async with house.client(username, **how):
                pass
        assert refusal.value.reason == f"Permission denied for user {username} on host 127.0.0.1"
        await house.everybody_left()
        assert set(house.log.activities()) == {"AUTH_FAILURE"}


async def test_a_managed_way_in_by_key_alone_offers_no_password():
    async with sftp_house(server=sftp_server("PUBLIC_KEY")) as house:
        with pytest.raises(asyncssh.PermissionDenied):
            async with house.client(password="secret"):
                pass
        assert house.provider.asked == []


async def test_two_factors_are_both_needed():
    async with sftp_house(server=sftp_server("PUBLIC_KEY_AND_PASSWORD")) as house:
        for one in ({"password": "secret"}, {"client_keys": [CLIENT_KEY]}):
            with pytest.raises(asyncssh.PermissionDenied):
                async with house.client(**one):
                    pass
        assert "CONNECTED" not in house.log.activities()
        async with house.client(client_keys=[CLIENT_KEY], password="secret") as conn:
            assert conn.get_extra_info("username") == "user1"
        await house.everybody_left()
        assert house.log.activities()[-2:] == ["CONNECTED", "DISCONNECTED"]


async def test_the_banner_is_shown_before_the_login():
    class Client(asyncssh.SSHClient):
        banners: list[str] = []

        def auth_banner_received(self, msg: str, lang: str) -> None:
            self.banners.append(msg)

    server = sftp_server(pre_login_banner="keep out\n")
    async with sftp_house(server=server) as house, house.client(client_factory=Client):
        assert Client.banners == ["keep out\n"]


async def test_failures_are_counted_over_all_keys_and_passwords():
    keys = [asyncssh.generate_private_key("ssh-ed25519") for _ in range(3)]
    async with sftp_house(settings=SftpSettings(attempts_per_connection=3)) as house:
        with pytest.raises(asyncssh.DisconnectError, match="Too many authentication failures"):
            async with house.client(client_keys=keys, password="secret"):
                pass
        async with house.client(client_keys=keys[:2], password="secret") as conn:
            assert conn.get_extra_info("username") == "user1"


async def test_nothing_but_sftp_is_served():
    async with sftp_house() as house, house.client() as conn:
        with pytest.raises(asyncssh.ChannelOpenError):
            await conn.run("id")
        with pytest.raises(asyncssh.ChannelOpenError):
            await conn.create_session(asyncssh.SSHClientSession)
        with pytest.raises(asyncssh.ChannelOpenError):
            await conn.create_session(asyncssh.SSHClientSession, subsystem="netconf")
        for forwarding in (conn.open_connection("127.0.0.1", 1), conn.open_unix_connection("/run/x")):
            with pytest.raises(asyncssh.ChannelOpenError) as refusal:
                await forwarding
            assert refusal.value.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED
        with pytest.raises(asyncssh.ChannelListenError):
            await conn.start_server(lambda *_: None, "127.0.0.1", 0)
        async with conn.start_sftp_client() as sftp:  # none of it has ended the connection
            assert await sftp.listdir() == [".", ".."]


async def test_channels_share_a_session_and_are_limited():
    async with sftp_house(settings=SftpSettings(channels_per_connection=2)) as house, house.client() as conn:
        first, second = await conn.start_sftp_client(), await conn.start_sftp_client()
        with pytest.raises(asyncssh.ChannelOpenError, match="2 channels"):
            await conn.start_sftp_client()
        first.exit()
        await first.wait_closed()
        await second.mkdir("d")

        async def third() -> bool:
            try:
                return await (await conn.start_sftp_client()).isdir("d")
            except asyncssh.ChannelOpenError:
                return False

        async with asyncio.timeout(PATIENCE_S):
            while not await third():
                pass
        assert house.log.activities().count("CONNECTED") == 1


async def test_a_connection_that_closes_before_a_byte_counts_as_nobodys(caplog):
    caplog.set_level("INFO")
    async with sftp_house(per_address=1) as house:
        for _ in range(3):
            _, writer = await house.raw()
            await all_taken(writer)
            writer.close()
            await house.everybody_left()
        assert caplog.records == []
        assert house.log.events == []


async def test_connections_of_an_address_are_limited():
    async with sftp_house(per_address=1) as house:
        reader, writer = await house.raw()
        assert (await reader.readline()).startswith(b"SSH-2.0-Crossdock")
        refused, other = await house.raw()
        assert b"Too many connections" in await heard(refused)
        with pytest.raises(asyncssh.DisconnectError, match="Too many connections") as farewell:
            async with house.client():
                pass
        assert farewell.value.code == 12
        writer.close()
        other.close()
        await house.everybody_left()
        async with house.client() as conn:
            assert conn.get_extra_info("username") == "user1"


async def test_who_no_rule_lets_in_meets_nobody():
    ingress = OnlyNamedGroups("sg-1")
    async with sftp_house(server=sftp_server(security_group_ids=("sg-1",)), ingress=ingress) as house:
        with pytest.raises((OSError, asyncssh.Error)):
            async with house.client():
                pass
        ingress.admitted["sg-1"].add("127.0.0.1")
        async with house.client() as conn:
            assert conn.get_extra_info("username") == "user1"


async def test_a_balancer_says_who_the_client_is():
    async with sftp_house(settings=FROM_HERE) as house:
        reader, writer = await house.raw()
        writer.write(PROXY_LINE[:10])
        writer.write(PROXY_LINE[10:])
        assert (await reader.readline()).startswith(b"SSH-2.0-Crossdock")
        await eventually(lambda: house.limits.connections == 1)
        writer.close()
        await house.everybody_left()


async def test_a_login_behind_a_balancer_is_the_clients():
    async with sftp_house(settings=FROM_HERE) as house:
        reader, writer = await asyncio.open_connection("127.0.0.1", house.listener.port)
        writer.write(PROXY_LINE)
        await writer.drain()
        connection = writer.get_extra_info("socket").dup()
        assert reader.at_eof() is False
        writer.transport.pause_reading()
        async with house.client(sock=connection, password="secret") as conn:
            assert conn.get_extra_info("username") == "user1"
        writer.close()
        assert [attempt.source_ip for attempt in house.provider.asked] == ["192.0.2.7"]


async def test_a_balancer_without_a_header_is_sent_away():
    async with sftp_house(settings=FROM_HERE) as house:
        reader, writer = await house.raw()
        writer.write(b"SSH-2.0-client\r\n")
        assert await heard(reader) == b""
        writer.close()


async def test_new_connections_meet_changed_settings_and_keys():
    async with sftp_house() as house, house.client() as conn:
        with pytest.raises(asyncssh.KeyExchangeFailed):
            async with house.client(encryption_algs=CHACHA20):
                pass
        house.update(sftp_server(security_policy="TransferSecurityPolicy-2018-11"))
        [new] = host_keys("ecdsa-sha2-nistp384")
        house.host_keys.of[sftp_server().server_id] = [replace(new, key_id="hostkey-0a")]
        async with house.client(encryption_algs=CHACHA20) as other:
            assert other.get_server_host_key().get_algorithm() == "ecdsa-sha2-nistp384"
        async with conn.start_sftp_client() as sftp:
            assert await sftp.listdir() == [".", ".."]


async def test_without_a_host_key_the_endpoint_does_not_open_and_says_why():
    async with sftp_house() as house:
        house.host_keys.of.clear()
        with pytest.raises(OSError, match="no host key") as refusal:
            await house.edge.open(sftp_server(), FileProtocol.SFTP, "127.0.0.1", 0)
        assert refusal.value.errno is None


async def test_keys_that_cannot_be_read_send_clients_away_and_count_nobody():
    class Broken:
        async def active(self, server_id: str):
            raise Unavailable("the state is locked")

    async with sftp_house() as house:
        house.host_keys.active = Broken().active  # type: ignore[method-assign]
        with pytest.raises((OSError, asyncssh.Error)):
            async with house.client():
                pass
        await house.everybody_left()


async def test_a_client_that_vanishes_during_its_login_leaves_nothing():
    async with sftp_house() as house:
        house.provider.gate = asyncio.Event()
        login = asyncio.create_task(house.client(password="secret").__aenter__())
        await eventually(lambda: bool(house.provider.asked))
        login.cancel()
        await asyncio.gather(login, return_exceptions=True)
        await house.everybody_left()
        house.provider.gate.set()
        assert "CONNECTED" not in house.log.activities()


async def test_a_provider_that_breaks_ends_one_connection_and_is_logged(caplog):
    async with sftp_house() as house:
        house.provider.failure = RuntimeError("broken")
        with pytest.raises((OSError, asyncssh.Error)):
            async with house.client(password="secret"):
                pass
        await house.everybody_left()
        assert [one.message for one in caplog.records if one.levelname == "ERROR"] == ["ssh connection failed"]
        assert "secret" not in caplog.text
        house.provider.failure = None
        async with house.client(password="secret") as conn:
            assert conn.get_extra_info("username") == "user1"


async def test_a_client_that_vanishes_during_an_upload_leaves_nothing():
    async with sftp_house() as house:
        async with house.client() as conn:
            sftp = await conn.start_sftp_client()
            file = await sftp.open("f", "wb")
            await file.write(b"x" * 100_000)
            conn.abort()
        await house.everybody_left()
        assert house.s3.keys("bucket") == []
        assert house.log.activities()[-1] == "DISCONNECTED"


async def test_a_closed_listener_lets_transfers_finish():
    async with sftp_house() as house, house.client() as conn, house.client("user2") as idle:
        sftp = await conn.start_sftp_client()
        file = await sftp.open("f", "wb")
        await file.write(b"x" * 1000)
        closing = asyncio.create_task(house.listener.close(drain_timeout_s=PATIENCE_S))
        await idle.wait_closed()
        with pytest.raises(ConnectionRefusedError):
            await house.raw()
        await file.write(b"y" * 1000)
        await file.close()
        await conn.wait_closed()
        await closing
        assert house.s3.content("bucket", "home/f") == b"x" * 1000 + b"y" * 1000


async def test_who_is_drained_hears_that_it_is_the_end():
    class Client(asyncssh.SSHClient):
        ends: list[Exception | None] = []

        def connection_lost(self, exc: Exception | None) -> None:
            self.ends.append(exc)

    async with (
        sftp_house() as house,
        house.client(client_factory=Client) as idle,
        house.client(client_factory=Client) as conn,
    ):
        sftp = await conn.start_sftp_client()
        await sftp.open("f", "wb")
        await house.listener.close(drain_timeout_s=0)
        await asyncio.gather(idle.wait_closed(), conn.wait_closed())
    assert Client.ends == [None, None]  # asyncssh's client had a disconnect, "by application"


async def test_no_channel_is_opened_any_more_on_a_connection_that_is_drained():
    """What began there would be cut with it."""
    async with sftp_house() as house, house.client() as conn:
        sftp = await conn.start_sftp_client()
        file = await sftp.open("f", "wb")
        await file.write(b"x")
        closing = asyncio.create_task(house.listener.close(drain_timeout_s=PATIENCE_S))
        await asyncio.sleep(0)
        with pytest.raises(asyncssh.ChannelOpenError, match="the server was stopped"):
            await conn.start_sftp_client()
        await file.close()
        await closing


async def test_a_drain_waits_for_no_clock():
    """What was asked is answered, and then the session ends at once, however long the drain may last."""
    async with sftp_house() as house, house.client() as conn:
        sftp = await conn.start_sftp_client()
        file = await sftp.open("f", "wb")
        await file.write(b"x")
        loop = asyncio.get_running_loop()
        closing = asyncio.create_task(house.listener.close(drain_timeout_s=3600))
        await asyncio.sleep(0)
        due = [timer.when() for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
        assert min(due) > loop.time() + PATIENCE_S / 2
        await file.close()
        await closing
        assert house.s3.content("bucket", "home/f") == b"x"


async def test_the_answer_that_is_owed_comes_before_the_drain_ends_the_session():
    async with sftp_house() as house, house.client() as conn:
        sftp = await conn.start_sftp_client()
        gate = house.s3.hold("HeadObject")
        asked = asyncio.create_task(sftp.exists("f"))
        await gate.entered.wait()
        closing = asyncio.create_task(house.listener.close(drain_timeout_s=PATIENCE_S))
        await asyncio.sleep(0)
        assert not conn.is_closed()
        gate.open.set()
        assert await asked is False
        await conn.wait_closed()
        await closing


@pytest.mark.parametrize("how", [{}, {"password": "secret"}], ids=["key", "password"])
async def test_the_log_says_how_the_connection_is_secured_and_with_which_key(how):
    async with sftp_house() as house:
        async with house.client(
            encryption_algs=["aes256-gcm@openssh.com"], kex_algs=["ecdh-sha2-nistp256"], client_version="x", **how
        ):
            pass
        await house.everybody_left()
        [connected] = [event for _, event in house.log.events if event["activity-type"] == "CONNECTED"]
        told = {name: value for name, value in connected.items() if name.startswith("ssh-")}
        assert connected["ciphers"] == "aes256-gcm@openssh.com,aes256-gcm@openssh.com"
        assert connected["kex"] == "ecdh-sha2-nistp256"
        assert connected["client"] == "SSH-2.0-x"
        line = key_line(CLIENT_KEY).split()
        expected = {
            "ssh-public-key": line[1],
            "ssh-public-key-fingerprint": CLIENT_KEY.get_fingerprint(),
            "ssh-public-key-type": "ssh-ed25519",
        }
        assert told == ({} if how else expected)


async def test_with_both_factors_the_log_says_which_key():
    async with sftp_house(server=sftp_server("PUBLIC_KEY_AND_PASSWORD")) as house:
        async with house.client(client_keys=[CLIENT_KEY], password="secret"):
            pass
        [connected] = [event for _, event in house.log.events if event["activity-type"] == "CONNECTED"]
        assert connected["ssh-public-key-fingerprint"] == CLIENT_KEY.get_fingerprint()


async def test_ten_sessions_per_connection_and_no_more():
    async with sftp_house() as house, house.client() as conn:
        for _ in range(10):
            sftp = await conn.start_sftp_client()
            assert await sftp.listdir() == [".", ".."]
        with pytest.raises(asyncssh.ChannelOpenError, match="10 channels"):
            await conn.start_sftp_client()


@pytest.mark.parametrize("answers", [True, False])
async def test_a_client_is_asked_whether_it_is_there_and_is_cut_when_it_is_not(answers: bool):
    asked = asyncio.Event()
    count = 0

    class Client(asyncssh.SSHClient):
        def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
            original = conn._process_keepalive_at_openssh_dot_com_global_request

            def hear(packet: object) -> None:
                nonlocal count
                count += 1
                if count > 5:
                    asked.set()
                if answers:
                    original(packet)  # type: ignore[arg-type]

            conn._process_keepalive_at_openssh_dot_com_global_request = hear  # type: ignore[method-assign]

    async with (
        sftp_house(settings=SftpSettings(keepalive_s=0.02)) as house,
        house.client(client_factory=Client) as conn,
    ):
        async with asyncio.timeout(PATIENCE_S):
            if answers:
                await asked.wait()
                assert not conn.is_closed()
            else:
                await conn.wait_closed()
        assert (count > 5) is answers
        if not answers:
            await house.everybody_left()
            assert house.log.events[-1][1]["message"] == "Client not responding to keepalive"


async def test_what_outlasts_the_drain_is_cut_and_discarded():
    async with sftp_house() as house, house.client() as conn:
        sftp = await conn.start_sftp_client()
        file = await sftp.open("f", "wb")
        await file.write(b"x" * 1000)
        await house.listener.close(drain_timeout_s=0)
        await conn.wait_closed()
        assert house.s3.keys("bucket") == []
        assert house.log.events[-1][1]["message"] == "the server was stopped"


async def test_an_idle_session_is_ended():
    async with sftp_house(settings=SftpSettings(idle_timeout_s=1.0)) as house:
        async with house.client() as conn:
            loop = asyncio.get_running_loop()
            now = loop.time
            loop.time = lambda: now() + 2.0  # type: ignore[method-assign]
            try:
                await conn.wait_closed()
            finally:
                del loop.time  # type: ignore[attr-defined]
        await house.everybody_left()
        assert house.log.events[-1][1]["message"] == "the session was idle for too long"


async def test_a_download_of_more_than_any_buffer_comes_whole():
    content = bytes(range(256)) * (6 << 12)
    async with sftp_house() as house, house.client() as conn, conn.start_sftp_client() as sftp:
        house.s3.add("bucket", "home/f", content)
        async with sftp.open("f", "rb") as file:
            assert await file.read() == content


async def test_who_does_not_log_in_is_sent_away():
    async with sftp_house(settings=SftpSettings(login_timeout_s=1.0)) as house:
        reader, writer = await house.raw()
        assert (await reader.readline()).startswith(b"SSH-2.0-Crossdock")
        loop = asyncio.get_running_loop()
        now = loop.time
        loop.time = lambda: now() + 2.0  # type: ignore[method-assign]
        try:
            await heard(reader)
        finally:
            del loop.time  # type: ignore[attr-defined]
        writer.close()
        await house.everybody_left()
        assert house.log.events == []


class Elsewhere:
    """Implements `ports.guests.Rooms` and `Guest`: says its name, and is full at times."""

    def __init__(self) -> None:
        self.told = []
        self.is_full = False

    async def receive(self, arrived, left):
        if self.is_full:
            return None
        self.transport, self.left = arrived.transport, left
        arrived.transport.write(b"elsewhere\r\n")
        return self

    def drain(self):
        self.told.append("drain")

    def cut(self, reason):
        self.told.append(reason)
        self.transport.abort()
        self.left(self)


async def test_clients_may_be_served_elsewhere_and_are_counted_and_ended_as_here():
    rooms = Elsewhere()
    async with sftp_house(elsewhere=rooms) as house:
        reader, writer = await house.raw()
        assert await reader.readline() == b"elsewhere\r\n"
        assert house.limits.connections == 1
        rooms.is_full = True
        refused, other = await house.raw()
        assert await heard(refused) == b""
        await house.listener.close(drain_timeout_s=0)
        assert rooms.told == ["drain", "the server was stopped"]
        await house.everybody_left()
        writer.close()
        other.close()
