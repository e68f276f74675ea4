"""Which server gets which port, and what is said when it cannot have it."""

import asyncio
import errno
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from tests.fakes.edges import HOST, PASSIVE, Bench, make_bench, no_objection, of_task, until
from tests.fakes.transfer import HUB, REGION

from crossdock.core.servers import FileProtocol, ServerState
from crossdock.gateway.openings import Openings
from crossdock.transfer.server_records import SERVERS

BOTH = {"Protocols": ["FTP", "SFTP"]}


def pinned(value: str) -> dict:
    return {"Tags": [{"Key": "crossdock:endpoint", "Value": value}]}


async def keep_pin(bench: Bench, value: str) -> None:
    """Let the only server have a pin that the API refuses, as one that was made before it did."""
    async with bench.api.operations.house.state.transaction() as tx:
        (record,) = await SERVERS.everything(tx)
        settings = {**record.settings, **pinned(value)}
        await SERVERS.put(tx, replace(record, settings=settings), HUB, REGION, record.server_id)


async def test_the_first_server_takes_the_default_port_and_later_ones_the_next_free():
    bench = make_bench()
    first = await bench.server()
    await bench.gateway.reconcile()
    bench.machine.busy.add(2122)
    second = await bench.server()
    await bench.gateway.reconcile()
    third = await bench.server()
    await bench.gateway.reconcile()
    assert await bench.ports() == {first: 2121, second: 2123, third: 2124}
    assert [one.state for one in await bench.directory.endpoints()] == [ServerState.ONLINE] * 3


async def test_each_protocol_has_its_own_default_port():
    bench = make_bench()
    server_id = await bench.server(**BOTH)
    await bench.gateway.reconcile()
    ftp, sftp = await bench.endpoint(server_id), await bench.endpoint(server_id, "SFTP")
    assert (ftp.port, ftp.passive_ports) == (2121, PASSIVE)
    assert (sftp.port, sftp.passive_ports) == (2222, ())


async def test_servers_that_come_at_once_do_not_want_the_same_port():
    bench = make_bench()
    servers = [await bench.server() for _ in range(5)]
    await bench.gateway.reconcile()
    ports = await bench.ports()
    assert ports == dict(zip(servers, range(2121, 2126), strict=True))
    assert len(bench.ftp.tried) == 5


async def test_of_servers_that_come_at_once_the_oldest_has_the_first_port_whoever_opens_first():
    bench = make_bench()
    first = await bench.server(**BOTH)
    second, third = await bench.server(), await bench.server(Protocols=["SFTP"])
    go_on = asyncio.Event()

    async def wait() -> None:
        await go_on.wait()

    async def two_are_open() -> bool:
        return len(bench.announced) == 2

    bench.directory.on_endpoints = of_task(first, wait)
    async with bench.following():
        await until(two_are_open)
        go_on.set()
        await bench.gateway.reconcile()
    assert {(one.server_id, one.protocol): one.port for one in bench.announced} == {
        (first, "FTP"): 2121,
        (first, "SFTP"): 2222,
        (second, "FTP"): 2122,
        (third, "SFTP"): 2223,
    }


async def test_what_is_meant_for_a_server_is_free_again_when_it_opens_nothing():
    bench = make_bench()
    for _ in range(3):
        await bench.server()
    servers = await bench.directory.servers()
    openings = Openings(
        {FileProtocol.FTP: bench.ftp}, host=HOST, default_ports={FileProtocol.FTP: 2121}, objection=no_objection
    )

    async def port(number: int) -> int:
        endpoint, _ = await openings.open(servers[number], FileProtocol.FTP, known=[], servers=servers)
        return endpoint.port

    openings.plan(servers[:1], known=[], servers=servers)
    assert await port(1) == 2122
    openings.forget(servers[0].server_id)
    assert await port(2) == 2121


class Counted(list[Any]):
    """Tells how often it was gone through."""

    times = 0

    def __iter__(self) -> Iterator[Any]:
        self.times += 1
        return super().__iter__()


