"""Uploads that are interrupted in the middle, in every way that happens, and what their clients make of what stays."""

import ftplib
import hashlib
import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.harness import CLEAN, COMMAND_S, HOST, Service, start_service, until
from tests.e2e.jetty import BUCKET, ROLE, USER, Jetty
from tests.e2e.openssh_clients import Sftp
from tests.e2e.quay import Quay, open_quay
from tests.e2e.test_article import bucket_policy
from tests.e2e.test_attached_buckets import BEHIND, PREFIX, OtherS3, attach_home, other  # noqa: F401 - a fixture
from tests.e2e.test_aws_authority import PASSWORD, SERVER_ID, Cloud, cloud, configuration  # noqa: F401 - a fixture

MIB = 1 << 20
LONG = 400 * MIB
SLOWLY = 10 * MIB
"""Bytes a second, so that a client is killed in the middle however late it is found to be there."""
REST = 10 * MIB + 12_345
"""What is left to send then, so that nobody waits for all of it."""
PARTS = "s3:ListMultipartUploadParts"


def variables(kept: str) -> dict[str, str]:
    return {"CROSSDOCK_UPLOADS_INTERRUPTED": kept}


@dataclass(frozen=True, slots=True, kw_only=True)
class Pier:
    """Where a client uploads to, and where the bytes come to lie."""

    address: str
    port: int
    password: str
    s3: Any
    user: str = USER
    bucket: str = BUCKET
    prefix: str = ""
    jetty: Jetty | None = None

    def parts(self, name: str) -> int:
        """How many parts have arrived of the upload that is under way there."""
        key = self.prefix + name
        found = self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        ids = [upload["UploadId"] for upload in found if upload["Key"] == key]
        return len(self.s3.list_parts(Bucket=self.bucket, Key=key, UploadId=ids[0]).get("Parts", [])) if ids else 0

    def names(self) -> list[str]:
        listed = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return [item["Key"].removeprefix(self.prefix) for item in listed]

    def content(self, name: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=self.prefix + name)["Body"].read()
        return body

    def ftp(self) -> ftplib.FTP:
        ftp = ftplib.FTP()
        ftp.connect(self.address, self.port, timeout=60)
        ftp.login(self.user, self.password)
        ftp.voidcmd("TYPE I")
        return ftp


def pier_of(quay: Quay) -> Pier:
    """SFTP by its key, FTP by its password: two servers, of which each knows its own interrupted uploads."""
    place = {"address": quay.address, "port": quay.port, "password": quay.password}
    return Pier(**place, s3=quay.s3, jetty=quay.jetties.get("managed"))  # type: ignore[arg-type]


