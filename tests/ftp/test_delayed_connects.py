"""Two users behind one address whose data connections come late, in any order, or when their session has left.

Every byte of a user begins with that user's name, so one that has crossed over shows.
"""

import asyncio
import random
from collections.abc import Iterator
from contextlib import suppress
from itertools import count

import pytest
from tests.fakes.ftp_house import FtpClient, FtpHouse, ftp_house, pass_time, read_to_end, turns

from crossdock.ftp.passive_book import REST_S

USERS = ("user1", "user2")
MOST_TURNS = 12
RESTING = 4
"""Slots given up unused, after which the rest of them all is waited for."""


class Round:
    """One user's part in a round."""

    def __init__(self, house: FtpHouse, user: str, choices: random.Random, numbers: Iterator[int]) -> None:
        self.house = house
        self.user = user
        self.choices = choices
        self.numbers = numbers
        self.gave_up = 0

    def content(self) -> bytes:
        return f"{self.user} {next(self.numbers)} ".encode() * self.choices.choice((1, 500, 20_000))

    async def later(self) -> None:
        await turns(self.choices.randrange(MOST_TURNS))

    async def play(self, client: FtpClient) -> FtpClient:
        """Returns the client that goes on."""
        do = self.choices.choice((self.store, self.store, self.fetch, self.ask_twice, self.leave))
        return await do(client)

    async def store(self, client: FtpClient) -> FtpClient:
        return await self.store_on(client, await client.passive())

    async def store_on(self, client: FtpClient, port: int) -> FtpClient:
        content = self.content()
        speaks_first = self.choices.random() < 0.5
        if speaks_first:
            client.send(b"STOR new\r\n")
        await self.later()
        _, data = await client.connect_data(port)
        await self.later()
        if not speaks_first:
            client.send(b"STOR new\r\n")
        data.write(content)
        await data.drain()
        data.close()
        assert (await client.reply())[0] == 150
        assert (await client.reply())[0] == 226
        assert self.house.content(f"{self.user}/new") == content
        return client

    async def fetch(self, client: FtpClient) -> FtpClient:
        content = self.content()
        self.house.s3.add("home", f"{self.user}/old", content)
        port = await client.passive()
        client.send(b"RETR old\r\n")
        await self.later()
        reader, data = await client.connect_data(port)
        assert (await client.reply())[0] == 150
        assert await read_to_end(reader) == content
        data.close()
        assert (await client.reply())[0] == 226
        return client

    async def ask_twice(self, client: FtpClient) -> FtpClient:
        """A port is asked for, not used, and asked for again."""
        await client.passive()
        await self.later()
        return await self.store(client)

    async def leave(self, client: FtpClient) -> FtpClient:
        """The session leaves; its data connection comes all the same, and another session of the user's begins."""
        self.gave_up += 1
        port = await client.passive()
        client.abandon()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.come_late(client, port))
            coming = tasks.create_task(self.house.log_in(self.user))
        return coming.result()

    async def come_late(self, client: FtpClient, port: int) -> None:
        await self.later()
        reader, data = await client.connect_data(port)
        data.write(b"from one who has left")
        with suppress(ConnectionResetError):  # closed with those bytes unread
            assert await read_to_end(reader) == b""
        data.close()


async def be_delayed(rounds: int) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}")
    numbers = count()
    async with ftp_house() as house:
        parts = [Round(house, user, random.Random(f"{seed} {user}"), numbers) for user in USERS]
        clients = [await house.log_in(user) for user in USERS]
        for _ in range(rounds):
            played = (part.play(client) for part, client in zip(parts, clients, strict=True))
            clients = list(await asyncio.gather(*played))
            house.clients = clients.copy()
            if sum(part.gave_up for part in parts) >= RESTING:
                pass_time(REST_S + 1)
                for part in parts:
                    part.gave_up = 0
        assert sum(map(house.s3.content("home", "user1/new").count, (b"user2", b"left"))) == 0


async def test_no_byte_crosses_over_in_two_hundred_rounds() -> None:
    await be_delayed(200)


@pytest.mark.soak
async def test_no_byte_crosses_over_in_ten_thousand_rounds() -> None:
    await be_delayed(10_000)
