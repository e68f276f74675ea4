"""Listening sockets, and connections that are nobody's yet."""

import asyncio

import pytest
from tests.fakes.patience import eventually

from crossdock.operations.listening import Lobby, accept


class Waiting(asyncio.Protocol):
    """Enters the lobby, and notes its end."""

    def __init__(self, lobby: Lobby, ends: list[Exception | None]) -> None:
        self._lobby = lobby
        self._ends = ends
        self.left: list[bool] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._lobby.enter(transport, lambda: self.left.append(True))

    def connection_lost(self, exc: Exception | None) -> None:
        self._lobby.leave(self.transport)
        self._ends.append(exc)


@pytest.mark.parametrize("stays", [True, False])
async def test_who_is_in_the_lobby_goes_when_it_is_cleared_and_who_has_left_stays(stays: bool) -> None:
    lobby, ends = Lobby(), list[Exception | None]()
    met: list[Waiting] = []

    def meet() -> Waiting:
        met.append(Waiting(lobby, ends))
        return met[-1]

    acceptor, port = await accept("127.0.0.1", 0, meet)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"x")
    await eventually(lambda: bool(met))
    if not stays:
        lobby.leave(met[0].transport)
    lobby.clear()
    lobby.clear()  # again is harmless
    assert met[0].left == [True]
    if stays:
        async with asyncio.timeout(10):
            with pytest.raises(ConnectionResetError):
                await reader.readexactly(1)
        assert ends == [None]
    else:
        assert not met[0].transport.is_closing()
        met[0].transport.abort()
    writer.close()
    acceptor.close()
    await acceptor.wait_closed()
