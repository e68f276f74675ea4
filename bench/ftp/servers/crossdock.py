"""Crossdock with the article's hub: user1's files in the embedded store, behind a second server for FTPS."""

import asyncio
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from typing import Any

from bench.ftp.servers.certificate import Certificate, certificate_in
from bench.ftp.ways import PLAIN, TLS
from bench.harness.clients.jobs import Endpoint
from bench.harness.servers.crossdock_service import address, crossdock_service, last_words
from bench.harness.servers.running import Running, Unavailable, Workplace
from crossdock.cli.demo.clients import AwsClients
from crossdock.cli.demo.service import DemoFailed, Service
from crossdock.examples.article import VPC, Article, CallFailed

USER = "user1"


@contextmanager
def crossdock(place: Workplace, *, serve_args: Sequence[str] = (), wrapper: Sequence[str] = ()) -> Iterator[Running]:
    with crossdock_service(place, serve_args=serve_args, wrapper=wrapper) as service:
        password = secrets.token_urlsafe(12)
        try:
            ways, missing = asyncio.run(_prepare(service, password, certificate_in(place.shared)))
        except (CallFailed, DemoFailed) as error:
            raise Unavailable(f"{error}: {last_words(place)}") from error
        yield Running(
            name="crossdock",
            version=version("crossdock"),
            ways=ways,
            missing=missing,
            meter=place.meter,
            roots=place.roots,
        )


async def _prepare(
    service: Service, password: str, certificate: Certificate
) -> tuple[Mapping[str, Endpoint], Mapping[str, str]]:
    """The ways there are and, in a sentence, why there is none with TLS."""
    aws = AwsClients(service)
    article = Article(do=aws.do)
    server_id = await article.build(lambda: password)
    host, port = await address(service, "ftp", server_id)
    plain = {PLAIN: Endpoint(host=host, port=port, user=USER, password=password)}
    try:
        tls_id = await _create_tls_server(aws, article, certificate)
    except CallFailed as error:
        return plain, {TLS: f"the service refuses an FTPS server ({error})"}
    await article.user(tls_id, USER, article.hub_bucket, password)
    try:
        host, port = await address(service, "ftp", tls_id)
    except DemoFailed as error:
        return plain, {TLS: f"the FTPS server does not start ({error})"}
    return {**plain, TLS: Endpoint(host=host, port=port, user=USER, password=password, is_tls=True)}, {}


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
