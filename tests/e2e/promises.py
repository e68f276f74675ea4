"""The article's set-up over many lives of its service, and what it must hold after each of them."""

import hashlib
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from ftplib import FTP
from pathlib import Path

from botocore.exceptions import ClientError
from tests.e2e.busy_clients import HUB_BUCKET, PARTNER_BUCKET, Clients, Killer, Ledger
from tests.e2e.harness import Service, start_service
from tests.e2e.leftovers import blob_bytes, stray_directories, stray_files

from crossdock.cloud.s3.storage import INDEXED_BYTES


@dataclass(slots=True)
class Dock:
    """The article's set-up, over many lives of its service."""

    data_dir: Path
    temporary: Path
    ledger: Ledger = field(default_factory=Ledger)
    addresses: set[tuple[str, str, int]] = field(default_factory=set)
    server_id: str = ""
    passwords: dict[str, str] = field(default_factory=dict)
    variables: dict[str, dict[str, str]] = field(default_factory=dict)

    @contextmanager
    def running(self):
        variables = {"TMPDIR": str(self.temporary)}
        with start_service(self.data_dir, "--example", "article", variables=variables) as service:
            # Keys and ports outlive a kill, so what `crossdock env` says is asked for once.
            service.known = self.variables
            if not self.server_id:
                self._learn(service)
            self.addresses.add((service.api_url, *service.ftp_endpoint(self.server_id)))
            assert len(self.addresses) == 1, "a restart keeps the ports"
            yield service

    def _learn(self, service: Service) -> None:
        self.server_id = service.client("hub", "transfer").list_servers()["Servers"][0]["ServerId"]
        secrets = service.client("hub", "secretsmanager")
        for user in ("user1", "user2"):
            value = secrets.get_secret_value(SecretId=f"aws/transfer/{self.server_id}/{user}")["SecretString"]
            self.passwords[user] = json.loads(value)["Password"]

    @contextmanager
    def ftp(self, user: str):
        [(_, host, port)] = self.addresses
        with FTP(timeout=60) as ftp:
            ftp.connect(host, port)
            ftp.login(user, self.passwords[user])
            yield ftp

    def work_until_killed(self, service: Service, seed: int, killer: Killer) -> None:
        [(_, host, port)] = self.addresses
        Clients(service, self.ledger, killer, seed, (host, port), self.passwords).run()
        service.process.wait()

    def check(self, service: Service) -> None:
        """Hold the service to the ledger, and the ledger to the service from here on."""
        assert stray_files(self.data_dir) == []
        assert stray_directories(self.temporary, self.data_dir) == []
        sizes = self._check_objects(service, "hub", HUB_BUCKET) + self._check_objects(
            service, "partner", PARTNER_BUCKET
        )
        sizes += self._check_uploads(service)
        assert blob_bytes(self.data_dir) == sizes
        self._abort_uploads(service)
        self._check_control_plane(service)
        for thing in list(self.ledger.wanted):
            # Whatever was asked for and never answered, and is not there, was not done.
            self.ledger.settle(thing, None)

    def _check_objects(self, service: Service, account: str, bucket: str) -> int:
        """Returns how many bytes lie in blobs; small objects lie in the index, but for those that came in parts."""
        s3 = service.client(account, "s3")
        listed = {item["Key"]: item["Size"] for item in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}
        known = {thing[2] for thing in (*self.ledger.known, *self.ledger.wanted) if thing[:2] == ("object", bucket)}
        assert listed.keys() <= known
        for key in known:
            found = None
            if key in listed:
                body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                assert len(body) == listed[key]
                found = hashlib.sha256(body).hexdigest()
            self.ledger.settle(("object", bucket, key), found)
        with self.ftp("user1" if account == "hub" else "user2") as ftp:
            by_ftp = {f"{directory}/{name}" for directory in ftp.nlst() for name in names_in(ftp, directory)}
        assert by_ftp == set(listed)
        return sum(size for key, size in listed.items() if size > INDEXED_BYTES or key.startswith("multipart/"))

    def _check_uploads(self, service: Service) -> int:
        """Uploads that were begun are listed, with their parts. Returns how many bytes they hold."""
        s3 = service.client("hub", "s3")
        assert service.client("partner", "s3").list_multipart_uploads(Bucket=PARTNER_BUCKET).get("Uploads", []) == []
        size, unknown = 0, 0
        things = {thing for thing in (*self.ledger.known, *self.ledger.wanted) if thing[0] == "upload"}
        open_ones = {}
        for upload in s3.list_multipart_uploads(Bucket=HUB_BUCKET).get("Uploads", []):
            assert upload["Key"].startswith("multipart/")
            place = {"Bucket": HUB_BUCKET, "Key": upload["Key"], "UploadId": upload["UploadId"]}
            parts = s3.list_parts(**place).get("Parts", [])
            size += sum(part["Size"] for part in parts)
            thing = ("upload", HUB_BUCKET, upload["Key"], upload["UploadId"])
            open_ones[thing] = len(parts)
            unknown += thing not in things
        assert unknown <= 1, "only the one that was being begun"
        for thing in things:
            self.ledger.settle(thing, open_ones.get(thing))
        return size

    def _abort_uploads(self, service: Service) -> None:
        s3 = service.client("hub", "s3")
        for upload in s3.list_multipart_uploads(Bucket=HUB_BUCKET).get("Uploads", []):
            s3.abort_multipart_upload(Bucket=HUB_BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])
            self.ledger.known["upload", HUB_BUCKET, upload["Key"], upload["UploadId"]] = None

    def _check_control_plane(self, service: Service) -> None:
        clients = {name: service.client("hub", name) for name in ("secretsmanager", "iam", "transfer", "logs")}
        things = {*self.ledger.known, *self.ledger.wanted}
        servers = {}
        for server in clients["transfer"].list_servers()["Servers"]:
            described = clients["transfer"].describe_server(ServerId=server["ServerId"])["Server"]
            names = [tag["Value"] for tag in described.get("Tags", []) if tag["Key"] == "name"]
            servers.update(dict.fromkeys(names, server["ServerId"]))
        groups = {group["logGroupName"] for group in clients["logs"].describe_log_groups()["logGroups"]}
        roles = {role["RoleName"] for role in clients["iam"].list_roles()["Roles"]}
        for kind, name, *_ in things:
            found = None
            match kind:
                case "secret":
                    found = answer_of(
                        lambda name=name: clients["secretsmanager"].get_secret_value(SecretId=name)["SecretString"]
                    )
                case "role":
                    found = True if name in roles else None
                case "policy":
                    found = answer_of(lambda name=name: bucket_in(clients["iam"], name))
                case "group":
                    found = True if name in groups else None
                case "server":
                    found = servers.get(name)
                    if found and "whatever its id" in self.ledger.may_be((kind, name)):
                        self.ledger.wanted[kind, name] = found
                case _:
                    continue
            self.ledger.settle((kind, name), found)
        wanted = {name for kind, name, *_ in things if kind == "server"}
        assert servers.keys() <= wanted


def names_in(ftp: FTP, directory: str) -> list[str]:
    return [name.rpartition("/")[2] for name in ftp.nlst(directory)]


def bucket_in(iam, role: str) -> str:
    document = iam.get_role_policy(RoleName=role, PolicyName="p")["PolicyDocument"]
    return document["Statement"][0]["Resource"].rpartition(":")[2]


def answer_of(call):
    """None where AWS says that there is no such thing."""
    try:
        return call()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ResourceNotFoundException", "NoSuchEntity"):
            raise
        return None
