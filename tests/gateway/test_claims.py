"""Whose an address is: of several accounts' servers, of those that are stopped, and over a restart."""

import pytest
from tests.fakes.edges import Bench, make_bench
from tests.fakes.transfer import CERTIFICATE

from crossdock.core.servers import FileProtocol, ServerState

HUB, PARTNER = "111111111111", "222222222222"
ADDRESS = "127.0.0.1:2100"
FTPS_ALONE = {"Protocols": ["FTPS"], "Certificate": CERTIFICATE}


def tags(pin: str = f"ftp={ADDRESS}", hostname: str = "") -> dict:
    found = [{"Key": "crossdock:endpoint", "Value": pin}]
    return {"Tags": [*found, {"Key": "aws:transfer:customHostname", "Value": hostname}] if hostname else found}


async def started(bench: Bench, account: str = HUB, **settings: object) -> str:
    server_id = await bench.server(account=account, **settings)
    await bench.gateway.reconcile()
    return server_id


async def do(bench: Bench, operation: str, server_id: str, account: str = HUB) -> None:
    await bench.api.call(operation, account=account, ServerId=server_id)
    await bench.gateway.reconcile()


async def state(bench: Bench, server_id: str) -> ServerState:
    return (await bench.endpoint(server_id)).state


async def restarted(bench: Bench) -> Bench:
    await bench.gateway.close()
    after = make_bench(before=bench)
    await after.gateway.reconcile()
    return after


@pytest.mark.parametrize("names", [("red.example", "blue.example"), ("", "")])
async def test_servers_of_two_accounts_share_no_port_and_the_second_learns_nothing_of_the_first(names):
    bench = make_bench()
    owner = await started(bench, **tags(hostname=names[0]))
    late = await started(bench, PARTNER, **tags(hostname=names[1]))
    failed = await bench.endpoint(late)
    assert failed.state is ServerState.START_FAILED
    assert failed.message.startswith("port 2100 on 127.0.0.1 belongs to a server of another account: choose another")
    assert owner not in failed.message
    assert HUB not in failed.message
    assert await state(bench, owner) is ServerState.ONLINE


@pytest.mark.parametrize("spelling", ["127.0.0.1", "0.0.0.0", "localhost", "[::ffff:127.0.0.1]"])
async def test_while_the_owner_is_stopped_nobody_of_another_account_takes_its_place(spelling):
    bench = make_bench()
    owner = await started(bench, **tags(hostname="red.example"))
    late = await started(bench, PARTNER, **tags(f"ftp={spelling}:2100", "blue.example"))
    await do(bench, "StopServer", owner)
    await do(bench, "StartServer", late, PARTNER)
    assert await state(bench, late) is ServerState.START_FAILED
    bench = await restarted(bench)
    assert await state(bench, late) is ServerState.START_FAILED
    await do(bench, "StartServer", owner)
    assert await state(bench, owner) is ServerState.ONLINE
    assert await state(bench, late) is ServerState.START_FAILED


@pytest.mark.parametrize("owners_tags", [tags(), {}], ids=["pinned", "where it was first opened"])
async def test_a_pin_that_was_refused_takes_nothing_from_the_owner(owners_tags):
    bench = make_bench()
    owner = await started(bench, **owners_tags)
    port = (await bench.endpoint(owner)).port
    late = await started(bench, PARTNER, **tags(f"ftp=127.0.0.1:{port}"))
    await do(bench, "StopServer", owner)
    await do(bench, "StartServer", owner)
    assert (await state(bench, owner), await state(bench, late)) == (ServerState.ONLINE, ServerState.START_FAILED)
    bench = await restarted(bench)
    assert (await state(bench, owner), await state(bench, late)) == (ServerState.ONLINE, ServerState.START_FAILED)
    assert (await bench.endpoint(owner)).port == port


async def test_another_protocol_joins_its_servers_port_whoever_pins_it_meanwhile():
    bench = make_bench()
    owner = await started(bench)
    theirs = {**FTPS_ALONE, "Certificate": CERTIFICATE.replace(HUB, PARTNER)}
    await started(bench, PARTNER, **tags("ftps=127.0.0.1:2121"), **theirs)
    await bench.do("UpdateServer", owner, Protocols=["FTP", "FTPS"], Certificate=CERTIFICATE)
    joined = await bench.endpoint(owner, "FTPS")
    assert (joined.state, joined.port) == (ServerState.ONLINE, 2121)


async def test_of_two_pins_that_were_never_open_the_older_servers_counts():
    bench = make_bench()
    older = await bench.server(**tags())
    younger = await bench.server(account=PARTNER, **tags())
    await bench.gateway.reconcile()
    assert (await state(bench, older), await state(bench, younger)) == (ServerState.ONLINE, ServerState.START_FAILED)


async def test_who_was_there_keeps_the_port_from_an_older_server_that_pins_it_later():
    bench = make_bench()
    older, younger = await started(bench), await started(bench, PARTNER)
    arn = (await bench.api.described(older))["Arn"]
    await bench.api.call("TagResource", Arn=arn, **tags("ftp=127.0.0.1:2122"))
    bench = await restarted(bench)
    assert (await state(bench, older), await state(bench, younger)) == (ServerState.START_FAILED, ServerState.ONLINE)


@pytest.mark.parametrize(
    ("first", "second", "hint"),
    [
        (tags(), tags(), "give each a host name of its own with the tag aws:transfer:customHostname; or choose"),
        (tags(hostname="a"), tags("ftp=0.0.0.0:2100", "b"), "pin both to the same address with the tag crossdock:"),
    ],
    ids=["no names", "two addresses"],
)
async def test_within_an_account_the_message_names_what_is_missing_to_share_the_port(first, second, hint):
    bench = make_bench()
    owner = await started(bench, **first)
    message = (await bench.endpoint(await started(bench, **second))).message
    assert f"belongs to server {owner}: to share it, {hint}" in message


async def test_a_pin_for_a_protocol_that_the_server_does_not_have_is_refused():
    bench = make_bench()
    server_id = await started(bench, **FTPS_ALONE, **tags())
    failed = await bench.endpoint(server_id, "FTPS")
    assert failed.state is ServerState.START_FAILED
    assert failed.message == (
        "the tag crossdock:endpoint is for FTP, which the server does not have: write crossdock:endpoint=ftps=HOST:PORT"
    )
    assert bench.ftp.tried == []


async def test_a_pin_that_is_left_over_from_a_protocol_that_was_taken_away_is_no_mistake():
    bench = make_bench()
    server_id = await started(bench, **FTPS_ALONE, **tags(f"ftp=127.0.0.1:2101,ftps={ADDRESS}"))
    endpoint = await bench.endpoint(server_id, FileProtocol.FTPS)
    assert (endpoint.state, endpoint.port) == (ServerState.ONLINE, 2100)