async def test_ports_are_found_without_going_through_all_servers_for_each():
    """Hundreds of servers start at once, and the loop serves sessions meanwhile."""
    bench = make_bench()
    for _ in range(30):
        await bench.server()
    servers, known = Counted(await bench.directory.servers()), Counted()
    openings = Openings(
        {FileProtocol.FTP: bench.ftp}, host=HOST, default_ports={FileProtocol.FTP: 2121}, objection=no_objection
    )
    openings.plan(list(servers), known=known, servers=servers)
    for_one = 3
    assert max(servers.times, known.times) <= for_one * len(servers)
    for server in list(servers):
        servers.times = known.times = 0
        endpoint, _ = await openings.open(server, FileProtocol.FTP, known=known, servers=servers)
        assert max(servers.times, known.times) <= for_one
    assert endpoint.port == 2121 + len(servers) - 1


async def test_the_next_free_port_is_never_another_protocols_default():
    bench = make_bench(default_ports={FileProtocol.FTP: 2121, FileProtocol.SFTP: 2122})
    servers = [await bench.server() for _ in range(2)]
    await bench.gateway.reconcile()
    assert await bench.ports() == dict(zip(servers, (2121, 2123), strict=True))


async def test_a_pinned_server_is_where_its_tag_says():
    bench = make_bench()
    server_id = await bench.server(**BOTH, **pinned("ftp=127.0.0.2:2100,sftp=[::1]:2200"))
    other = await bench.server()
    await bench.gateway.reconcile()
    ftp, sftp = await bench.endpoint(server_id), await bench.endpoint(server_id, "SFTP")
    assert ((ftp.host, ftp.port), (sftp.host, sftp.port)) == (("127.0.0.2", 2100), ("::1", 2200))
    assert (await bench.endpoint(other)).port == 2121


async def test_a_pin_is_kept_free_for_its_server_even_while_that_is_stopped():
    bench = make_bench()
    owner = await bench.server(**pinned("ftp=127.0.0.1:2121"))
    await bench.ask("StopServer", owner)
    other = await bench.server()
    await bench.gateway.reconcile()
    assert (await bench.endpoint(other)).port == 2122


async def test_two_servers_with_the_same_pin_are_told_who_has_it():
    bench = make_bench()
    owner = await bench.server(**pinned("ftp=127.0.0.1:2100"))
    await bench.gateway.reconcile()
    late = await bench.server(**pinned("ftp=0.0.0.0:2100"))
    await bench.gateway.reconcile()
    failed = await bench.endpoint(late)
    assert failed.state is ServerState.START_FAILED
    assert f"port 2100 on 0.0.0.0 belongs to server {owner}" in failed.message


async def tag(bench: Bench, server_id: str, value: str) -> None:
    """Change a server's pin, and let the gateway answer."""
    arn = (await bench.api.described(server_id))["Arn"]
    await bench.api.call("TagResource", Arn=arn, **pinned(value))
    await bench.gateway.reconcile()


async def test_a_changed_pin_moves_a_server_when_it_is_started_next():
    bench = make_bench()
    server_id = await bench.server()
    await bench.gateway.reconcile()
    await tag(bench, server_id, "ftp=127.0.0.2:2100")
    assert [one.is_accepting for one in bench.ftp.opened] == [True]
    assert (await bench.endpoint(server_id)).port == 2121
    await bench.do("StopServer", server_id)
    await bench.do("StartServer", server_id)
    endpoint = await bench.endpoint(server_id)
    assert (endpoint.state, endpoint.host, endpoint.port) == (ServerState.ONLINE, "127.0.0.2", 2100)


async def test_a_changed_pin_starts_a_server_at_once_that_could_not_have_its_old_one():
    bench = make_bench()
    bench.machine.busy.add(2100)
    server_id = await bench.server(**pinned("ftp=127.0.0.1:2100"))
    await bench.gateway.reconcile()
    assert await bench.state(server_id) == "START_FAILED"
    await tag(bench, server_id, "ftp=127.0.0.1:2101")
    assert await bench.state(server_id) == "ONLINE"
    endpoint = await bench.endpoint(server_id)
    assert (endpoint.port, endpoint.message) == (2101, "")


