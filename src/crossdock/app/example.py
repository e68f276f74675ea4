"""`--example article`: the service builds the article's set-up itself, as the accounts' administrators."""

from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any

from crossdock.app.administrators import as_administrator
from crossdock.app.announce import say
from crossdock.app.cloud import Cloud
from crossdock.app.hints import OwnCommand
from crossdock.core.errors import ServiceError
from crossdock.examples.article import Article, CallFailed
from crossdock.operations.call import House
from crossdock.settings import Settings

PASSWORD_BYTES = 18


async def build_example(cloud: Cloud, house: House, settings: Settings, command: OwnCommand) -> None:
    """Build what is missing of the article's two accounts; passwords are made once, for the users' secrets only."""
    call = as_administrator(cloud, house, via="example", user_agent="crossdock serve --example")

    async def do(account: str, service: str, operation: str, params: Mapping[str, Any]) -> Mapping[str, Any]:
        try:
            return await call(account, settings.region, service, operation, params)
        except ServiceError as error:
            raise CallFailed(error.code, error.message) from error

    article = Article(
        do=do,
        hub_id=cloud.accounts.id_of("hub"),
        partner_id=cloud.accounts.id_of("partner"),
        region=settings.region,
    )
    server_id = await article.build(lambda: urlsafe_b64encode(house.entropy(PASSWORD_BYTES)).decode())
    read_password = command.line(
        "exec",
        "hub -- aws secretsmanager get-secret-value --query SecretString --output text "
        f"--secret-id aws/transfer/{server_id}/user1",
    )
    say(
        f"example article: server {server_id}; user1 has the bucket {article.hub_bucket} of hub, "
        f"user2 the bucket {article.partner_bucket} of partner; their passwords: {read_password}"
    )
