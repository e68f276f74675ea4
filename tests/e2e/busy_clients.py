"""Clients that upload and change whatever they can, note what was acknowledged, and count the steps until a kill."""

import hashlib
import io
import json
import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from ftplib import FTP
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from tests.e2e.harness import Service

HUB_BUCKET, PARTNER_BUCKET = "hub-inbox-111111111111", "partner-inbox-222222222222"
SIZES = (0, 1, 40_000, 400_000, 6_000_000)
PART_BYTES = 5 << 20
BLOCK = 32_768
NAMES = 3
"""How many names a client writes to again and again."""

Thing = tuple[str, ...]
"""What kind, and which: `("object", bucket, key)`."""


class Ended(Exception):
    """The service was killed: this client has nothing more to do."""


@dataclass(slots=True)
class Ledger:
    """What each thing must be: as acknowledged last, or as a client that was never answered wanted it.

    None = not there.
    """

    known: dict[Thing, Any] = field(default_factory=dict)
    wanted: dict[Thing, Any] = field(default_factory=dict)
    acknowledged: Counter[str] = field(default_factory=Counter)

    def may_be(self, thing: Thing) -> list[Any]:
        possible = [self.known.get(thing)]
        if thing in self.wanted:
            possible.append(self.wanted[thing])
        return possible

    def settle(self, thing: Thing, found: Any) -> None:
        """After a crash: from now on it is what it was found to be."""
        assert found in self.may_be(thing), f"{thing}: found {found}, acknowledged or asked: {self.may_be(thing)}"
        self.wanted.pop(thing, None)
        self.known[thing] = found


@dataclass(slots=True)
class Killer:
    """Kills the service when enough has happened, in the very thread in which it happens."""

    pid: int
    after: int
    counts_steps: bool
    has_killed: threading.Event = field(default_factory=threading.Event)
    _count: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self, *, is_acknowledgement: bool = False) -> None:
        """A block was sent, or an answer came. Without `counts_steps` only answers count."""
        if self.counts_steps or is_acknowledgement:
            with self._lock:
                self._count += 1
                if self._count == self.after:
                    self.has_killed.set()
                    os.kill(self.pid, signal.SIGKILL)
        if self.has_killed.is_set():
            raise Ended


class Body(io.BytesIO):
    """A body whose every block is a step."""

    def __init__(self, content: bytes, killer: Killer) -> None:
        super().__init__(content)
        self._killer = killer

    def read(self, size: int | None = -1) -> bytes:
        with suppress(Ended):
            self._killer.step()
        return super().read(size)


