import asyncio
import errno
import os
import socket
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import Any

import pytest
from tests.fakes.ftp_house import pass_time, turns
from tests.fakes.patience import eventually
from tests.fakes.sockets import no_descriptor_left

from crossdock.core.networks import parse_network
from crossdock.ftp.passive import EPISODE_S, Expectation, PassivePorts
from crossdock.ftp.port_shortage import MOST_REMEMBERED, PortShortage
from crossdock.operations.listening import listen

HERE, THERE = "127.0.0.1", "127.0.0.2"
PATIENCE_S = 10.0
BALANCERS = [parse_network("127.0.0.0/29")]
CLIENT = "192.0.2.7"
HEADER = f"PROXY TCP4 {CLIENT} 198.51.100.1 40000 8192\r\n".encode()


@asynccontextmanager
async def passive_ports(count: int = 1, **options: Any) -> AsyncIterator[PassivePorts]:
    passive = PassivePorts(**options)
    await passive.open(HERE, [0] * count)
    try:
        yield passive
    finally:
        passive.close()


def connect(port: int, source: str = HERE) -> socket.socket:
    return socket.create_connection((HERE, port), source_address=(source, 0))


async def expect(passive: PassivePorts, session: int = 1, address: str = HERE) -> Expectation:
    expectation = await passive.expect(session, address)
    assert expectation is not None
    return expectation


async def closed(connection: socket.socket) -> bool:
    """Whether the other side closes a connection without a byte."""
    connection.setblocking(False)
    async with asyncio.timeout(PATIENCE_S):
        return await asyncio.get_running_loop().sock_recv(connection, 1) == b""


async def test_the_expected_connection_is_handed_over() -> None:
    async with passive_ports() as passive:
        expectation = await expect(passive)
        with connect(expectation.port) as client:
            with await expectation.connection(PATIENCE_S) as server:
                assert server.getpeername() == client.getsockname()
                assert not server.getblocking()
            expectation.withdraw()


async def test_each_connection_goes_to_the_session_that_expects_it() -> None:
    async with passive_ports(9) as passive:
        expectations = [await expect(passive, session) for session in range(9)]
        assert len({expectation.port for expectation in expectations}) == 9
        clients = [connect(expectation.port) for expectation in reversed(expectations)]
        for expectation, client in zip(reversed(expectations), clients, strict=True):
            with await expectation.connection(PATIENCE_S) as server, client:
                assert server.getpeername() == client.getsockname()


async def test_a_connection_that_nobody_expects_is_closed_at_once() -> None:
    async with passive_ports(2) as passive:
        expectation = await expect(passive)
        other = next(port for port in passive.ports if port != expectation.port)
        for port, source in ((expectation.port, THERE), (other, HERE)):
            with connect(port, source) as stranger:
                assert await closed(stranger)


async def test_a_connection_that_was_not_asked_for_is_closed_by_withdrawing() -> None:
    async with passive_ports() as passive:
        expectation = await expect(passive)
        with connect(expectation.port) as client:
            second = await expect(passive, 2)  # the slot is free again: the connection has come
            expectation.withdraw()
            expectation.withdraw()
            assert await closed(client)
            second.withdraw()


async def test_a_late_connection_to_a_withdrawn_port_is_closed() -> None:
    async with passive_ports() as passive:
        expectation = await expect(passive)
        expectation.withdraw()
        with connect(expectation.port) as late:
            assert await closed(late)


async def test_a_connection_from_before_asking_again_is_not_taken_for_the_next() -> None:
    async with passive_ports(9) as passive:
        first = await expect(passive)
        with connect(first.port) as early:  # the loop has not looked at it yet
            first.withdraw()
            second = await expect(passive)
            assert second.port == first.port
            assert await closed(early)
        with connect(second.port) as client, await second.connection(PATIENCE_S) as server:
            assert server.getpeername() == client.getsockname()


async def test_however_many_connections_are_left_from_before_none_is_taken_for_the_next() -> None:
    async with passive_ports() as passive:
        first = await expect(passive)
        with ExitStack() as clients:
            early = [clients.enter_context(connect(first.port)) for _ in range(200)]
            first.withdraw()
            second = await expect(passive)
            with connect(second.port) as client, await second.connection(PATIENCE_S) as server:
                assert server.getpeername() == client.getsockname()
            assert all([await closed(one) for one in early])


@pytest.mark.parametrize("has_come", [True, False], ids=["header before asking again", "header after it"])
@pytest.mark.parametrize("is_accepted", [True, False], ids=["accepted", "queued"])
async def test_a_balancers_connection_from_before_asking_again_is_not_taken_for_the_next(
    has_come: bool, is_accepted: bool
) -> None:
    async with passive_ports(balancers=BALANCERS) as passive:
        first = await expect(passive, address=CLIENT)
        with connect(first.port) as early:
            if is_accepted:
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            if has_come:
                early.sendall(HEADER)
            first.withdraw()
            second = await expect(passive, address=CLIENT)
            assert second.port == first.port
            if not has_come:
                early.sendall(HEADER)
            assert await closed(early)
        with connect(second.port) as client:
            client.sendall(HEADER + b"data")
            with await second.connection(PATIENCE_S) as server:
                assert server.getpeername() == client.getsockname()


