"""The article's server with FTP and FTPS on one port, for a whole module: a user, a bucket, a certificate to trust.

Where it is wanted, with SFTP too, and further SFTP servers beside it.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.e2e.harness import Service, start_service
from tests.e2e.jetty import BUCKET, USER, Jetty, open_jetties
from tests.fakes.certificates import self_signed


@dataclass(frozen=True, slots=True, kw_only=True)
class Quay:
    """`host` is the name in the certificate; `address` is what it stands for."""

    service: Service
    server_id: str
    address: str
    port: int
    passive_ports: tuple[int, ...]
    password: str
    certificate: Path
    s3: Any = field(repr=False)
    host: str = "localhost"
    jetties: Mapping[str, Jetty] = field(default_factory=dict)

    def keys(self, prefix: str = "") -> list[str]:
        """Everything in the user's home that begins so, however much."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return [item["Key"] for page in pages for item in page.get("Contents", [])]

    def content(self, key: str) -> bytes:
        body: bytes = self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
        return body

    def put(self, key: str, content: bytes) -> None:
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=content)

    def open_uploads(self) -> list[str]:
        """The keys of multipart uploads that were begun and not ended."""
        return [item["Key"] for item in self.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])]


@contextmanager
def open_quay(
    directory: Path,
    *,
    host: str = "127.0.0.1",
    variables: Mapping[str, str] = MappingProxyType({}),
    is_tls_implicit: bool = False,
    with_sftp: bool = False,
) -> Iterator[Quay]:
    """`directory` gets the data and the certificate; `variables` are settings for the service.

    With `is_tls_implicit`, FTPS has a port of its own, which is the quay's. `with_sftp`: it has jetties, by the names
    that `open_jetties` gives them.
    """
    # The certificate is for `localhost`, and clients look that name up.
    with start_service(directory / "data", "--example", "article", host=host, variables=variables) as service:
        transfer, secrets = service.client("hub", "transfer"), service.client("hub", "secretsmanager")
        [server] = transfer.list_servers()["Servers"]
        server_id = server["ServerId"]
        imported = service.client("hub", "acm").import_certificate(
            Certificate=self_signed().chain_pem.encode(), PrivateKey=self_signed().key_pem.encode()
        )
        if is_tls_implicit:
            transfer.tag_resource(Arn=server["Arn"], Tags=[{"Key": "crossdock:ftps", "Value": "implicit"}])
        transfer.update_server(ServerId=server_id, Protocols=["FTP", "FTPS"], Certificate=imported["CertificateArn"])
        certificate = directory / "certificate.pem"
        certificate.write_text(self_signed().chain_pem)
        _, _, place, _, passive = service.line_beginning("ready ftps ").split()
        address, _, port = place.rpartition(":")
        secret = secrets.get_secret_value(SecretId=f"aws/transfer/{server_id}/{USER}")["SecretString"]
        yield Quay(
            service=service,
            server_id=server_id,
            address=address,
            port=int(port),
            passive_ports=tuple(int(number) for number in passive.removeprefix("passive=").split(",")),
            password=json.loads(secret)["Password"],
            certificate=certificate,
            s3=service.client("hub", "s3"),
            jetties=open_jetties(service, server_id, directory) if with_sftp else {},
        )
