"""SFTP served by worker processes: who gets which client, and what holds over all of them."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import asyncssh
import pytest
from tests.e2e.harness import start_service, until
from tests.e2e.jetty import BUCKET, ROLE, USER
from tests.e2e.openssh_clients import Sftp
from tests.e2e.quay import Quay, open_quay

PATIENCE_S = 60.0
MIB = 1 << 20
PER_USER = 3
DENY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}]}'


def variables(**more: str) -> dict[str, str]:
    return {"CROSSDOCK_WORKERS": "2", "CROSSDOCK_LOGIN_FAILURE_DELAY_S": "0", **more}


@pytest.fixture(scope="module")
def quay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    settings = variables(
        CROSSDOCK_LOGIN_SESSIONS_PER_USER=str(PER_USER),
        CROSSDOCK_FTP_ALLOW_APPEND="true",
        CROSSDOCK_SFTP_PROXY_PROTOCOL_FROM="127.0.0.1/32",
        CROSSDOCK_SFTP_PROXY_PROTOCOL_OPTIONAL="true",
    )
    with open_quay(tmp_path_factory.mktemp("workers"), variables=settings, with_sftp=True) as running:
        both_are_ready(running)
        yield running


@pytest.fixture
def own_quay(tmp_path: Path) -> Iterator[Quay]:
    """For a test that ends it."""
    with open_quay(tmp_path, variables=variables(), with_sftp=True) as running:
        both_are_ready(running)
        yield running


@pytest.fixture(autouse=True)
def nobody_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """Sessions end a moment after their connections, and a killed worker is replaced a moment later."""
    yield
    if "quay" in request.fixturenames:
        quay: Quay = request.getfixturevalue("quay")
        until("every session has ended", lambda: all(not ports_of(worker) for worker in workers(quay)))
        both_are_ready(quay)


def both_are_ready(quay: Quay) -> None:
    def alive() -> int:
        log = quay.service.log()
        return log.count("a worker is ready") - log.count("a worker is gone")

    until("two workers are ready", lambda: alive() == 2)


def workers(quay: Quay) -> list[int]:
    """The service's processes that serve SFTP."""
    return workers_of(quay.service.process.pid)


def workers_of(parent: int) -> list[int]:
    found = []
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        with suppress(OSError):
            if b"crossdock.app.worker" in Path(f"/proc/{child}/cmdline").read_bytes():
                found.append(int(child))
    return found


def ports_of(pid: int) -> set[int]:
    """The clients' ports of a process's connections."""
    sockets = set()
    with suppress(OSError):
        for entry in os.scandir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                sockets.add(os.readlink(entry.path))
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {int(row[2].rpartition(":")[2], 16) for row in rows if f"socket:[{row[9]}]" in sockets}


def worker_of(quay: Quay, client: asyncssh.SSHClientConnection) -> int:
    port = client.get_extra_info("sockname")[1]
    return next(worker for worker in workers(quay) if port in ports_of(worker))


@asynccontextmanager
async def come(quay: Quay, name: str = "managed") -> AsyncIterator[asyncssh.SSHClientConnection]:
    jetty = quay.jetties[name]
    who = {"client_keys": [str(jetty.key)]} if jetty.key else {"client_keys": None, "password": jetty.password}
    async with (
        asyncio.timeout(PATIENCE_S),
        asyncssh.connect(
            jetty.host, jetty.port, username=USER, known_hosts=str(jetty.known_hosts), config=None, **who
        ) as client,
    ):
        yield client


@pytest.mark.parametrize("jetty", ["managed", "asking"])
def test_files_come_and_go(quay: Quay, jetty: str, tmp_path: Path) -> None:
    content = os.urandom(20 * MIB)
    (tmp_path / "up").write_bytes(content)
    (tmp_path / "small").write_bytes(b"small")
    sftp, folder = Sftp(quay.jetties[jetty], tmp_path), f"goods-{jetty}"
    done = sftp.obey(
        f"mkdir {folder}",
        f"cd {folder}",
        f"put {tmp_path}/up first",
        f"put {tmp_path}/small",
        "mkdir d",
        "ls -l",
        "rename first second",
        f"get second {tmp_path}/down",
    )
    assert "20971520" in done.stdout
    assert (tmp_path / "down").read_bytes() == content
    assert quay.content(f"{folder}/second") == content
    assert quay.content(f"{folder}/small") == b"small"
    sftp.obey(f"rm {folder}/second", f"rm {folder}/small", f"rmdir {folder}/d", f"rmdir {folder}")
    assert quay.keys(folder) == []


