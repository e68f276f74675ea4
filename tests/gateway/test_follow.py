"""Servers come, change, stop and go, and the gateway follows, whatever fails meanwhile."""

import asyncio
import logging
from functools import partial

import pytest
from tests.fakes.edges import make_bench, of_task, until
from tests.fakes.patience import PATIENCE_S

from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.core.servers import FileProtocol, ServerState
from crossdock.operations.pauses import LEAST_S

BOTH = {"Protocols": ["FTP", "SFTP"]}


@pytest.fixture
def bench():
    return make_bench()


async def test_a_server_is_online_and_announced_once_its_port_accepts(bench):
    server_id = await bench.server()
    bench.ftp.slow = asyncio.Event()
    async with bench.following():
        await until(lambda: is_true(bench.ftp.tried))
        assert await bench.state(server_id) == "STARTING"
        assert bench.announced == []
        bench.ftp.slow.set()
        await until(lambda: has_state(bench, server_id, "ONLINE"))
        await until(lambda: is_true(bench.announced))
    assert bench.announced == [await bench.endpoint(server_id)]


async def test_a_slow_start_keeps_no_other_server_waiting(bench):
    slow = await bench.server()
    bench.ftp.slow = asyncio.Event()
    quick = (await bench.api.call("CreateServer"))["ServerId"]
    async with bench.following():
        await until(lambda: has_state(bench, quick, "ONLINE"))
        assert await bench.state(slow) == "STARTING"
        bench.ftp.slow.set()
        await until(lambda: has_state(bench, slow, "ONLINE"))


async def test_one_failing_listener_does_not_disturb_another_of_the_same_server(bench, caplog):
    bench.sftp.error = RuntimeError("a mistake in the edge")
    server_id = await bench.server(**BOTH)
    await bench.gateway.reconcile()
    ftp, sftp = await bench.endpoint(server_id), await bench.endpoint(server_id, "SFTP")
    assert (ftp.state, sftp.state) == (ServerState.ONLINE, ServerState.START_FAILED)
    assert "an error in Crossdock" in sftp.message
    assert "a mistake in the edge" in caplog.text
    assert await bench.state(server_id) == "ONLINE"
    assert bench.announced == [ftp]


async def test_a_protocol_without_an_edge_is_described_offline_and_says_so():
    bench = make_bench(without=[FileProtocol.SFTP])
    server_id = (await bench.api.call("CreateServer"))["ServerId"]
    await bench.gateway.reconcile()
    endpoint = await bench.endpoint(server_id, "SFTP")
    assert (endpoint.state, endpoint.port, endpoint.message) == (ServerState.OFFLINE, 0, "SFTP is not served yet")
    assert await bench.state(server_id) == "OFFLINE"
    await bench.do("StartServer", server_id)
    assert await bench.state(server_id) == "OFFLINE"


async def test_a_stopped_server_drains_and_ends_offline_while_others_start(bench):
    bench.ftp.has_transfers = True
    first = await bench.server()
    await bench.gateway.reconcile()
    (listener,) = bench.ftp.opened
    await bench.do("StopServer", first)
    assert (listener.is_accepting, listener.drain_timeout_s, listener.is_closed) == (False, 30, False)
    assert await bench.state(first) == "STOPPING"
    assert (await bench.endpoint(first)).state is ServerState.STOPPING

    second = await bench.server()
    await bench.gateway.reconcile()
    assert await bench.state(second) == "ONLINE"
    assert await bench.state(first) == "STOPPING"

    listener.finish()
    await until(lambda: has_state(bench, first, "OFFLINE"))
    endpoint = await bench.endpoint(first)
    assert (endpoint.state, endpoint.port) == (ServerState.OFFLINE, 2121)


async def test_every_protocol_of_a_stopped_server_stops_accepting_at_once(bench):
    bench.ftp.has_transfers = bench.sftp.has_transfers = True
    server_id = await bench.server(**BOTH)
    await bench.gateway.reconcile()
    await bench.do("StopServer", server_id)
    assert [one.is_accepting for one in (*bench.ftp.opened, *bench.sftp.opened)] == [False, False]
    bench.ftp.opened[0].finish()
    await until(lambda: is_true(bench.ftp.opened[0].is_closed))
    assert await bench.state(server_id) == "STOPPING"
    bench.sftp.opened[0].finish()
    await until(lambda: has_state(bench, server_id, "OFFLINE"))


