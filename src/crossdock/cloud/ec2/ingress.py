"""What the groups of a server let in, held in memory for the edges, which ask at every connection."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from crossdock.cloud.ec2.records import DELETED_GROUPS, GROUPS, ingress_rules
from crossdock.core.errors import OutOfSpace, Unavailable
from crossdock.core.ingress import RESTRICTED, UNRESTRICTED, IngressRules, admits, ports_reached
from crossdock.core.servers import FileProtocol, Server
from crossdock.operations.call import Call
from crossdock.operations.pauses import longer
from crossdock.operations.tasks import TaskSupervisor
from crossdock.ports.state import State, Transaction

RETRY_S = 0.5
MAX_RETRY_S = 30.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Group:
    """`rules` are none for a group that was deleted."""

    account_id: str
    region: str
    rules: IngressRules = ()


class SecurityGroupIngress:
    """Implements `ports.ingress.Ingress`.

    Only groups of the server's own account and region let anybody in: one of another account, of another region, or
    one that was deleted, lets nobody in. Load it before the first question.
    """

    def __init__(self, *, state: State, tasks: TaskSupervisor, retry_s: float = RETRY_S) -> None:
        self._state = state
        self._tasks = tasks
        self._retry_s = retry_s
        self._groups: dict[str, _Group] = {}
        self._warned: set[tuple[str, str]] = set()
        self._reading = asyncio.Lock()

    async def load(self) -> None:
        """Read every group. Raises Unavailable."""
        async with self._reading, self._state.reading() as tx:
            groups = await GROUPS.everything(tx)
            deleted = await DELETED_GROUPS.everything(tx)
        self._groups = {one.group_id: _Group(account_id=one.account_id, region=one.region) for one in deleted}
        for group in groups:
            rules = ingress_rules(group)
            self._groups[group.group_id] = _Group(account_id=group.account_id, region=group.region, rules=rules)

    @asynccontextmanager
    async def changing(self, call: Call, group_id: str) -> AsyncIterator[Transaction]:
        """`call.transaction()` for a write that changes one group.

        What was written counts before the block is left, so whoever has seen the answer sees the change.
        """
        try:
            async with call.transaction() as tx:
                yield tx
        finally:
            # Also after a failure: a cancelled caller does not undo a commit that was begun.
            reread = self._reread(call.account_id, call.region, group_id)
            await asyncio.shield(self._tasks.start(reread, name=f"security group {group_id}"))

    def is_restricted(self, server: Server) -> bool:
        """See `Ingress`. An id that was never a group's is told to the log, once for each server."""
        is_restricted = any(group_id in self._groups for group_id in server.security_group_ids)
        for group_id in server.security_group_ids:
            if group_id not in self._groups:
                self._warn(server, group_id, RESTRICTED if is_restricted else UNRESTRICTED)
        return is_restricted

    def admits(self, server: Server, address: str, *, protocol: FileProtocol, port: int) -> bool:
        """See `Ingress`."""
        if not self.is_restricted(server):
            return True
        known = (self._groups.get(group_id) for group_id in server.security_group_ids)
        own = (group for group in known if group is not None and _is_of(group, server))
        rules = [rule for group in own for rule in group.rules]
        return admits(rules, address, ports_reached(protocol, port))

    def _warn(self, server: Server, group_id: str, ingress: str) -> None:
        if (server.server_id, group_id) not in self._warned:
            self._warned.add((server.server_id, group_id))
            _log.warning(
                "a server names a security group that was never created, which restricts nothing",
                extra={"server_id": server.server_id, "security_group_id": group_id, "ingress": ingress},
            )

    async def _reread(self, account_id: str, region: str, group_id: str) -> None:
        """Take over one group as it is committed; until it can be read, it lets nobody in."""
        delay_s = self._retry_s
        while not await self._was_reread(_Group(account_id=account_id, region=region), group_id, delay_s):
            await asyncio.sleep(delay_s)
            delay_s = longer(delay_s, MAX_RETRY_S)

    async def _was_reread(self, closed: _Group, group_id: str, delay_s: float) -> bool:
        key = (closed.account_id, closed.region, group_id)
        # One at a time: an older view that is taken over after a newer one would undo it.
        async with self._reading:
            present = self._groups.get(group_id)
            if present is not None and (present.account_id, present.region) != key[:2]:
                return True  # somebody else's, which this call cannot have changed
            try:
                async with self._state.reading() as tx:
                    group, deleted = await GROUPS.get(tx, *key), await DELETED_GROUPS.get(tx, *key)
            except (OutOfSpace, Unavailable) as error:
                self._groups[group_id] = closed
                extra = {"security_group_id": group_id, "in_s": delay_s, "reason": str(error)}
                _log.error("a security group cannot be read and lets nobody in; trying again", extra=extra)
                return False
            if group is not None:
                self._groups[group_id] = replace(closed, rules=ingress_rules(group))
            elif deleted is not None:
                self._groups[group_id] = closed
            else:
                self._groups.pop(group_id, None)
        return True


def _is_of(group: _Group, server: Server) -> bool:
    return (group.account_id, group.region) == (server.account_id, server.region)