async def test_two_clients_are_served_by_two_workers(quay: Quay) -> None:
    async with come(quay) as one, come(quay, "asking") as other:
        assert worker_of(quay, one) != worker_of(quay, other)


async def test_a_worker_hears_what_came_with_a_load_balancers_header_and_knows_the_client(quay: Quay) -> None:
    jetty = quay.jetties["managed"]

    sock = await asyncio.to_thread(socket.create_connection, (jetty.host, jetty.port))
    # In one piece with the beginning of SSH, so that the parent has read of both.
    sock.sendall(b"PROXY TCP4 192.0.2.77 127.0.0.1 4000 22\r\nSSH-2.0-announced\r\n")
    reader, writer = await asyncio.open_connection(sock=sock)
    async with asyncio.timeout(PATIENCE_S):
        assert await reader.readline() == b"SSH-2.0-Crossdock\r\n"
        writer.write(b"no packet of SSH, which ends it" * 100)
        await reader.read()
    writer.close()
    until("the log names the client", lambda: "192.0.2.77" in quay.service.log())


async def test_an_object_of_many_parts_is_read_by_a_worker(quay: Quay) -> None:
    parts = [os.urandom(5 * MIB), os.urandom(5 * MIB), b"rest"]
    upload = quay.s3.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
    named = {"Bucket": BUCKET, "Key": "parts", "UploadId": upload}
    etags = [quay.s3.upload_part(**named, PartNumber=n, Body=part)["ETag"] for n, part in enumerate(parts, 1)]
    listed = [{"PartNumber": n, "ETag": etag} for n, etag in enumerate(etags, 1)]
    quay.s3.complete_multipart_upload(**named, MultipartUpload={"Parts": listed})
    async with come(quay) as client, client.start_sftp_client() as sftp, sftp.open("parts", "rb") as file:
        begin = await file.read(1000)
        quay.s3.delete_object(Bucket=BUCKET, Key="parts")
        assert begin + await file.read(offset=1000) == b"".join(parts)


async def test_a_policy_counts_at_once_in_every_worker(quay: Quay) -> None:
    quay.put("known", b"content")
    iam = quay.service.client("hub", "iam")
    async with (
        come(quay) as one,
        come(quay) as other,
        one.start_sftp_client() as first,
        other.start_sftp_client() as second,
    ):
        assert worker_of(quay, one) != worker_of(quay, other)
        for _ in range(5):
            for sftp in (first, second):
                async with sftp.open("known", "rb") as file:
                    assert await file.read() == b"content"
            iam.put_role_policy(RoleName=ROLE, PolicyName="not-now", PolicyDocument=DENY)
            for sftp in (first, second):
                with pytest.raises(asyncssh.SFTPPermissionDenied):
                    await sftp.open("known", "rb")
            iam.delete_role_policy(RoleName=ROLE, PolicyName="not-now")
    quay.s3.delete_object(Bucket=BUCKET, Key="known")


async def test_sessions_are_counted_over_all_workers_and_a_killed_one_gives_its_back(quay: Quay) -> None:
    async with come(quay) as first, come(quay) as second, come(quay):
        assert {worker_of(quay, client) for client in (first, second)} == set(workers(quay))
        with pytest.raises(asyncssh.PermissionDenied):
            async with come(quay):
                pass
        killed = worker_of(quay, second)
        os.kill(killed, signal.SIGKILL)
        await second.wait_closed()
        until("the worker is gone", lambda: killed not in workers(quay))
        async with come(quay) as another:
            assert worker_of(quay, another) != killed
        assert worker_of(quay, first)


