"""What is done with the gateway before the two accounts, step by step; each step says what it saw."""

import ftplib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import paramiko
from tests.aws.accounts import Account, Unseen, Wrong, persist
from tests.aws.building import USER, Built, admit
from tests.e2e.halfway_clients import close
from tests.e2e.harness import COMMAND_S, Service, start_service

LARGE = os.urandom(20 << 20)
"""Three parts."""
SMALL = b"one,two\n"
TRANSFER_PROFILE = "crossdock-test-gateway"
PASSED_ON = (
    *("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"),
    *("AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"),
)
"""What botocore takes from a person's environment besides credentials."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    hub: Account
    partner: Account
    built: Built
    gateway: Service

    @property
    def owner(self) -> Any:
        """S3 as the buckets' owner sees it."""
        return self.partner.client("s3")

    def content(self, key: str, *, bucket: str = "") -> bytes:
        body: bytes = self.owner.get_object(Bucket=bucket or self.built.bucket, Key=key)["Body"].read()
        return body

    @contextmanager
    def ftp(self, *, user: str = USER, password: str = "") -> Iterator[ftplib.FTP]:
        with ftplib.FTP() as client:
            client.connect(*self.gateway.ftp_endpoint(self.built.server_id), timeout=COMMAND_S)
            client.login(user, password or self.built.password)
            yield client

    @contextmanager
    def sftp(self) -> Iterator[paramiko.SFTPClient]:
        with ExitStack() as stack:
            ssh = stack.enter_context(paramiko.SSHClient())
            ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())
            host, port = self.gateway.sftp_endpoint(self.built.server_id)
            password = self.built.password
            ssh.connect(host, port, USER, password=password, allow_agent=False, look_for_keys=False, timeout=COMMAND_S)
            yield stack.enter_context(ssh.open_sftp())


@contextmanager
def open_gateway(hub: Account, built: Built, folder: Path) -> Iterator[Service]:
    """A Crossdock process as docs/aws.md has it, with the credentials of the gateway's role."""
    (folder / "servers.toml").write_text(f"""
        [[server]]
        id = "{built.server_id}"
        account = "hub"
        [server.settings]
        Protocols = ["FTP", "SFTP"]
        EndpointType = "VPC"
        EndpointDetails = {{ VpcId = "vpc-0abc", SubnetIds = ["subnet-0abc"] }}
        IdentityProviderType = "AWS_LAMBDA"
        IdentityProviderDetails = {{ Function = "{built.function_arn}" }}
        """)
    (folder / "crossdock.toml").write_text(
        f'authority = "aws"\nregion = "{hub.region}"\nservers = "servers.toml"\n[accounts]\nhub = "{hub.account_id}"\n'
        # As at AWS's own addresses, also where the S3 is another.
        f'[aws]\nexternal_id = "{built.external_id}"\n[aws.buckets."*"]\nacl = "cross-account"\n'
    )
    variables = {**built.credentials, **{name: os.environ[name] for name in PASSED_ON if name in os.environ}}
    if hub.endpoint_url:
        variables["AWS_ENDPOINT_URL"] = hub.endpoint_url
    with start_service(folder / "data", "--config", str(folder / "crossdock.toml"), variables=variables) as service:
        yield service


def strangers_are_refused(world: World) -> str:
    try:
        with world.ftp(password="not the password"):
            pass
    except ftplib.error_perm as error:
        return require(str(error).startswith("530"), str(error))
    raise Wrong("a wrong password was let in")


def ftp_up_and_down(world: World) -> str:
    with world.ftp() as client:
        for name, content in (("small.csv", SMALL), ("large.bin", LARGE)):
            said = client.storbinary(f"STOR {name}", io.BytesIO(content))
            require(said.startswith("226"), said)
            require(world.content(name) == content, f"{name} is not in the partner's bucket as it was sent")
            received = bytearray()
            client.retrbinary(f"RETR {name}", received.extend)
            require(received == content, f"{name} came back as something else")
        names = sorted(client.nlst())
        require(names == ["large.bin", "small.csv"], f"listed {names}")
    return f"{len(LARGE)} bytes up and down, SHA-256 {sha256(LARGE).hexdigest()[:12]}, listed {', '.join(names)}"


