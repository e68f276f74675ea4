"""Files and directories over real sockets."""

import asyncio
import ftplib
import io

import pytest
from tests.fakes.ftp_house import PATIENCE_S, SOME, ftp_house, read_to_end

from crossdock.core.errors import Denied, OutOfSpace, Unavailable
from crossdock.core.homes import HomeMapping, LogicalHome, MappingType


@pytest.fixture(params=[True, False], ids=["staging", "parts"])
def stages(request: pytest.FixtureRequest) -> bool:
    """Both ways of an upload: through a file on this disk, or through parts in memory."""
    return bool(request.param)


# Files.


@pytest.mark.parametrize("size", [0, 1, 4096, 65536, 300_000, 9_000_001])
async def test_what_was_stored_is_what_is_fetched(stages: bool, size: int) -> None:
    content = (SOME * (size // len(SOME) + 1))[:size]
    async with ftp_house(stages=stages) as house:
        client = await house.log_in()
        assert (await client.store("a.bin", content))[0] == 226
        assert house.content("user1/a.bin") == content
        assert await client.fetch("RETR a.bin") == (226, content)
        assert await client.say("SIZE a.bin") == (213, f"213 {size}\n")


async def test_python_s_ftplib_does_everything(stages: bool) -> None:
    def work(port: int) -> None:
        with ftplib.FTP() as ftp:
            ftp.connect("127.0.0.1", port, timeout=PATIENCE_S)
            ftp.login("user1", "secret")
            assert ftp.pwd() == "/home/user1"
            assert ftp.mkd("in") == "/home/user1/in"
            ftp.cwd("in")
            ftp.storbinary("STOR ü 1.txt", io.BytesIO(SOME))
            assert ftp.nlst() == ["ü 1.txt"]
            assert ftp.size("ü 1.txt") == len(SOME)
            facts = dict(ftp.mlsd(facts=["type", "size"]))
            assert facts == {"ü 1.txt": {"type": "file", "size": str(len(SOME))}}
            lines: list[str] = []
            ftp.dir(lines.append)
            assert lines[0].startswith("-rwxr--r--   1 - -        10240 Mar 15 ")
            assert lines[0].endswith(" ü 1.txt")
            got = io.BytesIO()
            ftp.retrbinary("RETR ü 1.txt", got.write)
            assert got.getvalue() == SOME
            ftp.rename("ü 1.txt", "b.txt")
            ftp.delete("b.txt")
            ftp.cwd("..")
            ftp.rmd("in")
            assert ftp.nlst() == []
            with pytest.raises(ftplib.error_perm, match="550"):
                ftp.cwd("in")
            ftp.quit()

    async with ftp_house(stages=stages) as house:
        await asyncio.to_thread(work, house.port)
        await house.everybody_left()
        assert house.names() == ["user1/", "user2/", "user3/"]
        assert house.log.activities()[-1] == "DISCONNECTED"


async def test_stou_stores_under_the_name_it_told() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        _, data = await client.data()
        code, text = await client.say("STOU")
        assert code == 150
        name = text.removeprefix("150 FILE: ").strip()
        data.write(b"x")
        data.close()
        assert (await client.reply())[0] == 226
        assert house.content(f"user1/{name}") == b"x"


async def test_nothing_is_visible_and_nothing_acknowledged_before_the_commit() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        _, data = await client.data()
        assert (await client.say("STOR a"))[0] == 150
        gate = house.s3.hold("PutObject")
        data.write(b"x")
        data.close()
        async with asyncio.timeout(PATIENCE_S):
            await gate.entered.wait()
        assert "user1/a" not in house.names()
        client.send(b"NOOP\r\n")
        assert (await client.reply())[0] == 200  # and no 226 before it
        gate.open.set()
        assert (await client.reply())[0] == 226
        assert house.content("user1/a") == b"x"


@pytest.mark.parametrize(("error", "code"), [(Denied("no"), 550), (OutOfSpace("full"), 452), (Unavailable("x"), 551)])
async def test_a_commit_that_fails_is_not_acknowledged(error: Denied, code: int) -> None:
    async with ftp_house(stages=False) as house:
        client = await house.log_in()
        house.s3.fail("PutObject", error)
        assert (await client.store("a", b"x"))[0] == code
        assert "user1/a" not in house.names()
        assert (await client.store("a", b"y"))[0] == 226


async def test_a_denied_upload_is_refused_before_any_data() -> None:
    async with ftp_house() as house:
        house.door.actions = frozenset({"s3:ListBucket", "s3:GetObject"})
        client = await house.log_in()
        reader, data = await client.data()
        assert (await client.say("STOR a"))[0] == 550
        assert await reader.read() == b""
        data.close()


async def test_a_drop_box_needs_no_more_than_put_object() -> None:
    async with ftp_house() as house:
        house.door.actions = frozenset({"s3:PutObject"})
        client = await house.log_in()
        assert (await client.store("a", b"x"))[0] == 226
        assert (await client.fetch("RETR a"))[0] == 550


async def test_a_download_that_the_store_breaks_off_is_reset_and_451() -> None:
    async with ftp_house(stages=False) as house:
        info = house.s3.add("home", "user1/a", b"x" * 100)
        stored = house.s3.buckets["home"]["user1/a"]
        house.s3.buckets["home"]["user1/a"] = type(stored)(b"x" * 50, info)
        client = await house.log_in()
        reader, data = await client.data()
        assert (await client.say("RETR a"))[0] == 150
        with pytest.raises(ConnectionResetError):
            await read_to_end(reader)
        assert (await client.reply())[0] == 451
        data.close()


# Directories.


async def test_listings_show_files_and_directories() -> None:
    async with ftp_house() as house:
        house.s3.add("home", "user1/d/x", b"x")
        house.s3.add("home", "user1/f", b"12345")
        client = await house.log_in()
        _, text = await client.fetch("LIST")
        directory, file = sorted(text.decode().splitlines(), reverse=True)
        assert directory == "drwxr--r--   1 - -            0 Jan  1  1970 d"
        assert file.startswith("-rwxr--r--   1 - -            5 Mar 15 00:47")
        assert sorted((await client.fetch("NLST"))[1].split()) == [b"d", b"f"]
        assert (await client.fetch("MLSD"))[1].count(b"type=dir; d\r\n") == 1
        assert (await client.fetch("LIST -la d"))[1].endswith(b" x\r\n")


async def test_the_listing_of_a_file_is_that_file_but_mlsd_wants_a_directory() -> None:
    async with ftp_house() as house:
        house.s3.add("home", "user1/f", b"12345")
        client = await house.log_in()
        code, text = await client.fetch("LIST f")
        assert code == 226
        assert text.endswith(b" f\r\n")
        assert (await client.fetch("MLSD f"))[0] == 501
        code, status = await client.say("STAT f")
        assert code == 213
        assert status.splitlines()[1].endswith(" f")


@pytest.mark.parametrize("command", ["LIST gone", "NLST gone", "MLSD gone"])
async def test_a_missing_directory_is_550(command: str) -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        assert (await client.fetch(command))[0] == 550
        assert (await client.say("CWD gone"))[0] == 550
        assert (await client.say("STAT gone"))[0] == 550


async def test_an_empty_directory_is_an_empty_listing() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        assert await client.fetch("LIST") == (226, b"")
        assert await client.say("STAT /home/user1") == (
            212,
            "212-Status of /home/user1:\n212 End of status.\n",
        )


async def test_a_long_listing_is_complete_over_both_connections() -> None:
    async with ftp_house() as house:
        for number in range(3000):
            house.s3.add("home", f"user1/{number:05}")
        client = await house.log_in()
        code, text = await client.fetch("NLST")
        assert code == 226
        assert text.decode().split() == [f"{number:05}" for number in range(3000)]
        code, status = await client.say("STAT .")
        assert code == 212
        assert len(status.splitlines()) == 3002


async def test_a_logical_home_is_a_tree_of_its_own() -> None:
    async with ftp_house() as house:
        house.door.home = LogicalHome(
            mappings=(HomeMapping(entry="/in", target="/home/user2"), HomeMapping(entry="/out/x", target="/home/user3"))
        )
        client = await house.log_in()
        assert (await client.say("PWD"))[1].startswith('257 "/"')
        assert sorted((await client.fetch("NLST"))[1].split()) == [b"in", b"out"]
        assert (await client.store("/in/a", b"x"))[0] == 226
        assert house.content("user2/a") == b"x"
        assert (await client.store("/b", b"x"))[0] == 550


async def test_a_mapped_file_is_listed_only_when_it_is_there() -> None:
    async with ftp_house() as house:
        house.door.home = LogicalHome(
            mappings=(
                HomeMapping(entry="/here", target="/home/user1/f", type=MappingType.FILE),
                HomeMapping(entry="/gone", target="/home/user1/g", type=MappingType.FILE),
                HomeMapping(entry="/nowhere", target="/no-such-bucket/g", type=MappingType.FILE),
            )
        )
        house.s3.add("home", "user1/f", b"12345")
        client = await house.log_in()
        for command in ("NLST", "LIST", "MLSD"):
            code, text = await client.fetch(command)
            assert code == 226
            assert [line.split()[-1] for line in text.splitlines()] == [b"here"]
        for name, code in (("here", 213), ("gone", 550), ("nowhere", 550)):
            assert (await client.say(f"SIZE {name}"))[0] == code
