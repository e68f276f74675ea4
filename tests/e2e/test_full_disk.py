"""A full disk: uploads and changes are refused in each protocol's words, and everything else goes on."""

import io
import json
import resource
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from ftplib import FTP, error_perm, error_temp
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from tests.e2e.busy_clients import HUB_BUCKET, TRUST
from tests.e2e.harness import Service, refused_start, start_service, until
from tests.e2e.leftovers import blob_bytes, stray_files
from tests.fakes.functions import archive

SIZE = 24 << 20
TALKATIVE = """
def handler(event, context):
    print("x" * 40_000)
    return "said"
"""


@dataclass(slots=True)
class Disk:
    """A small one, mounted on the data directory; without privileges, what the service may write is limited."""

    data_dir: Path
    is_mounted: bool

    def fill(self, service: Service) -> None:
        """Not a byte is left."""
        if not self.is_mounted:
            resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
            return
        with suppress(OSError), (self.data_dir / "filler").open("ab", buffering=0) as filler:
            while filler.write(bytes(4096)):
                pass

    def make_room(self, service: Service) -> None:
        if not self.is_mounted:
            resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
            return
        (self.data_dir / "filler").unlink()


@pytest.fixture
def disk(tmp_path) -> Iterator[Disk]:
    data_dir = tmp_path / "data"
    data_dir.mkdir(0o700)
    options = f"size={SIZE},mode=0700"
    command = ["mount", "-t", "tmpfs", "-o", options, "crossdock-test", str(data_dir)]
    is_mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    yield Disk(data_dir, is_mounted)
    if is_mounted:
        subprocess.run(["umount", "--lazy", str(data_dir)], check=True)


@dataclass(slots=True)
class Dock:
    service: Service
    server_id: str
    password: str

    @contextmanager
    def ftp(self) -> Iterator[FTP]:
        with FTP(timeout=60) as ftp:
            ftp.connect(*self.service.ftp_endpoint(self.server_id))
            ftp.login("user1", self.password)
            yield ftp

    def client(self, name: str):
        return self.service.client("hub", name)

    def listed(self) -> dict[str, int]:
        found = self.client("s3").list_objects_v2(Bucket=HUB_BUCKET).get("Contents", [])
        return {item["Key"]: item["Size"] for item in found}


@contextmanager
def running_on(disk: Disk) -> Iterator[Dock]:
    with start_service(disk.data_dir, "--example", "article") as service:
        server_id = service.client("hub", "transfer").list_servers()["Servers"][0]["ServerId"]
        secrets = service.client("hub", "secretsmanager")
        value = secrets.get_secret_value(SecretId=f"aws/transfer/{server_id}/user1")["SecretString"]
        yield Dock(service, server_id, json.loads(value)["Password"])


def stor(ftp: FTP, name: str, size: int) -> str:
    """The code of the reply to an upload, which may come before everything is sent."""
    try:
        with ftp.transfercmd(f"STOR {name}") as connection, suppress(ConnectionError):
            connection.sendall(bytes(size))
        return ftp.voidresp()[:3]
    except (error_temp, error_perm) as reply:
        return str(reply)[:3]


def refusal(call: Callable[[], object]) -> tuple[str, int]:
    """AWS's code and the HTTP status; `("", 200)` when it is not refused."""
    try:
        call()
    except ClientError as error:
        # The latter is how SQLite tells of a limit on the size of files.
        if not {"full.", "error"} & set(error.response["Error"]["Message"].split()):
            raise
        return error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    return "", 200


def changes(dock: Dock, suffix: str) -> dict[str, Callable[[], object]]:
    """A call of each service that needs room."""
    s3 = dock.client("s3")
    source = {"Bucket": HUB_BUCKET, "Key": "before"}
    template = f"Resources: {{B: {{Type: AWS::Logs::LogGroup, Properties: {{LogGroupName: stack-{suffix}}}}}}}"
    return {
        "PutObject": lambda: s3.put_object(Bucket=HUB_BUCKET, Key=f"by-s3-{suffix}", Body=bytes(3_000_000)),
        "PutObject of nothing": lambda: s3.put_object(Bucket=HUB_BUCKET, Key=f"empty-{suffix}", Body=b""),
        "CopyObject": lambda: s3.copy_object(Bucket=HUB_BUCKET, Key=f"copy-{suffix}", CopySource=source),
        "CreateBucket": lambda: s3.create_bucket(Bucket=f"bucket-{suffix}"),
        "CreateSecret": lambda: dock.client("secretsmanager").create_secret(Name=suffix, SecretString="x" * 60_000),
        "CreateRole": lambda: dock.client("iam").create_role(RoleName=suffix, AssumeRolePolicyDocument=TRUST),
        "CreateServer": lambda: dock.client("transfer").create_server(),
        "CreateLogGroup": lambda: dock.client("logs").create_log_group(logGroupName=suffix),
        "CreateStack": lambda: dock.client("cloudformation").create_stack(StackName=suffix, TemplateBody=template),
        "CreateFunction": lambda: create_function(dock, suffix),
    }


def create_function(dock: Dock, name: str) -> object:
    return dock.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.12",
        Role="arn:aws:iam::111111111111:role/talkative",
        Handler="app.handler",
        Code={"ZipFile": archive({"app.py": TALKATIVE})},
    )