def ftp_rename_and_delete(world: World) -> str:
    with world.ftp() as client:
        client.mkd("in")
        client.rename("small.csv", "in/moved.csv")
        require(world.content("in/moved.csv") == SMALL, "what was renamed is something else")
        client.delete("in/moved.csv")
        client.delete("large.bin")
        client.rmd("in")
    return require_empty(world)


def sftp_up_and_down(world: World) -> str:
    with world.sftp() as client:
        file = client.open("large.bin", "wb")
        file.set_pipelined(True)
        file.write(LARGE)
        close(client, file)
        require(world.content("large.bin") == LARGE, "what is in the partner's bucket is something else")
        received = io.BytesIO()
        client.getfo("large.bin", received)
        require(received.getvalue() == LARGE, "it came back as something else")
        client.mkdir("in")
        client.rename("large.bin", "in/moved.bin")
        require(client.listdir("in") == ["moved.bin"], "the renamed file is not listed")
        client.remove("in/moved.bin")
        client.rmdir("in")
    return require_empty(world)


def owner_may_read(world: World) -> str:
    """Where ACLs count, Crossdock gives the owner full control, and S3 makes the bucket's owner the object's."""
    bucket, name = world.built.preferred_bucket, "owned.csv"
    with world.ftp(user=f"{USER}-preferred") as client:
        client.storbinary(f"STOR {name}", io.BytesIO(SMALL))
    require(world.content(name, bucket=bucket) == SMALL, "the owner of the bucket reads something else")
    owner = world.owner.get_bucket_acl(Bucket=bucket)["Owner"]["ID"]
    acl = world.owner.get_object_acl(Bucket=bucket, Key=name)
    require(acl["Owner"]["ID"] == owner, "the object's owner is not the bucket's")
    granted = [g["Permission"] for g in acl["Grants"] if g["Grantee"].get("ID") == owner]
    require("FULL_CONTROL" in granted, f"the owner has {granted}")
    return "the bucket's owner owns the object and has FULL_CONTROL"


def home_is_a_boundary(world: World) -> str:
    with world.ftp() as client:
        try:
            said = client.storbinary(f"STOR /{world.built.preferred_bucket}-not/x", io.BytesIO(SMALL))
        except ftplib.Error as error:
            return require(str(error)[:1] == "5", str(error))
    raise Wrong(f"a bucket that is not the user's took a file: {said}")


def withdrawn_policy_denies(world: World) -> str:
    """And both the log in CloudWatch and `crossdock explain` say why."""
    built = world.built
    world.owner.delete_bucket_policy(Bucket=built.bucket)
    try:

        def denied() -> str:
            with world.ftp() as client:
                try:
                    said = client.storbinary("STOR denied.csv", io.BytesIO(SMALL))
                except ftplib.error_perm as error:
                    return str(error)
            raise Wrong(f"without the bucket's policy an upload still works: {said}")

        said = persist(denied)
        require(said.startswith("550"), said)
        logged = persist(lambda: logged_sentence(world, f"s3:PutObject on {built.bucket}/denied.csv"))
        for word in ("AccessDenied", built.user_role.rpartition("/")[2], world.hub.account_id, "request "):
            require(word in logged, f"the log says {logged}, and not {word}")
        told = explained(world)
        require(told["outcome"] == "Denied", f"explain says {told['outcome']}")
        fixed = {fix["attachedTo"] for fix in told["fixes"]}
        require(f"arn:aws:s3:::{built.bucket}" in fixed, f"explain would change {fixed}")
    finally:
        admit(world.hub, world.partner, built, built.bucket)
    return f"{said} {logged}"


