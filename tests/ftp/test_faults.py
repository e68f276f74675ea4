"""Connections that break at every point, in one process with the server: no task, session or staged byte is left.

What a real service keeps of them is seen in tests/e2e/test_faults.py.
"""

import asyncio
import random

from tests.fakes.fault_proxy import AfterBytes, AfterLines, AtReply, Channel, Deed, Fault, FaultProxy, Way, fault_proxy
from tests.fakes.ftp_house import SOME, FtpClient, FtpHouse, eventually, ftp_house, pass_time

from crossdock.ftp.passive_book import REST_S

HOST, SOURCE = "127.0.4.1", "127.0.5.1"
FAULTS = 100


def fault(choices: random.Random) -> Fault:
    deed = choices.choice((Deed.FIN, Deed.RST))
    takes_all = choices.random() < 0.3
    if choices.random() < 0.4:
        # In FTP the end of the connection is the end of the file: only a reset is a fault there.
        size = choices.choice((0, 1, choices.randrange(len(SOME)), len(SOME) - 1))
        return Fault(Channel.DATA, choices.choice(list(Way)), AfterBytes(size), Deed.RST, takes_all)
    if choices.random() < 0.4:
        point = AtReply(choices.choice((b"150", b"226", b"229")), choices.random() < 0.5)
        return Fault(Channel.CONTROL, Way.DOWN, point, deed, takes_all)
    return Fault(Channel.CONTROL, choices.choice(list(Way)), AfterLines(choices.randrange(8)), deed, takes_all)


async def work(house: FtpHouse, proxy: FaultProxy, name: str) -> None:
    """Log in, upload, download; ended by whatever goes wrong."""
    try:
        reader, writer = await asyncio.open_connection(proxy.host, house.port)
    except ConnectionError:
        return  # the fault, before it is known that there is a connection
    client = FtpClient(reader, writer, "127.0.0.1", proxy.host)
    try:
        if (await client.reply())[0] == 220 and (await client.say("USER user1"))[0] == 331:
            await client.say("PASS secret")
            if (await client.store(name, SOME))[0] == 226:
                await client.fetch(f"RETR {name}")
    except (OSError, AssertionError, EOFError, ValueError):
        pass  # the fault, in one of its forms
    finally:
        client.abandon()


async def befall(house: FtpHouse, proxy: FaultProxy, number: int, what: Fault | None) -> None:
    proxy.begin(what)
    await work(house, proxy, str(number))
    await proxy.end()
    await house.everybody_left()
    pass_time(REST_S)  # the port of a session that left without using it
    if f"user1/{number}" in house.names():
        assert house.content(f"user1/{number}") == SOME, what


async def test_no_task_is_left_after_a_hundred_faults() -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    choices = random.Random(seed)
    async with ftp_house() as house:
        ports = house.listener.passive_ports
        async with fault_proxy("127.0.0.1", control=house.port, data=ports, host=HOST, source=SOURCE) as proxy:
            await befall(house, proxy, 0, None)
            assert house.content("user1/0") == SOME
            before = len(asyncio.all_tasks())
            for number in range(1, FAULTS + 1):
                await befall(house, proxy, number, fault(choices))
            await eventually(lambda: len(asyncio.all_tasks()) <= before)
            assert not house.s3.staged
            assert not house.s3.uploads