def invoke(dock: Dock) -> object:
    return json.load(dock.client("lambda").invoke(FunctionName="talkative", Payload=b"{}")["Payload"])


def test_uploads_are_452_and_503_changes_are_503_and_everything_else_goes_on(disk):
    with running_on(disk) as dock, dock.ftp() as ftp:
        dock.client("iam").create_role(RoleName="talkative", AssumeRolePolicyDocument=TRUST)
        create_function(dock, "talkative")
        assert invoke(dock) == "said"
        assert stor(ftp, "before", 1_000_000) == "226"
        upload = dock.client("s3").create_multipart_upload(Bucket=HUB_BUCKET, Key="parts")
        before = dock.listed()

        disk.fill(dock.service)
        for size in (10, 100_000, 3_000_000, *([0] if disk.is_mounted else [])):
            assert stor(ftp, f"by-ftp-{size}", size) == "452", size
        for name, call in changes(dock, "full").items():
            code, status = refusal(call)
            assert (code.removesuffix("Exception"), status) == ("ServiceUnavailable", 503), name
        place = {"Bucket": HUB_BUCKET, "Key": "parts", "UploadId": upload["UploadId"]}
        assert refusal(lambda: dock.client("s3").upload_part(**place, PartNumber=1, Body=bytes(1_000_000)))[1] == 503

        # Reading, logging in and functions go on, however much they have to log.
        received = io.BytesIO()
        ftp.retrbinary("RETR before", received.write)
        assert received.getvalue() == bytes(1_000_000)
        assert ftp.nlst() == list(before)
        with dock.ftp() as another:
            assert another.nlst() == list(before)
        with FTP(timeout=60) as wrong:
            wrong.connect(*dock.service.ftp_endpoint(dock.server_id))
            with pytest.raises(error_perm, match="530"):
                wrong.login("user1", "wrong")
        for _ in range(20):
            assert invoke(dock) == "said"
        assert dock.listed() == before
        assert dock.client("s3").list_parts(**place).get("Parts", []) == []
        assert dock.client("cloudformation").describe_stacks()["Stacks"][0]["StackName"] == "transfer-identity"

        disk.make_room(dock.service)
        until("an upload succeeds again", lambda: stor(ftp, "after", 3_000_000) == "226")
        for name, call in changes(dock, "room").items():
            assert refusal(call) == ("", 200), name
        expected = {"after": 3_000_000, "by-s3-room": 3_000_000, "empty-room": 0, "copy-room": 1_000_000}
        assert dock.listed() == before | expected
        # A copy shares the bytes of what it is a copy of.
        total = sum(size for key, size in dock.listed().items() if key != "copy-room")
        until("what was refused is gone from the disk", lambda: blob_bytes(disk.data_dir) == total)
        # Functions run, each with a scratch directory.
        assert [path for path in stray_files(disk.data_dir) if not path.startswith("processes/")] == []
        with dock.ftp():
            logs = dock.client("logs")
            group = f"/aws/transfer/{dock.server_id}"
            until(
                "the log goes on",
                lambda: [
                    event
                    for event in logs.filter_log_events(logGroupName=group)["events"]
                    if '"CLOSE"' in event["message"] and "after" in event["message"]
                ],
            )
    assert "log events are written again" in dock.service.log()
    assert "Traceback" not in dock.service.log()


def test_a_disk_that_uploads_have_filled_can_be_emptied_by_deleting(disk):
    if not disk.is_mounted:
        pytest.skip("mounting a small disk needs privileges; tests/adapters/host/test_headroom.py makes one up")
    with running_on(disk) as dock, dock.ftp() as ftp:
        s3 = dock.client("s3")
        kept = []
        for size in (4 << 20, 1 << 20, 100_000, 1000, 1):
            while stor(ftp, name := f"{len(kept)}", size) == "226":
                kept.append(name)
        assert refusal(lambda: s3.put_object(Bucket=HUB_BUCKET, Key="more", Body=b"1")) == ("ServiceUnavailable", 503)
        assert len(kept) > 5
        assert dock.listed().keys() == set(kept)
        ftp.delete(kept[0])
        s3.delete_object(Bucket=HUB_BUCKET, Key=kept[1])
        until("there is room again", lambda: stor(ftp, "more", 4 << 20) == "226")
        assert dock.listed().keys() == {*kept[2:], "more"}

        # Killed and started again on a disk that is full again.
        while stor(ftp, name := f"{len(kept)}", 100_000) == "226":
            kept.append(name)
        dock.service.kill()
    with running_on(disk) as dock, dock.ftp() as ftp:
        assert dock.listed().keys() == {*kept[2:], "more"}
        assert stor(ftp, "again", 4 << 20) == "452"
        ftp.delete("more")
        until("there is room again", lambda: stor(ftp, "again", 1 << 20) == "226")

    # Another program takes the very last byte. After a kill a start would find room: it folds the databases' logs in.
    disk.fill(dock.service)
    refused = refused_start(disk.data_dir)
    assert refused.returncode == 1
    assert "is full" in refused.stderr
    assert "make room" in refused.stderr
    assert "Traceback" not in refused.stderr
