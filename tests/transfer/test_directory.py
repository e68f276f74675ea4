"""What the gateway reads of the servers, and how its reports are kept."""

import pytest
from tests.fakes.clock import FakeClock
from tests.fakes.transfer import HUB, REGION, make_transfer_api

from crossdock.core.servers import Endpoint, FileProtocol, ServerState


@pytest.fixture
def api():
    return make_transfer_api()


def endpoint(server_id, protocol=FileProtocol.FTP, port=2121):
    return Endpoint(
        server_id=server_id,
        account_id=HUB,
        region=REGION,
        state=ServerState.ONLINE,
        protocol=protocol,
        host="127.0.0.1",
        port=port,
        passive_ports=(8192, 8193),
        message="why",
        was_bound=True,
    )


async def test_an_endpoint_is_read_as_it_was_reported(api):
    server_id = await api.server()
    assert await api.directory.report(server_id, ServerState.ONLINE, [endpoint(server_id)])
    assert list(await api.directory.endpoints()) == [endpoint(server_id)]


async def test_a_report_that_answers_an_older_wish_changes_nothing(api):
    server_id = await api.server()
    await api.call("StopServer", ServerId=server_id)
    assert not await api.directory.report(server_id, ServerState.ONLINE, [endpoint(server_id)], is_wanted=True)
    assert (await api.described(server_id))["State"] == "STOPPING"
    assert list(await api.directory.endpoints()) == []
    assert await api.directory.report(server_id, ServerState.OFFLINE, (), is_wanted=False)
    assert (await api.described(server_id))["State"] == "OFFLINE"


async def test_a_report_of_a_server_that_is_gone_is_not_taken(api):
    assert not await api.directory.report("s-00000000000000000", ServerState.OFFLINE, ())


async def test_a_protocol_that_the_server_gave_up_is_listed_again_when_it_comes_back(api):
    server_id = await api.server(Protocols=["FTP", "SFTP"])
    both = [endpoint(server_id), endpoint(server_id, FileProtocol.SFTP, 2222)]
    await api.directory.report(server_id, ServerState.ONLINE, both)
    await api.call("UpdateServer", ServerId=server_id, Protocols=["SFTP"])
    assert list(await api.directory.endpoints()) == both[1:]
    await api.call("UpdateServer", ServerId=server_id, Protocols=["FTP", "SFTP"])
    assert list(await api.directory.endpoints()) == both


async def test_the_oldest_server_comes_first(api):
    clock = api.operations.house.clock
    assert isinstance(clock, FakeClock)
    made = []
    for _ in range(6):
        clock.advance(1)
        made.append(await api.server())
        await api.directory.report(made[-1], ServerState.ONLINE, [endpoint(made[-1])])
    assert [server.server_id for server in await api.directory.servers()] == made
    assert [one.server_id for one in await api.directory.endpoints()] == made
