"""APPE, REST before STOR, and directories that are renamed, over real sockets and where settings allow them."""

import asyncio
import ftplib
import io
from collections.abc import AsyncIterator

import pytest
from tests.fakes.ftp_house import PATIENCE_S, SOME, FtpHouse, ftp_house

from crossdock.core.errors import Denied, Unavailable
from crossdock.settings import FtpSettings

LARGE = SOME * 600
"""More than 5 MiB, so that its bytes are copied and do not pass here."""


@pytest.fixture(params=[True, False], ids=["staging", "parts"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[FtpHouse]:
    settings = FtpSettings(allow_append=True, rename_directories=True, data_connect_timeout_s=PATIENCE_S)
    async with ftp_house(stages=bool(request.param), ftp=settings) as house:
        yield house


@pytest.mark.parametrize("old", [b"", SOME, LARGE], ids=["nothing", "some", "much"])
async def test_appe_writes_behind_what_is_there(house: FtpHouse, old: bytes) -> None:
    client = await house.log_in()
    assert (await client.store("a", old))[0] == 226
    for addition in (b"one ", b"", b"two"):
        assert (await client.store("a", addition, verb="APPE"))[0] == 226
    assert house.content("user1/a") == old + b"one two"
    assert await client.fetch("RETR a") == (226, old + b"one two")
    assert not house.s3.uploads


async def test_appe_to_no_file_is_stor(house: FtpHouse) -> None:
    client = await house.log_in()
    assert (await client.store("a", SOME, verb="APPE"))[0] == 226
    assert house.content("user1/a") == SOME


@pytest.mark.parametrize("old", [SOME, LARGE], ids=["some", "much"])
async def test_an_upload_is_resumed_where_rest_says(house: FtpHouse, old: bytes) -> None:
    client = await house.log_in()
    assert (await client.store("a", old))[0] == 226
    for offset in (len(old), len(old) - 1, 1):
        assert (await client.say(f"REST {offset}"))[0] == 350
        assert (await client.store("a", b"new"))[0] == 226
        assert house.content("user1/a") == old[:offset] + b"new"


async def test_an_upload_that_begins_behind_the_end_is_554_and_in_no_file_550(house: FtpHouse) -> None:
    client = await house.log_in()
    assert (await client.store("a", SOME))[0] == 226
    await client.say(f"REST {len(SOME) + 1}")
    assert await client.store("a", b"new") == (554, "554 The file ends before that.\n")
    await client.say("REST 1")
    assert (await client.store("none", b"new"))[0] == 550
    assert house.content("user1/a") == SOME
    assert "user1/none" not in house.names()


async def test_a_resumed_upload_that_is_cut_again_leaves_the_old_file(house: FtpHouse) -> None:
    client = await house.log_in()
    assert (await client.store("a", LARGE))[0] == 226
    _, data = await client.data()
    assert (await client.say("APPE a"))[0] == 150
    data.write(b"x" * 100_000)
    await data.drain()
    assert (await client.say("ABOR"))[0] == 426
    assert (await client.reply())[0] == 226
    assert house.content("user1/a") == LARGE
    assert not house.s3.staged
    assert not house.s3.uploads
    assert (await client.store("a", b"new", verb="APPE"))[0] == 226
    assert house.content("user1/a") == LARGE + b"new"


async def test_a_reader_sees_the_old_file_until_the_new_one_is_whole(house: FtpHouse) -> None:
    client, other = await house.log_in(), await house.log_in()
    assert (await client.store("a", SOME))[0] == 226
    _, data = await client.data()
    assert (await client.say("APPE a"))[0] == 150
    data.write(b"more")
    await data.drain()
    assert await other.fetch("RETR a") == (226, SOME)
    assert (await other.store("a", b"theirs"))[0] == 226
    data.close()
    # Whoever commits first wins, and the other is told.
    assert (await client.reply())[0] == 551
    assert house.content("user1/a") == b"theirs"


async def test_a_prefix_that_cannot_be_copied_fails_the_transfer(house: FtpHouse) -> None:
    client = await house.log_in()
    assert (await client.store("a", LARGE))[0] == 226
    for operation in ("UploadPartCopy", "GetObject"):
        house.s3.fail(operation, Unavailable("503"))
    _, data = await client.data()
    code, _ = await client.say("APPE a")
    if code == 150:
        # Copied beside the transfer, where the store is not this computer's disk.
        data.close()
        assert (await client.reply())[0] == 551
    else:
        assert code == 451
    assert house.content("user1/a") == LARGE


async def test_ftplib_resumes(house: FtpHouse) -> None:
    def work(port: int) -> None:
        with ftplib.FTP() as ftp:
            ftp.connect("127.0.0.1", port, timeout=PATIENCE_S)
            ftp.login("user1", "secret")
            ftp.storbinary("STOR a", io.BytesIO(b"0123456789"))
            ftp.storbinary("STOR a", io.BytesIO(b"abc"), rest=4)
            ftp.storbinary("APPE a", io.BytesIO(b"def"))
            ftp.mkd("d")
            ftp.rename("d", "e")

    await asyncio.to_thread(work, house.port)
    assert house.content("user1/a") == b"0123abcdef"
    assert "user1/e/" in house.names()


async def test_allo_is_no_promise_about_a_continued_upload(house: FtpHouse) -> None:
    client = await house.log_in()
    assert (await client.store("a", SOME))[0] == 226
    await client.say("ALLO 3")
    assert (await client.store("a", b"four", verb="APPE"))[0] == 226
    await client.say("ALLO 3")
    assert (await client.store("a", b"four"))[0] == 551


@pytest.mark.parametrize("verb", ["REST", "APPE"])
async def test_what_an_upload_was_to_replace_is_not_continued(house: FtpHouse, verb: str) -> None:
    """A client that asks for the size after its upload failed is told the old file's."""
    client = await house.log_in()
    assert (await client.store("a", b"old"))[0] == 226
    await client.say("ALLO 9")
    assert (await client.store("a", b"new bytes to be continued"))[0] == 551
    again = await house.log_in()
    assert (await again.say("SIZE a"))[1].strip() == "213 3"
    if verb == "REST":
        await again.say("REST 3")
    assert (await again.store("a", b" bytes", verb="APPE" if verb == "APPE" else "STOR"))[0] == 554
    assert house.content("user1/a") == b"old"
    assert (await again.store("a", b"new bytes"))[0] == 226
    assert (await again.store("a", b" and more", verb="APPE"))[0] == 226
    assert house.content("user1/a") == b"new bytes and more"


# Directories.


async def test_a_directory_is_renamed_with_all_below(house: FtpHouse) -> None:
    client = await house.log_in()
    for name in ("d/a", "d/b/c"):
        assert (await client.store(name, name.encode()))[0] == 226
    assert (await client.say("RNFR d"))[0] == 350
    assert (await client.say("RNTO e"))[0] == 250
    assert house.names() == ["user1/", "user1/e/a", "user1/e/b/c", "user2/", "user3/"]
    assert house.log.activities()[-1] == "RENAME"


async def test_a_directory_that_cannot_be_renamed_stays(house: FtpHouse) -> None:
    client = await house.log_in()
    assert (await client.store("d/a", SOME))[0] == 226
    assert (await client.store("e/a", SOME))[0] == 226
    before = house.names()
    for target in ("e", "d/inside", "d"):
        assert (await client.say("RNFR d"))[0] == 350
        assert (await client.say(f"RNTO {target}"))[0] == 550
    house.s3.fail("DeleteObject", Denied("a policy"))
    assert (await client.say("RNFR d"))[0] == 350
    assert (await client.say("RNTO f"))[0] == 550
    assert house.names() == before


async def test_a_directory_keeps_its_name_unless_the_settings_say_otherwise() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        assert (await client.store("d/a", SOME))[0] == 226
        assert (await client.say("RNFR d"))[0] == 550
        assert (await client.store("d/a", b"more", verb="APPE"))[0] == 502
        await client.say("REST 3")
        assert (await client.store("d/a", b"more"))[0] == 554
        assert house.content("user1/d/a") == SOME


async def test_what_became_a_directory_after_rnfr_keeps_its_name_too() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        assert (await client.store("d", SOME))[0] == 226
        assert (await client.say("RNFR d"))[0] == 350
        del house.s3.buckets["home"]["user1/d"]
        house.s3.add("home", "user1/d/x")
        assert (await client.say("RNTO e"))[0] == 550
        assert "user1/d/x" in house.names()
