"""Buckets whose objects lie in another S3: a second `crossdock serve` is that S3, and another knows nothing of it."""

import ftplib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.halfway_clients import DOWNLOADS, UPLOADS
from tests.e2e.harness import Service, lftp, refused_start, start_service, until
from tests.e2e.jetty import BUCKET, ROLE, USER
from tests.e2e.openssh_clients import Sftp
from tests.e2e.quay import Quay, open_quay

MIB = 1 << 20
HUB = "111111111111"
BEHIND, PREFIX = "behind", "a/b"
EVERYTHING = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherS3:
    """Another S3, of which the service has nothing but the key in a file: a second service, or another vendor's."""

    url: str
    credentials: Path
    s3: Any
    service: Service | None = None
    numbers: Iterator[int] = field(default_factory=count)

    def names(self) -> list[str]:
        return [item["Key"] for item in self.s3.list_objects_v2(Bucket=BEHIND).get("Contents", [])]

    def content(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=BEHIND, Key=key)["Body"].read()
        return body

    def change_key(self) -> None:
        """Write another key into the file, and let the former one do nothing any more."""
        assert self.service is not None
        iam, number = self.service.client("hub", "iam"), next(self.numbers)
        trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"}, "Action": "sts:AssumeRole"}
        role = iam.create_role(RoleName=f"dock-{number}", AssumeRolePolicyDocument=document(trust))["Role"]
        iam.put_role_policy(RoleName=f"dock-{number}", PolicyName="s3", PolicyDocument=document(EVERYTHING))
        key = self.service.client("hub", "sts").assume_role(RoleArn=role["Arn"], RoleSessionName="dock")["Credentials"]
        self.credentials.write_text(
            f"[default]\naws_access_key_id={key['AccessKeyId']}\naws_secret_access_key={key['SecretAccessKey']}\n"
            f"aws_session_token={key['SessionToken']}\n"
        )
        if number:
            iam.delete_role_policy(RoleName=f"dock-{number - 1}", PolicyName="s3")

    def options(self, *, prefix: str = PREFIX) -> list[str]:
        return [
            *("--to", f"s3://{BEHIND}/{prefix}", "--endpoint-url", self.url, "--path-style"),
            *("--credentials-file", str(self.credentials)),
        ]


def document(*statements: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OtherS3]:
    folder = tmp_path_factory.mktemp("other")
    with start_service(folder / "data") as service:
        s3 = service.client("hub", "s3")
        s3.create_bucket(Bucket=BEHIND)
        other = OtherS3(url=service.api_url, credentials=folder / "credentials", s3=s3, service=service)
        other.change_key()
        yield other


def attach_home(quay: Quay, other: OtherS3) -> str:
    """The bucket of the user's home, with its policies as they are; what the command said."""
    for key in quay.keys(""):
        quay.s3.delete_object(Bucket=BUCKET, Key=key)
    return quay.service.crossdock("bucket", "attach", BUCKET, "--account", "hub", *other.options()).stdout


