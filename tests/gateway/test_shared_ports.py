"""FTP and FTPS of a server on one port, servers that share one by their host names, and objections to a port at all."""

import pytest
from tests.fakes.edges import Bench, make_bench
from tests.fakes.transfer import CERTIFICATE

from crossdock.core.servers import FileProtocol, ServerState

FTP_AND_FTPS = {"Protocols": ["FTP", "FTPS"], "Certificate": CERTIFICATE}
FTPS_ALONE = {"Protocols": ["FTPS"], "Certificate": CERTIFICATE}


def tagged(**tags: str) -> dict:
    names = {"endpoint": "crossdock:endpoint", "ftps": "crossdock:ftps", "hostname": "aws:transfer:customHostname"}
    return {"Tags": [{"Key": names[name], "Value": value} for name, value in tags.items()]}


async def places(bench: Bench, server_id: str) -> dict[str, tuple[str, int]]:
    """Where each protocol of a server is that is ONLINE."""
    found = [one for one in await bench.directory.endpoints() if one.server_id == server_id]
    assert all(one.state is ServerState.ONLINE for one in found), [one.message for one in found]
    return {str(one.protocol): (one.host, one.port) for one in found}


async def started(bench: Bench, **settings: object) -> str:
    server_id = await bench.server(**settings)
    await bench.gateway.reconcile()
    return server_id


@pytest.mark.parametrize("protocols", [["FTP", "FTPS"], ["FTPS", "FTP"]])
async def test_ftp_and_ftps_of_a_server_are_on_one_port(protocols):
    bench = make_bench()
    server_id = await started(bench, **{**FTP_AND_FTPS, "Protocols": protocols})
    assert await places(bench, server_id) == {"FTP": ("127.0.0.1", 2121), "FTPS": ("127.0.0.1", 2121)}
    assert [one.protocol for one in bench.announced] == protocols


async def test_the_next_server_gets_the_next_port_for_both():
    bench = make_bench()
    servers = [await started(bench, **FTP_AND_FTPS) for _ in range(3)]
    ports = [await places(bench, server_id) for server_id in servers]
    assert [{port for _, port in one.values()} for one in ports] == [{2121}, {2122}, {2123}]


async def test_a_port_that_the_system_chooses_is_one_for_both():
    bench = make_bench(default_ports={FileProtocol.FTP: 0, FileProtocol.FTPS: 0})
    server_id = await started(bench, **FTP_AND_FTPS)
    assert await places(bench, server_id) == {"FTP": ("127.0.0.1", 40001), "FTPS": ("127.0.0.1", 40001)}


async def test_a_protocol_that_is_added_later_joins_the_other_and_its_sessions_go_on():
    bench = make_bench()
    await started(bench)
    server_id = await started(bench)
    await bench.do("UpdateServer", server_id, **FTP_AND_FTPS)
    assert await places(bench, server_id) == {"FTP": ("127.0.0.1", 2122), "FTPS": ("127.0.0.1", 2122)}
    assert all(listener.is_accepting for listener in bench.ftp.opened)


async def test_a_protocol_that_is_taken_away_leaves_the_other_its_port():
    bench = make_bench()
    server_id = await started(bench, **FTP_AND_FTPS)
    await bench.do("UpdateServer", server_id, Protocols=["FTPS"])
    assert await places(bench, server_id) == {"FTPS": ("127.0.0.1", 2121)}
    assert [listener.is_accepting for listener in bench.ftp.opened] == [False, True]
    other = await started(bench)
    assert await places(bench, other) == {"FTP": ("127.0.0.1", 2122)}


async def test_both_keep_their_port_over_a_restart():
    before = make_bench()
    servers = [await started(before, **FTP_AND_FTPS) for _ in range(2)]
    kept = [await places(before, server_id) for server_id in servers]
    await before.gateway.close()
    after = make_bench(before=before, default_ports={FileProtocol.FTP: 2500, FileProtocol.FTPS: 2500})
    await after.gateway.reconcile()
    assert [await places(after, server_id) for server_id in servers] == kept


async def test_both_keep_the_address_that_one_of_them_is_pinned_to_over_a_restart():
    before = make_bench()
    server_id = await started(before, **FTP_AND_FTPS, **tagged(endpoint="ftp=127.0.0.2:2100"))
    together = {"FTP": ("127.0.0.2", 2100), "FTPS": ("127.0.0.2", 2100)}
    assert await places(before, server_id) == together
    await before.gateway.close()
    after = make_bench(before=before)
    await after.gateway.reconcile()
    assert await places(after, server_id) == together


async def test_pins_can_keep_them_apart():
    bench = make_bench()
    server_id = await started(bench, **FTP_AND_FTPS, **tagged(endpoint="ftp=127.0.0.1:2100,ftps=127.0.0.1:2990"))
    assert await places(bench, server_id) == {"FTP": ("127.0.0.1", 2100), "FTPS": ("127.0.0.1", 2990)}