async def test_a_session_with_a_slot_of_its_own_does_not_wait_behind_others() -> None:
    async with passive_ports() as passive:
        first = await expect(passive, 1)
        first.withdraw()
        async with asyncio.TaskGroup() as tasks:
            waiting = tasks.create_task(passive.expect(2, HERE))
            await asyncio.sleep(0)
            again = await expect(passive, 1)
            assert not waiting.done()
            waiting.cancel()
        with connect(again.port), await again.connection(PATIENCE_S):
            pass


async def test_waiting_for_a_connection_has_an_end() -> None:
    async with passive_ports() as passive:
        expectation = await expect(passive)
        with pytest.raises(TimeoutError):
            await expectation.connection(0.02)
        expectation.withdraw()


async def test_an_expectation_that_is_never_used_expires() -> None:
    async with passive_ports(claim_s=60) as passive:
        expectation = await expect(passive)
        pass_time(61)
        await turns()
        with pytest.raises(TimeoutError):
            await expectation.connection(PATIENCE_S)
        with connect(expectation.port) as late:
            assert await closed(late)


async def test_who_waits_for_the_connection_waits_as_long_as_it_says_whatever_is_left_of_the_claim() -> None:
    async with passive_ports(claim_s=60) as passive, asyncio.TaskGroup() as tasks:
        expectation = await expect(passive)
        pass_time(59)
        waiting = tasks.create_task(expectation.connection(300))
        await turns()
        pass_time(200)
        await turns()
        with connect(expectation.port) as client, await waiting as server:
            assert server.getpeername() == client.getsockname()


async def test_a_shortage_of_ports_is_told_once_a_minute_for_each_address(caplog: pytest.LogCaptureFixture) -> None:
    async with passive_ports(wait_s=0) as passive:
        for address in (HERE, THERE):
            await expect(passive, 1 if address == HERE else 2, address)
            for session in (3, 4):
                assert await passive.expect(session, address) is None
        pass_time(61)
        await turns()
        await expect(passive, 1)
        assert await passive.expect(3, HERE) is None
    warned = [vars(record)["source_ip"] for record in caplog.records if record.levelname == "WARNING"]
    assert warned == [HERE, THERE, HERE]
    assert "widen passive_ports" in caplog.text


async def test_no_more_addresses_are_remembered_than_there_is_room_for(caplog: pytest.LogCaptureFixture) -> None:
    shortage = PortShortage()
    for number in range(MOST_REMEMBERED + 1):
        shortage.noticed(str(number), 0)
    caplog.clear()
    shortage.noticed("1", 0)
    assert not caplog.records
    shortage.noticed("0", 0)
    assert len(caplog.records) == 1


async def test_when_all_slots_are_pending_a_session_waits_for_the_first_that_is_taken() -> None:
    async with passive_ports() as passive:
        first = await expect(passive, 1)
        async with asyncio.TaskGroup() as tasks:
            second = tasks.create_task(passive.expect(2, HERE))
            third = tasks.create_task(passive.expect(3, HERE))
            elsewhere = await expect(passive, 4, THERE)  # another address does not wait
            assert elsewhere.port == first.port
            with connect(first.port), await first.connection(PATIENCE_S):
                granted = await second
            assert granted is not None
            assert not third.done()
            with connect(granted.port), await granted.connection(PATIENCE_S):
                assert await third is not None


async def test_waiting_for_a_slot_has_an_end() -> None:
    async with passive_ports(wait_s=0.02) as passive:
        await expect(passive, 1)
        assert await passive.expect(2, HERE) is None


async def test_a_session_that_waits_has_the_slot_when_its_rest_is_over() -> None:
    async with passive_ports(rest_s=0.05, wait_s=PATIENCE_S) as passive:
        first = await expect(passive, 1)
        waiting = asyncio.get_running_loop().create_task(passive.expect(2, HERE))
        await asyncio.sleep(0)
        first.withdraw()
        assert await waiting is not None


async def test_who_stops_waiting_lets_the_next_have_its_turn() -> None:
    async with passive_ports() as passive:
        first = await expect(passive, 1)
        loop = asyncio.get_running_loop()
        impatient = loop.create_task(passive.expect(2, HERE))
        patient = loop.create_task(passive.expect(3, HERE))
        await asyncio.sleep(0)
        impatient.cancel()
        with connect(first.port), await first.connection(PATIENCE_S):
            assert await patient is not None
        assert impatient.cancelled()


async def test_two_hundred_sessions_of_one_address_through_nine_ports() -> None:
    async with passive_ports(9) as passive:

        async def transfer(session: int) -> None:
            expectation = await expect(passive, session)
            with connect(expectation.port) as client, await expectation.connection(PATIENCE_S) as server:
                assert server.getpeername() == client.getsockname()
            expectation.withdraw()

        async with asyncio.TaskGroup() as tasks:
            for session in range(200):
                tasks.create_task(transfer(session))


