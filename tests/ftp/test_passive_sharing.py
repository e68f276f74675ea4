"""Passive ports of several addresses: which are the same, and which cannot be open at the same time."""

import errno
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from random import randrange

import pytest
from tests.fakes.ftp_house import ftp_house, ftp_server

from crossdock.core.ids import ServerId
from crossdock.core.ports_text import format_ports
from crossdock.core.servers import FileProtocol
from crossdock.ftp.passive_sharing import PassiveSharing, SharedPorts

HERE, THERE, EVERYWHERE = "127.0.0.1", "127.0.0.2", "0.0.0.0"
NOT_HERE = "192.0.2.1"


@asynccontextmanager
async def sharing(*hosts: str, port: int = 0) -> AsyncIterator[tuple[PassiveSharing, list[SharedPorts]]]:
    """With the ports of these hosts acquired, one after the other."""
    found = PassiveSharing([port], balancers=())
    acquired: list[SharedPorts] = []
    try:
        for host in hosts:
            acquired.append(await found.acquire(host))
        yield found, acquired
    finally:
        for one in acquired:
            found.release(one)


def free_port() -> int:
    """Free at every address, and below those that the system gives to clients, of which other tests have many."""
    while True:
        try:
            with socket.create_server((EVERYWHERE, randrange(20_000, 32_000))) as probe:
                return int(probe.getsockname()[1])
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise


@pytest.mark.parametrize("spelling", ["localhost", "127.1", "::ffff:127.0.0.1"])
async def test_an_address_is_the_same_however_it_is_spelled(spelling: str) -> None:
    for hosts in ((HERE, spelling), (spelling, HERE)):
        async with sharing(*hosts, port=free_port()) as (_, (one, other)):
            assert one is other
            assert one.users == 2


@pytest.mark.parametrize("host", [HERE, "localhost", "::ffff:127.0.0.2"])
async def test_what_a_wildcard_covers_uses_its_ports(host: str) -> None:
    async with sharing(EVERYWHERE, host, port=free_port()) as (_, (wildcard, specific)):
        assert wildcard is specific


async def test_each_of_two_addresses_has_its_own() -> None:
    port = free_port()
    async with sharing(HERE, THERE, port=port) as (_, (one, other)):
        assert one is not other
        assert one.passive.ports == other.passive.ports == (port,)


async def test_a_wildcard_beside_an_address_that_is_open_is_refused_and_the_sentence_says_why() -> None:
    async with sharing(HERE, port=free_port()) as (found, _):
        with pytest.raises(OSError, match=f"on {EVERYWHERE}, for they are open on {HERE} for other servers") as refused:
            await found.acquire(EVERYWHERE)
        assert refused.value.errno is None
        assert "stop what uses it" not in str(refused.value)


async def test_a_wildcard_may_be_opened_when_the_address_is_closed() -> None:
    async with sharing(port=free_port()) as (found, _):
        found.release(await found.acquire(HERE))
        wildcard = await found.acquire(EVERYWHERE)
        assert wildcard.address == EVERYWHERE
        found.release(wildcard)


async def test_ports_that_the_system_chooses_are_not_in_each_others_way() -> None:
    async with sharing(HERE, EVERYWHERE) as (_, (one, other)):
        assert set(one.passive.ports).isdisjoint(other.passive.ports)


async def test_an_address_that_this_machine_has_not_is_no_port_in_use() -> None:
    async with sharing(port=free_port()) as (found, _):
        with pytest.raises(OSError, match="annot assign") as refused:
            await found.acquire(NOT_HERE)
        assert refused.value.errno == errno.EADDRNOTAVAIL


async def test_a_port_of_another_program_is_named() -> None:
    with socket.create_server((HERE, 0)) as foreign:
        port = foreign.getsockname()[1]
        async with sharing(port=port) as (found, _):
            with pytest.raises(OSError, match=f"passive port {port} on {HERE} cannot be used .*stop what uses it"):
                await found.acquire(HERE)


async def test_when_all_ports_are_other_programs_all_are_named() -> None:
    with ExitStack() as taken:
        foreign = [taken.enter_context(socket.create_server((HERE, 0))).getsockname()[1] for _ in range(3)]
        found = PassiveSharing(foreign, balancers=())
        told = f"passive ports {format_ports(foreign)} on {HERE} cannot be used .*stop what uses it"
        with pytest.raises(OSError, match=told):
            await found.acquire(HERE)


@pytest.mark.parametrize("are_kept", [False, True])
async def test_with_one_port_taken_the_others_serve_or_another_that_the_system_chooses(are_kept: bool) -> None:
    with socket.create_server((HERE, 0)) as foreign:
        taken, free = foreign.getsockname()[1], free_port()
        found = PassiveSharing([taken, free], balancers=(), are_kept=are_kept)
        shared = await found.acquire(HERE)
        assert (list(shared.lost), len(shared.passive.ports)) == ([taken], 1 + are_kept)
        assert free in shared.passive.ports
        replacing = set(shared.passive.ports) - {free}
        found.release(shared)
    again = await found.acquire(HERE)
    assert (list(again.lost), set(again.passive.ports)) == ([], {free} | (replacing if are_kept else {taken}))
    found.release(again)


async def test_the_last_to_leave_closes_the_ports_and_they_stay_the_same() -> None:
    async with sharing(HERE, HERE) as (found, (shared, _)):
        (port,) = shared.passive.ports
        found.release(shared)
        assert shared.passive.ports == (port,)
        found.release(shared)
        assert shared.passive.ports == ()
        for _ in range(2):
            assert (await found.acquire(HERE)).passive.ports == (port,)


async def test_clients_of_both_servers_get_their_data_where_one_is_on_a_wildcard() -> None:
    async with ftp_house(host=EVERYWHERE) as house:
        specific = ftp_server(server_id=ServerId("s-0000000000000000b"))
        house.listeners.append(await house.edge.open(specific, FileProtocol.FTP, HERE, 0))
        on_wildcard = await house.log_in("user1")
        house.listeners.reverse()
        on_specific = await house.log_in("user2")
        for client in (on_wildcard, on_specific):
            assert (await client.store("a", b"x"))[0] == 226
        assert [house.content(f"{user}/a") for user in ("user1", "user2")] == [b"x", b"x"]