async def test_a_server_started_while_it_drains_is_back_on_its_port_and_stays_online(bench):
    bench.ftp.has_transfers = True
    server_id = await bench.server()
    await bench.gateway.reconcile()
    await bench.do("StopServer", server_id)
    await bench.do("StartServer", server_id)
    assert await bench.state(server_id) == "ONLINE"
    assert (await bench.endpoint(server_id)).port == 2121
    old, new = bench.ftp.opened
    old.finish()
    await until(lambda: is_true(old.is_closed))
    await bench.gateway.reconcile()
    assert await bench.state(server_id) == "ONLINE"
    assert (new.is_accepting, len(bench.announced)) == (True, 2)


async def test_a_stop_and_a_start_that_nobody_saw_apart_end_online(bench):
    server_id = await bench.server()
    await bench.gateway.reconcile()
    await bench.ask("StopServer", server_id)
    await bench.do("StartServer", server_id)
    assert await bench.state(server_id) == "ONLINE"
    assert len(bench.ftp.opened) == 1


async def test_protocols_are_added_and_removed_while_the_others_go_on(bench):
    bench.ftp.has_transfers = True
    server_id = await bench.server()
    await bench.gateway.reconcile()
    await bench.do("UpdateServer", server_id, **BOTH)
    assert [one.protocol for one in bench.announced] == ["FTP", "SFTP"]
    (ftp,), (sftp,) = bench.ftp.opened, bench.sftp.opened
    assert ftp.is_accepting

    await bench.do("UpdateServer", server_id, Protocols=["SFTP"])
    assert (ftp.is_accepting, ftp.is_closed, sftp.is_accepting) == (False, False, True)
    assert [one.protocol for one in await bench.directory.endpoints()] == ["SFTP"]
    assert await bench.state(server_id) == "ONLINE"

    await bench.do("UpdateServer", server_id, **BOTH)
    assert (await bench.endpoint(server_id)).port == 2121
    assert len(bench.sftp.opened) == 1


async def test_a_protocol_that_comes_back_finds_another_port_when_its_own_was_taken(bench):
    first = await bench.server(**BOTH)
    await bench.gateway.reconcile()
    await bench.do("UpdateServer", first, Protocols=["SFTP"])
    second = await bench.server()
    await bench.gateway.reconcile()
    assert (await bench.endpoint(second)).port == 2121
    await bench.do("UpdateServer", first, **BOTH)
    assert (await bench.endpoint(first)).port == 2122


async def test_changed_settings_are_told_to_the_open_listener(bench):
    server_id = await bench.server()
    await bench.gateway.reconcile()
    await bench.do("UpdateServer", server_id, PreAuthenticationLoginBanner="Dock closed on Sundays")
    (listener,) = bench.ftp.opened
    assert listener.updates[-1].pre_login_banner == "Dock closed on Sundays"
    assert listener.is_accepting
    assert len(bench.announced) == 1


async def test_a_deleted_server_is_closed(bench):
    bench.ftp.has_transfers = True
    server_id = await bench.server()
    await bench.gateway.reconcile()
    await bench.do("DeleteServer", server_id)
    (listener,) = bench.ftp.opened
    await until(lambda: is_true(not listener.is_accepting))
    listener.finish()
    await until(lambda: is_true(listener.is_closed))
    assert await bench.directory.endpoints() == []


async def test_a_server_that_is_deleted_while_it_opens_is_closed_again(bench):
    server_id = await bench.server()
    bench.ftp.slow = asyncio.Event()
    async with bench.following():
        await until(lambda: is_true(bench.ftp.tried))
        await bench.ask("DeleteServer", server_id)
        bench.ftp.slow.set()
        await until(lambda: is_true(bench.ftp.opened and bench.ftp.opened[0].is_closed))
    assert bench.announced == []
    assert bench.machine.busy == set()


