"""The driver on loopback: logins, time, limits, and the life of an endpoint."""

import asyncio
import os
import socket

import pytest
from tests.fakes.ftp_house import PATIENCE_S, eventually, ftp_house, ftp_server, pass_time, read_to_end, turns
from tests.fakes.sockets import open_descriptors

from crossdock.core.ports_text import format_ports
from crossdock.core.servers import FileProtocol

OWN_ADDRESS = f"127.1.{os.getpid() >> 8 & 255}.{os.getpid() & 255}"
"""Of this process alone: no other test's client can be given a port there between its closing and its opening again."""

# Logins, time and limits.


async def test_a_refused_login_says_nothing_and_three_end_the_connection() -> None:
    async with ftp_house() as house:
        client = await house.connect()
        assert (await client.reply())[0] == 220
        for user in ("user1", "nobody", "../x"):
            assert (await client.say(f"USER {user}"))[0] == 331
            assert await client.say("PASS wrong") == (530, "530 Login incorrect.\n")
        assert (await client.reply())[0] == 421
        assert await client.reply() == (0, "")
        assert [(a.username, a.source_ip, a.protocol) for a in house.door.attempts] == [
            (user, "127.0.0.1", "FTP") for user in ("user1", "nobody", "../x")
        ]


async def test_a_stranger_has_only_so_long_whatever_it_says() -> None:
    async with ftp_house() as house:
        client = await house.connect()
        assert (await client.reply())[0] == 220
        for _ in range(5):
            pass_time(10)
            assert (await client.say("NOOP"))[0] == 200
        pass_time(10)
        assert (await client.reply())[0] == 421
        assert await client.reply() == (0, "")


async def test_a_stranger_gains_no_time_by_asking_for_hosts() -> None:
    async with ftp_house() as house:
        client = await house.connect()
        assert (await client.reply())[0] == 220
        for _ in range(5):
            pass_time(10)
            assert (await client.say("HOST nobody.example"))[0] == 504
        pass_time(10)
        assert (await client.reply())[0] == 421
        assert await client.reply() == (0, "")


async def test_an_idle_user_is_sent_away_later_than_a_stranger() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        pass_time(1700)
        assert (await client.say("NOOP"))[0] == 200
        pass_time(1700)
        assert (await client.say("NOOP"))[0] == 200
        pass_time(1800)
        assert (await client.reply())[0] == 421
        client.close()
        await house.everybody_left()
        assert house.log.events[-1][1]["message"] == "Idle for too long, closing the connection."


async def test_a_slow_login_is_not_idleness() -> None:
    async with ftp_house() as house:
        house.door.gate = asyncio.Event()
        client = await house.connect()
        await client.reply()
        await client.say("USER user1")
        client.send(b"PASS secret\r\n")
        await eventually(lambda: bool(house.door.attempts))
        for _ in range(3):
            pass_time(61)
            await turns()
        house.door.gate.set()
        assert (await client.reply())[0] == 230


async def test_a_client_that_leaves_during_its_login_leaves_no_session_behind() -> None:
    async with ftp_house() as house:
        house.door.gate = asyncio.Event()
        client = await house.connect()
        await client.reply()
        await client.say("USER user1")
        client.send(b"PASS secret\r\n")
        await eventually(lambda: bool(house.door.attempts))
        client.close()
        assert (await read_to_end(client.reader)) == b""
        assert house.limits.connections == 1  # still counted: the login is still being decided
        house.door.gate.set()
        await house.everybody_left()
        assert house.log.activities()[-1] == "DISCONNECTED"


async def test_one_connection_too_many_is_421() -> None:
    async with ftp_house(per_address=2) as house:
        first, second = await house.connect(), await house.connect()
        assert (await first.reply())[0] == 220
        assert (await second.reply())[0] == 220
        third = await house.connect()
        assert (await third.reply())[0] == 421
        assert await third.reply() == (0, "")
        other = await house.connect(source="127.0.0.2")
        assert (await other.reply())[0] == 220
        first.close()
        await eventually(lambda: house.limits.connections < 3)
        assert (await (await house.connect()).reply())[0] == 220


