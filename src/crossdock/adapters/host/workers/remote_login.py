"""What a login needs of the parent, each behind the port that it has there."""

import asyncio
from collections.abc import Sequence

from crossdock.adapters.host.workers.calls import (
    HOLD_ROLE,
    HOST_KEYS,
    IDENTIFY,
    ISSUE_ROLE,
    LEAVE_PLACE,
    TAKE_PLACE,
    WRITE_LOG,
    HostKeysOf,
    Identify,
    LeavePlace,
    LogLine,
    TakePlace,
    WriteLog,
)
from crossdock.adapters.host.workers.line import CallingLine
from crossdock.core.logins import LoginAttempt, Refusal
from crossdock.core.servers import Server
from crossdock.files.session_limits import Place
from crossdock.ports.authority import IdentityAnswer, IssuedRole, RoleHolder, RoleRequest
from crossdock.ports.host_keys import HostKey
from crossdock.ports.logs import LogGroupId

LOG_EVERY_S = 0.1
LOG_LINES_AT_ONCE = 32
"""A line of a session has a few kilobytes at most."""


class RemoteIdentityProvider:
    """See `ports.authority.IdentityProvider`. A parent that is gone vouches for nobody."""

    def __init__(self, line: CallingLine) -> None:
        self._line = line

    async def identify(self, server: Server, attempt: LoginAttempt) -> IdentityAnswer:
        return await self._line.call(IDENTIFY, Identify(server=server, attempt=attempt))


class RemoteRoleHolders:
    """See `ports.authority.RoleHolders`."""

    def __init__(self, line: CallingLine) -> None:
        self._line = line

    async def hold(self, asked: RoleRequest) -> RoleHolder:
        return await self._line.call(HOLD_ROLE, asked)


class RemoteRoleIssuer:
    """See `ports.authority.RoleIssuer`."""

    def __init__(self, line: CallingLine) -> None:
        self._line = line

    async def issue(self, asked: RoleRequest) -> IssuedRole:
        return await self._line.call(ISSUE_ROLE, asked)


class RemoteHostKeys:
    """See `ports.host_keys.HostKeys`."""

    def __init__(self, line: CallingLine) -> None:
        self._line = line

    async def active(self, server_id: str) -> Sequence[HostKey]:
        return await self._line.call(HOST_KEYS, HostKeysOf(server_id=server_id))


class RemotePlace:
    """See `files.session_limits.Place`. The parent gives back those of a worker that dies."""

    def __init__(self, line: CallingLine, number: int) -> None:
        self._line = line
        self._number = number

    def release(self) -> None:
        self._line.tell(LEAVE_PLACE, LeavePlace(number=self._number))


class RemoteSessionPlaces:
    """See `files.session_limits.SessionPlaces`."""

    def __init__(self, line: CallingLine) -> None:
        self._line = line

    async def take(self, server_id: str, username: str) -> Place | Refusal:
        place = RemotePlace(self._line, self._line.new_number())
        asked = TakePlace(number=place._number, server_id=server_id, username=username)
        try:
            reason = await self._line.call(TAKE_PLACE, asked)
        except BaseException:
            # Perhaps it was had. What is sent is heard in order, so that this comes after it.
            place.release()
            raise
        return Refusal(reason=reason) if reason else place


class RemoteLogLines:
    """See `ports.logs.LogLines`. Sent a moment later, together; those that the line has no room for are dropped."""

    def __init__(self, line: CallingLine, *, every_s: float = LOG_EVERY_S) -> None:
        self._line = line
        self._every_s = every_s
        self._waiting: list[LogLine] = []

    def write(self, group: LogGroupId, stream: str, events: Sequence[tuple[int, str]]) -> None:
        if not self._waiting:
            asyncio.get_running_loop().call_later(self._every_s, self.flush)
        self._waiting += [LogLine(group=group, stream=stream, timestamp_ms=when, message=text) for when, text in events]
        if len(self._waiting) >= LOG_LINES_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting and self._line.has_room:
            self._line.tell(WRITE_LOG, WriteLog(lines=tuple(waiting)))
