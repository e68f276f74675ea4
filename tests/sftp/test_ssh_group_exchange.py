"""Diffie-Hellman groups that clients choose by their size: how small they may be, and that both sides agree."""

import asyncssh
import pytest
from asyncssh import kex_dh
from asyncssh.kex import get_kex
from tests.fakes.sftp_house import CLIENT_KEY, sftp_house, sftp_server

from crossdock.sftp.ssh_group_exchange import GroupExchange, demand_large_groups

pytestmark = pytest.mark.filterwarnings("ignore:Diffie-Hellman over finite fields")
NAME = "diffie-hellman-group-exchange-sha256"


class Asking(kex_dh._KexDHGex):
    """A client that asks for a group of these sizes: least, preferred and most; or preferred alone, as of old."""

    sizes: tuple[int, ...] = ()

    def _send_request(self) -> None:
        self._gex_data = b"".join(size.to_bytes(4, "big") for size in self.sizes)
        kind = kex_dh.MSG_KEX_DH_GEX_REQUEST if len(self.sizes) == 3 else kex_dh.MSG_KEX_DH_GEX_REQUEST_OLD
        self.send_packet(kind, self._gex_data)

    def _init_group(self, g: int, p: int) -> None:
        super()._init_group(g, p)
        if self._conn.is_client():
            given.append(p.bit_length())


given: list[int] = []


@pytest.fixture(autouse=True)
def client(monkeypatch: pytest.MonkeyPatch) -> type[Asking]:
    """Only the client's connections are made with `Asking`."""
    given.clear()
    demand_large_groups()

    def made(conn: asyncssh.SSHServerConnection, name: bytes) -> object:
        found = get_kex(conn, name)
        return Asking(name, conn, found._hash_alg) if conn.is_client() else found

    monkeypatch.setattr("asyncssh.connection.get_kex", made)
    return Asking


async def exchange(client: type[Asking], *sizes: int) -> int:
    client.sizes = sizes
    async with sftp_house(server=sftp_server()) as house, house.client(client_keys=[CLIENT_KEY], kex_algs=[NAME]):
        return given[-1]


@pytest.mark.parametrize(
    ("asked", "bits"),
    [
        ((1024, 1024, 8192), 2048),
        ((512, 1536, 2048), 2048),
        ((2048, 3072, 8192), 3072),
        ((2048, 4096, 4096), 4096),
        ((1024,), 2048),
        ((3072,), 3072),
    ],
)
async def test_groups_have_the_size_that_was_asked_for_but_2048_bits_at_least(
    client, asked: tuple[int, ...], bits: int
):
    assert await exchange(client, *asked) == bits


@pytest.mark.parametrize("asked", [(512, 1024, 1024), (1024, 1024, 2047), (4096, 4096, 3072)])
async def test_who_takes_small_groups_only_is_sent_away(client, asked: tuple[int, ...]):
    with pytest.raises(asyncssh.KeyExchangeFailed, match="2048 bits"):
        await exchange(client, *asked)
    assert given == []


def test_asyncssh_still_asks_this_class():
    """What `GroupExchange` stands on: the table of algorithms, and its own table of messages."""
    demand_large_groups()
    handler, _, arguments = kex_dh_handlers()[NAME.encode()]
    assert (handler, arguments) == (GroupExchange, ())
    assert kex_dh._KexDHGex not in [found for found, _, _ in kex_dh_handlers().values()]
    assert kex_dh._KexDHGex._packet_handlers[kex_dh.MSG_KEX_DH_GEX_REQUEST] is kex_dh._KexDHGex._process_request


def kex_dh_handlers():
    return asyncssh.kex._kex_handlers