@pytest.fixture(scope="module")
def quay(other: OtherS3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    with open_quay(tmp_path_factory.mktemp("quay"), with_sftp=True) as running:
        assert f"its objects lie in s3://{BEHIND}/{PREFIX}/" in attach_home(running, other)
        yield running


@pytest.fixture(scope="module")
def crew_quay(other: OtherS3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Quay]:
    """SFTP is served by workers."""
    variables = {"CROSSDOCK_WORKERS": "2", "CROSSDOCK_FTP_ALLOW_APPEND": "true"}
    with open_quay(tmp_path_factory.mktemp("crew"), with_sftp=True, variables=variables) as running:
        until("two workers are ready", lambda: running.service.log().count("a worker is ready") == 2)
        attach_home(running, other)
        yield running


@pytest.fixture(autouse=True)
def nothing_is_there(other: OtherS3) -> None:
    for key in other.names():
        other.s3.delete_object(Bucket=BEHIND, Key=key)


def ftp(quay: Quay, folder: Path, script: str):
    return lftp(quay.address, quay.port, USER, quay.password, f"set ftp:ssl-allow false; {script}", cwd=folder)


def test_ftp_up_down_list_rename_and_delete(quay: Quay, other: OtherS3, tmp_path: Path):
    large = os.urandom(20 * MIB)
    (tmp_path / "large").write_bytes(large)
    (tmp_path / "small").write_bytes(b"small")
    done = ftp(quay, tmp_path, "mkdir d; cd d; put large; put small; mv small little; cls -1; get large -o down; cd /")
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["large", "little"]
    assert (tmp_path / "down").read_bytes() == large
    assert other.names() == ["a/b/d/", "a/b/d/large", "a/b/d/little"]
    assert other.content("a/b/d/large") == large
    assert other.content("a/b/d/little") == b"small"
    assert ftp(quay, tmp_path, "rm d/large d/little; rmdir d").returncode == 0
    assert other.names() == []


def sftp_round(quay: Quay, other: OtherS3, folder: Path) -> None:
    large = os.urandom(20 * MIB)
    (folder / "large").write_bytes(large)
    sftp = Sftp(quay.jetties["managed"], folder)
    done = sftp.obey("mkdir d", "cd d", f"put {folder}/large one", "ls -l", "rename one two", f"get two {folder}/down")
    assert str(len(large)) in done.stdout
    assert (folder / "down").read_bytes() == large
    assert other.names() == ["a/b/d/", "a/b/d/two"]
    assert other.content("a/b/d/two") == large
    sftp.obey("rm d/two", "rmdir d")
    assert other.names() == []


def test_sftp_up_down_list_rename_and_delete(quay: Quay, other: OtherS3, tmp_path: Path):
    sftp_round(quay, other, tmp_path)


def test_workers_do_the_same(crew_quay: Quay, other: OtherS3, tmp_path: Path):
    sftp_round(crew_quay, other, tmp_path)


def test_what_is_written_behind_our_back_is_simply_there(quay: Quay, other: OtherS3, tmp_path: Path):
    other.s3.put_object(Bucket=BEHIND, Key="a/b/theirs", Body=b"1")
    other.s3.put_object(Bucket=BEHIND, Key="a/beside", Body=b"2")
    done = ftp(quay, tmp_path, "cls -1; cat theirs")
    assert done.stdout.split() == ["theirs", "1"]
    other.s3.put_object(Bucket=BEHIND, Key="a/b/theirs", Body=b"3")
    assert ftp(quay, tmp_path, "cat theirs").stdout == "3"
    other.s3.delete_object(Bucket=BEHIND, Key="a/b/theirs")
    assert "550" in ftp(quay, tmp_path, "get theirs -o gone").stderr


def test_an_upload_that_a_crash_cut_off_leaves_no_parts_there(other: OtherS3, tmp_path: Path):
    def open_uploads() -> list[str]:
        return [item["Key"] for item in other.s3.list_multipart_uploads(Bucket=BEHIND).get("Uploads", [])]

    with open_quay(tmp_path) as own:
        attach_home(own, other)
        with ftplib.FTP() as client:
            client.connect(own.address, own.port, timeout=60)
            client.login(USER, own.password)
            with client.transfercmd("STOR f") as data:
                data.sendall(bytes(20 * MIB))
                until("an upload has begun there", open_uploads)
                own.service.kill()
    assert open_uploads() == ["a/b/f"]
    with start_service(tmp_path / "data"):
        until("its parts are gone", lambda: not open_uploads())
    assert other.names() == []


@pytest.mark.parametrize("size", [5, 20 * MIB])
def test_a_rename_to_another_s3_goes_through_here(quay: Quay, other: OtherS3, tmp_path: Path, size: int):
    content = os.urandom(size)
    (tmp_path / "f").write_bytes(content)
    quay.s3.create_bucket(Bucket="own-and-here")
    iam = quay.service.client("hub", "iam")
    policy = {"RoleName": ROLE, "PolicyName": "another-bucket"}
    here = {**EVERYTHING, "Resource": ["arn:aws:s3:::own-and-here", "arn:aws:s3:::own-and-here/*"]}
    iam.put_role_policy(**policy, PolicyDocument=document(here))
    try:
        moved = f"put f; mv f /own-and-here/g; mv /own-and-here/g /{BUCKET}/h; get /{BUCKET}/h -o down"
        done = ftp(quay, tmp_path, moved)
        assert done.returncode == 0, done.stderr
    finally:
        iam.delete_role_policy(**policy)
    assert (tmp_path / "down").read_bytes() == content
    assert other.names() == ["a/b/h"]
    assert other.content("a/b/h") == content
    assert "Contents" not in quay.s3.list_objects_v2(Bucket="own-and-here")
    quay.s3.delete_bucket(Bucket="own-and-here")


def test_a_name_that_the_prefix_makes_too_long_is_said_to_be_so(quay: Quay, other: OtherS3, tmp_path: Path):
    (tmp_path / "f").write_bytes(b"x")
    folder = "/".join(["d" * 200] * 5)  # 1,004 bytes, 4 of the prefix, and a slash
    assert ftp(quay, tmp_path, f"put f -o {folder}/{'x' * 15}").returncode == 0
    failed = ftp(quay, tmp_path, f"put f -o {folder}/{'x' * 16}")
    assert "553 This name is too long." in failed.stderr
    # OpenSSH has its own words for a failure, whatever it is told.
    put = f"put {tmp_path}/f {folder}/{'x' * 16}"
    assert Sftp(quay.jetties["managed"], tmp_path).obey(put, check=False).returncode != 0
    for server_id in (quay.server_id, quay.jetties["managed"].server_id):
        until(
            "the log says why",
            lambda group=f"/aws/transfer/{server_id}": "1020 are left for keys" in logged(quay, group),
        )
    assert other.names() == [f"a/b/{folder}/{'x' * 15}"]


def logged(quay: Quay, group: str) -> str:
    logs = quay.service.client("hub", "logs")
    try:
        return str(logs.filter_log_events(logGroupName=group, filterPattern="ERROR")["events"])
    except logs.exceptions.ResourceNotFoundException:
        return ""  # the group is made with the first event


def test_our_policies_decide(quay: Quay, other: OtherS3, tmp_path: Path):
    (tmp_path / "f").write_bytes(b"x")
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    quay.s3.put_bucket_policy(Bucket=BUCKET, Policy=document(deny))
    try:
        assert "550" in ftp(quay, tmp_path, "put f").stderr
        assert other.names() == []
    finally:
        quay.s3.delete_bucket_policy(Bucket=BUCKET)
    assert ftp(quay, tmp_path, "put f").returncode == 0
    assert other.names() == ["a/b/f"]


@dataclass(frozen=True, slots=True)
class OwnUser:
    """The quay's, for clients that stand still halfway."""

    quay: Quay
    user: str = USER

    @property
    def password(self) -> str:
        return self.quay.password

    @property
    def ftp(self) -> tuple[str, int]:
        return self.quay.address, self.quay.port

    @property
    def sftp(self) -> tuple[str, int]:
        jetty = self.quay.jetties["asking"]
        return jetty.host, jetty.port


@pytest.mark.parametrize("protocol", UPLOADS)
def test_a_policy_of_ours_that_is_withdrawn_ends_what_is_on_its_way(quay: Quay, other: OtherS3, protocol: str):
    content, own = os.urandom(32 * MIB), OwnUser(quay)
    other.s3.put_object(Bucket=BEHIND, Key="a/b/whole", Body=content)
    upload = UPLOADS[protocol](own, "up", content)
    download = DOWNLOADS[protocol](own, "whole", content)
    until("an upload has begun there", lambda: other.s3.list_multipart_uploads(Bucket=BEHIND).get("Uploads"))
    actions = ["s3:PutObject", "s3:GetObject"]
    deny = {"Effect": "Deny", "Principal": "*", "Action": actions, "Resource": f"arn:aws:s3:::{BUCKET}/*"}
    quay.s3.put_bucket_policy(Bucket=BUCKET, Policy=document(deny))
    try:
        ended, broken = upload.finish(), download.finish()
    finally:
        quay.s3.delete_bucket_policy(Bucket=BUCKET)
    assert (ended.worked, ended.said) == (
        False,
        {"ftp": "550 Permission denied.", "sftp": "Permission denied"}[protocol],
    )
    # A client that heard the error leaves; what it began is aborted behind it.
    until("no upload is left there", lambda: not other.s3.list_multipart_uploads(Bucket=BEHIND).get("Uploads"))
    assert other.names() == ["a/b/whole"]
    # Whether a download that has begun is let go on or not: it is whole, or an error.
    assert broken.worked == (broken.received == content)


def test_explain_looks_there_too(quay: Quay, other: OtherS3):
    other.s3.put_object(Bucket=BEHIND, Key="a/b/f", Body=b"x")

    def explained(*words: str):
        who = ("--server-id", quay.server_id, "--user-name", USER, "--password-stdin")
        return quay.service.crossdock("explain", *who, *words, check=False, input_text=f"{quay.password}\n")

    assert explained("get", f"/{BUCKET}/f").returncode == 0
    put = explained("put", f"/{BUCKET}/f")
    assert put.returncode == 0
    assert f"{BUCKET} is attached to s3://{BEHIND}/a/b/ at {other.url}" in put.stdout
    assert f"lets the credentials of the file {other.credentials} do" in put.stdout.partition("Not looked at: ")[2]
    missing = explained("get", f"/{BUCKET}/none")
    assert (missing.returncode, f"s3://{BUCKET}/none" in missing.stdout) == (1, True), missing.stdout
    good = other.credentials.read_text()
    other.credentials.write_text("[default]\naws_access_key_id=AKIANOBODY\naws_secret_access_key=no\n")
    try:
        unknown = explained("put", f"/{BUCKET}/f")
    finally:
        other.credentials.write_text(good)
    assert unknown.returncode == 1
    assert "? other S3" in unknown.stdout
    assert "InvalidAccessKeyId" in unknown.stdout


def test_changed_credentials_are_used_without_a_restart(quay: Quay, crew_quay: Quay, other: OtherS3, tmp_path: Path):
    (tmp_path / "f").write_bytes(b"x")
    for name in ("before", "after"):
        assert ftp(quay, tmp_path, f"put f -o {name}").returncode == 0
        Sftp(crew_quay.jetties["managed"], tmp_path).obey(f"put {tmp_path}/f {name}-worker")
        other.change_key()
    assert other.names() == [f"a/b/{name}" for name in ("after", "after-worker", "before", "before-worker")]


def test_the_aws_tools_see_one_bucket_like_another(quay: Quay, other: OtherS3, aws_command: str, tmp_path: Path):
    content = os.urandom(20 * MIB)
    (tmp_path / "f").write_bytes(content)
    service, url = quay.service, f"s3://{BUCKET}/d/f"
    service.aws(aws_command, "hub", "s3", "cp", str(tmp_path / "f"), url)
    assert other.content("a/b/d/f") == content
    assert "d/f" in service.aws(aws_command, "hub", "s3", "ls", "--recursive", f"s3://{BUCKET}").stdout
    service.aws(aws_command, "hub", "s3", "mv", url, f"s3://{BUCKET}/g")
    service.aws(aws_command, "hub", "s3", "cp", f"s3://{BUCKET}/g", str(tmp_path / "down"))
    assert (tmp_path / "down").read_bytes() == content
    service.aws(aws_command, "hub", "s3", "rm", "--recursive", f"s3://{BUCKET}")
    assert other.names() == []


def test_an_s3_that_is_away_is_a_551_and_the_log_says_why(quay: Quay, other: OtherS3, tmp_path: Path):
    good = other.credentials.read_text()
    other.credentials.write_text("[default]\naws_access_key_id=AKIANOBODY\naws_secret_access_key=no\n")
    try:
        (tmp_path / "f").write_bytes(b"x")
        failed = ftp(quay, tmp_path, "put f")
        assert failed.returncode != 0
        assert "551" in failed.stderr
    finally:
        other.credentials.write_text(good)


def test_buckets_are_listed_and_detached(quay: Quay, other: OtherS3):
    command = quay.service.crossdock
    command("bucket", "attach", "passing", "--account", "partner", *other.options(prefix="p"))
    listed = {one["name"]: one for one in json.loads(command("bucket", "list", "-o", "json").stdout)}
    assert listed["passing"]["to"] == f"s3://{BEHIND}/p/"
    assert str(other.credentials) in listed["passing"]["credentials"]
    assert "s3://behind/p/" in command("bucket", "list").stdout
    other.s3.put_object(Bucket=BEHIND, Key="p/stays", Body=b"x")
    assert "its objects stay in s3://behind/p/" in command("bucket", "detach", "passing").stdout
    assert other.names() == ["p/stays"]
    refused = command("bucket", "detach", "passing", check=False)
    assert (refused.returncode, "there is no bucket passing" in refused.stderr) == (1, True)


def test_what_fails_is_said_with_its_step_and_changes_nothing(quay: Quay, other: OtherS3, tmp_path: Path):
    def refusal(*options: str) -> str:
        done = quay.service.crossdock("bucket", "attach", "never", "--account", "hub", *options, check=False)
        assert done.returncode == 1, done.stdout
        return done.stderr

    (tmp_path / "wrong").write_text("[default]\naws_access_key_id=AKIANOBODY\naws_secret_access_key=no-such-secret\n")
    (tmp_path / "empty").write_text("")
    at = ["--endpoint-url", other.url, "--path-style", "--credentials-file"]
    wrong = refusal("--to", "s3://behind", *at, str(tmp_path / "wrong"))
    assert "step list" in wrong
    assert "no-such-secret" not in wrong
    assert "step credentials" in refusal("--to", "s3://behind", *at, str(tmp_path / "empty"))
    assert "NoSuchBucket" in refusal("--to", "s3://nobodys", *at, str(other.credentials))
    assert "is not s3://" in refusal("--to", "behind", *at, str(other.credentials))
    assert "this very service" in refusal(
        "--to", "s3://x", "--endpoint-url", quay.service.api_url, "--credentials-file", str(other.credentials)
    )
    assert "never" not in quay.service.crossdock("bucket", "list").stdout


def test_a_file_attaches_buckets_at_the_start(other: OtherS3, tmp_path: Path):
    table = (
        f'[declared]\naccount = "partner"\nto = "s3://{BEHIND}/{PREFIX}"\nendpoint_url = "{other.url}"\n'
        f'path_style = true\ncredentials_file = "{other.credentials}"\n'
    )
    (tmp_path / "buckets.toml").write_text(table)
    variables = {"CROSSDOCK_BUCKETS": str(tmp_path / "buckets.toml")}
    other.s3.put_object(Bucket=BEHIND, Key="a/b/f", Body=b"there")
    for _ in range(2):
        with start_service(tmp_path / "data", variables=variables) as service:
            s3 = service.client("partner", "s3")
            assert s3.get_object(Bucket="declared", Key="f")["Body"].read() == b"there"
    (tmp_path / "buckets.toml").write_text(table.replace(BEHIND, "nobodys"))
    ended = refused_start(tmp_path / "data", variables=variables)
    assert (ended.returncode, "NoSuchBucket" in ended.stderr) == (1, True)


def test_workers_say_that_they_do_not_have_the_services_environment(other: OtherS3, crew_quay: Quay, tmp_path: Path):
    service = crew_quay.service
    home = service.data_dir.parent / ".aws"
    home.mkdir()
    (home / "credentials").write_text(other.credentials.read_text())
    options = other.options()[:-2]
    (tmp_path / "f").write_bytes(b"x")
    try:
        service.crossdock("bucket", "attach", BUCKET, "--account", "hub", *options)
        assert ftp(crew_quay, tmp_path, "put f").returncode == 0
        failed = Sftp(crew_quay.jetties["managed"], tmp_path).obey(f"put {tmp_path}/f g", check=False)
        assert failed.returncode != 0
        assert other.names() == ["a/b/f"]
    finally:
        service.crossdock("bucket", "attach", BUCKET, "--account", "hub", *other.options())