def allow_parts(service: Service, role: str, bucket: str) -> None:
    statement = {"Effect": "Allow", "Action": PARTS, "Resource": f"arn:aws:s3:::{bucket}/*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    service.client("hub", "iam").put_role_policy(RoleName=role, PolicyName="parts", PolicyDocument=document)


@contextmanager
def resuming_quay(directory: Path, **more: str) -> Iterator[Quay]:
    # Killed ones come back to their ports.
    with open_quay(directory, host=HOST, variables={**variables("resume"), **more}, with_sftp=True) as quay:
        allow_parts(quay.service, ROLE, BUCKET)
        yield quay


@pytest.fixture(scope="module")
def pier(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pier]:
    with resuming_quay(tmp_path_factory.mktemp("quay")) as quay:
        yield pier_of(quay)


@dataclass(frozen=True, slots=True)
class Interruptible:
    """A command that uploads a file, slowly or as fast as it can, from where the server says that it is."""

    command: Callable[[Pier, Path, int], Sequence[str]]
    size: Callable[[Pier, Path], int | None]

    @contextmanager
    def uploading(self, pier: Pier, file: Path) -> Iterator[None]:
        command = self.command(pier, file, SLOWLY)
        with subprocess.Popen(
            command,
            env=environment(pier, file),
            cwd=file.parent,
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                yield
            finally:
                os.killpg(process.pid, signal.SIGKILL)

    def go_on(self, pier: Pier, file: Path) -> None:
        done = subprocess.run(
            self.command(pier, file, 0),
            env=environment(pier, file),
            cwd=file.parent,
            capture_output=True,
            text=True,
            timeout=COMMAND_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def environment(pier: Pier, file: Path) -> Mapping[str, str]:
    return {**CLEAN, "HOME": str(file.parent), "LFTP_PASSWORD": pier.password}


def with_lftp(pier: Pier, file: Path, rate: int) -> list[str]:
    settings = f"set net:max-retries 1; set net:limit-rate 0:{rate}; set cmd:fail-exit yes; set ftp:ssl-allow no"
    script = f"{settings}; put -c {file.name} -o {file.name}; bye"
    return ["lftp", "--norc", "--env-password", "-u", pier.user, "-p", str(pier.port), pier.address, "-e", script]


def with_curl(pier: Pier, file: Path, rate: int) -> list[str]:
    config = file.with_name("curl.conf")
    config.write_text(f'user = "{pier.user}:{pier.password}"\n')
    limit = ["--limit-rate", str(rate)] if rate else []
    url = f"ftp://{pier.address}:{pier.port}/{file.name}"
    return ["curl", "-sS", "-K", str(config), *limit, "-C", "-", "-T", str(file), url]


def jetty_of(pier: Pier) -> Jetty:
    assert pier.jetty is not None
    return pier.jetty


def with_sftp(pier: Pier, file: Path, rate: int) -> list[str]:
    jetty = jetty_of(pier)
    batch = file.with_name("batch")
    batch.write_text(f"{'put' if rate else 'reput'} {file.name} {file.name}\n")
    limit = ["-l", str(rate * 8 // 1000)] if rate else []
    return ["sftp", "-P", str(jetty.port), *jetty.options, *limit, "-b", str(batch), f"{USER}@{jetty.host}"]


def with_lftp_over_ssh(pier: Pier, file: Path, rate: int) -> list[str]:
    jetty = jetty_of(pier)
    ssh = " ".join(["ssh", "-a", "-x", *jetty.options])
    settings = f"set net:max-retries 1; set net:limit-rate 0:{rate}; set sftp:connect-program '{ssh}'"
    script = f"{settings}; put -c {file.name} -o {file.name}; bye"
    return ["lftp", "--norc", "-u", f"{USER},", f"sftp://{jetty.host}:{jetty.port}", "-e", script]


def size_by_ftp(pier: Pier, file: Path) -> int | None:
    with pier.ftp() as ftp:
        assert file.name not in ftp.nlst()
        try:
            return ftp.size(file.name)
        except ftplib.error_perm:
            return None


def size_by_sftp(pier: Pier, file: Path) -> int | None:
    sftp = Sftp(jetty_of(pier), file.parent)
    assert file.name not in sftp.obey("ls -1").stdout
    told = sftp.obey(f"ls -ln {file.name}", check=False)
    return int(told.stdout.splitlines()[-1].split()[4]) if told.returncode == 0 else None


CLIENTS = {
    "lftp": Interruptible(with_lftp, size_by_ftp),
    "curl": Interruptible(with_curl, size_by_ftp),
    "sftp": Interruptible(with_sftp, size_by_sftp),
    "lftp over SFTP": Interruptible(with_lftp_over_ssh, size_by_sftp),
}
every_client = pytest.mark.parametrize("client", CLIENTS.values(), ids=list(CLIENTS))
LFTP, SFTP = CLIENTS["lftp"], CLIENTS["sftp"]


def make_file(directory: Path) -> Path:
    """With a name of its own; what is hardly ever sent of it is zeros, which take no room."""
    file = directory / f"{directory.name}.bin"
    file.write_bytes(os.urandom(40 * MIB))
    os.truncate(file, LONG)
    return file


def change(file: Path, size: int) -> str:
    """Another beginning of that size, which nobody is to notice, and a new rest behind it; the SHA-256 of what there is
    when only the rest is sent."""
    rest = os.urandom(REST)
    wanted = hashlib.sha256(beginning(file, size) + rest).hexdigest()
    file.write_bytes(b"\0" * size + rest)
    return wanted


def beginning(file: Path, size: int) -> bytes:
    with file.open("rb") as stream:
        return stream.read(size)


def interrupt(client: Interruptible, pier: Pier, file: Path, *, parts: int = 2) -> None:
    with client.uploading(pier, file):
        until(f"{parts} parts have arrived", lambda: pier.parts(file.name) >= parts)


def go_on(client: Interruptible, pier: Pier, file: Path, *, least: int = 16 * MIB) -> None:
    """What is there is not sent again."""
    size = until("the upload was left", lambda: client.size(pier, file))
    assert size % (8 * MIB) == 0
    assert least <= size < LONG
    assert file.name not in pier.names()
    wanted = change(file, size)
    client.go_on(pier, file)
    assert hashlib.sha256(pier.content(file.name)).hexdigest() == wanted
    assert pier.parts(file.name) == 0


@every_client
def test_a_killed_client_goes_on_where_it_was(pier: Pier, client: Interruptible, tmp_path: Path) -> None:
    file = make_file(tmp_path)
    interrupt(client, pier, file)
    go_on(client, pier, file)


def test_the_old_file_stays_until_the_new_one_is_whole(pier: Pier, tmp_path: Path) -> None:
    file = make_file(tmp_path)
    pier.s3.put_object(Bucket=BUCKET, Key=file.name, Body=b"old")
    with SFTP.uploading(pier, file):
        until("a part has arrived", lambda: pier.parts(file.name))
    sftp = Sftp(jetty_of(pier), tmp_path)
    size = until("the upload was left", lambda: size_told(sftp, file.name))
    assert size % (8 * MIB) == 0
    sftp.obey(f"get {file.name} {tmp_path}/old")
    assert (tmp_path / "old").read_bytes() == pier.content(file.name) == b"old"
    wanted = change(file, size)
    sftp.obey(f"reput {file} {file.name}")
    assert hashlib.sha256(pier.content(file.name)).hexdigest() == wanted


def size_told(sftp: Sftp, name: str) -> int | None:
    """Once it is another than that of the old file."""
    size = int(sftp.obey(f"ls -ln ./{name}").stdout.splitlines()[-1].split()[4])
    return None if size == 3 else size


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("client", [LFTP, SFTP], ids=["lftp", "sftp"])
def test_an_upload_outlives_a_killed_gateway(client: Interruptible, workers: str, tmp_path: Path) -> None:
    file = make_file(tmp_path)
    more = {"CROSSDOCK_WORKERS": workers}
    with resuming_quay(tmp_path, **more) as quay:
        pier = pier_of(quay)
        ready(quay.service, int(workers))
        with client.uploading(pier, file):
            until("3 parts have arrived", lambda: pier.parts(file.name) >= 3)
            quay.service.kill()
    with start_service(tmp_path / "data", variables={**variables("resume"), **more}) as service:
        ready(service, int(workers))
        pier = replace(pier, s3=service.client("hub", "s3"))
        go_on(client, pier, file)


def ready(service: Service, workers: int) -> None:
    until("the workers are ready", lambda: service.log().count("a worker is ready") >= workers)


def test_a_session_of_a_killed_worker_goes_on_in_another(tmp_path: Path) -> None:
    file = make_file(tmp_path)
    with resuming_quay(tmp_path, CROSSDOCK_WORKERS="1") as quay:
        pier = pier_of(quay)
        ready(quay.service, 1)
        with SFTP.uploading(pier, file):
            until("3 parts have arrived", lambda: pier.parts(file.name) >= 3)
            [worker] = [line for line in quay.service.log().splitlines() if "a worker is ready" in line]
            os.kill(json.loads(worker)["worker"], signal.SIGKILL)
        ready(quay.service, 2)
        go_on(SFTP, pier, file)


# The same in front of AWS, and of an S3 behind an attached bucket.


@contextmanager
def aws_pier(cloud: Cloud, folder: Path) -> Iterator[tuple[Service, Pier]]:  # noqa: F811
    config = configuration(cloud, folder)
    own = {**cloud.variables(), **variables("resume")}
    with start_service(folder / "data", "--config", str(config), variables=own) as gateway:
        address, port = gateway.ftp_endpoint(SERVER_ID)
        yield (
            gateway,
            Pier(
                address=address,
                port=port,
                password=PASSWORD,
                user="user2",
                s3=cloud.service.client("partner", "s3"),
                bucket="partner-data",
            ),
        )


@pytest.fixture
def aws_parts(cloud: Cloud) -> Cloud:  # noqa: F811
    """Both accounts say so."""
    policy = json.loads(bucket_policy(cloud.role_id))
    for statement in policy["Statement"]:
        if statement["Effect"] == "Allow" and "s3:PutObject" in statement["Action"]:
            statement["Action"] = [*statement["Action"], PARTS]
    s3 = cloud.service.client("partner", "s3")
    s3.put_bucket_policy(Bucket="partner-data", Policy=json.dumps(policy))
    allow_parts(cloud.service, "transfer-role", "partner-data")
    return cloud


@pytest.mark.parametrize("client", [LFTP, CLIENTS["curl"]], ids=["lftp", "curl"])
def test_in_front_of_aws_a_killed_client_goes_on(aws_parts: Cloud, client: Interruptible, tmp_path: Path) -> None:
    file = make_file(tmp_path)
    with aws_pier(aws_parts, tmp_path) as (_, pier):
        interrupt(client, pier, file)
        go_on(client, pier, file)


def test_in_front_of_aws_an_upload_outlives_a_killed_gateway(aws_parts: Cloud, tmp_path: Path) -> None:
    file = make_file(tmp_path)
    with aws_pier(aws_parts, tmp_path) as (gateway, pier), LFTP.uploading(pier, file):
        until("3 parts have arrived", lambda: pier.parts(file.name) >= 3)
        gateway.kill()
    with aws_pier(aws_parts, tmp_path) as (_, pier):
        go_on(LFTP, pier, file)


@pytest.mark.parametrize("client", [LFTP, SFTP], ids=["lftp", "sftp"])
def test_in_front_of_another_s3_an_upload_outlives_a_killed_gateway(
    other: OtherS3,  # noqa: F811
    client: Interruptible,
    tmp_path: Path,
) -> None:
    file = make_file(tmp_path)
    behind = {"s3": other.s3, "bucket": BEHIND, "prefix": f"{PREFIX}/"}
    with resuming_quay(tmp_path) as quay:
        attach_home(quay, other)
        pier = replace(pier_of(quay), **behind)
        with client.uploading(pier, file):
            until("3 parts have arrived", lambda: pier.parts(file.name) >= 3)
            quay.service.kill()
    with start_service(tmp_path / "data", variables=variables("resume")):
        go_on(client, pier, file)


# What is kept as AWS keeps it, server by server.


def test_a_server_keeps_what_had_arrived_when_its_tag_says_so(tmp_path: Path) -> None:
    file = make_file(tmp_path)
    with open_quay(tmp_path, with_sftp=True) as quay:
        pier = pier_of(quay)
        transfer = quay.service.client("hub", "transfer")
        for server in transfer.list_servers()["Servers"]:
            tag = {"Key": "crossdock:interrupted-uploads", "Value": "keep"}
            transfer.tag_resource(Arn=server["Arn"], Tags=[tag])
        for client in (LFTP, SFTP):
            with client.uploading(pier, file):
                until("the session writes", lambda: staged_bytes(quay.service) > MIB)
            until("a file is there", lambda: file.name in pier.names())
            kept = pier.content(file.name)
            assert 0 < len(kept) < LONG
            assert beginning(file, len(kept)) == kept
            pier.s3.delete_object(Bucket=BUCKET, Key=file.name)
        with pytest.raises(transfer.exceptions.ClientError, match="write discard, keep, resume"):
            transfer.tag_resource(Arn=server["Arn"], Tags=[{**tag, "Value": "perhaps"}])


def staged_bytes(service: Service) -> int:
    """Of what is written and not yet an object."""
    return sum(path.stat().st_size for path in (service.data_dir / "blobs").rglob("*") if path.is_file())
