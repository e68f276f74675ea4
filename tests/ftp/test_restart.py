"""REST, ALLO, APPE, wildcards, MFMT and REIN over real sockets."""

import asyncio
import ftplib
import io

import pytest
from tests.fakes.ftp_house import PATIENCE_S, SOME, FtpClient, ftp_house, ftp_server

from crossdock.settings import FtpSettings

BIG = SOME * 900
"""More than a part of an upload, and more than one region of a download."""

APPENDING = FtpSettings(allow_append=True, data_connect_timeout_s=PATIENCE_S)


@pytest.fixture(params=[True, False], ids=["staging", "parts"])
def stages(request: pytest.FixtureRequest) -> bool:
    """Both ways of a transfer: by the kernel from and to a file on this disk, or through memory."""
    return bool(request.param)


async def fetch_from(client: FtpClient, offset: int, name: str = "big") -> tuple[int, bytes]:
    assert (await client.say(f"REST {offset}"))[0] == 350
    return await client.fetch(f"RETR {name}")


@pytest.mark.parametrize("offset", [0, 1, 65_536, len(BIG) // 2, len(BIG) - 1, len(BIG)])
async def test_a_download_goes_on_where_it_was_cut(stages: bool, offset: int) -> None:
    async with ftp_house(stages=stages) as house:
        house.s3.add("home", "user1/big", BIG)
        client = await house.log_in()
        assert await fetch_from(client, offset) == (226, BIG[offset:])
        assert await client.fetch("RETR big") == (226, BIG)


async def test_the_log_counts_what_was_sent(stages: bool) -> None:
    async with ftp_house(stages=stages) as house:
        house.s3.add("home", "user1/big", BIG)
        client = await house.log_in()
        await fetch_from(client, len(BIG) - 7)
        (close,) = (event for _, event in house.log.events if event["activity-type"] == "CLOSE")
        assert close["bytes-out"] == "7"


async def test_beyond_the_end_there_is_nothing_to_go_on_with(stages: bool) -> None:
    async with ftp_house(stages=stages) as house:
        house.s3.add("home", "user1/big", BIG)
        client = await house.log_in()
        assert (await fetch_from(client, len(BIG) + 1))[0] == 554
        assert (await fetch_from(client, (1 << 63) - 1))[0] == 554
        assert await client.fetch("RETR big") == (226, BIG)


async def test_ftplib_resumes_a_download() -> None:
    def work(port: int) -> None:
        with ftplib.FTP() as ftp:
            ftp.connect("127.0.0.1", port, timeout=PATIENCE_S)
            ftp.login("user1", "secret")
            got = io.BytesIO()
            ftp.retrbinary("RETR big", got.write, rest=len(BIG) - 1000)
            assert got.getvalue() == BIG[-1000:]
            with pytest.raises(ftplib.error_perm, match="554"):
                ftp.storbinary("STOR big", io.BytesIO(SOME), rest=1000)

    async with ftp_house() as house:
        house.s3.add("home", "user1/big", BIG)
        await asyncio.to_thread(work, house.port)
        assert house.content("user1/big") == BIG


async def test_restart_can_be_forbidden() -> None:
    async with ftp_house(ftp=FtpSettings(allow_restart=False)) as house:
        client = await house.log_in()
        assert (await client.say("REST 1"))[0] == 502
        assert "REST" not in (await client.say("FEAT"))[1]


# Uploads.


@pytest.mark.parametrize(("announced", "code"), [(len(SOME), 226), (len(SOME) - 1, 551), (len(SOME) + 1, 551)])
async def test_an_upload_of_another_size_than_announced_was_interrupted(
    stages: bool, announced: int, code: int
) -> None:
    async with ftp_house(stages=stages) as house:
        client = await house.log_in()
        assert (await client.say(f"ALLO {announced}"))[0] == 200
        assert (await client.store("a", SOME))[0] == code
        assert house.names().count("user1/a") == (code == 226)
        assert (await client.store("b", SOME))[0] == 226


async def test_a_file_that_cannot_be_continued_stays_as_it_is() -> None:
    async with ftp_house() as house:
        house.s3.add("home", "user1/a", SOME)
        client = await house.log_in()
        assert (await client.say("APPE a"))[0] == 502
        assert (await client.say(f"REST {len(SOME)}"))[0] == 350
        assert (await client.store("a", b"more"))[0] == 554
        assert house.content("user1/a") == SOME


async def append(client: FtpClient, name: str, content: bytes) -> int:
    _, data = await client.data()
    code, _ = await client.say(f"APPE {name}")
    if code == 150:
        data.write(content)
        data.close()
        code, _ = await client.reply()
    return code


async def test_what_is_not_there_yet_is_begun_by_appending() -> None:
    async with ftp_house(ftp=APPENDING) as house:
        house.s3.add("home", "user1/empty", b"")
        client = await house.log_in()
        for name in ("new", "empty"):
            assert await append(client, name, SOME) == 226
            assert house.content(f"user1/{name}") == SOME


async def test_a_file_goes_on_at_its_end_and_from_its_middle(stages: bool) -> None:
    async with ftp_house(stages=stages, ftp=APPENDING) as house:
        house.s3.add("home", "user1/a", SOME)
        client = await house.log_in()
        assert await append(client, "a", b"more") == 226
        assert house.content("user1/a") == SOME + b"more"
        assert (await client.say("REST 10"))[0] == 350
        assert (await client.store("a", b"new end"))[0] == 226
        assert house.content("user1/a") == SOME[:10] + b"new end"
        assert (await client.say("REST 100"))[0] == 350
        assert (await client.store("a", b"x"))[0] == 554
        assert (await client.say("REST 100"))[0] == 350
        assert (await client.store("none", b"x"))[0] == 550


# Wildcards.


async def test_mget_and_mdelete(stages: bool) -> None:
    def work(port: int) -> None:
        with ftplib.FTP() as ftp:
            ftp.connect("127.0.0.1", port, timeout=PATIENCE_S)
            ftp.login("user1", "secret")
            assert ftp.nlst("*.txt") == ["a.txt", "b.txt"]
            assert ftp.nlst("sub/[c-d]*") == ["sub/c.txt"]
            for name in ftp.nlst("sub/*"):
                got = io.BytesIO()
                ftp.retrbinary(f"RETR {name}", got.write)
                assert got.getvalue() == SOME
            for name in ftp.nlst("?.txt"):
                ftp.delete(name)
            assert ftp.nlst("*.txt") == []
            lines: list[str] = []
            ftp.dir("-la", "*.none", lines.append)
            assert lines == []
            with pytest.raises(ftplib.error_perm, match="550"):
                ftp.nlst("none/*")

    async with ftp_house(stages=stages) as house:
        for name in ("a.txt", "b.txt", "c.md", "sub/c.txt"):
            house.s3.add("home", f"user1/{name}", SOME)
        await asyncio.to_thread(work, house.port)
        assert house.names() == ["user1/", "user1/c.md", "user1/sub/c.txt", "user2/", "user3/"]


async def test_the_status_of_a_pattern() -> None:
    async with ftp_house() as house:
        house.s3.add("home", "user1/a.txt", SOME)
        client = await house.log_in()
        code, text = await client.say("STAT *.txt")
        assert code == 212
        assert text.splitlines()[1].endswith(" a.txt")
        assert len((await client.say("STAT *.none"))[1].splitlines()) == 2


async def test_looking_for_a_pattern_is_no_error_in_the_log() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        assert await client.fetch("NLST *.none") == (226, b"")
        assert "ERROR" not in house.log.activities()


# Times and new beginnings.


@pytest.mark.parametrize("pretends", [True, False])
async def test_a_time_is_never_set(pretends: bool) -> None:
    async with ftp_house(server=ftp_server(setstat_is_no_op=pretends)) as house:
        house.s3.add("home", "user1/a", SOME)
        client = await house.log_in()
        before = await client.say("MDTM a")
        code, text = await client.say("MFMT 20200101000000 a")
        assert code == (213 if pretends else 550)
        assert text == "213 Modify=20200101000000; /home/user1/a\n" if pretends else "cannot be set" in text
        assert (await client.say("MFMT 20200101000000 gone"))[0] == 550
        assert await client.say("MDTM a") == before


async def test_rein_ends_the_session_and_another_user_may_come() -> None:
    async with ftp_house() as house:
        client = await house.log_in()
        port = await client.passive()
        assert (await client.say("REIN"))[0] == 220
        assert house.log.activities()[-1] == "DISCONNECTED"
        assert (await client.say("PWD"))[0] == 530
        reader, _ = await client.connect_data(port)
        assert await reader.read() == b""
        assert (await client.say("USER user2"))[0] == 331
        assert (await client.say("PASS secret"))[0] == 230
        assert (await client.store("a", SOME))[0] == 226
        assert house.content("user2/a") == SOME
