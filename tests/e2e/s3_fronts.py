"""A gateway process with authority `aws`, and the S3 that it stands in front of, for tests of what S3 does to clients.

with open_cloud(folder) as cloud, embedded_front(cloud, folder) as front:    # the S3 is the cloud's own
    front.proxy.begin(Fault(Deed.RESET, call=2))
    front.clients["ftp"].put(path, "name")                                    # curl; whether it says that it is there
    front.content("name"), front.open_uploads()                               # past the proxy

With `ceph_front`, STS and S3 are Ceph's, and the cloud has the functions, secrets and logs. With `attached_front` the
gateway is its own authority, and its user's home is a bucket that is attached to one of another S3.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import uuid4

from boto3.exceptions import Boto3Error
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tests.e2e.aws_cloud import BUCKET, PASSWORD, SERVER_ID, USER, Cloud, configuration
from tests.e2e.harness import Service, aws_session, run, start_service
from tests.e2e.jetty import Jetty, arrive, make_home
from tests.e2e.openssh_clients import openssh
from tests.e2e.path_commands import quoted
from tests.e2e.quay import BUCKET as HOME
from tests.e2e.quay import USER as OWN_USER
from tests.e2e.quay import Quay, open_quay
from tests.fakes.ceph_rgw import CephRgw
from tests.fakes.s3_fault_proxy import S3FaultProxy, s3_fault_proxy_beside


class FileClient(Protocol):
    """A program of a user's. Each call is a login of its own."""

    def put(self, file: Path, name: str) -> bool:
        """Whether the program says that it worked."""

    def get(self, name: str, file: Path) -> bool: ...


@dataclass(frozen=True, slots=True)
class Curl:
    """By FTP. It does once what it is told; lftp, which tries again by itself, has `test_lftp_retries.py`."""

    host: str
    port: int
    user: str = USER
    password: str = field(default=PASSWORD, repr=False)

    def put(self, file: Path, name: str) -> bool:
        return self.run("--upload-file", str(file), name)

    def get(self, name: str, file: Path) -> bool:
        return self.run("--output", str(file), name)

    def run(self, option: str, file: str, name: str) -> bool:
        url = f"ftp://{self.host}:{self.port}/{name}"
        # The password by standard input: a list of processes would show it.
        command = ["curl", "--silent", "--show-error", "--max-time", "60", "--config", "-", option, file, url]
        return run(command, input_text=f'user = "{self.user}:{self.password}"\n', check=False).returncode == 0


@dataclass(frozen=True, slots=True)
class OpenSsh:
    jetty: Jetty
    cwd: Path

    def put(self, file: Path, name: str) -> bool:
        return self.run(f"put {quoted(str(file))} {quoted(name)}")

    def get(self, name: str, file: Path) -> bool:
        return self.run(f"get {quoted(name)} {quoted(str(file))}")

    def run(self, line: str) -> bool:
        (self.cwd / "batch").write_text(f"{line}\n")
        where = f"{self.jetty.user}@{self.jetty.host}"
        return openssh(self.jetty, "sftp", "-b", str(self.cwd / "batch"), where, check=False).returncode == 0


