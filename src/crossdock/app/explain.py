"""`crossdock explain` on the service's side: its question read, the explainer put together, a logged session found."""

import json
from collections.abc import Awaitable, Callable, Mapping
from ipaddress import ip_address
from typing import Any

from crossdock.adapters.embedded.role_trial import EmbeddedRoleTrial
from crossdock.api.explanation import explanation_json
from crossdock.app.cloud import Cloud
from crossdock.core.errors import CrossdockError, ServiceError
from crossdock.core.homes import LogicalHome, PathHome
from crossdock.core.ids import ServerId
from crossdock.core.logins import Identity, Password
from crossdock.core.principals import AccountRoot
from crossdock.core.servers import FileProtocol, IdentityProviderType, Server
from crossdock.files.explaining import COMMANDS, Explainer, Question
from crossdock.operations.call import House
from crossdock.operations.caller import Caller, Origin
from crossdock.ports.servers import ServerDirectory
from crossdock.ports.users import UserDirectory
from crossdock.transfer.identity_answers import MalformedAnswer, NotVouchedFor, read_identity
from crossdock.transfer.identity_providers import IdentityProviders
from crossdock.transfer.user_directory import StateUserDirectory

Explain = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


class BadQuestion(CrossdockError):
    """A question of `crossdock explain` that cannot be asked; the message is for the person who asked."""


def build_explain(cloud: Cloud, house: House, servers: ServerDirectory) -> Explain:
    users = StateUserDirectory(house.state)
    explainer = Explainer(
        servers=servers,
        provider=IdentityProviders(cloud.operations, users),
        trial=EmbeddedRoleTrial(assumer=cloud.assumer),
        entropy=house.entropy,
    )

    async def explain(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises BadQuestion."""
        server = await _server(servers, asked.get("serverId"))
        username = _text(asked, "userName")
        command, target = _text(asked, "command"), _text(asked, "target") if asked.get("target") else ""
        if command not in COMMANDS:
            raise BadQuestion(f"{command} is none of {', '.join(COMMANDS)}")
        if bool(target) is not (command == "mv"):
            raise BadQuestion("mv takes two paths, every other command one")
        session = asked.get("session")
        identity = _given_identity(asked["identity"], username) if "identity" in asked else None
        if session:
            identity = await _logged_identity(cloud, server, username, str(session), given=identity)
        elif identity is None and asked.get("password") is None:
            identity = await _kept_identity(users, server, username)
        question = Question(
            server_id=server.server_id,
            username=username,
            command=command,
            path=_text(asked, "path"),
            target=target,
            protocol=_protocol(asked.get("protocol")),
            source_ip=_source_ip(asked.get("sourceIp")),
            password=_password(asked.get("password")),
            identity=identity,
        )
        return explanation_json(await explainer.explain(question))

    return explain


async def _server(servers: ServerDirectory, server_id: object) -> Server:
    if server_id:
        found = await servers.server(ServerId(str(server_id)))
        if found is None:
            raise BadQuestion(f"there is no server {server_id}: `crossdock endpoints` lists those there are")
        return found
    listed = await servers.servers()
    if len(listed) != 1:
        raise BadQuestion(
            f"there are {len(listed)} servers: name one with --server-id (`crossdock endpoints` lists them)"
        )
    return listed[0]


def _text(asked: Mapping[str, Any], name: str) -> str:
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


def _given_identity(answer: object, username: str) -> Identity:
    """The provider's answer as it was given."""
    try:
        return read_identity(json.dumps(answer).encode(), username=username)
    except (MalformedAnswer, NotVouchedFor) as error:
        raise BadQuestion(f"the identity cannot be used: {error}") from error


async def _kept_identity(users: UserDirectory, server: Server, username: str) -> Identity | None:
    """Of a user that the server knows itself; None where somebody else vouches for users."""
    if server.identity_provider.kind is not IdentityProviderType.SERVICE_MANAGED:
        return None
    user = await users.user(server, username)
    if user is None:
        raise BadQuestion(f"the server {server.server_id} has no user {username}")
    return user.identity


async def _logged_identity(
    cloud: Cloud, server: Server, username: str, session_id: str, *, given: Identity | None
) -> Identity:
    """Who a session was, from its CONNECTED event: the log tells the role, the session policy, and a PATH home."""
    owner = Caller(principal=AccountRoot(account_id=server.account_id))
    group = f"/aws/transfer/{server.server_id}"
    try:
        found = await cloud.operations.call(
            "logs",
            "FilterLogEvents",
            {
                "logGroupName": group,
                "logStreamNames": [f"{username}.{session_id}"],
                "filterPattern": '{ $.activity-type = "CONNECTED" }',
            },
            caller=owner,
            account_id=server.account_id,
            region=server.region,
            origin=Origin(via="explain"),
        )
    except ServiceError:
        found = {"events": []}
    if not found["events"]:
        raise BadQuestion(f"{group} has no session {session_id} of {username}")
    event: Mapping[str, str] = json.loads(found["events"][0]["message"])
    home: PathHome | LogicalHome = PathHome(root=event.get("home-dir", "/"))
    if given is not None:
        home = given.home
    elif event.get("home-dir", "/") == "/":
        raise BadQuestion(
            "the log does not tell a LOGICAL home directory's mappings: give them with --home "
            '\'[{"Entry": "/", "Target": "/bucket/folder"}]\' besides --session'
        )
    return Identity(role_arn=event["role"], home=home, session_policy=event.get("user-policy"))
