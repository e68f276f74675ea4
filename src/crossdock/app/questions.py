"""A question of `crossdock explain`, as its command asks it in JSON: read, and checked."""

import json
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from crossdock.core.errors import CrossdockError
from crossdock.core.ids import ServerId
from crossdock.core.logins import Identity, Password
from crossdock.core.servers import FileProtocol, IdentityProviderType, Server
from crossdock.core.ssh_public_keys import BadPublicKey, PublicKeyLine, parse_public_key
from crossdock.files.explaining import COMMANDS
from crossdock.files.explanations import Question
from crossdock.ports.users import UserDirectory
from crossdock.transfer.identity_answers import MalformedAnswer, NotVouchedFor, read_identity


class BadQuestion(CrossdockError):
    """A question of `crossdock explain` that cannot be asked; the message is for the person who asked."""


def read_question(
    asked: Mapping[str, Any], server_id: ServerId, identity: Identity | None, *, is_kept: bool = False
) -> Question:
    """Raises BadQuestion."""
    command, target = text_in(asked, "command"), text_in(asked, "target") if asked.get("target") else ""
    if command not in COMMANDS:
        raise BadQuestion(f"{command} is none of {', '.join(COMMANDS)}")
    if bool(target) is not (command == "mv"):
        raise BadQuestion("mv takes two paths, every other command one")
    return Question(
        server_id=server_id,
        username=text_in(asked, "userName"),
        command=command,
        path=text_in(asked, "path"),
        target=target,
        protocol=_protocol(asked.get("protocol")),
        source_ip=_source_ip(asked.get("sourceIp")),
        password=_password(asked.get("password")),
        public_key=_public_key(asked.get("publicKey")),
        identity=identity,
        is_kept=is_kept,
    )


def text_in(asked: Mapping[str, Any], name: str) -> str:
    """A member that must be there. Raises BadQuestion."""
    value = asked.get(name)
    if not isinstance(value, str) or not value:
        raise BadQuestion(f"the question has no {name}")
    return value


def _password(given: object) -> Password | None:
    """An empty one is a password too, which the provider is asked about."""
    if given is None:
        return None
    if not isinstance(given, str):
        raise BadQuestion("the password must be a text")
    return Password(given)


def _public_key(given: object) -> PublicKeyLine | None:
    if given is None:
        return None
    if not isinstance(given, str):
        raise BadQuestion("the public key must be a text")
    try:
        return parse_public_key(given)
    except BadPublicKey as error:
        raise BadQuestion(f"the public key cannot be used: {error}") from error


def is_shown(asked: Mapping[str, Any]) -> bool:
    """Whether the question says what the user logs in with, so that the identity provider is asked."""
    return asked.get("password") is not None or asked.get("publicKey") is not None


def _protocol(name: object) -> FileProtocol | None:
    if not name:
        return None
    try:
        return FileProtocol(str(name).upper())
    except ValueError as error:
        raise BadQuestion(f"{name} is none of {', '.join(FileProtocol)}") from error


def _source_ip(address: object) -> str:
    if not address:
        return "127.0.0.1"
    try:
        return str(ip_address(str(address)))
    except ValueError as error:
        raise BadQuestion(f"{address} is no IP address") from error


def given_identity(asked: Mapping[str, Any], username: str) -> Identity | None:
    """The provider's answer, where the question has one. Raises BadQuestion."""
    if "identity" not in asked:
        return None
    try:
        return read_identity(json.dumps(asked["identity"]).encode(), username=username)
    except (MalformedAnswer, NotVouchedFor) as error:
        raise BadQuestion(f"the identity cannot be used: {error}") from error


async def kept_identity(users: UserDirectory, server: Server, username: str) -> Identity | None:
    """Of a user that the server knows itself; None where somebody else vouches for users. Raises BadQuestion."""
    if server.identity_provider.kind is not IdentityProviderType.SERVICE_MANAGED:
        return None
    user = await users.user(server, username)
    if user is None:
        raise BadQuestion(f"the server {server.server_id} has no user {username}")
    return user.identity
