"""A declarer of servers on a Transfer API in memory, and what a file has for it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.fakes.host_keys import openssh_pem
from tests.fakes.models import service_model
from tests.fakes.transfer import HUB, REGION, TransferApi

from crossdock.app.declared_servers import ServerDeclarer
from crossdock.core.errors import Unavailable
from crossdock.settings.servers_file import DeclaredServer, parse_servers_file

ID = "s-0123456789abcdef0"
OTHER = "s-0123456789abcdef1"
PLACE = "/etc/servers.toml"
ROLE = "arn:aws:iam::222222222222:role/drop"
SECRETS = {"host-key": openssh_pem("ssh-ed25519", "in a secret").decode()}


class Secrets:
    """Implements `ports.authority.SecretTexts`."""

    async def text(self, account: str, region: str, secret_id: str) -> str:
        assert (account, region) == ("hub", REGION)
        if secret_id not in SECRETS:
            raise Unavailable(f"there is no secret {secret_id}")
        return SECRETS[secret_id]


def make_declarer(api: TransferApi) -> ServerDeclarer:
    async def do(
        account: str, region: str, service: str, operation: str, params: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        assert account in ("hub", HUB)
        assert service == "transfer"
        # An update of nothing but the server's id, which the fake's model check would have something against.
        return await api.ask(operation, account=HUB, region=region, **params)

    return ServerDeclarer(
        administrator=do,
        secrets=Secrets(),
        state=api.operations.house.state,
        region=REGION,
        model=service_model("transfer"),
    )


def declared(
    more: str = "", *, settings: str = 'Protocols = ["SFTP"]', head: str = "", folder: Path = Path()
) -> DeclaredServer:
    text = f'[[server]]\nid = "{ID}"\naccount = "hub"\n{head}\n[server.settings]\n{settings}\n{more}\n'
    (server,) = parse_servers_file(text, folder / "servers.toml")
    return server


def user(name: str, *keys: str, role: str = ROLE) -> str:
    return f'[[server.users]]\nUserName = "{name}"\nRole = "{role}"\nSshPublicKeys = {list(keys)}\n'


async def keys_of(api: TransferApi, name: str) -> list[str]:
    described = await api.call("DescribeUser", ServerId=ID, UserName=name)
    return sorted(key["SshPublicKeyBody"] for key in described["User"]["SshPublicKeys"])