@dataclass(frozen=True, slots=True)
class Tool:
    """By the S3 API, as botocore's own transfers do it: large files in parts, and each request again when it fails."""

    s3: Any = field(repr=False)
    bucket: str

    def put(self, file: Path, name: str) -> bool:
        return self.run(lambda: self.s3.upload_file(str(file), self.bucket, name))

    def get(self, name: str, file: Path) -> bool:
        return self.run(lambda: self.s3.download_file(self.bucket, name, str(file)))

    def run(self, act: Callable[[], None]) -> bool:
        try:
            act()
        except (Boto3Error, BotoCoreError, ClientError):
            return False
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Behind:
    """A bucket behind a proxy, and the programs before it. `s3` looks past the proxy, as the bucket's owner.

    `prefix` stands before the users' names. `tells_sessions`: whether the gateway finds out what it began unheard.
    """

    proxy: S3FaultProxy
    s3: Any = field(repr=False)
    bucket: str
    clients: Mapping[str, FileClient]
    prefix: str = ""
    tells_sessions: bool = True

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=self.prefix + key, Body=content)

    def content(self, key: str) -> bytes | None:
        if not self.s3.list_objects_v2(Bucket=self.bucket, Prefix=self.prefix + key).get("Contents"):
            return None
        body: bytes = self.s3.get_object(Bucket=self.bucket, Key=self.prefix + key)["Body"].read()
        return body

    def delete(self, key: str) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key=self.prefix + key)

    def open_uploads(self) -> list[Mapping[str, Any]]:
        uploads: list[Mapping[str, Any]] = self.s3.list_multipart_uploads(Bucket=self.bucket).get("Uploads", [])
        return uploads

    def abort_uploads(self) -> None:
        for upload in self.open_uploads():
            self.s3.abort_multipart_upload(Bucket=self.bucket, Key=upload["Key"], UploadId=upload["UploadId"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Front(Behind):
    """With authority `aws`. `role` is the user's, as the log names it."""

    gateway: Service
    cloud: Cloud
    role: str
    user: str = USER
    password: str = field(default=PASSWORD, repr=False)

    @property
    def ftp(self) -> tuple[str, int]:
        return self.gateway.ftp_endpoint(SERVER_ID)

    @property
    def sftp(self) -> tuple[str, int]:
        return self.gateway.sftp_endpoint(SERVER_ID)


@contextmanager
def embedded_front(
    cloud: Cloud,
    folder: Path,
    *,
    aws: Mapping[str, float] = MappingProxyType({}),
    variables: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Front]:
    """The partner's bucket, which the article's policy opens to the hub's role; with it, parts can be cleared away."""
    cloud.admit("s3:AbortMultipartUpload", "s3:ListBucketMultipartUploads")
    folder = folder / "gateway"
    folder.mkdir()
    config = configuration(cloud, folder, protocols=("FTP", "SFTP"), aws=aws)
    address = urlsplit(cloud.service.api_url)
    with s3_fault_proxy_beside(str(address.hostname), int(address.port or 0)) as proxy:
        given = {**cloud.variables(), "AWS_ENDPOINT_URL_S3": proxy.url, **variables}
        with start_service(folder / "data", "--config", str(config), variables=given) as gateway:
            yield Front(
                gateway=gateway,
                cloud=cloud,
                proxy=proxy,
                s3=cloud.partner_s3,
                bucket=BUCKET,
                role="transfer-role",
                clients=clients_of(gateway, folder),
            )


def ceph_key(rgw: CephRgw) -> str:
    """The setting `keys` with which the hub's administrator has the key that Ceph knows too."""
    return f"hub={rgw.access_key}:{rgw.secret_key}"


@contextmanager
def ceph_front(
    cloud: Cloud, rgw: CephRgw, folder: Path, *, aws: Mapping[str, float] = MappingProxyType({})
) -> Iterator[Front]:
    """A bucket and a role of Ceph's. `cloud` was opened with `ceph_key`."""
    bucket, role = f"e2e-{uuid4().hex[:12]}", f"transfer-{uuid4().hex[:12]}"
    s3, iam = (ceph_client(rgw, service) for service in ("s3", "iam"))
    s3.create_bucket(Bucket=bucket)
    may = ["s3:GetObject", "s3:PutObject", "s3:ListBucket", "s3:AbortMultipartUpload", "s3:DeleteObject"]
    may.append("s3:ListBucketMultipartUploads")
    admits = {"Effect": "Allow", "Principal": {"AWS": ["arn:aws:iam:::user/admin"]}, "Action": ["sts:AssumeRole"]}
    allows = {"Effect": "Allow", "Action": may, "Resource": [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]}
    made = iam.create_role(RoleName=role, AssumeRolePolicyDocument=packed(admits))["Role"]
    iam.put_role_policy(RoleName=role, PolicyName="s3", PolicyDocument=packed(allows))
    cloud.say_of_user(Role=made["Arn"], HomeDirectory=f"/{bucket}")
    folder = folder / "gateway"
    folder.mkdir()
    config = configuration(cloud, folder, protocols=("FTP", "SFTP"), aws=aws)
    with s3_fault_proxy_beside(rgw.host, rgw.port) as proxy:
        variables = {
            "AWS_ACCESS_KEY_ID": rgw.access_key,
            "AWS_SECRET_ACCESS_KEY": rgw.secret_key,
            "AWS_ENDPOINT_URL": cloud.service.api_url,
            "AWS_ENDPOINT_URL_STS": rgw.url,
            "AWS_ENDPOINT_URL_S3": proxy.url,
        }
        with start_service(folder / "data", "--config", str(config), variables=variables) as gateway:
            yield Front(
                gateway=gateway,
                cloud=cloud,
                proxy=proxy,
                s3=s3,
                bucket=bucket,
                role=role,
                clients=clients_of(gateway, folder),
                # Pacific names the role's account, and no session.
                tells_sessions=False,
            )


def packed(statement: object) -> str:
    # Without spaces: Ceph does not decode the plus that a form makes of one.
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))


