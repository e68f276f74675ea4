"""The clients of the SFTP benchmarks, against asyncssh's server and against programs that stand in for a client."""

import asyncio
import functools
import sys
from contextlib import ExitStack

import asyncssh
import pytest
from bench.harness.clients.jobs import ClientFailed, Endpoint, Job
from bench.sftp.client.__main__ import JOBS
from bench.sftp.client.session import Session, check_ok
from bench.sftp.client.transport import CIPHER, REQUEST_FAILURE, Seal, mpint, split, string
from bench.sftp.servers.keys import keys_in, make_keys, ways_to
from bench.sftp.servers.openssh import in_namespace
from bench.sftp.stock import LFTP, SFTP, Stock, talk
from bench.sftp.ways import AES, CHACHA, CIPHERS
from cryptography.exceptions import InvalidTag
from hypothesis import given
from hypothesis import strategies as st


@given(number=st.integers(min_value=0, max_value=2**300))
def test_numbers_go_over_the_wire_as_asyncssh_writes_them(number):
    plain = number.to_bytes((number.bit_length() + 7) // 8 or 1)
    assert mpint(plain) == asyncssh.packet.MPInt(number)


@given(values=st.lists(st.binary(max_size=40), max_size=4))
def test_strings_are_found_one_after_the_other(values):
    packet, at, found = b"".join(map(string, values)), 0, []
    while at < len(packet):
        value, at = split(packet, at)
        found.append(value)
    assert found == values


def test_each_packet_has_another_nonce():
    sealing, opening = (Seal(bytes(16), b"\1" * 4 + b"\xff" * 8) for _ in range(2))
    first, second = (sealing.encrypt(b"\0\0\0\4", b"same") for _ in range(2))
    assert first != second
    assert opening.decrypt(first[:4], first[4:]) == b"same"
    assert opening.decrypt(second[:4], second[4:]) == b"same"
    with pytest.raises(InvalidTag):
        opening.decrypt(first[:4], first[4:])


@pytest.fixture
def accepted():
    """The server's connections."""
    return []


@pytest.fixture
async def endpoint(tmp_path, accepted):
    """asyncssh's server on a folder, for the user whose key this is."""
    make_keys(tmp_path)
    keys, content = keys_in(tmp_path), tmp_path / "content"
    content.mkdir()
    server = await asyncssh.listen(
        "127.0.0.1",
        0,
        server_host_keys=[str(keys.host)],
        authorized_client_keys=str(keys.authorized),
        sftp_factory=functools.partial(asyncssh.SFTPServer, chroot=str(content)),
        acceptor=accepted.append,
    )
    async with server:
        yield ways_to("127.0.0.1", server.get_port(), "bench", tmp_path)[AES]


async def do(what, endpoint, **more):
    def work():
        with ExitStack() as stack:
            return JOBS[what](Job(what=what, endpoint=endpoint, **more), stack)()

    return await asyncio.to_thread(work)


async def test_the_light_client_uploads_and_lists(endpoint, tmp_path):
    (tmp_path / "content/many").mkdir()
    done = await do("small-up", endpoint, path="many/0", size=5000, count=150)
    assert done.nbytes == 750_000
    files = sorted((tmp_path / "content/many").iterdir())
    assert (len(files), files[0].name) == (150, "0000000")
    assert {path.stat().st_size for path in files} == {5000}
    listed = await do("listing", endpoint, path="many", count=150)
    assert listed.figures["first_s"] > 0
    with pytest.raises(ClientFailed, match="152 names instead of 100"):
        await do("listing", endpoint, path="many", count=100)


async def test_what_the_server_refuses_is_told(endpoint):
    with pytest.raises(ClientFailed, match="No such file"):
        await do("listing", endpoint, path="nowhere", count=1)


async def test_idle_sessions_answer_the_server(endpoint, accepted):
    with ExitStack() as stack:
        work = JOBS["sessions"](Job(what="sessions", endpoint=endpoint, count=3, concurrency=2), stack)
        await asyncio.to_thread(work)
        assert len(accepted) == 3
        async with asyncio.timeout(10):
            answers = [await one._make_global_request(b"keepalive@openssh.com") for one in accepted]
    assert [kind for kind, _ in answers] == [REQUEST_FAILURE] * 3


async def test_an_idle_session_that_the_server_ends_fails_the_job(endpoint, accepted):
    async def idle():
        with ExitStack() as stack:
            work = JOBS["sessions"](Job(what="sessions", endpoint=endpoint, count=1), stack)
            await asyncio.to_thread(work)
            accepted[0].abort()
            await accepted[0].wait_closed()

    with pytest.raises(ClientFailed, match="a session ended: the server closed"):
        await idle()


async def test_logins_come_and_go(endpoint, accepted):
    await do("logins", endpoint, count=5, concurrency=2)
    assert len(accepted) == 5


async def test_who_has_another_key_is_not_let_in(endpoint, tmp_path):
    (tmp_path / "other").mkdir()
    make_keys(tmp_path / "other")
    stranger = ways_to(endpoint.host, endpoint.port, endpoint.user, tmp_path / "other")[AES]
    with pytest.raises(ClientFailed, match="51 came instead of 60 at the login"):
        await asyncio.to_thread(Session, stranger)


def test_a_status_that_is_not_ok_fails_the_job():
    check_ok(bytes(8))
    with pytest.raises(ClientFailed, match="request 7 ended with status 4: no"):
        check_ok(b"\0\0\0\7\0\0\0\4" + string(b"no") + string(b""))


def test_the_light_clients_cipher_is_the_one_that_is_compared():
    assert CIPHERS[AES] == CIPHER


@pytest.mark.parametrize("stock", [SFTP, LFTP], ids=["sftp", "lftp"])
@pytest.mark.parametrize("way", [AES, CHACHA])
def test_stock_clients_offer_one_key_and_one_cipher(stock, way, tmp_path):
    command = " ".join(stock.command(ways_to("127.0.0.1", 2222, "bench", tmp_path)[way]))
    assert f"-i {tmp_path}/user_key -c {CIPHERS[way]} " in command
    assert "-oIdentityAgent=none" in command
    assert "2222" in command


SCRIPT = """
import sys
for line in sys.stdin:
    if line == "mark\\n":
        print("marked so", flush=True)
    elif line == "fail\\n":
        sys.exit("the disk is full")
    else:
        print("did", line, end="", flush=True)
"""


def stand_in(script=SCRIPT):
    def command(_endpoint):
        return [sys.executable, "-c", script]

    return Stock(command=command, mark="mark", marked="marked", download="", upload="", listing="")


NOWHERE = Endpoint(host="127.0.0.1", port=1, user="bench")


def test_a_client_is_waited_for_until_all_is_done(tmp_path):
    with talk(stand_in(), NOWHERE, tmp_path) as session:
        assert session.ask("one", "two") == ["did one", "did two"]
        assert session.ask() == []
        assert session.cpu_s() > 0
    assert list(tmp_path.iterdir()) == []


def test_a_client_that_gives_up_is_quoted(tmp_path):
    with talk(stand_in(), NOWHERE, tmp_path) as session, pytest.raises(ClientFailed, match="the disk is full"):
        session.ask("fail")


def test_a_client_that_cannot_log_in_is_quoted(tmp_path):
    with (
        pytest.raises(ClientFailed, match="Permission denied"),
        talk(stand_in("raise SystemExit('Permission denied')"), NOWHERE, tmp_path),
    ):
        pass


def test_sshd_sees_a_passwd_file_of_its_own(tmp_path):
    command = in_namespace(tmp_path / "passwd")
    assert command[:2] == ["unshare", "--mount"]
    assert command[-1] == str(tmp_path / "passwd")