async def test_a_server_that_is_deleted_while_its_start_fails_keeps_no_port(bench):
    """And nobody waits for it."""
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def fail():
        if not entered.is_set():
            entered.set()
            await go_on.wait()
            raise Unavailable("the state does not answer")

    deleted = await bench.server()
    reconciling = bench.tasks.start(bench.gateway.reconcile(), name="reconcile")
    bench.directory.on_endpoints = of_task(deleted, fail)
    await entered.wait()
    await bench.ask("DeleteServer", deleted)
    deleting = bench.tasks.start(bench.gateway.reconcile(), name="reconcile anew")
    await deleting
    go_on.set()
    async with asyncio.timeout(PATIENCE_S):
        await reconciling
    bench.directory.on_endpoints = None
    server_id = await bench.server()
    await bench.gateway.reconcile()
    assert (await bench.endpoint(server_id)).port == 2121


async def test_a_stop_during_a_slow_start_wins(bench):
    server_id = await bench.server()
    bench.ftp.slow = asyncio.Event()
    async with bench.following():
        await until(lambda: is_true(bench.ftp.tried))
        await bench.ask("StopServer", server_id)
        bench.ftp.slow.set()
        await until(lambda: has_state(bench, server_id, "OFFLINE"))
    assert bench.announced == []
    assert bench.ftp.opened[0].is_closed
    assert ServerState.ONLINE not in [state for _, state, taken in bench.directory.reported if taken]


@pytest.mark.parametrize(
    ("during", "then", "operations", "last"),
    [
        ("STARTING", "ONLINE", ["StopServer"], "OFFLINE"),
        ("STARTING", "ONLINE", ["StopServer", "StartServer"], "ONLINE"),
        ("ONLINE", "OFFLINE", ["StartServer"], "ONLINE"),
        ("ONLINE", "OFFLINE", ["StartServer", "StopServer"], "OFFLINE"),
    ],
)
async def test_a_report_never_overwrites_a_newer_wish(bench, during, then, operations, last):
    """The owner changes the wish in the very instant in which the gateway is about to report."""
    server_id = await bench.server()
    operations = list(operations)
    if during == "ONLINE":
        await bench.gateway.reconcile()
        await bench.ask("StopServer", server_id)

    async def interfere(state):
        if state == then and operations:
            for operation in list(operations):
                operations.remove(operation)
                await bench.ask(operation, server_id)

    bench.directory.on_report = interfere
    async with bench.following():
        await until(lambda: is_true(not operations))
        await until(lambda: has_state(bench, server_id, last))
        await bench.gateway.reconcile()
        assert await bench.state(server_id) == last
    listening = [one.is_accepting for one in bench.ftp.opened]
    assert listening.count(True) == (1 if last == "ONLINE" else 0)


async def test_a_directory_that_fails_once_does_not_end_the_gateway(bench, caplog):
    bench.directory.failures = 1
    server_id = await bench.server()
    async with bench.following():
        await until(lambda: has_state(bench, server_id, "ONLINE"))
    assert bench.directory.failed == 1
    assert "cannot see which servers there should be" in caplog.text


async def test_who_tries_again_at_once_does_so_once_and_then_later_and_later(bench, caplog):
    """`bench` has a first pause of none."""
    bench.directory.failures = 1000
    tried = partial(enough_pauses, caplog, 4)
    async with bench.following():
        await until(tried)
    bench.directory.failures = 0
    assert pauses(caplog)[:4] == [0, LEAST_S, 2 * LEAST_S, 4 * LEAST_S]


async def test_a_server_that_cannot_be_brought_in_line_is_looked_at_later_and_later(bench, caplog):
    async def fail(_state):
        raise Unavailable("the state does not answer")

    bench.directory.on_report = fail
    await bench.server()
    async with bench.following():
        await until(partial(enough_pauses, caplog, 4))
    assert pauses(caplog)[:4] == [0, LEAST_S, 2 * LEAST_S, 4 * LEAST_S]


def pauses(caplog):
    return [record.in_s for record in caplog.records if hasattr(record, "in_s")]


