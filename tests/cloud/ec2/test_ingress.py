"""Who may reach a server that names security groups."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.fakes.ec2 import HUB, PARTNER, make_ec2, server, tcp

from crossdock.adapters.memory.state import MemoryState
from crossdock.cloud.ec2.ingress import SecurityGroupIngress
from crossdock.core.errors import Unavailable
from crossdock.core.servers import FileProtocol
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.state import State, Transaction

UNKNOWN = "sg-0123456789abcdef0"
CLIENT, STRANGER = "192.0.2.7", "203.0.113.9"


def admits(ec2, who, address=CLIENT, *, protocol=FileProtocol.FTP, port=2121):
    return ec2.ingress.admits(who, address, protocol=protocol, port=port)


async def test_a_server_without_groups_is_for_everybody():
    ec2 = await make_ec2()
    assert not ec2.ingress.is_restricted(server())
    assert admits(ec2, server(), STRANGER)


async def test_a_group_without_rules_lets_nobody_in():
    ec2 = await make_ec2()
    who = server(await ec2.group())
    assert ec2.ingress.is_restricted(who)
    assert not admits(ec2, who)


async def test_rules_count_at_the_next_question_when_the_call_is_answered():
    ec2 = await make_ec2()
    group_id = await ec2.group()
    who = server(group_id)
    await ec2.allow(group_id, tcp(21, "192.0.2.0/24", "2001:db8::/32"))
    assert admits(ec2, who)
    assert admits(ec2, who, "::ffff:192.0.2.7")
    assert admits(ec2, who, "2001:db8::7")
    assert not admits(ec2, who, STRANGER)
    await ec2("RevokeSecurityGroupIngress", GroupId=group_id, IpPermissions=[tcp(21, "192.0.2.0/24")])
    assert not admits(ec2, who)
    assert admits(ec2, who, "2001:db8::7")


async def test_a_rule_may_name_the_port_of_aws_or_the_one_that_is_reached():
    ec2 = await make_ec2()
    aws, own, other = [await ec2.group(name) for name in ("aws", "own", "other")]
    await ec2.allow(aws, tcp(21, "192.0.2.0/24"))
    await ec2.allow(own, tcp(2100, "192.0.2.0/24", last=2199))
    await ec2.allow(other, tcp(22, "192.0.2.0/24"))
    assert [admits(ec2, server(group)) for group in (aws, own, other)] == [True, True, False]
    assert admits(ec2, server(other), protocol=FileProtocol.SFTP, port=2222)
    assert not admits(ec2, server(aws), protocol=FileProtocol.SFTP, port=2222)


async def test_several_groups_let_in_what_each_does():
    ec2 = await make_ec2()
    first, second = await ec2.group("one"), await ec2.group("two")
    await ec2.allow(first, tcp(21, "192.0.2.0/24"))
    await ec2.allow(second, tcp(21, "198.51.100.0/24"))
    who = server(first, second, UNKNOWN)
    assert [admits(ec2, who, address) for address in (CLIENT, "198.51.100.1", STRANGER)] == [True, True, False]


async def test_an_id_that_was_never_a_groups_restricts_nothing_and_is_told_once(caplog):
    ec2 = await make_ec2()
    with caplog.at_level(logging.WARNING):
        assert not ec2.ingress.is_restricted(server(UNKNOWN))
        assert admits(ec2, server(UNKNOWN), STRANGER)
    (warning,) = caplog.records
    assert "never created" in warning.message
    assert (warning.security_group_id, warning.ingress) == (UNKNOWN, "unrestricted")


async def test_an_id_that_is_a_groups_elsewhere_lets_nobody_in():
    ec2 = await make_ec2()
    group_id = await ec2.group(account=PARTNER)
    await ec2.allow(group_id, tcp(21, "0.0.0.0/0"), account=PARTNER)
    for who in (server(group_id), server(group_id, account=PARTNER, region="eu-central-1")):
        assert ec2.ingress.is_restricted(who)
        assert not admits(ec2, who)
    assert admits(ec2, server(group_id, account=PARTNER))
    # What the hub asks about it changes nothing for its owner.
    assert (await ec2.refusal("DeleteSecurityGroup", GroupId=group_id))[0] == "InvalidGroup.NotFound"
    assert admits(ec2, server(group_id, account=PARTNER))


async def test_a_deleted_group_lets_nobody_in_also_after_a_restart():
    ec2 = await make_ec2()
    group_id = await ec2.group()
    await ec2.allow(group_id, tcp(21, "0.0.0.0/0"))
    await ec2("DeleteSecurityGroup", GroupId=group_id)
    assert not admits(ec2, server(group_id))
    again = await make_ec2(state=ec2.house.state)
    assert again.ingress.is_restricted(server(group_id))
    assert not admits(again, server(group_id))


async def test_a_restart_knows_every_rule():
    ec2 = await make_ec2()
    group_id = await ec2.group()
    await ec2.allow(group_id, tcp(21, "192.0.2.0/24"))
    again = await make_ec2(state=ec2.house.state)
    assert [admits(again, server(group_id), address) for address in (CLIENT, STRANGER)] == [True, False]


@dataclass
class UnsteadyState:
    """A State of which as many reads fail after the next commit as `failures` says; `seen` is called before each other
    read."""

    seen: Callable[[], None] = lambda: None
    failures: int = 0
    _state: State = field(default_factory=MemoryState)
    _due: int = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with self._state.transaction() as tx:
            yield tx
        self._due, self.failures = self.failures, 0

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Transaction]:
        if self._due:
            self._due -= 1
            raise Unavailable("the state does not answer")
        self.seen()
        async with self._state.reading() as tx:
            yield tx

    def generation(self) -> int:
        return self._state.generation()


async def test_a_group_that_cannot_be_read_lets_nobody_in_until_it_can():
    state = UnsteadyState()
    ec2 = await make_ec2(state=state)
    group_id = await ec2.group()
    await ec2.allow(group_id, tcp(21, "192.0.2.0/24"))
    admitted: list[bool] = []
    state.seen = lambda: admitted.append(admits(ec2, server(group_id)))
    state.failures = 2
    await ec2.allow(group_id, tcp(22, "192.0.2.0/24"))
    # Read to authorise the call, and at last to take over what it changed.
    assert admitted == [True, False]
    assert admits(ec2, server(group_id))


async def test_a_caller_that_goes_away_leaves_what_was_committed_in_force():
    ec2 = await make_ec2()
    group_id = await ec2.group()
    calling = asyncio.ensure_future(ec2.allow(group_id, tcp(21, "192.0.2.0/24")))
    while not calling.done():
        await asyncio.sleep(0)
        if (await described_rules(ec2, group_id)) and not calling.done():
            calling.cancel()
            break
    await asyncio.gather(calling, return_exceptions=True)
    await asyncio.gather(*(task for task in asyncio.all_tasks() if task is not asyncio.current_task()))
    assert admits(ec2, server(group_id)) is bool(await described_rules(ec2, group_id)) is True


async def described_rules(ec2, group_id):
    return (await ec2.described(group_id))["IpPermissions"]


async def test_what_nobody_loaded_restricts_nothing_yet():
    """`app` loads before anything listens."""
    state = MemoryState()
    ec2 = await make_ec2(state=state)
    who = server(await ec2.group())
    fresh = SecurityGroupIngress(state=state, tasks=TaskSupervisor())
    assert not fresh.is_restricted(who)
    await fresh.load()
    assert fresh.is_restricted(who)
    assert who.account_id == HUB