def ceph_client(rgw: CephRgw, service: str) -> Any:
    return owners_client(rgw.url, (rgw.access_key, rgw.secret_key), service)


def owners_client(url: str, key: tuple[str, str], service: str = "s3") -> Any:
    return aws_session().client(
        service,
        aws_access_key_id=key[0],
        aws_secret_access_key=key[1],
        region_name="us-east-1",
        endpoint_url=url,
        config=Config(retries={"max_attempts": 0}),
    )


def clients_of(gateway: Service, folder: Path) -> Mapping[str, FileClient]:
    jetty = arrive(gateway, SERVER_ID, make_home(folder))
    own = Jetty(server_id=SERVER_ID, host=jetty.host, port=jetty.port, home=jetty.home, password=PASSWORD, user=USER)
    return {"ftp": Curl(*gateway.ftp_endpoint(SERVER_ID)), "sftp": OpenSsh(own, folder)}


@contextmanager
def attached_front(
    url: str, key: tuple[str, str], folder: Path, *, variables: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Behind]:
    """Before an S3 whose credentials Crossdock has in a file. Nobody there can tell one of its users from another."""
    s3 = owners_client(url, key)
    bucket, prefix = f"e2e-{uuid4().hex[:12]}", "below/"
    s3.create_bucket(Bucket=bucket)
    own = folder / "attached"
    own.mkdir()
    (own / "credentials").write_text(f"[default]\naws_access_key_id={key[0]}\naws_secret_access_key={key[1]}\n")
    address = urlsplit(url)
    with (
        s3_fault_proxy_beside(str(address.hostname), int(address.port or 0)) as proxy,
        open_quay(own, variables=variables, with_sftp=True) as quay,
    ):
        there = ["--to", f"s3://{bucket}/{prefix}", "--endpoint-url", proxy.url, "--path-style"]
        found = ["--credentials-file", str(own / "credentials")]
        quay.service.crossdock("bucket", "attach", HOME, "--account", "hub", *there, *found)
        yield Behind(
            proxy=proxy,
            s3=s3,
            bucket=bucket,
            prefix=prefix,
            clients=own_clients(quay, own),
            tells_sessions=False,
        )


def own_clients(quay: Quay, folder: Path) -> Mapping[str, FileClient]:
    return {
        "ftp": Curl(quay.address, quay.port, OWN_USER, quay.password),
        "sftp": OpenSsh(quay.jetties["managed"], folder),
        "s3": Tool(quay.s3, HOME),
    }
