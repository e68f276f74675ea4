"""Crossdock with a bucket attached to each S3: user1's files by FTP, and those in Ceph's by SFTP on a second server."""

import asyncio
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from importlib.metadata import version
from typing import Any

from bench.harness.clients.jobs import Endpoint
from bench.harness.servers.crossdock_service import address, crossdock_service, last_words
from bench.harness.servers.running import Running, Unavailable, Workplace
from bench.s3.servers.endpoints import REGION, S3Place, credentials_file, meter_of_all, missing, places_in
from bench.s3.ways import BUCKET, RGW, RGW_BY_SFTP
from bench.sftp.servers.crossdock import create_user_server
from bench.sftp.servers.keys import ways_to
from bench.sftp.ways import AES
from crossdock.cli.client import ask_service
from crossdock.cli.demo.clients import AwsClients
from crossdock.cli.demo.service import DemoFailed, Service
from crossdock.core.errors import CrossdockError
from crossdock.examples.article import Article, CallFailed

USER = "user1"


@contextmanager
def crossdock(place: Workplace, *, serve_args: Sequence[str] = (), wrapper: Sequence[str] = ()) -> Iterator[Running]:
    with crossdock_service(place, serve_args=serve_args, wrapper=wrapper) as service:
        try:
            ways = asyncio.run(_prepare(service, place))
        except (CallFailed, CrossdockError, DemoFailed) as error:
            raise Unavailable(f"{error}: {last_words(place)}") from error
        places = places_in(place.shared)
        yield Running(
            name="crossdock",
            version=version("crossdock"),
            ways=ways,
            missing=missing(places),
            meter=place.meter,
            roots=place.roots,
            beside=meter_of_all(places),
        )


async def _prepare(service: Service, place: Workplace) -> Mapping[str, Endpoint]:
    aws, places, password = AwsClients(service), places_in(place.shared), secrets.token_urlsafe(12)
    article = Article(do=aws.do)
    for name, there in places.items():
        await asyncio.to_thread(_attach, service, place, name, there, account=article.hub)
    await article.role()
    await article.role_policy(*map(attached_name, places))
    home = attached_name(next(iter(places)))
    server_id = await article.server(await article.identity_provider())
    await article.user(server_id, USER, home, password)
    host, port = await address(service, "ftp", server_id)
    ftp = Endpoint(host=host, port=port, user=USER, password=password)
    ways = {name: replace(ftp, folder=f"/{attached_name(name)}") for name in places}
    if RGW in places:
        sftp_id = await create_user_server(aws, article, place.shared, user=USER, home=attached_name(RGW))
        ways[RGW_BY_SFTP] = ways_to(*await address(service, "sftp", sftp_id), USER, place.shared)[AES]
    return ways


def attached_name(s3: str) -> str:
    return f"attached-{s3}"


def _attach(service: Service, place: Workplace, name: str, there: S3Place, *, account: str) -> None:
    """As `crossdock bucket attach` does."""
    backing: dict[str, Any] = {
        "to": f"s3://{BUCKET}/",
        "endpoint_url": there.url,
        "region": REGION,
        "profile": "",
        "credentials_file": str(credentials_file(place.shared, name)),
        "path_style": True,
        "ca_file": there.ca_file,
    }
    question = {"do": "attach", "name": attached_name(name), "account": account, "backing": backing}
    ask_service(service.data_dir, "/buckets", question=question, timeout_s=60.0)