async def test_pins_can_bring_them_together():
    bench = make_bench()
    server_id = await started(bench, **FTP_AND_FTPS, **tagged(endpoint="ftp=127.0.0.1:2100,ftps=127.0.0.1:2100"))
    assert await places(bench, server_id) == {"FTP": ("127.0.0.1", 2100), "FTPS": ("127.0.0.1", 2100)}


@pytest.mark.parametrize("protocols", [["FTP", "FTPS"], ["FTPS", "FTP"]])
async def test_implicit_tls_has_a_port_of_its_own(protocols):
    bench = make_bench()
    settings = {**FTP_AND_FTPS, "Protocols": protocols}
    server_id = await started(bench, **settings, **tagged(ftps="implicit"))
    found = await places(bench, server_id)
    assert {port for _, port in found.values()} == {2121, 2122}


@pytest.mark.parametrize("protocols", [["FTP", "FTPS"], ["FTPS", "FTP"]])
async def test_when_tls_becomes_implicit_ftp_keeps_the_port(protocols):
    bench = make_bench()
    server_id = await started(bench, **{**FTP_AND_FTPS, "Protocols": protocols})
    arn = (await bench.api.described(server_id))["Arn"]
    await bench.api.call("TagResource", Arn=arn, **tagged(ftps="implicit"))
    await bench.do("StopServer", server_id)
    await bench.do("StartServer", server_id)
    assert await places(bench, server_id) == {"FTP": ("127.0.0.1", 2121), "FTPS": ("127.0.0.1", 2122)}


async def test_implicit_tls_cannot_be_pinned_to_the_port_of_ftp():
    bench = make_bench()
    pins = "ftp=127.0.0.1:2100,ftps=127.0.0.1:2100"
    server_id = await started(bench, **FTP_AND_FTPS, **tagged(endpoint=pins, ftps="implicit"))
    failed = await bench.endpoint(server_id, "FTPS")
    assert failed.state is ServerState.START_FAILED
    assert f"port 2100 on 127.0.0.1 belongs to server {server_id}" in failed.message
    assert (await bench.endpoint(server_id)).state is ServerState.ONLINE


async def test_ftps_that_cannot_open_leaves_ftp_open():
    bench = make_bench()
    server_id = await started(bench)
    bench.ftp.error = OSError("the certificate cannot be had")
    await bench.do("UpdateServer", server_id, **FTP_AND_FTPS)
    failed = await bench.endpoint(server_id, "FTPS")
    assert (failed.state, failed.message) == (ServerState.START_FAILED, "the certificate cannot be had")
    assert (await bench.endpoint(server_id)).state is ServerState.ONLINE


# Several servers on one address.

PIN = "ftp=127.0.0.1:2100"


async def test_two_servers_with_host_names_may_be_pinned_to_one_address():
    bench = make_bench()
    red = await started(bench, **tagged(endpoint=PIN, hostname="red.example.com"))
    blue = await started(bench, **tagged(endpoint=PIN, hostname="blue.example.com"))
    assert await bench.ports() == {red: 2100, blue: 2100}
    assert [listener.is_accepting for listener in bench.ftp.opened] == [True, True]
    await bench.do("StopServer", red)
    assert await places(bench, blue) == {"FTP": ("127.0.0.1", 2100)}
    await bench.do("StartServer", red)
    assert await places(bench, red) == {"FTP": ("127.0.0.1", 2100)}


async def test_both_protocols_of_both_servers_may_be_there():
    bench = make_bench()
    pins = f"{PIN},ftps=127.0.0.1:2100"
    servers = [await started(bench, **FTP_AND_FTPS, **tagged(endpoint=pins, hostname=name)) for name in ("a", "b")]
    for server_id in servers:
        assert await places(bench, server_id) == {"FTP": ("127.0.0.1", 2100), "FTPS": ("127.0.0.1", 2100)}


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {}),
        ({"hostname": "red.example.com"}, {}),
        ({}, {"hostname": "red.example.com"}),
        ({"hostname": "red.example.com"}, {"hostname": "RED.example.com."}),
    ],
    ids=["no names", "the first has one", "the second has one", "the same name"],
)
async def test_without_two_names_the_second_server_is_told_who_has_the_address(first, second):
    bench = make_bench()
    owner = await started(bench, **tagged(endpoint=PIN, **first))
    late = await started(bench, **tagged(endpoint=PIN, **second))
    failed = await bench.endpoint(late)
    assert failed.state is ServerState.START_FAILED
    assert f"port 2100 on 127.0.0.1 belongs to server {owner}" in failed.message
    assert await places(bench, owner) == {"FTP": ("127.0.0.1", 2100)}


async def test_host_names_alone_share_no_port():
    bench = make_bench()
    red = await started(bench, **tagged(hostname="red.example.com"))
    blue = await started(bench, **tagged(hostname="blue.example.com"))
    assert await bench.ports() == {red: 2121, blue: 2122}


