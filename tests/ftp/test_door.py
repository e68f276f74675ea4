"""One port for several servers, who may come through it, and load balancers before it."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from tests.fakes.certificates import client_context
from tests.fakes.clock import START
from tests.fakes.ftp_house import (
    PATIENCE_S,
    FtpClient,
    FtpHouse,
    ftp_house,
    ftp_server,
    pass_time,
    read_to_end,
    turns,
)
from tests.fakes.ftps_streams import FTP, FTPS, FtpsClient, admit, ftps_house, hello, was_cut
from tests.fakes.ingress import OnlyNamedGroups
from tests.fakes.loop_time import time_stands_still
from tests.fakes.loopback import all_taken, end_heard
from tests.fakes.patience import eventually

from crossdock.core.ids import ServerId
from crossdock.core.servers import FTPS_TAG, HOSTNAME_TAG, FileProtocol, Server
from crossdock.settings import FtpSettings, LoginSettings

RED, BLUE = ServerId("s-0000000000000000a"), ServerId("s-0000000000000000b")
HERE, THERE = "127.0.0.1", "127.0.0.2"


def named(server_id: ServerId, hostname: str, *protocols: FileProtocol, **changes: object) -> Server:
    return ftp_server(
        server_id=server_id,
        protocols=protocols or (FTP,),
        tags={HOSTNAME_TAG: hostname},
        pre_login_banner=f"This is {hostname}",
        **changes,
    )


@asynccontextmanager
async def two_servers(
    red: Server | None = None, blue: Server | None = None, ingress: OnlyNamedGroups | None = None
) -> AsyncIterator[FtpHouse]:
    """`red.example` is the older one."""
    blue = blue or named(BLUE, "blue.example")
    async with ftp_house(server=red or named(RED, "red.example"), ingress=ingress) as house:
        for protocol in blue.protocols:
            house.listeners.append(await house.edge.open(blue, protocol, HERE, house.port))
        yield house


async def log_in_here(client: FtpClient, user: str = "user1") -> None:
    assert (await client.say(f"USER {user}"))[0] == 331
    assert (await client.say("PASS secret"))[0] == 230


def servers_asked(house: FtpHouse) -> list[ServerId]:
    return [attempt.server_id for attempt in house.door.attempts]


# HOST.


async def test_who_does_not_say_host_meets_the_oldest() -> None:
    async with two_servers() as house:
        client = await house.connect()
        assert "This is red.example" in (await client.reply())[1]
        await log_in_here(client)
        assert servers_asked(house) == [RED]


@pytest.mark.parametrize("blues_birthday", [0, 1], ids=["of the same moment", "a second younger"])
async def test_who_was_stopped_and_started_is_still_the_oldest(blues_birthday: int) -> None:
    """Else clients, with their passwords, would go to another server from then on."""
    red = named(RED, "red.example", created_at=START)
    blue = named(BLUE, "blue.example", created_at=START + timedelta(seconds=blues_birthday))
    async with two_servers(red, blue) as house:
        await house.listener.close(drain_timeout_s=0)
        house.listeners.append(await house.edge.open(red, FTP, HERE, house.listeners[1].port))
        client = await house.connect()
        assert "This is red.example" in (await client.reply())[1]
        await log_in_here(client)
        assert servers_asked(house) == [RED]


@pytest.mark.parametrize("name", ["blue.example", "BLUE.Example", "blue.example."])
async def test_host_chooses_the_server_with_its_banner(name: str) -> None:
    async with two_servers() as house:
        client = await hello(house)
        code, text = await client.say(f"HOST {name}")
        assert code == 220
        assert "This is blue.example" in text
        await log_in_here(client)
        assert servers_asked(house) == [BLUE]
        assert (await client.store("a", b"x"))[0] == 226


async def test_a_name_that_no_server_has_is_504_and_changes_nothing() -> None:
    async with two_servers() as house:
        client = await hello(house)
        assert (await client.say("HOST green.example"))[0] == 504
        assert (await client.say("HOST blue.example"))[0] == 220
        assert (await client.say("HOST green.example"))[0] == 504
        await log_in_here(client)
        assert servers_asked(house) == [BLUE]


async def test_host_comes_too_late_behind_user() -> None:
    async with two_servers() as house:
        client = await hello(house)
        assert (await client.say("USER user1"))[0] == 331
        assert (await client.say("HOST blue.example"))[0] == 503


async def test_a_server_without_a_name_is_not_found_by_an_empty_one() -> None:
    async with ftp_house() as house:
        client = await hello(house)
        assert (await client.say("HOST ."))[0] == 501
        assert (await client.say("HOST localhost"))[0] == 504


async def test_a_name_that_two_servers_bear_finds_neither() -> None:
    async with two_servers() as house:
        house.listener.update(named(RED, "blue.example"))
        client = await hello(house)
        assert (await client.say("HOST blue.example"))[0] == 504


async def test_each_server_has_its_own_gate() -> None:
    async with two_servers(blue=named(BLUE, "blue.example", FTPS)) as house:
        client = await hello(house)
        assert (await client.say("AUTH TLS"))[0] == 502
        assert (await client.say("HOST blue.example"))[0] == 220
        assert (await client.say("USER user1"))[0] == 530
        assert (await client.say("AUTH TLS"))[0] == 234
        secured = FtpsClient(client, client_context())
        await secured.control.shake()
        assert (await secured.say("HOST red.example"))[0] == 503
        await admit(secured)
        assert (await secured.store("a", b"x"))[0] == 226
        assert [(one.server_id, one.protocol) for one in house.door.attempts] == [(BLUE, FTPS)]


async def test_rein_goes_back_to_the_server_that_was_met_first() -> None:
    async with two_servers() as house:
        client = await hello(house)
        await client.say("HOST blue.example")
        await log_in_here(client)
        assert (await client.say("REIN"))[0] == 220
        await log_in_here(client)
        assert servers_asked(house) == [BLUE, RED]


async def test_a_server_that_stops_takes_its_own_clients_along_and_the_port_stays() -> None:
    async with two_servers() as house:
        reds, blues = await house.log_in("user1"), await hello(house)
        await blues.say("HOST blue.example")
        await log_in_here(blues, "user2")
        closing = house.tasks.start(house.listener.close(drain_timeout_s=PATIENCE_S), name="close")
        assert (await reds.reply())[0] == 421
        reds.close()
        await closing
        assert (await blues.store("a", b"x"))[0] == 226
        late = await house.connect()
        assert "This is blue.example" in (await late.reply())[1]
        assert (await late.say("HOST red.example"))[0] == 504


async def test_the_last_server_to_stop_closes_the_port_and_it_can_be_had_again() -> None:
    async with two_servers() as house:
        port = house.port
        for listener in house.listeners:
            await listener.close(drain_timeout_s=0)
        with pytest.raises(ConnectionRefusedError):
            await house.connect()
        house.listeners = [await house.edge.open(named(BLUE, "blue.example"), FTP, HERE, port)]
        assert (await hello(house)) is not None


async def test_a_port_can_be_opened_again_while_transfers_of_before_still_run() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        data = await client.begin_upload()
        closing = house.tasks.start(house.listener.close(drain_timeout_s=PATIENCE_S), name="close")
        await turns()
        house.listeners = [await house.edge.open(ftp_server(), FTP, HERE, house.port)]
        late = await house.log_in("user2")
        data.close()
        assert [(await client.reply())[0] for _ in range(2)] == [226, 421]
        client.close()
        await closing
        assert (await late.store("b", b"x"))[0] == 226


# Ingress.


def guarded(server_id: ServerId, hostname: str, group: str) -> Server:
    return named(server_id, hostname, security_group_ids=(group,))


async def test_who_is_not_let_in_learns_nothing(caplog: pytest.LogCaptureFixture) -> None:
    ingress = OnlyNamedGroups("sg-red")
    ingress.admitted["sg-red"] = {HERE}
    async with ftp_house(server=guarded(RED, "red.example", "sg-red"), ingress=ingress) as house:
        assert (await house.log_in(source=HERE)) is not None
        stranger = await house.connect(source=THERE)
        assert await was_cut(stranger)
        assert house.limits.connections == 1
        ingress.admitted["sg-red"].add(THERE)
        assert (await house.log_in(source=THERE)) is not None
    assert not [record for record in caplog.records if record.levelname != "INFO"]


async def test_host_does_not_find_a_server_that_does_not_let_the_client_in() -> None:
    ingress = OnlyNamedGroups("sg-red", "sg-blue")
    ingress.admitted |= {"sg-red": {HERE}, "sg-blue": {THERE}}
    red, blue = guarded(RED, "red.example", "sg-red"), guarded(BLUE, "blue.example", "sg-blue")
    async with two_servers(red, blue, ingress) as house:
        here, there = await house.connect(source=HERE), await house.connect(source=THERE)
        assert "This is red.example" in (await here.reply())[1]
        assert "This is blue.example" in (await there.reply())[1]  # the oldest that lets it in
        assert (await here.say("HOST blue.example"))[0] == 504
        assert (await there.say("HOST red.example"))[0] == 504


async def test_whom_one_of_two_with_the_name_does_not_let_in_the_other_does_not_get() -> None:
    ingress = OnlyNamedGroups("sg-red", "sg-blue")
    ingress.admitted |= {"sg-red": {THERE}, "sg-blue": {HERE}}
    red, blue = guarded(RED, "red.example", "sg-red"), guarded(BLUE, "blue.example", "sg-blue")
    async with two_servers(red, blue, ingress) as house:
        house.listeners[1].update(guarded(BLUE, "red.example", "sg-blue"))
        client = await house.connect(source=HERE)
        assert (await client.reply())[0] == 220
        assert (await client.say("HOST red.example"))[0] == 504


# Load balancers: the PROXY protocol.

CLIENT, BALANCED = "192.0.2.7", "198.51.100.1"
V1 = f"PROXY TCP4 {CLIENT} {BALANCED} 40000 21\r\n".encode()


def v2(source: str, destination: str, *, command: int = 0x21) -> bytes:
    block = socket.inet_aton(source) + socket.inet_aton(destination) + struct.pack("!HH", 40000, 21)
    block = b"" if command == 0x20 else block
    return b"\r\n\r\n\x00\r\nQUIT\n" + bytes([command, 0x11]) + struct.pack("!H", len(block)) + block


BALANCER = FtpSettings(proxy_protocol_from=("127.0.0.0/29",), data_connect_timeout_s=PATIENCE_S)
OUTSIDE = "127.0.0.9"


@pytest.mark.parametrize("header", [V1, v2(CLIENT, BALANCED)], ids=["v1", "v2"])
async def test_the_header_says_who_the_client_is_and_what_it_reached(header: bytes) -> None:
    async with ftp_house(ftp=BALANCER) as house:
        client = await house.connect()
        client.send(header)
        assert (await client.reply())[0] == 220
        await log_in_here(client)
        assert [attempt.source_ip for attempt in house.door.attempts] == [CLIENT]
        assert f"({BALANCED.replace('.', ',')}," in (await client.say("PASV"))[1]


@pytest.mark.parametrize("header", [V1, v2(CLIENT, BALANCED)], ids=["v1", "v2"])
async def test_the_header_may_come_byte_by_byte_and_with_the_first_command_behind_it(header: bytes) -> None:
    async with ftp_house(ftp=BALANCER) as house:
        client = await house.connect()
        for byte in header[:-1]:
            client.send(bytes([byte]))
            await turns(2)
        client.send(header[-1:] + b"USER user1\r\nPASS secret\r\n")
        assert [(await client.reply())[0] for _ in range(3)] == [220, 331, 230]
        assert [attempt.source_ip for attempt in house.door.attempts] == [CLIENT]


@pytest.mark.parametrize("header", [v2(CLIENT, BALANCED, command=0x20), b"PROXY UNKNOWN\r\n"], ids=["LOCAL", "UNKNOWN"])
async def test_a_header_without_a_client_leaves_the_connections_own_ends(header: bytes) -> None:
    async with ftp_house(ftp=BALANCER) as house:
        client = await house.connect()
        client.send(header)
        assert (await client.reply())[0] == 220
        await log_in_here(client)
        assert [attempt.source_ip for attempt in house.door.attempts] == [HERE]
        assert "(127,0,0,1," in (await client.say("PASV"))[1]


@pytest.mark.parametrize("begin", [b"USER user1\r\n", b"PROXY TCP4 nobody\r\n", V1[:20] + b"\r\n"])
async def test_what_is_no_header_closes_without_a_byte(begin: bytes) -> None:
    async with ftp_house(ftp=BALANCER) as house:
        client = await house.connect()
        client.send(begin)
        assert await was_cut(client)


@pytest.mark.parametrize("begin", [b"", V1[:-1]], ids=["nothing", "half"])
async def test_a_header_that_does_not_come_in_time_closes(begin: bytes) -> None:
    async with ftp_house(ftp=BALANCER, login=LoginSettings(pre_login_timeout_s=30)) as house:
        client = await house.connect()
        client.send(begin)
        await all_taken(client.writer)
        pass_time(31)
        assert await was_cut(client)


async def test_who_owes_a_header_goes_with_the_port() -> None:
    async with ftp_house(ftp=BALANCER) as house:
        client = await house.connect()
        client.send(V1[:10])
        await all_taken(client.writer)
        await house.listeners[0].close(drain_timeout_s=0)
        assert await was_cut(client)


async def test_a_balancer_that_only_connects_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    async with ftp_house(ftp=BALANCER) as house:
        for leave in (FtpClient.close, FtpClient.reset):
            client = await house.connect()
            client.send(V1[:10])
            await all_taken(client.writer)
            leave(client)
            await end_heard(client.writer)
        assert not caplog.records
        assert house.limits.connections == 0


async def test_who_owes_a_header_counts() -> None:
    async with ftp_house(ftp=BALANCER, per_address=1, total=2) as house:
        owing = [await house.connect() for _ in range(2)]
        await eventually(lambda: house.limits.connections == 2)
        third = await house.connect()
        assert await read_to_end(third.reader) == b""
        for client in owing:
            client.close()
        await eventually(lambda: house.limits.connections == 0)


async def test_of_others_a_header_is_no_header() -> None:
    async with ftp_house(ftp=BALANCER) as house:
        client = await house.log_in(source=OUTSIDE)
        assert [attempt.source_ip for attempt in house.door.attempts] == [OUTSIDE]
        client.send(V1)
        assert (await client.reply())[0] == 500


async def test_ingress_and_limits_are_about_the_client_behind_the_balancer() -> None:
    ingress = OnlyNamedGroups("sg-red")
    ingress.admitted["sg-red"] = {CLIENT}
    server = guarded(RED, "red.example", "sg-red")
    async with ftp_house(server=server, ingress=ingress, ftp=BALANCER, per_address=1) as house:
        client, second, stranger = [await house.connect() for _ in range(3)]
        client.send(V1)
        assert (await client.reply())[0] == 220
        second.send(V1)
        assert (await second.reply())[0] == 421
        stranger.send(V1.replace(CLIENT.encode(), b"192.0.2.8"))
        assert await was_cut(stranger)


async def test_implicit_tls_may_come_in_one_packet_with_the_header() -> None:
    async with ftps_house(server={"tags": {FTPS_TAG: "implicit"}}, ftp=BALANCER) as house:
        client = FtpsClient(await house.connect(), client_context())
        client.writer.write(V1)  # the ClientHello follows before anybody has read it
        await client.control.shake()
        assert (await client.reply())[0] == 220
        client.send(b"USER user1\r\nPASS secret\r\n")
        assert [(await client.reply())[0] for _ in range(2)] == [331, 230]
        assert [attempt.source_ip for attempt in house.door.attempts] == [CLIENT]
        bad = await house.connect()
        bad.send(V1 + b"no TLS at all\r\n")
        assert await was_cut(bad)


async def test_tls_works_behind_a_balancer() -> None:
    async with ftps_house(ftp=BALANCER) as house:
        plain = await house.connect()
        plain.send(V1)
        assert (await plain.reply())[0] == 220
        assert (await plain.say("AUTH TLS"))[0] == 234
        client = FtpsClient(plain, client_context())
        await client.control.shake()
        await admit(client)
        data = await client.tls_data()
        data.writer.write(V1)
        assert (await client.say("STOR a"))[0] == 150
        await data.shake()
        data.write(b"hello")
        await data.close()
        assert (await client.reply())[0] == 226
        assert house.content("user1/a") == b"hello"


# Data connections through a balancer.


async def behind_balancer(house: FtpHouse, address: str = CLIENT, user: str = "user1") -> FtpClient:
    client = await house.connect()
    client.send(V1.replace(CLIENT.encode(), address.encode()))
    assert (await client.reply())[0] == 220
    await log_in_here(client, user)
    return client


@pytest.mark.parametrize("header", [V1, v2(CLIENT, BALANCED)], ids=["v1", "v2"])
@pytest.mark.parametrize("step", [1, 1000], ids=["byte by byte", "with the data behind it"])
async def test_data_connections_belong_to_the_client_that_their_header_names(header: bytes, step: int) -> None:
    async with ftp_house(ftp=BALANCER) as house:
        client = await behind_balancer(house)
        _, data = await client.data()
        assert (await client.say("STOR a"))[0] == 150
        if step == 1:
            for byte in header:
                data.write(bytes([byte]))
                await turns(2)
            data.write(b"hello")
        else:
            data.write(header + b"hello")
        data.close()
        assert (await client.reply())[0] == 226
        assert house.content("user1/a") == b"hello"


async def test_two_clients_behind_one_balancer_get_their_own_data_connections() -> None:
    """Both have the same port, for each has slots of its own."""
    async with ftp_house(ftp=BALANCER) as house:
        one, other = await behind_balancer(house), await behind_balancer(house, "192.0.2.8", "user2")
        ports = [await client.passive() for client in (one, other)]
        for client, port, name in ((other, ports[1], "b"), (one, ports[0], "a")):
            _, data = await client.connect_data(port)
            assert (await client.say(f"STOR {name}"))[0] == 150
            address = CLIENT if client is one else "192.0.2.8"
            data.write(V1.replace(CLIENT.encode(), address.encode()) + name.encode())
            data.close()
            assert (await client.reply())[0] == 226
        assert [house.content(key) for key in ("user1/a", "user2/b")] == [b"a", b"b"]


@pytest.mark.parametrize(
    "begin",
    [b"", b"PRO", b"hello, no header", V1.replace(CLIENT.encode(), b"192.0.2.99")],
    ids=["nothing", "half", "none", "another client's"],
)
async def test_a_data_connection_without_its_clients_header_is_closed_and_not_taken(begin: bytes) -> None:
    async with ftp_house(ftp=BALANCER) as house:
        client = await behind_balancer(house)
        port = await client.passive()
        reader, data = await client.connect_data(port)
        data.write(begin)
        if begin in (b"", b"PRO"):
            data.write_eof()
        with time_stands_still():  # at once, not when its time is over
            assert await ended(reader)
        _, right = await client.connect_data(port)
        assert (await client.say("STOR a"))[0] == 150
        right.write(V1 + b"hello")
        right.close()
        assert (await client.reply())[0] == 226
        assert house.content("user1/a") == b"hello"
        data.close()


async def test_a_data_connection_that_is_reset_in_its_header_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    async with ftp_house(ftp=BALANCER) as house:
        client = await behind_balancer(house)
        _, data = await client.data()
        data.write(V1[:10])
        await all_taken(data)
        data.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        data.transport.abort()
        await end_heard(data)
        assert (await client.say("NOOP"))[0] == 200
        assert not caplog.records


async def ended(reader: asyncio.StreamReader) -> bool:
    try:
        return await read_to_end(reader) == b""
    except ConnectionResetError:
        return True


async def test_a_data_connection_whose_header_does_not_come_in_time_is_closed() -> None:
    async with ftp_house(ftp=BALANCER) as house:
        client = await behind_balancer(house)
        reader, data = await client.data()
        data.write(V1[:5])
        await all_taken(data)
        pass_time(6)
        assert await ended(reader)
        data.close()


# Addresses that PASV names.


@pytest.mark.parametrize(
    ("source", "named_host"), [(HERE, "127,0,0,1"), (THERE, "192,0,2,50"), ("127.0.0.9", "203,0,113,9")]
)
async def test_pasv_names_the_address_for_the_clients_network(source: str, named_host: str) -> None:
    overrides = {"127.0.0.0/24": "203.0.113.9", "127.0.0.2/32": "192.0.2.50", "127.0.0.1/32": "AUTO"}
    async with ftp_house(server=ftp_server(passive_ip="198.51.100.9"), passive_ip=overrides) as house:
        client = await house.log_in(source=source)
        assert f"({named_host}," in (await client.say("PASV"))[1]


async def test_the_log_names_the_server_whose_client_was_refused(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    server = ftp_server(security_group_ids=("sg-red",))
    async with ftp_house(server=server, ingress=OnlyNamedGroups("sg-red")) as house:
        client = await house.connect()
        assert await was_cut(client)
    (record,) = [record for record in caplog.records if record.message == "ftp connection refused"]
    assert (record.server_id, record.source_ip, record.reason) == (server.server_id, HERE, "no ingress rule")