@dataclass(slots=True)
class Clients:
    """All clients of one round, each a thread."""

    service: Service
    ledger: Ledger
    killer: Killer
    seed: int
    ftp_address: tuple[str, int]
    passwords: dict[str, str]
    failures: list[BaseException] = field(default_factory=list)

    def run(self) -> None:
        """Until the service is killed."""
        s3 = {account: self.service.client(account, "s3") for account in ("hub", "partner")}
        calls = {name: self.service.client("hub", name) for name in ("secretsmanager", "iam", "transfer", "logs")}
        jobs: list[tuple[str, Callable[..., None], tuple[Any, ...]]] = [
            ("ftp1", self.upload_by_ftp, ("user1", HUB_BUCKET)),
            ("ftp2", self.upload_by_ftp, ("user2", PARTNER_BUCKET)),
            ("put1", self.put_objects, (s3["hub"], HUB_BUCKET)),
            ("put2", self.put_objects, (s3["partner"], PARTNER_BUCKET)),
            ("multipart", self.upload_in_parts, (s3["hub"], HUB_BUCKET)),
            ("control", self.change_everything_else, (calls,)),
        ]
        threads = [threading.Thread(target=self._guarded, args=job, name=job[0]) for job in jobs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive(), f"{thread.name} hangs"
        for failure in self.failures:
            raise failure

    def _guarded(self, name: str, job: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        choices = random.Random(f"{self.seed} {name}")
        try:
            while True:
                job(name, choices, *arguments)
        except Ended:
            return
        except (OSError, EOFError, ClientError, BotoCoreError) as error:
            if not self.killer.has_killed.is_set():
                self.failures.append(error)
                self.killer.has_killed.set()
        except BaseException as error:
            self.failures.append(error)
            self.killer.has_killed.set()

    def want(self, thing: Thing, value: Any) -> None:
        self.ledger.wanted[thing] = value

    def acknowledged(self, thing: Thing, value: Any) -> None:
        """The service said that it is so."""
        self.ledger.known[thing] = value
        self.ledger.wanted.pop(thing, None)
        self.ledger.acknowledged[thing[0]] += 1
        self.killer.step(is_acknowledgement=True)

    def upload_by_ftp(self, name: str, choices: random.Random, user: str, bucket: str) -> None:
        host, port = self.ftp_address
        with FTP(timeout=60) as ftp:
            ftp.connect(host, port)
            ftp.login(user, self.passwords[user])
            while True:
                key = f"{name}/{choices.randrange(NAMES)}"
                thing = ("object", bucket, key)
                content = choices.randbytes(choices.choice(SIZES))
                self.want(thing, sha256(content))
                ftp.storbinary(f"STOR {key}", io.BytesIO(content), BLOCK, callback=lambda _: self.killer.step())
                self.acknowledged(thing, sha256(content))
                if choices.random() < 0.2:
                    self.want(thing, None)
                    ftp.delete(key)
                    self.acknowledged(thing, None)

    def put_objects(self, name: str, choices: random.Random, s3: Any, bucket: str) -> None:
        key = f"{name}/{choices.randrange(NAMES)}"
        thing = ("object", bucket, key)
        content = choices.randbytes(choices.choice(SIZES))
        self.want(thing, sha256(content))
        s3.put_object(Bucket=bucket, Key=key, Body=Body(content, self.killer))
        self.acknowledged(thing, sha256(content))
        if choices.random() < 0.2:
            self.want(thing, None)
            s3.delete_object(Bucket=bucket, Key=key)
            self.acknowledged(thing, None)

    def upload_in_parts(self, name: str, choices: random.Random, s3: Any, bucket: str) -> None:
        """Some uploads are left open; those that were begun must be listed, with the parts that were acknowledged."""
        key = f"{name}/{choices.randrange(NAMES)}"
        thing = ("object", bucket, key)
        upload_id = s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
        upload = ("upload", bucket, key, upload_id)
        self.acknowledged(upload, 0)
        contents = [choices.randbytes(PART_BYTES), choices.randbytes(choices.choice(SIZES))]
        place = {"Bucket": bucket, "Key": key, "UploadId": upload_id}
        parts = []
        for number, content in enumerate(contents, 1):
            self.want(upload, number)
            answer = s3.upload_part(**place, PartNumber=number, Body=Body(content, self.killer))
            parts.append({"PartNumber": number, "ETag": answer["ETag"]})
            self.acknowledged(upload, number)
        if choices.random() < 0.3:
            self.want(upload, None)
            s3.abort_multipart_upload(**place)
            self.acknowledged(upload, None)
            return
        self.want(thing, sha256(b"".join(contents)))
        self.want(upload, None)
        s3.complete_multipart_upload(**place, MultipartUpload={"Parts": parts})
        self.ledger.known[upload] = None
        self.ledger.wanted.pop(upload)
        self.acknowledged(thing, sha256(b"".join(contents)))

    def change_everything_else(self, name: str, choices: random.Random, calls: dict[str, Any]) -> None:
        which = f"{name}-{choices.randrange(NAMES)}"
        value = choices.randbytes(8).hex()
        for change in (self._secret, self._role, self._group):
            change(calls, which, value)
        if choices.random() < 0.3:
            self._server(calls, which)

    def _secret(self, calls: dict[str, Any], which: str, value: str) -> None:
        thing = ("secret", which)
        call = "put_secret_value" if self.ledger.known.get(thing) else "create_secret"
        name = {"SecretId" if call == "put_secret_value" else "Name": which}
        self.want(thing, value)
        getattr(calls["secretsmanager"], call)(**name, SecretString=value)
        self.acknowledged(thing, value)

    def _role(self, calls: dict[str, Any], which: str, value: str) -> None:
        """A role with a policy; then perhaps none."""
        role, policy = ("role", which), ("policy", which)
        iam = calls["iam"]
        if not self.ledger.known.get(role):
            self.want(role, True)
            iam.create_role(RoleName=which, AssumeRolePolicyDocument=TRUST)
            self.acknowledged(role, True)
        self.want(policy, value)
        document = {"Effect": "Allow", "Action": "s3:*", "Resource": f"arn:aws:s3:::{value}"}
        text = json.dumps({"Version": "2012-10-17", "Statement": [document]})
        iam.put_role_policy(RoleName=which, PolicyName="p", PolicyDocument=text)
        self.acknowledged(policy, value)
        if int(value, 16) % 5 == 0:
            self.want(policy, None)
            iam.delete_role_policy(RoleName=which, PolicyName="p")
            self.acknowledged(policy, None)
            self.want(role, None)
            iam.delete_role(RoleName=which)
            self.acknowledged(role, None)

    def _group(self, calls: dict[str, Any], which: str, value: str) -> None:
        thing = ("group", f"/{which}")
        if not self.ledger.known.get(thing):
            self.want(thing, True)
            calls["logs"].create_log_group(logGroupName=f"/{which}")
        else:
            self.want(thing, None)
            calls["logs"].delete_log_group(logGroupName=f"/{which}")
        self.acknowledged(thing, self.ledger.wanted[thing])

    def _server(self, calls: dict[str, Any], which: str) -> None:
        """Found again by its tag; there is never more than one of a name."""
        thing = ("server", which)
        transfer = calls["transfer"]
        if server_id := self.ledger.known.get(thing):
            self.want(thing, None)
            transfer.delete_server(ServerId=server_id)
            self.acknowledged(thing, None)
            return
        self.want(thing, "whatever its id")
        created = transfer.create_server(
            Protocols=["FTP"],
            EndpointType="VPC",
            EndpointDetails={"VpcId": "vpc-0abc", "SubnetIds": ["subnet-0abc"]},
            IdentityProviderType="AWS_LAMBDA",
            IdentityProviderDetails={"Function": "arn:aws:lambda:us-east-1:111111111111:function:nobody"},
            Tags=[{"Key": "name", "Value": which}],
        )
        self.acknowledged(thing, created["ServerId"])


TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
        ],
    }
)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