async def test_all_addresses_and_one_of_them_are_not_shared():
    bench = make_bench()
    await started(bench, **tagged(endpoint=PIN, hostname="red.example.com"))
    late = await started(bench, **tagged(endpoint="ftp=0.0.0.0:2100", hostname="blue.example.com"))
    assert (await bench.endpoint(late)).state is ServerState.START_FAILED


# Tags that change while servers share a port.


async def shared(bench: Bench) -> tuple[str, str]:
    """Two servers on one port, the older one first."""
    red = await started(bench, **tagged(endpoint=PIN, hostname="red.example.com"))
    return red, await started(bench, **tagged(endpoint=PIN, hostname="blue.example.com"))


async def tag(bench: Bench, server_id: str, **tags: str) -> None:
    arn = (await bench.api.described(server_id))["Arn"]
    await bench.api.call("TagResource", Arn=arn, **tagged(**tags))


@pytest.mark.parametrize("thief", [0, 1], ids=["the older", "the younger"])
@pytest.mark.parametrize("is_robbed_changed", [False, True])
async def test_who_takes_the_others_name_loses_the_port_and_the_other_keeps_both(thief, is_robbed_changed):
    bench = make_bench()
    servers = await shared(bench)
    names = ("red.example.com", "blue.example.com")
    robbed = 1 - thief
    await tag(bench, servers[thief], hostname=names[robbed].upper())
    if is_robbed_changed:
        await tag(bench, servers[robbed], endpoint=PIN, hostname=f"{names[robbed]}.")
    await bench.gateway.reconcile()
    assert [one.is_accepting for one in bench.ftp.opened] == [place == robbed for place in (0, 1)]
    assert {one.hostname for one in bench.ftp.opened[thief].updates} <= {names[thief]}
    failed = await bench.endpoint(servers[thief])
    assert failed.state is ServerState.START_FAILED
    assert f"port 2100 on 127.0.0.1 belongs to server {servers[robbed]}" in failed.message
    assert await places(bench, servers[robbed]) == {"FTP": ("127.0.0.1", 2100)}
    await tag(bench, servers[thief], hostname="another.example.com")
    await bench.gateway.reconcile()
    assert await places(bench, servers[thief]) == {"FTP": ("127.0.0.1", 2100)}


async def test_of_two_who_take_one_new_name_at_once_one_has_it():
    bench = make_bench()
    servers = await shared(bench)
    for server_id in servers:
        await tag(bench, server_id, hostname="green.example.com")
    await bench.gateway.reconcile()
    assert sorted(one.is_accepting for one in bench.ftp.opened) == [False, True]
    states = {(await bench.endpoint(server_id)).state for server_id in servers}
    assert states == {ServerState.ONLINE, ServerState.START_FAILED}


async def test_a_new_name_that_nobody_has_disturbs_nobody():
    bench = make_bench()
    red, _ = await shared(bench)
    await tag(bench, red, hostname="green.example.com")
    await bench.gateway.reconcile()
    assert [one.is_accepting for one in bench.ftp.opened] == [True, True]
    assert bench.ftp.opened[0].updates[-1].hostname == "green.example.com"


async def test_who_gives_up_its_name_moves_out():
    bench = make_bench()
    red, blue = await shared(bench)
    arn = (await bench.api.described(red))["Arn"]
    await bench.api.call("UntagResource", Arn=arn, TagKeys=["aws:transfer:customHostname"])
    await bench.gateway.reconcile()
    assert (await bench.endpoint(red)).state is ServerState.START_FAILED
    assert await places(bench, blue) == {"FTP": ("127.0.0.1", 2100)}


# Objections.


async def test_an_objection_is_a_failed_start_with_its_sentence_and_the_other_protocol_opens():
    asked = []

    def object_to_ftp(server, protocol, host):
        asked.append((server.server_id, protocol, host))
        return "FTP shows passwords" if protocol is FileProtocol.FTP else ""

    bench = make_bench(objection=object_to_ftp)
    server_id = await started(bench, **FTP_AND_FTPS, **tagged(endpoint="ftp=192.0.2.1:21,ftps=192.0.2.1:21"))
    ftp, ftps = await bench.endpoint(server_id), await bench.endpoint(server_id, "FTPS")
    assert (ftp.state, ftp.message) == (ServerState.START_FAILED, "FTP shows passwords")
    assert (ftps.state, ftps.host, ftps.port) == (ServerState.ONLINE, "192.0.2.1", 21)
    assert asked == [(server_id, protocol, "192.0.2.1") for protocol in (FileProtocol.FTP, FileProtocol.FTPS)]
    assert bench.ftp.tried == [("192.0.2.1", 21)]
    assert [one.protocol for one in bench.announced] == [FileProtocol.FTPS]


async def test_a_start_after_the_objection_has_gone_works():
    sentences = ["no security group"]
    bench = make_bench(objection=lambda *_: sentences[0])
    server_id = await started(bench)
    assert await bench.state(server_id) == "START_FAILED"
    assert bench.ftp.tried == []
    sentences[0] = ""
    await bench.do("StartServer", server_id)
    assert await places(bench, server_id) == {"FTP": ("127.0.0.1", 2121)}
