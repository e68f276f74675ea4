"""What AWS would decide about assuming a role, by our own engine on the documents that could be read."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Protocol

from crossdock.adapters.aws.documents.asking import Asked, decide
from crossdock.adapters.aws.documents.assumers import Assumer
from crossdock.adapters.aws.documents.organization import of_resource
from crossdock.adapters.aws.documents.parsing import parsed, unread
from crossdock.adapters.aws.documents.principals import NoSuchPrincipal, PrincipalDocuments
from crossdock.adapters.aws.documents.readers import Readers
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.adapters.aws.documents.sessions import AwsTrialSession
from crossdock.core.arns import no_such, parse_arn
from crossdock.core.errors import InvalidArn, Unavailable
from crossdock.core.principals import AssumedRole
from crossdock.core.servers import Server
from crossdock.operations.caller import Caller
from crossdock.operations.operation import Permission
from crossdock.policy.decision import Decision, Verdict
from crossdock.policy.document import PolicyKind
from crossdock.policy.requests import Layer
from crossdock.ports.authority import RoleRequest
from crossdock.ports.trials import Assumption


class Assumers(Protocol):
    async def assumer(self, server: Server, username: str) -> Assumer:
        """Who assumes this user's role. Raises Unavailable where that is not known."""


class AwsRoleTrial:
    """See `ports.trials.RoleTrial`. Nothing is assumed: the session is one that nobody has.

    Where it is not known whether the role could be assumed, there is a session all the same, so that the rest is told.
    """

    def __init__(self, readers: Readers, assumers: Assumers) -> None:
        self._readers = readers
        self._assumers = assumers
        self._accounts_of_roles: set[str] = set()

    async def assume(self, asked: RoleRequest) -> Assumption:
        assumer = await self._assumers.assumer(asked.server, asked.username)
        try:
            arn = parse_arn(asked.role_arn)
        except InvalidArn as error:
            return Assumption(decision=None, refusal=str(error))
        if arn.partition != "aws":
            raise Unavailable(f"policies of the partition {arn.partition} are not read here, and {arn} is of it")
        try:
            role = await self._readers.principals.find(arn)
        except NoSuchPrincipal:
            return Assumption(decision=None, refusal=no_such(arn))
        self._accounts_of_roles.add(arn.account_id)
        decision, *further = await self._trust(asked.server, assumer, role, asked.session_name)
        if _is_denied(decision):
            return Assumption(decision=decision, also_denied=tuple(filter(_is_denied, further)))
        caller = Caller(
            principal=AssumedRole(role_arn=arn, role_id=role.unique_id, session_name=asked.session_name),
            issued_at=self._readers.clock.now(),
            tags={**role.tags, **assumer.tags},
        )
        if asked.session_policy is not None:
            try:
                policy = parsed(f"session policy of {asked.session_name}", asked.session_policy, PolicyKind.SESSION)
            except NotRead as error:
                raise Unavailable(str(error)) from error
            caller = replace(caller, session_policies=(policy,))
        return Assumption(decision=decision, session=AwsTrialSession(caller=caller, role=role, readers=self._readers))

    async def living(self, ids: frozenset[str]) -> Mapping[str, str]:
        """Where nobody may look them up, all count as somebody's, so that nobody is told to replace them."""
        found: dict[str, str] = {}
        for account_id in self._accounts_of_roles if ids else ():
            try:
                found |= await self._readers.principals.living(account_id, ids)
            except NotRead:
                return dict.fromkeys(ids, "")
        return found

    async def _trust(
        self, server: Server, assumer: Assumer, role: PrincipalDocuments, session_name: str
    ) -> list[Decision]:
        """What is decided about assuming the role, and about tagging its session if it is tagged; the worst first."""
        actions = ("sts:AssumeRole", "sts:TagSession") if assumer.tags else ("sts:AssumeRole",)
        found = [await self._asked(action, server, assumer, role, session_name) for action in actions]
        return sorted(found, key=_badness, reverse=True)

    async def _asked(
        self, action: str, server: Server, assumer: Assumer, role: PrincipalDocuments, session_name: str
    ) -> Decision:
        readers, caller = self._readers, assumer.caller
        sourced = {}
        if caller.source_account:
            of_source = await readers.organization.control(caller.source_account)
            sourced = {key.replace("Principal", "Source"): values for key, values in of_source.keys.items()}
        permission = Permission(
            action=action,
            resource=str(role.arn),
            context={
                "sts:RoleSessionName": (session_name,),
                **{f"aws:RequestTag/{key}": (value,) for key, value in assumer.tags.items()},
                **({"aws:TagKeys": tuple(assumer.tags)} if assumer.tags else {}),
                **sourced,
                **assumer.context,
            },
        )
        asked = Asked(
            caller=caller,
            who=assumer.documents,
            permission=permission,
            owner=role.arn.account_id,
            region=server.region,
            ours=await readers.organization.control(caller.principal.account_id),
            theirs=of_resource(await readers.organization.control(role.arn.account_id)),
            resource=role.trust,
            unread=() if role.trust_unread is None else (unread(Layer.RESOURCE, role.trust_unread),),
            unknown=assumer.unknown,
        )
        return decide(asked, told=readers.told, now=readers.clock.now())


def _badness(decision: Decision) -> int:
    """Of decisions that are all needed, the worst counts."""
    return {Verdict.ALLOW: 0, Verdict.UNKNOWN: 1}.get(decision.verdict, 2)


def _is_denied(decision: Decision) -> bool:
    return decision.verdict not in (Verdict.ALLOW, Verdict.UNKNOWN)
