"""The demo's clients: AWS calls through boto3, files through lftp or, where it is missing, the standard library."""

import asyncio
import ftplib
import io
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from crossdock.cli.demo.service import Service
from crossdock.examples.article import CallFailed

_FTP_TIMEOUT_S = 30


class AwsClients:
    """boto3 clients of several accounts against one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._clients: dict[tuple[str, str], Any] = {}

    def client(self, account: str, service: str) -> Any:
        key = (account, service)
        if key not in self._clients:
            variables = self._service.environment(account)
            self._clients[key] = _session().client(
                service,
                aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
                region_name=variables["AWS_REGION"],
                endpoint_url=variables["AWS_ENDPOINT_URL"],
                config=Config(retries={"max_attempts": 0}, proxies={}),
            )
        return self._clients[key]

    async def do(self, account: str, service: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """One call, as `examples.article.Do` wants it. Raises CallFailed."""
        return await asyncio.to_thread(self.call, account, service, operation, **params)

    def call(self, account: str, service: str, operation: str, **params: Any) -> Mapping[str, Any]:
        client = self.client(account, service)
        method = next(name for name, wire in client.meta.method_to_api_mapping.items() if wire == operation)
        try:
            answer: Mapping[str, Any] = client.__getattribute__(method)(**params)
        except ClientError as error:
            raise CallFailed(error.response["Error"]["Code"], error.response["Error"]["Message"]) from error
        return answer


def _session() -> Any:
    """Without the caller's profile and configuration files, which are of another cloud, or missing."""
    own = {"profile": (None, None, None, None), "config_file": (None, None, os.devnull, None)}
    return boto3.session.Session(botocore_session=botocore.session.Session(session_vars=own))


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpOutcome:
    """What a client printed, and whether it says that all went well."""

    is_done: bool
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FtpUser:
    """Somebody with an ordinary FTP client. The password goes by environment or memory, never by argument."""

    host: str
    port: int
    name: str
    password: str = field(repr=False)

    @property
    def has_lftp(self) -> bool:
        return shutil.which("lftp") is not None

    def shown(self, script: str) -> str:
        """The command that a person would type."""
        if self.has_lftp:
            return f"LFTP_PASSWORD=… lftp --env-password -u {self.name} -p {self.port} {self.host} -e '{script}; bye'"
        return f"python3 ftplib: {self.name}@{self.host}:{self.port} {script}"

    def put(self, path: Path) -> FtpOutcome:
        return self._lftp(f"put {path}") if self.has_lftp else self._ftplib_put(path)

    def listing(self) -> FtpOutcome:
        return self._lftp("ls") if self.has_lftp else self._ftplib_listing()

    def _lftp(self, script: str) -> FtpOutcome:
        settings = "set net:max-retries 1; set net:timeout 10; set cmd:fail-exit yes;"
        done = subprocess.run(
            [
                "lftp",
                "--norc",
                "--env-password",
                "-u",
                self.name,
                "-p",
                str(self.port),
                self.host,
                "-e",
                f"{settings} {script}; bye",
            ],
            env={
                "PATH": os.defpath,
                "HOME": os.devnull,
                "LFTP_PASSWORD": self.password,
                "TERM": "dumb",
                "TZ": "UTC",
                "LANG": "C.UTF-8",
            },
            capture_output=True,
            text=True,
            timeout=_FTP_TIMEOUT_S,
            check=False,
        )
        return FtpOutcome(is_done=done.returncode == 0, text=(done.stdout + done.stderr).strip())

    def _ftplib_put(self, path: Path) -> FtpOutcome:
        def put(ftp: ftplib.FTP) -> str:
            with path.open("rb") as file:
                return ftp.storbinary(f"STOR {path.name}", file)

        return self._ftplib(put)

    def _ftplib_listing(self) -> FtpOutcome:
        def listing(ftp: ftplib.FTP) -> str:
            found = io.StringIO()
            ftp.retrlines("LIST", lambda line: print(line, file=found))
            return found.getvalue()

        return self._ftplib(listing)

    def _ftplib(self, work: Any) -> FtpOutcome:
        try:
            with ftplib.FTP() as ftp:
                ftp.connect(self.host, self.port, timeout=_FTP_TIMEOUT_S)
                ftp.login(self.name, self.password)
                return FtpOutcome(is_done=True, text=work(ftp).strip())
        except ftplib.all_errors as error:
            return FtpOutcome(is_done=False, text=str(error))
