"""Passwords on the wire (RFC 4252 §8): what is typed is what the provider gets, one try after the other."""

import asyncio
from collections.abc import Sequence
from typing import cast

import asyncssh
import pytest
from asyncssh.constants import MSG_USERAUTH_REQUEST
from asyncssh.packet import Boolean, String
from tests.fakes.sftp_house import SftpHouse, eventually, sftp_house

from crossdock.core.logins import Password


class Hasty(asyncssh.SSHClient):
    """Sends password requests as soon as it may, all at once, and hears no answers."""

    def __init__(self, requests: Sequence[bytes]) -> None:
        self._requests = requests
        self.answers = 0

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        def send(*, next_method: bool = False) -> None:
            if not self.answers:
                for request in self._requests:
                    about = String("user1"), String("ssh-connection"), String("password")
                    conn.send_packet(MSG_USERAUTH_REQUEST, *about, request)

        def hear(pkttype: int, pktid: int, packet: object) -> bool:
            self.answers += 1
            return True

        conn.try_next_auth = send  # type: ignore[method-assign]
        conn._packet_handlers = conn._packet_handlers | {51: lambda _, *answer: hear(*answer)}  # type: ignore


def tried(house: SftpHouse) -> list[str]:
    """The passwords that the provider was asked about."""
    return [cast(Password, one.credential).value for one in house.provider.asked]


async def hurry(house: SftpHouse, requests: Sequence[bytes]) -> None:
    """Send requests at once, and stay until the server closes the connection."""
    with pytest.raises((asyncssh.Error, OSError)):
        async with house.client(password="unused", client_factory=lambda: Hasty(requests)):
            pass
    await house.everybody_left()


def request(password: bytes, *, new: bytes | None = None) -> bytes:
    if new is None:
        return Boolean(False) + String(password)
    return Boolean(True) + String(password) + String(new)


@pytest.mark.parametrize("typed", ["a\u00a0b", "\u2168", "tab\there", "cafe\u0301", "\u0378", " ", "key\U0001f511"])
async def test_the_provider_gets_what_was_typed(typed: str) -> None:
    async with sftp_house() as house:
        with pytest.raises(asyncssh.PermissionDenied):
            async with house.client(password=typed):
                pass
        assert tried(house) == [typed]


async def test_requests_sent_at_once_are_tried_one_by_one_and_count_all() -> None:
    async with sftp_house() as house:
        house.provider.gate = asyncio.Event()
        hurrying = asyncio.ensure_future(hurry(house, [request(b"wrong%d" % number) for number in range(20)]))
        await eventually(lambda: bool(house.provider.asked))
        for _ in range(50):
            await asyncio.sleep(0)
        assert tried(house) == ["wrong0"], "the first is not given up for the second"
        house.provider.gate.set()
        await hurrying
        assert tried(house) == [f"wrong{number}" for number in range(6)]


async def test_what_is_no_text_and_what_would_change_a_password_fail_and_count() -> None:
    async with sftp_house() as house:
        await hurry(house, [request(b"\xff"), request(b"secret", new=b"other")] * 3)
        assert house.provider.asked == []


async def test_more_than_a_login_needs_is_not_kept() -> None:
    async with sftp_house() as house:
        house.provider.gate = asyncio.Event()
        await hurry(house, [request(b"x" * 20_000)] * 10)
        assert len(house.provider.asked) <= 1