async def test_when_the_ports_close_nobody_waits_for_a_connection_any_more() -> None:
    async with passive_ports() as passive:
        expectation = await expect(passive)
        passive.close()
        with pytest.raises(TimeoutError):
            await expectation.connection(PATIENCE_S)
        expectation.withdraw()
        assert passive.ports == ()
        with pytest.raises(ConnectionRefusedError):
            connect(expectation.port)


async def test_only_without_any_port_nothing_opens_and_the_busy_one_is_named() -> None:
    busy = await listen(HERE, 0)
    free = await listen(HERE, 0)
    port, other = busy.getsockname()[1], free.getsockname()[1]
    free.close()
    passive = PassivePorts()
    with pytest.raises(OSError, match=rf"passive port {port} on 127\.0\.0\.1 .* --passive-ports") as raised:
        await passive.open(HERE, [port])
    assert raised.value.errno is None
    assert passive.ports == ()
    for asked in ([other, port], [port, other]):
        assert list(await passive.open(HERE, asked)) == [port]
        assert passive.ports == (other,)
        connect(other).close()
        passive.close()
    (await listen(HERE, other)).close()
    busy.close()


async def test_a_port_that_was_chosen_and_is_busy_by_now_is_replaced() -> None:
    busy = await listen(HERE, 0)
    port = busy.getsockname()[1]
    passive = PassivePorts()
    assert list(await passive.open(HERE, [port, 0], replaces=True)) == [port]
    assert len(set(passive.ports) - {port}) == 2
    for one in passive.ports:
        connect(one).close()
    passive.close()
    busy.close()


async def test_numbers_of_sessions_are_never_used_twice() -> None:
    passive = PassivePorts()
    assert len({passive.newcomer() for _ in range(100)}) == 100


async def test_without_a_free_descriptor_connections_wait_instead_of_spinning(caplog: pytest.LogCaptureFixture) -> None:
    async with passive_ports(pause_s=0.1) as passive:
        expectation = await expect(passive)
        with socket.socket() as client:
            client.setblocking(False)
            with no_descriptor_left():
                await asyncio.get_running_loop().sock_connect(client, (HERE, expectation.port))
                await eventually(lambda: bool(caplog.records))
                with pytest.raises(TimeoutError):
                    await expectation.connection(0.05)
            assert len(caplog.records) == 1
            with await expectation.connection(PATIENCE_S) as server:
                assert server.getpeername() == client.getsockname()


async def test_a_lack_of_descriptors_is_told_of_once_for_all_ports_and_however_often_it_is_tried(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with passive_ports(2, pause_s=0.01) as passive:
        expectations = [await expect(passive, session) for session in (1, 2)]
        clients = [socket.socket() for _ in expectations]
        with ExitStack() as stack:
            for client in clients:
                stack.enter_context(client).setblocking(False)
            for advance, told in ((0, 1), (1, 1), (EPISODE_S, 2)):
                pass_time(advance)
                with no_descriptor_left():
                    for client, expectation in zip(clients, expectations, strict=True):
                        with suppress(OSError):
                            await asyncio.get_running_loop().sock_connect(client, (HERE, expectation.port))
                    await eventually(lambda: len(caplog.records) >= told)  # noqa: B023 - asked at once
                    with pytest.raises(TimeoutError):
                        await expectations[0].connection(0.05)
        assert [record.message for record in caplog.records] == ["data connections cannot be accepted"] * 2


async def test_what_is_left_from_before_is_not_taken_for_the_next_when_no_descriptor_is_left_to_look() -> None:
    async with passive_ports(pause_s=0.1) as passive:
        first = await expect(passive)
        with connect(first.port) as early:
            first.withdraw()
            with no_descriptor_left():
                assert await passive.expect(1, HERE) is None
            second = await expect(passive)
            assert await closed(early)
        with connect(second.port) as client, await second.connection(PATIENCE_S) as server:
            assert server.getpeername() == client.getsockname()


@pytest.mark.parametrize(
    "name",
    [
        "ECONNABORTED",
        "EPROTO",
        "EPERM",
        "ENETDOWN",
        "ENETUNREACH",
        "EHOSTDOWN",
        "EHOSTUNREACH",
        "ENONET",
        "ENOPROTOOPT",
        "EOPNOTSUPP",
    ],
)
async def test_a_connection_that_broke_while_it_was_queued_is_passed_over(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = getattr(errno, name)
    accept = socket.socket.accept
    broken: list[OSError] = []

    def accept_next(listener: socket.socket) -> tuple[socket.socket, Any]:
        if broken:
            raise broken.pop()
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", accept_next)
    async with passive_ports() as passive:
        first = await expect(passive)
        with connect(first.port) as early:
            first.withdraw()
            broken.append(OSError(number, os.strerror(number)))
            second = await expect(passive)
            assert not broken
            assert await closed(early)
        with connect(second.port) as client, await second.connection(PATIENCE_S) as server:
            assert server.getpeername() == client.getsockname()