async def test_who_is_one_too_many_takes_nothing_here_whatever_it_does() -> None:
    async with ftp_house(per_address=1) as house:
        first = await house.connect()
        assert (await first.reply())[0] == 220
        before = open_descriptors()
        refused = [await house.connect() for _ in range(20)]
        for client in refused:
            assert (await client.reply())[0] == 421
        await turns()
        assert open_descriptors() - before == len(refused)  # their own ends
        assert house.limits.connections == 1
        assert (await first.say("NOOP"))[0] == 200


async def test_an_error_inside_ends_that_connection_only(caplog: pytest.LogCaptureFixture) -> None:
    async with ftp_house() as house:
        good = await house.log_in()
        house.door.failure = RuntimeError("a mistake of ours")
        bad = await house.connect()
        await bad.reply()
        await bad.say("USER user1")
        assert (await bad.say("PASS secret"))[0] == 421
        assert await bad.reply() == (0, "")
        assert (await good.say("NOOP"))[0] == 200
        (record,) = [r for r in caplog.records if r.message == "ftp connection failed"]
        assert record.__dict__["source_ip"] == "127.0.0.1"
        assert "secret" not in caplog.text.replace('"PASS secret"', "")


async def test_a_health_checker_that_closes_at_once_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    async with ftp_house() as house:
        for _ in range(20):
            client = await house.connect()
            client.reset()
        client = await house.log_in()
        client.close()
        await house.everybody_left()
        assert not caplog.records
        assert house.log.activities() == ["DISCONNECTED"]


# The server's own settings and life.


async def test_banners_and_passive_address_are_the_servers() -> None:
    server = ftp_server(pre_login_banner="Hello\nthere", post_login_banner="Bye", passive_ip="198.51.100.9")
    async with ftp_house(server=server) as house:
        client = await house.connect()
        assert (await client.reply())[1].startswith("220-Hello\n there\n220 ")
        await client.say("USER user1")
        assert await client.say("PASS secret") == (230, "230-Bye\n230 Logged in.\n")
        assert (await client.say("PASV"))[1].startswith("227 Entering Passive Mode (198,51,100,9,")


async def test_passive_address_auto_is_the_one_the_client_connected_to() -> None:
    async with ftp_house(host="0.0.0.0") as house:
        client = await house.log_in(host="127.0.0.3")
        assert (await client.say("PASV"))[1].startswith("227 Entering Passive Mode (127,0,0,3,")
        assert (await client.store("a", b"x"))[0] == 226


async def test_over_ipv6_epsv_works_and_ipv4_clients_are_ipv4() -> None:
    async with ftp_house(host="::") as house:
        six = await house.log_in(source="::1", host="::1")
        assert (await six.say("PASV"))[0] == 502
        assert (await six.store("a", b"six"))[0] == 226
        four = await house.log_in("user2")
        assert (await four.say("PASV"))[0] == 227
        assert (await four.store("a", b"four"))[0] == 226
        assert [a.source_ip for a in house.door.attempts] == ["::1", "127.0.0.1"]


async def test_changed_settings_count_for_later_connections() -> None:
    async with ftp_house() as house:
        early = await house.log_in()
        house.listener.update(ftp_server(pre_login_banner="New", passive_ip="0.0.0.0"))
        late = await house.connect()
        assert "New" in (await late.reply())[1]
        assert "(127,0,0,1," in (await early.say("PASV"))[1]


async def test_a_server_that_stops_lets_a_transfer_finish_and_sends_the_idle_away() -> None:
    async with ftp_house() as house:
        idle, busy = await house.log_in("user1"), await house.log_in("user2")
        data = await busy.begin_upload()
        closing = house.tasks.start(house.listener.close(drain_timeout_s=PATIENCE_S), name="close")
        assert (await idle.reply())[0] == 421
        with pytest.raises(ConnectionRefusedError):
            await house.connect()
        data.close()
        assert (await busy.reply())[0] == 226
        assert (await busy.reply())[0] == 421
        busy.close()
        idle.close()
        await closing
        assert len(house.content("user2/a")) == 100_000


