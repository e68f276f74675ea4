"""A server that is stopped, and a service that is: transfers come to their end, and who is idle is told goodbye."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh
import pytest
from tests.e2e.harness import start_service, until
from tests.e2e.jetty import BUCKET
from tests.e2e.openssh_clients import Sftp
from tests.e2e.quay import Quay, open_quay
from tests.e2e.sftp_misfortunes import logged_in

BEFORE, AFTER = b"x" * 300_000, b"y" * 300_000


class Told(asyncssh.SSHClient):
    """Notes how its connection ended: None is a disconnect "by application" (RFC 4253 §11.1)."""

    def __init__(self) -> None:
        self.ends: list[Exception | None] = []

    def connection_lost(self, exc: Exception | None) -> None:
        self.ends.append(exc)


async def upload_over(quay: Quay, end: Callable[[], None]) -> tuple[Told, Told]:
    """Bring about the end in the middle of an upload, beside somebody idle, and go on until all is over."""
    idle, busy = Told(), Told()
    async with (
        logged_in(quay, client_factory=lambda: idle) as waiting,
        logged_in(quay, client_factory=lambda: busy) as conn,
        waiting.start_sftp_client() as nothing_open,
    ):
        assert "." in await nothing_open.listdir(".")
        sftp = await conn.start_sftp_client()
        file = await sftp.open("last", "wb")
        await file.write(BEFORE)
        await asyncio.to_thread(end)
        await waiting.wait_closed()
        await file.write(AFTER)
        await file.close()
        await conn.wait_closed()
    return idle, busy


def stop_server(quay: Quay) -> None:
    transfer = quay.service.client("hub", "transfer")
    transfer.stop_server(ServerId=quay.jetties["managed"].server_id)


def stop_service(quay: Quay) -> None:
    quay.service.process.terminate()


@pytest.mark.parametrize("stop", [stop_server, stop_service])
def test_an_upload_comes_to_its_end_and_everybody_is_told_goodbye(stop: Callable[[Quay], None], tmp_path: Path) -> None:
    with open_quay(tmp_path, with_sftp=True) as quay:
        idle, busy = asyncio.run(upload_over(quay, lambda: stop(quay)))
        assert (idle.ends, busy.ends) == ([None], [None])
        # A second signal would not wait for anything.
        assert (quay.service.stop() if stop is stop_server else quay.service.process.wait(60)) == 0
    with start_service(tmp_path / "data") as service:
        found = service.client("hub", "s3").get_object(Bucket=BUCKET, Key="last")["Body"].read()
    assert found == BEFORE + AFTER


def opened(quay: Quay) -> bool:
    server_id, logs = quay.jetties["managed"].server_id, quay.service.client("hub", "logs")
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/transfer/{server_id}")["logGroups"]
    return any(
        logs.filter_log_events(logGroupName=one["logGroupName"], filterPattern="OPEN")["events"] for one in groups
    )


@pytest.mark.parametrize("turn", range(2))
def test_openssh_hears_of_the_upload_that_it_waited_for(turn: int, tmp_path: Path) -> None:
    """Its client forgets what it has received when it is disconnected: it would take a whole upload for a lost one."""
    content = tmp_path / "content"
    content.write_bytes(BEFORE * 5)
    with open_quay(tmp_path, with_sftp=True) as quay, ThreadPoolExecutor(1) as thread:
        sftp = Sftp(quay.jetties["managed"], tmp_path)
        uploading = thread.submit(sftp.obey, f"put {content} slow", options=["-l", "10000"])
        until("the upload is under way", lambda: opened(quay))
        quay.service.process.terminate()
        assert uploading.result(60).returncode == 0
        assert quay.service.process.wait(60) == 0
