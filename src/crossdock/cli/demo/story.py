"""The demo's story: the article's steps, each checked before the next."""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from crossdock.cli.demo.clients import AwsClients, FtpOutcome, FtpUser
from crossdock.cli.demo.narration import Narrator, aws_command
from crossdock.cli.demo.service import DemoFailed, Service
from crossdock.examples.article import STACK, Article, CallFailed

READY_S = 15.0
LOG_S = 10.0


class Story:
    """Tells and checks. Raises DemoFailed at the first thing that is not as it must be."""

    def __init__(self, service: Service, folder: Path) -> None:
        self._service = service
        self._folder = folder
        self._aws = AwsClients(service)
        self._say = Narrator()
        self._article = Article(do=self._shown)
        self._server_id = self._role_id = ""
        self._host, self._port = "", 0
        self._passwords = {name: secrets.token_urlsafe(12) for name in ("user1", "user2")}

    async def tell(self) -> None:
        await self._hub_gets_a_server()
        await self._first_user_uploads()
        await self._second_user_is_refused()
        await self._partner_admits_the_role()
        self._say.done(f"everything was seen to work, in {self._say.elapsed_s:.1f} s")

    @property
    def server_id(self) -> str:
        return self._server_id

    def user(self, name: str) -> FtpUser:
        return FtpUser(host=self._host, port=self._port, name=name, password=self._passwords[name])

    async def _shown(self, account: str, service: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """Carry out a call and show the command that does the same; polling is not shown."""
        if not operation.startswith(("Describe", "List")):
            self._say.command(aws_command(account, service, operation, params))
        return await self._aws.do(account, service, operation, params)

    async def _hub_gets_a_server(self) -> None:
        article = self._article
        self._say.step("The hub deploys an identity provider: a function that looks users up in Secrets Manager")
        function_arn = await article.identity_provider()
        self._say.saw(f"stack {STACK} is complete, the function is {function_arn}")

        self._say.step("A bucket in the hub, and the role that file sessions take")
        await article.bucket("hub", article.hub_bucket)
        self._role_id = await article.role()
        await article.role_policy(article.hub_bucket)
        self._say.saw(f"the role's id is {self._role_id}")

        self._say.step("One FTP server")
        self._server_id = await article.server(function_arn)
        line = await asyncio.to_thread(self._service.line, "ready ftp ", timeout_s=READY_S)
        match = re.fullmatch(r"ready ftp (\S+):(\d+) server=(\S+) passive=\S+", line)
        _check(match is not None and match[3] == self._server_id, f"an unexpected line: {line}")
        assert match is not None
        self._host, self._port = match[1], int(match[2])
        self._say.saw(line)

        self._say.step("A user is a secret: aws/transfer/SERVER_ID/USER_NAME")
        await article.user(self._server_id, "user1", article.hub_bucket, self._passwords["user1"])
        good = await self._test_login("user1", self._passwords["user1"])
        _check(good["Message"] == "" and article.role_arn in good["Response"], f"the login test said {good}")
        bad = await self._test_login("user1", "wrong")
        _check(bad["Message"] == "Lambda IDP authentication failure", f"the login test said {bad}")
        self._say.saw(f"the right password gives the role; a wrong one: {bad['Message']}")

    async def _test_login(self, name: str, password: str) -> Mapping[str, Any]:
        params = {"ServerId": self._server_id, "UserName": name, "ServerProtocol": "FTP"}
        self._say.command(aws_command("hub", "transfer", "TestIdentityProvider", {**params, "UserPassword": "…"}))
        return await self._aws.do("hub", "transfer", "TestIdentityProvider", {**params, "UserPassword": password})

    async def _first_user_uploads(self) -> None:
        self._say.step("user1 uploads with an ordinary FTP client")
        path = self._write("report.csv", 200_000)
        outcome = await self._put("user1", path)
        _check(outcome.is_done, f"the upload failed: {outcome.text}")
        listing = await asyncio.to_thread(self.user("user1").listing)
        _check(listing.is_done and path.name in listing.text, f"the listing is {listing.text!r}")
        self._say.saw(listing.text)
        await self._compare("hub", self._article.hub_bucket, path)

    async def _second_user_is_refused(self) -> None:
        article = self._article
        self._say.step("The partner account has a bucket too, and user2's files shall land there")
        await article.bucket("partner", article.partner_bucket)
        await article.role_policy(article.hub_bucket, article.partner_bucket)
        await article.user(self._server_id, "user2", article.partner_bucket, self._passwords["user2"])

        self._say.step("It takes two sides: the role allows it, the partner's bucket does not yet")
        path = self._write("delivery.csv", 300_000)
        outcome = await self._put("user2", path)
        _check(not outcome.is_done and "550" in outcome.text, f"this must be refused with 550, and was: {outcome.text}")
        self._say.saw(f"refused: {outcome.text.splitlines()[-1]}")
        objects = await self._aws.do("partner", "s3", "ListObjectsV2", {"Bucket": article.partner_bucket})
        _check(objects["KeyCount"] == 0, "something was written all the same")
        self._say.saw("nothing was written")
        self._say.saw(f"the server's log says why: {await self._logged_reason(article.partner_bucket)}")

    async def _logged_reason(self, bucket: str) -> str:
        """The log is written within a second; wait for it."""
        group = f"/aws/transfer/{self._server_id}"
        params = {"logGroupName": group, "filterPattern": "ERROR"}
        self._say.command(aws_command("hub", "logs", "FilterLogEvents", params))
        until = time.monotonic() + LOG_S
        while time.monotonic() < until:
            for event in await self._logged(params):
                if bucket in event["message"]:
                    return str(event["message"])
            await asyncio.sleep(0.1)
        raise DemoFailed(f"the log group {group} does not say why the upload was refused")

    async def _logged(self, params: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """The group comes with its first events, and on a busy machine may not be there yet."""
        try:
            found = await self._aws.do("hub", "logs", "FilterLogEvents", params)
        except CallFailed as error:
            if error.code != "ResourceNotFoundException":
                raise
            return []
        events: list[Mapping[str, Any]] = found["events"]
        return events

    async def _partner_admits_the_role(self) -> None:
        article = self._article
        self._say.step("The partner's bucket policy admits sessions of the hub's role, by the role's id")
        await article.partner_policy(self._role_id)

        self._say.step("user2 uploads into the other account")
        path = self._folder / "delivery.csv"
        outcome = await self._put("user2", path)
        _check(outcome.is_done, f"the upload failed: {outcome.text}")
        await self._compare("partner", article.partner_bucket, path)

    async def _put(self, name: str, path: Path) -> FtpOutcome:
        user = self.user(name)
        self._say.command(user.shown(f"put {path}"))
        return await asyncio.to_thread(user.put, path)

    async def _compare(self, account: str, bucket: str, path: Path) -> None:
        """Read the object as the account that owns the bucket, and compare every byte by SHA-256."""
        self._say.command(f"crossdock exec {account} -- aws s3 cp s3://{bucket}/{path.name} - | sha256sum")
        found = await self._aws.do(account, "s3", "GetObject", {"Bucket": bucket, "Key": path.name})
        body = await asyncio.to_thread(found["Body"].read)
        ours, theirs = await asyncio.to_thread(_digest, path), hashlib.sha256(body).hexdigest()
        _check(ours == theirs, f"{path.name} differs: {ours} was sent, {theirs} is there")
        self._say.saw(f"{account} reads s3://{bucket}/{path.name}: {len(body)} bytes, SHA-256 {theirs[:16]}… as sent")

    def _write(self, name: str, size: int) -> Path:
        path = self._folder / name
        path.write_bytes(secrets.token_bytes(size))
        return path


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _check(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise DemoFailed(otherwise)