async def test_a_transfer_that_does_not_finish_in_time_is_cut_and_keeps_nothing() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        data = await client.begin_upload()
        await house.listener.close(drain_timeout_s=0.05)
        await house.kept_nothing()
        data.close()


async def test_a_commit_that_outlives_its_server_is_waited_for_no_longer_and_told_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with ftp_house(stages=False) as house:
        client = await house.log_in()
        data = await client.begin_upload()
        gate = house.s3.hold("PutObject")
        data.close()
        await gate.entered.wait()
        closing = house.tasks.start(house.listener.close(drain_timeout_s=0), name="close")
        while not closing.done():
            pass_time(1)
            await turns()
        assert [record.message for record in caplog.records] == ["ftp sessions outlive their server"]
        gate.open.set()
        await house.everybody_left()
        assert len(house.content("user1/a")) == 100_000


async def test_servers_on_one_address_share_the_passive_ports() -> None:
    async with ftp_house() as house:
        other = await house.edge.open(ftp_server(), FileProtocol.FTP, "127.0.0.1", 0)
        assert other.passive_ports == house.listener.passive_ports
        assert len(set(other.passive_ports)) == 9
        await other.close(drain_timeout_s=0)
        client = await house.log_in()
        assert (await client.store("a", b"x"))[0] == 226


async def test_passive_ports_chosen_by_the_system_are_kept_while_the_service_runs() -> None:
    async with ftp_house(host=OWN_ADDRESS) as house:
        ports = house.listener.passive_ports
        await house.listener.close(drain_timeout_s=0)
        again = await house.edge.open(ftp_server(), FileProtocol.FTP, OWN_ADDRESS, 0)
        assert again.passive_ports == ports
        await again.close(drain_timeout_s=0)


@pytest.mark.parametrize("which", ["passive_ports", "kept_passive_ports"])
async def test_a_passive_port_of_another_program_is_named_and_ftp_is_served_without_it(
    which: str, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server((OWN_ADDRESS, 0)) as foreign, socket.create_server((OWN_ADDRESS, 0)) as closed:
        taken, free = foreign.getsockname()[1], closed.getsockname()[1]
        closed.close()
        async with ftp_house(host=OWN_ADDRESS, **{which: (taken, free)}) as house:
            ports = house.listener.passive_ports
            assert (len(ports), taken in ports, free in ports) == (2 if "kept" in which else 1, False, True)
            client = await house.log_in(host=OWN_ADDRESS)
            assert (await client.store("a", b"x"))[0] == 226
    [record] = [record for record in caplog.records if record.message == "passive ports are missing"]
    for words in (f"port {taken} on {OWN_ADDRESS}", format_ports(ports), "--passive-ports"):
        assert words in vars(record)["reason"]
    assert vars(record)["server_id"] == ftp_server().server_id


async def test_a_busy_control_port_is_an_os_error_and_leaves_the_others_alone() -> None:
    async with ftp_house() as house:
        with socket.create_server(("127.0.0.1", 0)) as foreign, pytest.raises(OSError, match="in use"):
            await house.edge.open(ftp_server(), FileProtocol.FTP, "127.0.0.1", foreign.getsockname()[1])
        client = await house.log_in()
        assert (await client.store("a", b"x"))[0] == 226


def is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((OWN_ADDRESS, port))
        except OSError:
            return True
    return False


@pytest.mark.parametrize("which", ["passive", "control"])
async def test_an_opening_that_is_cancelled_leaves_no_port_open(which: str) -> None:
    async with ftp_house(host=OWN_ADDRESS) as house:
        control, passive = house.port, house.listener.passive_ports
        await house.listener.close(drain_timeout_s=0)
        opening = house.tasks.start(house.edge.open(ftp_server(), FileProtocol.FTP, OWN_ADDRESS, control), name="open")
        await eventually(lambda: is_taken(control if which == "control" else passive[3]))
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        await turns()
        assert not [port for port in (control, *passive) if is_taken(port)]
        house.listeners = [await house.edge.open(ftp_server(), FileProtocol.FTP, OWN_ADDRESS, control)]
        assert house.listener.passive_ports == passive
        client = await house.log_in(host=OWN_ADDRESS)
        assert (await client.store("a", b"x"))[0] == 226
