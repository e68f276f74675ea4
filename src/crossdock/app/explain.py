"""`crossdock explain` on the service's side: the explainer put together, and a logged session found."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

from crossdock.adapters.embedded.assumer import EmbeddedRoleAssumer
from crossdock.adapters.embedded.provider_functions import EmbeddedProviderFunctions
from crossdock.adapters.embedded.role_trial import EmbeddedRoleTrial
from crossdock.api.explanation import explanation_json
from crossdock.app.questions import BadQuestion, given_identity, is_shown, kept_identity, read_question, text_in
from crossdock.core.errors import ServiceError
from crossdock.core.homes import LogicalHome, PathHome
from crossdock.core.ids import ServerId
from crossdock.core.logins import Identity
from crossdock.core.principals import AccountRoot
from crossdock.core.servers import Server
from crossdock.files.explaining import Explainer
from crossdock.operations.call import House, Operations
from crossdock.operations.caller import Caller, Origin
from crossdock.ports.provider_api import ProviderApi
from crossdock.ports.servers import ServerDirectory
from crossdock.transfer.identity_providers import IdentityProviders
from crossdock.transfer.user_directory import StateUserDirectory

Explain = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any]]]


class AskedCloud(Protocol):
    """As much of the embedded cloud as explaining takes."""

    @property
    def operations(self) -> Operations: ...

    @property
    def assumer(self) -> EmbeddedRoleAssumer: ...


def build_explain(cloud: AskedCloud, house: House, servers: ServerDirectory, api: ProviderApi) -> Explain:
    users = StateUserDirectory(house.state)
    explainer = Explainer(
        servers=servers,
        provider=IdentityProviders(EmbeddedProviderFunctions(cloud.operations), api, users),
        trial=EmbeddedRoleTrial(assumer=cloud.assumer),
        entropy=house.entropy,
    )

    async def explain(asked: Mapping[str, Any]) -> Mapping[str, Any]:
        """Raises BadQuestion."""
        server = await _server(servers, asked.get("serverId"))
        username = text_in(asked, "userName")
        session = asked.get("session")
        identity, is_kept = given_identity(asked, username), False
        if session:
            identity = await _logged_identity(cloud, server, username, str(session), given=identity)
        elif identity is None and not is_shown(asked):
            identity = await kept_identity(users, server, username)
            is_kept = identity is not None
        question = read_question(asked, server.server_id, identity, is_kept=is_kept)
        return explanation_json(await explainer.explain(question))

    return explain


async def explain_nothing(_asked: Mapping[str, Any]) -> Mapping[str, Any]:
    """For a service whose authority is AWS. Raises BadQuestion."""
    raise BadQuestion(
        "this service's authority is aws, whose policies it does not hold: give the profiles that may read them, "
        "`crossdock explain --profile ACCOUNT=PROFILE …`"
    )


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


async def _logged_identity(
    cloud: AskedCloud, server: Server, username: str, session_id: str, *, given: Identity | None
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