def explain_agrees(world: World) -> str:
    """Without a profile of the organisation's management account, service control policies stay unknown."""

    def agreed() -> str:
        found = explained(world)
        outcome = str(found["outcome"])
        told = f"explain says {outcome} of what works: {found['conclusion']}"
        return require(outcome != "Denied", told)

    told = persist(agreed)
    if "says Allowed" not in told:
        raise Unseen(told)
    return told


def sessions_are_logged(world: World) -> str:
    found = persist(lambda: logged_sentence(world, "CONNECTED", USER))
    return require(world.built.user_role in found, found, "CONNECTED, with the role")


def nothing_is_left_over(world: World) -> str:
    for bucket in (world.built.bucket, world.built.preferred_bucket):
        uploads = world.owner.list_multipart_uploads(Bucket=bucket).get("Uploads", [])
        require(not uploads, f"{len(uploads)} multipart uploads are open")
    return "no multipart upload is open"


STORY: dict[str, Callable[[World], str]] = {
    "a wrong password is refused": strangers_are_refused,
    "FTP: up, list and down": ftp_up_and_down,
    "FTP: rename and delete": ftp_rename_and_delete,
    "SFTP: up, down, rename and delete": sftp_up_and_down,
    "objects are the bucket owner's": owner_may_read,
    "other buckets are out of reach": home_is_a_boundary,
    "explain agrees that it works": explain_agrees,
    "a withdrawn bucket policy denies, and is named": withdrawn_policy_denies,
    "sessions are logged in CloudWatch": sessions_are_logged,
    "no parts are left": nothing_is_left_over,
}


def require(holds: bool, otherwise: str, told: str = "") -> str:
    if not holds:
        raise Wrong(otherwise)
    return told or otherwise


def require_empty(world: World) -> str:
    keys = [item["Key"] for item in world.owner.list_objects_v2(Bucket=world.built.bucket).get("Contents", [])]
    return require(not keys, f"left in the bucket: {keys}", "the bucket is empty again")


def logged_sentence(world: World, *words: str) -> str:
    """The first event with all words. Raises Wrong when there is none yet."""
    logs = world.hub.client("logs")
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName=f"/aws/transfer/{world.built.server_id}")
    for page in pages:
        for event in page["events"]:
            if all(word in event["message"] for word in words):
                return str(event["message"])
    raise Wrong(f"no event with {words}")


def explained(world: World) -> dict[str, Any]:
    """`crossdock explain` with the two profiles, and one of the gateway's own, which has the server."""
    hub, partner, built = world.hub, world.partner, world.built
    key = world.gateway.environment("hub")
    own = Path(os.environ.get("AWS_CONFIG_FILE") or Path.home() / ".aws" / "config")
    config = world.gateway.data_dir.parent / "aws-config"
    config.touch(0o600)
    config.write_text(
        (own.read_text(encoding="utf-8") if own.exists() else "")
        + f"\n[profile {TRANSFER_PROFILE}]\nregion = {hub.region}\nendpoint_url = {world.gateway.api_url}\n"
        f"aws_access_key_id = {key['AWS_ACCESS_KEY_ID']}\naws_secret_access_key = {key['AWS_SECRET_ACCESS_KEY']}\n"
    )
    command = [
        *(sys.executable, "-m", "crossdock", "explain", "-o", "json", "--region", hub.region),
        *("--profile", f"hub={hub.profile}", "--profile", f"partner={partner.profile}"),
        *("--account", f"hub={hub.account_id}", "--account", f"partner={partner.account_id}"),
        *("--transfer-profile", TRANSFER_PROFILE),
        *("--gateway-role", built.gateway_role, "--external-id", built.external_id),
        *("--server-id", built.server_id, "--user-name", USER, "--protocol", "FTP"),
        *("--role", built.user_role, "--home", f"/{built.bucket}", "put", "a.csv"),
    ]
    environment = {**os.environ, "AWS_CONFIG_FILE": str(config)}
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, check=False, env=environment)
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise Wrong(f"explain: {done.stderr}") from None
    return found