async def test_a_pin_for_one_protocol_does_not_disturb_another_that_is_open():
    bench = make_bench()
    bench.machine.busy.add(2200)
    server_id = await bench.server(**BOTH, **pinned("sftp=127.0.0.1:2200"))
    await bench.gateway.reconcile()
    assert (await bench.endpoint(server_id, "SFTP")).state is ServerState.START_FAILED
    await tag(bench, server_id, "sftp=127.0.0.1:2201")
    sftp = await bench.endpoint(server_id, "SFTP")
    assert (sftp.state, sftp.port) == (ServerState.ONLINE, 2201)
    assert [one.is_accepting for one in bench.ftp.opened] == [True]


async def test_a_server_whose_pin_is_taken_away_keeps_its_port():
    bench = make_bench()
    server_id = await bench.server(**pinned("ftp=127.0.0.1:2100"))
    await bench.gateway.reconcile()
    arn = (await bench.api.described(server_id))["Arn"]
    await bench.api.call("UntagResource", Arn=arn, TagKeys=["crossdock:endpoint"])
    await bench.do("StopServer", server_id)
    await bench.do("StartServer", server_id)
    assert (await bench.endpoint(server_id)).port == 2100


async def test_a_tag_that_cannot_be_meant_is_a_failed_start_that_quotes_it():
    bench = make_bench()
    server_id = await bench.server()
    await keep_pin(bench, "ftp=127.0.0.1")
    await bench.gateway.reconcile()
    failed = await bench.endpoint(server_id)
    assert failed.state is ServerState.START_FAILED
    assert "crossdock:endpoint has 'ftp=127.0.0.1'" in failed.message
    assert bench.ftp.tried == []


async def test_a_restart_keeps_every_port_whatever_the_defaults_are_now():
    before = make_bench()
    servers = [await before.server() for _ in range(3)]
    await before.gateway.reconcile()
    ports = await before.ports()
    await before.do("StopServer", servers[1])
    await before.gateway.close()

    after = make_bench(before=before, default_ports={FileProtocol.FTP: 2500})
    await after.do("StartServer", servers[1])
    assert await after.ports() == ports
    newcomer = await after.server()
    await after.gateway.reconcile()
    assert (await after.endpoint(newcomer)).port == 2500


async def test_a_port_that_the_system_chose_is_kept_too():
    system = {FileProtocol.FTP: 0}
    before = make_bench(default_ports=system)
    servers = [await before.server() for _ in range(2)]
    await before.gateway.reconcile()
    ports = await before.ports()
    assert ports == dict(zip(servers, (40001, 40002), strict=True))
    await before.gateway.close()
    after = make_bench(before=before, default_ports=system)
    await after.gateway.reconcile()
    assert await after.ports() == ports


async def test_a_restart_on_another_host_keeps_the_port_and_takes_the_host():
    before = make_bench()
    server_id = await before.server()
    await before.gateway.reconcile()
    await before.gateway.close()
    after = make_bench(before=before, host="0.0.0.0")
    await after.gateway.reconcile()
    endpoint = await after.endpoint(server_id)
    assert (endpoint.host, endpoint.port) == ("0.0.0.0", 2121)


async def test_the_port_of_a_deleted_server_is_free_for_the_next():
    bench = make_bench()
    first = await bench.server()
    await bench.gateway.reconcile()
    await bench.do("DeleteServer", first)
    second = await bench.server()
    await bench.gateway.reconcile()
    assert await bench.ports() == {second: 2121}


async def test_a_busy_port_is_a_failed_start_that_names_it_and_a_later_start_works():
    bench = make_bench()
    bench.machine.busy.add(2121)
    server_id = await bench.server()
    await bench.gateway.reconcile()
    failed = await bench.endpoint(server_id)
    assert (failed.state, failed.port) == (ServerState.START_FAILED, 2121)
    assert failed.message == (
        "port 2121 on 127.0.0.1 is in use by another program: stop it, or choose another port with the server's tag "
        "crossdock:endpoint=ftp=HOST:PORT; then start the server again"
    )
    assert await bench.state(server_id) == "START_FAILED"
    assert bench.announced == []

    bench.machine.busy.clear()
    await bench.do("StartServer", server_id)
    assert await bench.state(server_id) == "ONLINE"
    online = await bench.endpoint(server_id)
    assert (online.state, online.port, online.message) == (ServerState.ONLINE, 2121, "")
    assert bench.announced == [online]


