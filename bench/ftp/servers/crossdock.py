"""Crossdock with the article's hub: user1's files in the embedded store, behind a second server for FTPS."""

import asyncio
import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from queue import Queue
from typing import Any

from bench.ftp.client.jobs import Endpoint
from bench.ftp.servers.processes import stop
from bench.ftp.servers.running import Certificate, Running, Unavailable, Workplace
from crossdock.cli.demo.clients import AwsClients
from crossdock.cli.demo.service import DemoFailed, Service, without_settings
from crossdock.examples.article import VPC, Article, CallFailed

REGION = "us-east-1"
USER = "user1"
START_S = 30.0


@contextmanager
def crossdock(place: Workplace, *, wrapper: Sequence[str] = ()) -> Iterator[Running]:
    """An ordinary `crossdock serve` with its default settings; `wrapper` is a command that it is started under."""
    with _service(place, wrapper) as service:
        password = secrets.token_urlsafe(12)
        try:
            plain, tls, no_tls = asyncio.run(_prepare(service, password, place.certificate))
        except (CallFailed, DemoFailed) as error:
            raise Unavailable(f"{error}: {last_words(place)}") from error
        yield Running(
            name="crossdock",
            version=version("crossdock"),
            plain=plain,
            tls=tls,
            meter=place.meter,
            roots=place.roots,
            no_tls=no_tls,
        )


@contextmanager
def _service(place: Workplace, wrapper: Sequence[str]) -> Iterator[Service]:
    data_dir = place.folder / "data"
    ports = ["--api-port", "0", "--ftp-port", "0", "--passive-ports", "0"]
    command = [sys.executable, "-m", "crossdock", "serve", "--data-dir", str(data_dir), "--region", REGION, *ports]
    with (place.folder / "service.log").open("w") as log:
        process = subprocess.Popen(
            place.meter.launcher([*wrapper, *command]),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=without_settings(os.environ),
            start_new_session=True,
        )
    lines: Queue[str] = Queue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    service = Service(data_dir, process, lines)
    try:
        try:
            service.api_url = service.line("ready api ", timeout_s=START_S).removeprefix("ready api ")
            service.line("crossdock ready", timeout_s=START_S)
        except DemoFailed as error:
            raise Unavailable(f"{error}: {last_words(place)}") from error
        place.roots.append(process.pid)
        yield service
    finally:
        if process.pid in place.roots:
            place.roots.remove(process.pid)
        stop(process)


def _read(process: "subprocess.Popen[str]", lines: "Queue[str]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        lines.put(line.rstrip("\n"))
    lines.put("")


async def _prepare(service: Service, password: str, certificate: Certificate) -> tuple[Endpoint, Endpoint | None, str]:
    """The plain endpoint; the one with TLS or, in a sentence, why there is none."""
    aws = AwsClients(service)
    article = Article(do=aws.do)
    server_id = await article.build(lambda: password)
    plain = Endpoint(**await _address(service, f"server={server_id}"), user=USER, password=password)
    try:
        tls_id = await _create_tls_server(aws, article, certificate)
    except CallFailed as error:
        return plain, None, f"the service refuses an FTPS server ({error})"
    await article.user(tls_id, USER, article.hub_bucket, password)
    try:
        address = await _address(service, f"server={tls_id}")
    except DemoFailed as error:
        return plain, None, f"the FTPS server does not start ({error})"
    return plain, Endpoint(**address, user=USER, password=password, is_tls=True), ""


async def _create_tls_server(aws: AwsClients, article: Article, certificate: Certificate) -> str:
    """A server for FTP and FTPS, as boto3 makes it on AWS. Raises CallFailed."""
    body = {"Certificate": certificate.certificate.read_bytes(), "PrivateKey": certificate.key.read_bytes()}
    imported = await aws.do(article.hub, "acm", "ImportCertificate", body)
    wanted: dict[str, Any] = {
        "Protocols": ["FTP", "FTPS"],
        "Certificate": imported["CertificateArn"],
        "EndpointType": "VPC",
        "EndpointDetails": VPC,
        "IdentityProviderType": "AWS_LAMBDA",
        "IdentityProviderDetails": {"Function": await article.identity_provider()},
        "ProtocolDetails": {"TlsSessionResumptionMode": "ENABLED"},
    }
    return str((await aws.do(article.hub, "transfer", "CreateServer", wanted))["ServerId"])


async def _address(service: Service, mark: str) -> dict[str, Any]:
    """Of the `ready ftp HOST:PORT server=…` line that has the mark."""
    find: Callable[[], str] = partial(service.line, "ready ftp", timeout_s=START_S)
    while mark not in (line := await asyncio.to_thread(find)):
        pass
    host, _, port = line.split()[2].rpartition(":")
    return {"host": host, "port": int(port)}


def last_words(place: Workplace) -> str:
    return (place.folder / "service.log").read_text(errors="replace").strip()[-500:]
