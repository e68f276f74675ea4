"""SFTP sessions with something going wrong in each: in the handshake, the login, a listing, an upload, a download."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

import asyncssh
from tests.e2e.misfortunes import PATIENCE_S, SIZES, Misfortune
from tests.e2e.quay import Quay
from tests.fakes.fault_proxy import AfterBytes, Channel, Deed, Fault, FaultProxy, Way

HANDSHAKE_BYTES, LOGIN_BYTES = 2500, 6000
LISTED, NAMES = "listed", 300
LISTING_BYTES = 60_000


def listed_names() -> Iterable[str]:
    """What lies in the directory that each client lists before it transfers anything."""
    return (f"{LISTED}/{number}" for number in range(NAMES))


def draw_ssh(seed: int, number: int) -> Misfortune:
    choices = random.Random(f"{seed} {number}")
    is_upload = choices.random() < 0.6
    content = choices.randbytes(choices.choice(SIZES))
    other = choices.randbytes(1000) if choices.random() < 0.5 else None
    return Misfortune(
        name=f"ssh/{seed}/{number}",
        fault=_fault(choices, len(content), is_upload=is_upload),
        is_upload=is_upload,
        old=other if is_upload else content,
        new=content,
    )


def _fault(choices: random.Random, size: int, *, is_upload: bool) -> Fault:
    deed = choices.choices((Deed.FIN, Deed.RST, Deed.STALL, Deed.SLOW), weights=(4, 4, 1, 1))[0]
    way = choices.choice((Way.UP, Way.DOWN))
    before = LOGIN_BYTES + (LISTING_BYTES if way is Way.DOWN else 0)
    follows = size if is_upload == (way is Way.UP) else size // 300
    place = choices.choice(
        (
            choices.randrange(HANDSHAKE_BYTES),
            choices.randrange(LOGIN_BYTES),
            choices.randrange(before),
            choices.randrange(before + follows),
            before // 2 + choices.randrange(follows + 1),
            # The last answers, CLOSE's among them.
            before // 2 + follows + choices.randrange(before),
        )
    )
    return Fault(Channel.CONTROL, way, AfterBytes(place), deed)


def suffer_ssh(misfortune: Misfortune, proxy: FaultProxy, quay: Quay) -> bytes | None:
    """Be the client, in a thread: what it holds for transferred, None when it knows that it failed."""
    try:
        return asyncio.run(_transfer(misfortune, proxy, quay))
    except (asyncssh.Error, OSError):  # a time-out is an OSError
        return None


@asynccontextmanager
async def logged_in(quay: Quay, host: str = "", **options: Any) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A client that has logged in by its key, through `host` if one is given."""
    jetty = quay.jetties["managed"]
    who = {"username": jetty.user, "client_keys": [str(jetty.key)], "known_hosts": None, "config": None}
    async with (
        asyncio.timeout(PATIENCE_S),
        asyncssh.connect(host or jetty.host, jetty.port, **who, **options) as conn,
    ):
        yield conn


async def _transfer(misfortune: Misfortune, proxy: FaultProxy, quay: Quay) -> bytes:
    async with logged_in(quay, proxy.host) as conn, conn.start_sftp_client() as sftp:
        names = {str(name) for name in await sftp.listdir(LISTED)}
        assert names == {".", "..", *map(str, range(NAMES))}, "a listing that is not whole passes for one"
        if misfortune.is_upload:
            async with sftp.open(misfortune.name, "wb") as file:
                await file.write(misfortune.new)
            return misfortune.new
        async with sftp.open(misfortune.name, "rb") as file:
            taken: bytes = await file.read()
            return taken
