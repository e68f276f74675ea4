"""The control interface on its real socket, asked as the command asks it."""

import asyncio
import stat
from contextlib import asynccontextmanager

import click
import pytest
from tests.fakes.cloud import HUB, PARTNER, admin_of, make_parts
from tests.fakes.edges import make_bench
from tests.fakes.ingress import OnlyNamedGroups

from crossdock.api.control import ControlServer
from crossdock.cli.client import ask_service
from crossdock.core.errors import CrossdockError
from crossdock.core.servers import FileProtocol


async def echo(question):
    """Says what it was asked, or refuses."""
    if "userName" not in question:
        raise CrossdockError("the question has no userName")
    if question["userName"] == "accident":
        raise ValueError("what nobody foresaw")
    return {"asked": question}


@asynccontextmanager
async def control(data_dir, bench=None, *, groups=()):
    parts = make_parts()
    await admin_of(parts, "hub")
    server = ControlServer(
        directory=(bench or make_bench()).directory,
        ingress=OnlyNamedGroups(*groups),
        accounts=parts.accounts,
        house=parts.house,
        sealer=parts.sealer,
        region="eu-west-1",
        api_url="http://127.0.0.1:4566",
        explain=echo,
        buckets=echo,
    )
    (data_dir / "run").mkdir(parents=True, exist_ok=True)
    await server.start(data_dir / "run" / "control.sock")
    try:
        yield server
    finally:
        await server.close()


async def ask(data_dir, path, question=None):
    return await asyncio.to_thread(ask_service, data_dir, path, question=question)


async def test_a_question_of_explain_is_handed_on_and_a_refusal_is_a_sentence(tmp_path):
    async with control(tmp_path):
        assert await ask(tmp_path, "/explain", {"userName": "user1"}) == {"asked": {"userName": "user1"}}
        with pytest.raises(click.ClickException, match="the question has no userName"):
            await ask(tmp_path, "/explain", {})


async def test_what_nobody_foresaw_is_logged_and_answered_in_words(tmp_path, caplog):
    async with control(tmp_path):
        with pytest.raises(click.ClickException) as failed:
            await ask(tmp_path, "/explain", {"userName": "accident"})
    assert failed.value.message == "the service failed while it looked that up: its log tells how"
    assert "what nobody foresaw" in caplog.text


async def test_the_socket_is_the_owners_alone(tmp_path):
    async with control(tmp_path):
        found = (tmp_path / "run" / "control.sock").stat()
        assert stat.S_ISSOCK(found.st_mode)
        assert stat.S_IMODE(found.st_mode) == 0o600


async def test_a_socket_that_a_killed_service_left_is_replaced(tmp_path):
    async with control(tmp_path) as killed:
        async with control(tmp_path):
            assert await ask(tmp_path, "/endpoints") == []
        assert killed is not None


@pytest.mark.parametrize("name", ["data", "d" * 100, "ü" * 120])
async def test_the_data_directory_may_lie_deep(tmp_path, name):
    async with control(tmp_path / name):
        assert await ask(tmp_path / name, "/endpoints") == []


async def test_every_protocol_of_every_server_is_an_object(tmp_path):
    bench = make_bench(without=[FileProtocol.SFTP])
    both = await bench.server(Protocols=["FTP", "SFTP"])
    await bench.gateway.reconcile()
    new = await bench.server()
    async with control(tmp_path, bench):
        found = await ask(tmp_path, "/endpoints")
    server = {"accountId": HUB, "region": "us-east-1", "host": "127.0.0.1"}
    assert found == [
        {
            **server,
            "serverId": both,
            "state": "ONLINE",
            "protocol": "FTP",
            "port": 2121,
            "passivePorts": [8192, 8193],
            "ingress": "unrestricted",
            "message": "",
        },
        {
            **server,
            "serverId": both,
            "state": "OFFLINE",
            "protocol": "SFTP",
            "port": 0,
            "passivePorts": [],
            "ingress": "unrestricted",
            "message": "SFTP is not served yet",
        },
        {
            **server,
            "serverId": new,
            "state": "STARTING",
            "protocol": "FTP",
            "host": "",
            "port": 0,
            "passivePorts": [],
            "ingress": "unrestricted",
            "message": "",
        },
    ]


async def test_who_may_connect_is_as_the_groups_say_at_this_moment(tmp_path):
    bench = make_bench()
    named = {"VpcId": "vpc-0a", "SubnetIds": ["subnet-0a"]}
    await bench.server(EndpointDetails={**named, "SecurityGroupIds": ["sg-00000001"]})
    await bench.server(EndpointDetails={**named, "SecurityGroupIds": ["sg-00000002"]})
    await bench.gateway.reconcile()
    async with control(tmp_path, bench, groups=["sg-00000001"]):
        found = await ask(tmp_path, "/endpoints")
    assert sorted(endpoint["ingress"] for endpoint in found) == ["restricted", "unrestricted"]


@pytest.mark.parametrize(("name", "account_id"), [("hub", HUB), (PARTNER, PARTNER)])
async def test_an_accounts_variables_are_its_administrators(tmp_path, name, account_id):
    async with control(tmp_path):
        found = await ask(tmp_path, f"/accounts/{name}/environment")
    assert list(found) == [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_REGION",
        "AWS_DEFAULT_REGION",
        "AWS_ENDPOINT_URL",
    ]
    assert found["AWS_ACCESS_KEY_ID"].startswith("AKIA")
    assert (found["AWS_REGION"], found["AWS_ENDPOINT_URL"]) == ("eu-west-1", "http://127.0.0.1:4566")


async def test_an_unknown_account_is_refused_with_those_there_are(tmp_path):
    async with control(tmp_path):
        with pytest.raises(click.ClickException) as refusal:
            await ask(tmp_path, "/accounts/hop/environment")
    assert refusal.value.message == (
        "there is no account 'hop' (accounts: hub=111111111111, partner=222222222222, management=000000000000)"
    )


async def test_a_directory_that_is_not_there_is_an_error_and_leaves_nothing_open(tmp_path):
    parts = make_parts()
    server = ControlServer(
        directory=make_bench().directory,
        ingress=OnlyNamedGroups(),
        accounts=parts.accounts,
        house=parts.house,
        sealer=parts.sealer,
        region="eu-west-1",
        api_url="",
        explain=echo,
        buckets=echo,
    )
    await server.close()
    with pytest.raises(FileNotFoundError):
        await server.start(tmp_path / "missing" / "control.sock")
    await server.close()


async def test_what_is_no_question_is_refused(tmp_path):
    async with control(tmp_path):
        for question in ([], "text", 1):
            with pytest.raises(click.ClickException, match="the question must be a JSON object"):
                await ask(tmp_path, "/explain", question)