async def test_a_worker_killed_in_an_upload_takes_its_own_sessions_only_and_leaves_nothing(quay: Quay) -> None:
    staged = quay.service.data_dir / "blobs" / "staged"
    async with (
        come(quay) as one,
        come(quay) as other,
        one.start_sftp_client() as cut,
        other.start_sftp_client() as spared,
    ):
        assert worker_of(quay, one) != worker_of(quay, other)
        kept, lost = await spared.open("kept", "wb"), await cut.open("lost", "wb")
        for file in (kept, lost):
            await file.write(os.urandom(8 * MIB))
        until("both uploads are on their way", lambda: len(names_in(staged)) == 2)
        os.kill(worker_of(quay, one), signal.SIGKILL)
        await one.wait_closed()
        until("what was staged is removed", lambda: len(names_in(staged)) == 1)
        await kept.write(b"the end")
        await kept.close()
    assert quay.keys() == ["kept"]
    assert len(quay.content("kept")) == 8 * MIB + len(b"the end")
    quay.s3.delete_object(Bucket=BUCKET, Key="kept")


async def test_what_one_worker_began_anew_and_lost_no_other_goes_on_with(quay: Quay) -> None:
    old = b"the old file"
    quay.put("torn", old)
    async with come(quay) as one, come(quay) as other:
        assert worker_of(quay, one) != worker_of(quay, other)
        async with one.start_sftp_client() as sftp:
            await (await sftp.open("torn", "wb")).write(b"new")
            one.abort()
        async with other.start_sftp_client() as sftp:
            with pytest.raises(asyncssh.SFTPError, match="Beyond the end"):
                await _append(sftp, b"the new file"[len(b"new") :])
            assert quay.content("torn") == old
            async with sftp.open("torn", "wb") as file:
                await file.write(b"new")
            await _append(sftp, b" file")
    assert quay.content("torn") == b"new file"
    quay.s3.delete_object(Bucket=BUCKET, Key="torn")


async def _append(sftp: asyncssh.SFTPClient, content: bytes) -> None:
    async with sftp.open("torn", "ab") as file:
        await file.write(content)


async def test_a_stopped_server_lets_uploads_of_workers_finish_and_ends_idle_sessions(quay: Quay) -> None:
    transfer, server_id = quay.service.client("hub", "transfer"), quay.jetties["managed"].server_id
    async with come(quay) as idle, come(quay) as busy, busy.start_sftp_client() as sftp:
        file = await sftp.open("last", "wb")
        await file.write(b"begun")
        await asyncio.to_thread(transfer.stop_server, ServerId=server_id)
        await idle.wait_closed()
        await file.write(b", ended")
        await file.close()
        await busy.wait_closed()
    assert quay.content("last") == b"begun, ended"
    quay.s3.delete_object(Bucket=BUCKET, Key="last")
    transfer.start_server(ServerId=server_id)
    until("it is online", lambda: transfer.describe_server(ServerId=server_id)["Server"]["State"] == "ONLINE")


async def test_the_end_of_the_service_lets_a_worker_finish_and_leaves_none(own_quay: Quay) -> None:
    mine = workers(own_quay)
    async with come(own_quay) as client, client.start_sftp_client() as sftp:
        file = await sftp.open("last", "wb")
        await file.write(b"begun")
        for pid in (*mine, own_quay.service.process.pid):  # as a service manager tells all of a group
            os.kill(pid, signal.SIGTERM)
        until("the service is ending", lambda: "stopping" in own_quay.service.log())
        await file.write(b", ended")
        await file.close()
        await client.wait_closed()
    assert own_quay.service.process.wait(PATIENCE_S) == 0
    assert all(has_ended(pid) for pid in mine)


async def test_workers_die_with_a_killed_service_which_keeps_what_it_acknowledged_and_nothing_else(
    own_quay: Quay,
) -> None:
    mine, data_dir = workers(own_quay), own_quay.service.data_dir
    async with come(own_quay) as client, client.start_sftp_client() as sftp:
        async with sftp.open("kept", "wb") as file:
            await file.write(bytes(MIB))
        lost = await sftp.open("lost", "wb")
        await lost.write(bytes(MIB))
        until("the second upload is on its way", lambda: names_in(data_dir / "blobs" / "staged"))
        own_quay.service.kill()
        await client.wait_closed()
    until("no worker is left", lambda: all(has_ended(pid) for pid in mine))
    with start_service(data_dir, variables=variables()) as again:
        listed = again.client("hub", "s3").list_objects_v2(Bucket=BUCKET)["Contents"]
        assert [(item["Key"], item["Size"]) for item in listed] == [("kept", MIB)]
        assert names_in(data_dir / "blobs" / "staged") == []


def names_in(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def has_ended(pid: int) -> bool:
    """Also as a zombie whom nobody has waited for yet."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True