async def enough_pauses(caplog, count):
    return len(pauses(caplog)) >= count


async def test_a_report_that_fails_is_made_again_and_nothing_is_opened_twice(bench, caplog):
    failures = [Unavailable("the state does not answer"), RuntimeError("a mistake"), OutOfSpace("the disk is full")]

    async def fail(_state):
        if failures:
            raise failures.pop()

    bench.directory.on_report = fail
    server_id = await bench.server()
    async with bench.following():
        await until(lambda: has_state(bench, server_id, "ONLINE"))
        await until(lambda: is_true(bench.announced))
    assert (failures, len(bench.ftp.opened), len(bench.announced)) == ([], 1, 1)
    assert "server not in line with its owner's wish" in caplog.text


async def test_starting_is_said_before_the_first_start_when_a_crash_left_servers_online(bench):
    online, stopped, sftp = await bench.server(), await bench.server(), await bench.server(Protocols=["SFTP"])
    await bench.gateway.reconcile()
    await bench.do("StopServer", stopped)
    after = make_bench(before=bench, without=[FileProtocol.SFTP])
    await after.gateway.prepare()
    states = {one.server_id: one.state for one in await after.directory.endpoints()}
    assert states == {online: "STARTING", stopped: "OFFLINE", sftp: "OFFLINE"}
    assert [await after.state(one) for one in (online, stopped, sftp)] == ["STARTING", "OFFLINE", "OFFLINE"]


async def test_without_that_a_server_that_a_crash_left_online_is_starting_until_it_accepts(bench):
    server_id = await bench.server()
    await bench.gateway.reconcile()
    after = make_bench(before=bench)
    after.ftp.slow = asyncio.Event()
    async with after.following():
        await until(lambda: is_true(after.ftp.tried))
        assert await after.state(server_id) == "STARTING"
        after.ftp.slow.set()
        await until(lambda: has_state(after, server_id, "ONLINE"))


async def test_close_drains_all_and_leaves_the_wishes_as_they_are(bench):
    bench.ftp.has_transfers = True
    stopped = await bench.server()
    running = [await bench.server() for _ in range(2)]
    await bench.gateway.reconcile()
    await bench.do("StopServer", stopped)
    closing = bench.tasks.start(bench.gateway.close(), name="closing")
    await until(lambda: has_state(bench, running[1], "STOPPING"))
    assert [one.is_accepting for one in bench.ftp.opened] == [False] * 3
    for listener in bench.ftp.opened:
        assert not closing.done()
        listener.finish()
    await closing
    assert [one.is_closed for one in bench.ftp.opened] == [True] * 3
    assert [await bench.state(one) for one in running] == ["OFFLINE"] * 2
    wishes = {server.server_id: server.is_wanted for server in await bench.directory.servers()}
    assert wishes == {stopped: False, running[0]: True, running[1]: True}


async def test_close_ends_a_start_that_hangs(bench):
    await bench.server()
    bench.ftp.slow = asyncio.Event()
    async with bench.following():
        await until(lambda: is_true(bench.ftp.tried))
        await bench.gateway.close()
        await bench.server()
        await bench.gateway.reconcile()
    assert bench.ftp.opened == []


async def test_a_state_that_cannot_be_written_does_not_keep_the_service_from_ending(bench, caplog):
    await bench.server()
    await bench.gateway.reconcile()
    bench.directory.failures = 100
    await bench.gateway.close()
    assert bench.ftp.opened[0].is_closed
    assert "cannot note that a server ended" in caplog.text


async def test_a_server_goes_online_even_when_nobody_reads_standard_output(bench, caplog):
    def broken(_endpoint):
        raise BrokenPipeError("nobody reads")

    bench.gateway._announce = broken
    server_id = await bench.server()
    with caplog.at_level(logging.WARNING):
        await bench.gateway.reconcile()
    assert await bench.state(server_id) == "ONLINE"
    assert "cannot announce an endpoint" in caplog.text


async def is_true(value):
    return bool(value)


async def has_state(bench, server_id, state):
    return await bench.state(server_id) == state
