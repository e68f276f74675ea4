"""Many FTP clients in one event loop, each with a control connection that it reads line by line."""

import asyncio
import resource

from tests.e2e.quay import USER, Quay
from tests.fakes.ftp_house import FtpClient

PATIENCE_S = 120.0


def allow_descriptors(count: int) -> None:
    """Let this process, and so a service that it starts, have that many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard == resource.RLIM_INFINITY or count <= hard, f"{count} descriptors are needed: raise `ulimit -Hn`"
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


class Client(FtpClient):
    """One that is more patient: it is among thousands."""

    patience_s = PATIENCE_S


async def come(quay: Quay, source: str, *, logs_in: bool = True) -> Client:
    """A client that has been greeted, and admitted if it asks for it."""
    async with asyncio.timeout(PATIENCE_S):
        reader, writer = await asyncio.open_connection(quay.address, quay.port, local_addr=(source, 0))
    client = Client(reader, writer, source, quay.address)
    try:
        greeting = await client.reply()
        assert greeting[0] == 220, greeting
        if logs_in:
            assert (await client.say(f"USER {USER}"))[0] == 331
            admitted = await client.say(f"PASS {quay.password}")
            assert admitted[0] == 230, admitted
    except BaseException:
        client.abandon()
        raise
    return client
