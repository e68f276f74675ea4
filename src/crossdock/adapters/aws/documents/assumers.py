"""Who assumes a user's role: AWS's Transfer service, or Crossdock with the identity that it runs as.

Sources: Transfer Family User Guide, "Cross-service confused deputy prevention"; IAM User Guide, "AWS global condition
context keys": `aws:SourceArn` and `aws:SourceAccount` are there only when a service calls.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from crossdock.adapters.aws.documents.accounts import Account
from crossdock.adapters.aws.documents.asking import TELL
from crossdock.adapters.aws.documents.principals import NoSuchPrincipal, PrincipalDocuments, PrincipalReader
from crossdock.core.arns import Arn, parse_arn, transfer_user_arn
from crossdock.core.errors import InvalidArn, Unavailable
from crossdock.core.principals import TRANSFER, AssumedRole, IamUser
from crossdock.core.servers import Server
from crossdock.operations.caller import Caller, Context
from crossdock.policy.unsure import UnknownKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumer:
    """Somebody who assumes a role.

    `documents` are those of a gateway's identity, `context` what it adds, `tags` what it tags the session with.
    """

    caller: Caller
    documents: PrincipalDocuments | None = None
    context: Context
    tags: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[UnknownKey, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TransferService:
    """AWS's own, for one of its servers."""

    async def assumer(self, server: Server, username: str) -> Assumer:
        arn = transfer_user_arn(server.region, server.account_id, server.server_id, username)
        caller = Caller(principal=TRANSFER, source_arn=str(arn), source_account=server.account_id)
        return Assumer(caller=caller, context={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """Crossdock under authority `aws`.

    `identity` is the ARN of its role or user; empty for who the profile of the server's account is, `itself`.
    `external_id` and `tag_sessions` are its settings.
    """

    principals: PrincipalReader
    identity: str = ""
    itself: Account | None = None
    external_id: str = ""
    tag_sessions: bool = False

    async def assumer(self, server: Server, username: str) -> Assumer:
        """Raises Unavailable where nobody knows who it is."""
        arn, user_id = await self._who(server)
        try:
            documents = await self.principals.find(arn)
        except NoSuchPrincipal as error:
            raise Unavailable(
                f"there is no {arn.resource} in account {arn.account_id}, as whom Crossdock is said to run"
            ) from error
        principal = _principal(arn, documents.unique_id, user_id)
        unknown: tuple[UnknownKey, ...] = ()
        if isinstance(principal, AssumedRole) and not user_id:
            unknown = (UnknownKey(key="aws:userid", why="has the name of the gateway's own session", remedy=TELL),)
        context = {"sts:ExternalId": (self.external_id,)} if self.external_id else {}
        caller = Caller(principal=principal, tags=documents.tags)
        tags = {"transfer:UserName": username, "transfer:ServerId": server.server_id} if self.tag_sessions else {}
        return Assumer(caller=caller, documents=documents, context=context, tags=tags, unknown=unknown)

    async def _who(self, server: Server) -> tuple[Arn, str]:
        """The ARN of the role or user, and its id as STS tells it."""
        if self.identity:
            return self._parsed(self.identity), ""
        if self.itself is None:
            raise Unavailable(
                "who Crossdock runs as is not known: give --gateway-role ARN, or a profile of account "
                f"{server.account_id} that is it"
            )
        arn = parse_arn(self.itself.caller_arn)
        kind, _, name = arn.resource.partition("/")
        if kind == "assumed-role":
            role_name = name.partition("/")[0]
            return await self.principals.arn_of_role(arn.account_id, role_name), self.itself.caller_id
        return self._parsed(self.itself.caller_arn), self.itself.caller_id

    def _parsed(self, text: str) -> Arn:
        try:
            arn = parse_arn(text)
        except InvalidArn as error:
            raise Unavailable(f"the gateway's identity is {error}") from error
        if arn.service != "iam" or not arn.resource.startswith(("role/", "user/")):
            raise Unavailable(f"{text} is no role and no IAM user, and can assume no role for Crossdock")
        return arn


def _principal(arn: Arn, unique_id: str, user_id: str) -> AssumedRole | IamUser:
    """`user_id` is as STS tells it, empty where nobody asked."""
    name = arn.resource.rpartition("/")[2]
    if arn.resource.startswith("role/"):
        role_id, _, session = user_id.partition(":")
        return AssumedRole(role_arn=arn, role_id=unique_id or role_id, session_name=session or "crossdock")
    path = arn.resource.removeprefix("user").removesuffix(name)
    return IamUser(account_id=arn.account_id, user_name=name, user_id=unique_id or user_id, path=path)