async def test_a_failed_start_is_not_tried_again_because_another_server_changes():
    bench = make_bench()
    bench.machine.busy.add(2121)
    await bench.server()
    await bench.gateway.reconcile()
    bench.machine.busy.clear()
    other = await bench.server()
    await bench.gateway.reconcile()
    assert bench.ftp.tried == [("127.0.0.1", 2121), ("127.0.0.1", 2122)]
    assert (await bench.endpoint(other)).state is ServerState.ONLINE


async def test_a_busy_port_that_a_server_had_is_waited_for_not_swapped():
    before = make_bench()
    servers = [await before.server() for _ in range(2)]
    await before.gateway.reconcile()
    await before.gateway.close()
    after = make_bench(before=before)
    after.machine.busy.add(2122)
    await after.gateway.reconcile()
    failed = await after.endpoint(servers[1])
    assert (failed.state, failed.port, failed.passive_ports) == (ServerState.START_FAILED, 2122, PASSIVE)
    after.machine.busy.clear()
    await after.do("StartServer", servers[1])
    assert await after.ports() == dict(zip(servers, (2121, 2122), strict=True))


async def test_a_server_that_never_had_its_port_follows_the_setting():
    before = make_bench()
    before.machine.busy.add(2121)
    server_id = await before.server()
    await before.gateway.reconcile()
    await before.gateway.close()
    after = make_bench(before=before, default_ports={FileProtocol.FTP: 2500})
    await after.gateway.reconcile()
    assert await after.ports() == {server_id: 2500}


async def test_when_every_port_in_reach_is_busy_the_sentence_says_so():
    bench = make_bench(default_ports={FileProtocol.FTP: 65534, FileProtocol.SFTP: 2222})
    await bench.server()
    bench.machine.busy.add(65535)
    late = await bench.server()
    await bench.gateway.reconcile()
    failed = await bench.endpoint(late)
    assert failed.state is ServerState.START_FAILED
    assert "no port for FTP after 127.0.0.1:65535 is free" in failed.message


async def test_a_port_that_needs_a_privilege_says_which():
    bench = make_bench(default_ports={FileProtocol.FTP: 21})
    bench.ftp.error = PermissionError(errno.EACCES, "Permission denied")
    server_id = await bench.server()
    await bench.gateway.reconcile()
    message = (await bench.endpoint(server_id)).message
    assert "this user may not open port 21" in message
    assert "CAP_NET_BIND_SERVICE" in message


async def test_an_edges_own_sentence_is_passed_on():
    bench = make_bench()
    bench.ftp.error = OSError("passive port 8192 on 127.0.0.1 cannot be used: give other ports with --passive-ports")
    server_id = await bench.server()
    await bench.gateway.reconcile()
    assert (await bench.endpoint(server_id)).message == str(bench.ftp.error)


async def test_an_address_that_this_machine_does_not_have_is_named():
    bench = make_bench()
    bench.ftp.error = OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
    server_id = await bench.server(**pinned("ftp=192.0.2.1:21"))
    await bench.gateway.reconcile()
    message = (await bench.endpoint(server_id)).message
    assert message == (
        "this machine has no address 192.0.2.1: name one that it has in the tag crossdock:endpoint=ftp=HOST:PORT"
    )


@pytest.mark.parametrize(("configured", "shown"), [((9000, 9001), (9000, 9001)), ((), PASSIVE)])
async def test_one_that_cannot_be_opened_shows_the_passive_ports_that_are_configured_now(configured, shown):
    """Where the system chooses, those of before: a later start takes them again."""
    bench = make_bench()
    server_id = await bench.server()
    await bench.gateway.reconcile()
    assert (await bench.endpoint(server_id)).passive_ports == PASSIVE
    await bench.api.call("StopServer", ServerId=server_id)
    await bench.gateway.reconcile()
    bench.ftp.error = OSError("the passive ports cannot be used")
    bench.ftp.passive_ports = configured
    await bench.api.call("StartServer", ServerId=server_id)
    await bench.gateway.reconcile()
    failed = await bench.endpoint(server_id)
    assert (failed.state, failed.passive_ports) == (ServerState.START_FAILED, shown)
