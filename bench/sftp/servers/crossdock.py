"""Crossdock with a user of the server's own, who logs in by key: no function is called.

The security policy is the default, 2024-01; a second server is under 2020-06, which has chacha20-poly1305.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.harness.clients.jobs import Endpoint
from bench.harness.servers.crossdock_service import address, crossdock_service, last_words
from bench.harness.servers.running import Running, Unavailable, Workplace
from bench.sftp.servers.keys import keys_in, ways_to
from bench.sftp.ways import AES, CHACHA
from crossdock.cli.demo.clients import AwsClients
from crossdock.cli.demo.service import DemoFailed, Service
from crossdock.examples.article import Article, CallFailed

USER = "user1"
POLICIES = {AES: "TransferSecurityPolicy-2024-01", CHACHA: "TransferSecurityPolicy-2020-06"}


@contextmanager
def crossdock(place: Workplace, *, serve_args: Sequence[str] = (), wrapper: Sequence[str] = ()) -> Iterator[Running]:
    with crossdock_service(place, serve_args=serve_args, wrapper=wrapper) as service:
        try:
            ways = asyncio.run(_prepare(service, place))
        except (CallFailed, DemoFailed) as error:
            raise Unavailable(f"{error}: {last_words(place)}") from error
        yield Running(name="crossdock", version=version("crossdock"), ways=ways, meter=place.meter, roots=place.roots)


async def _prepare(service: Service, place: Workplace) -> Mapping[str, Endpoint]:
    aws = AwsClients(service)
    article = Article(do=aws.do)
    await article.bucket(article.hub, article.hub_bucket)
    await article.role()
    await article.role_policy(article.hub_bucket)
    found = {}
    for way, policy in POLICIES.items():
        server_id = await create_user_server(
            aws, article, place.shared, user=USER, home=article.hub_bucket, policy=policy
        )
        found[way] = ways_to(*await address(service, "sftp", server_id), USER, place.shared)[way]
    return found


async def create_user_server(
    aws: AwsClients, article: Article, shared: Path, *, user: str, home: str, policy: str = POLICIES[AES]
) -> str:
    """An SFTP server that has one user, who logs in by the key of `make_keys`, with the article's role."""
    wanted: dict[str, Any] = {
        "Protocols": ["SFTP"],
        "IdentityProviderType": "SERVICE_MANAGED",
        "SecurityPolicyName": policy,
    }
    server_id = str((await aws.do(article.hub, "transfer", "CreateServer", wanted))["ServerId"])
    made = {
        "ServerId": server_id,
        "UserName": user,
        "Role": article.role_arn,
        "HomeDirectory": f"/{home}",
        "SshPublicKeyBody": keys_in(shared).authorized.read_text().strip(),
    }
    await aws.do(article.hub, "transfer", "CreateUser", made)
    return server_id
