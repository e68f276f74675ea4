"""Assuming a user's role as the Transfer service does, and the store that the session may use."""

from dataclasses import dataclass

from crossdock.adapters.embedded.object_store import EmbeddedObjectStore
from crossdock.adapters.embedded.s3_client import S3Client
from crossdock.cloud.iam.records import find_role_by_arn
from crossdock.cloud.s3.storage import Storage
from crossdock.cloud.sts.access_keys import AccessKeys
from crossdock.cloud.sts.access_keys import session_policy as named_session_policy
from crossdock.cloud.sts.assume import assume_role
from crossdock.core.arns import no_such, parse_arn, transfer_user_arn
from crossdock.core.errors import ServiceError
from crossdock.core.principals import TRANSFER, AssumedRole
from crossdock.core.servers import Server
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller, Origin
from crossdock.ports.authority import AssumeRefused, RoleHolder, RoleHolders, RoleRequest, RoleSession
from crossdock.ports.state import State

ORIGIN = Origin(is_secure=True, user_agent="AWSTransfer", via="transfer")
"""Where Transfer's calls come from: no address, so a policy that wants a certain `aws:SourceIp` means others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedRoleHolders:
    """See `ports.authority.RoleHolders`."""

    operations: Operations
    access_keys: AccessKeys

    async def hold(self, asked: RoleRequest) -> RoleHolder:
        """By STS AssumeRole, with the user's ARN and the server's account for the role's trust policy to look at.

        Source: Transfer Family User Guide, "Cross-service confused deputy prevention".
        """
        try:
            credentials, assumed = await assume_role(
                self.operations,
                self.access_keys,
                caller=service_caller(asked.server, asked.username),
                account_id=asked.server.account_id,
                region=asked.server.region,
                origin=ORIGIN,
                role_arn=asked.role_arn,
                session_name=asked.session_name,
                session_policy=asked.session_policy,
            )
        except ServiceError as error:
            raise AssumeRefused(await why_refused(self.operations.house.state, asked.role_arn, error)) from error
        if not isinstance(assumed.principal, AssumedRole) or assumed.issued_at is None:
            raise AssumeRefused("STS gave credentials of something else")
        return RoleHolder(
            principal=assumed.principal,
            access_key_id=assumed.access_key_id,
            issued_at=assumed.issued_at,
            expires_at=credentials.expires_at,
            tags=assumed.tags,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedRoleAssumer:
    """See `ports.authority.RoleAssumer`. The roles may be held by another process than the one that uses them."""

    roles: RoleHolders
    operations: Operations
    storage: Storage

    async def assume(self, asked: RoleRequest) -> RoleSession:
        holder = await self.roles.hold(asked)
        caller = Caller(
            principal=holder.principal,
            session_policies=(
                (named_session_policy(holder.principal.session_name, asked.session_policy),)
                if asked.session_policy
                else ()
            ),
            access_key_id=holder.access_key_id,
            issued_at=holder.issued_at,
            expires_at=holder.expires_at,
            tags=holder.tags,
        )
        client = S3Client(
            operations=self.operations, storage=self.storage, caller=caller, region=asked.server.region, origin=ORIGIN
        )
        return RoleSession(principal=holder.principal, expires_at=holder.expires_at, store=EmbeddedObjectStore(client))


async def why_refused(state: State, role_arn: str, error: ServiceError) -> str:
    """For the operator. STS tells no caller whether a role that it may not assume exists; the server's log may."""
    missing = await missing_role(state, role_arn) if error.code == "AccessDenied" else ""
    return missing or error.reason or str(error)


async def missing_role(state: State, role_arn: str) -> str:
    """The sentence that there is no such role; empty when there is one. `role_arn` is one that STS takes."""
    arn = parse_arn(role_arn)
    async with state.reading() as tx:
        if await find_role_by_arn(tx, arn) is not None:
            return ""
    return no_such(arn)


def service_caller(server: Server, username: str) -> Caller:
    """The Transfer service, acting for one user of a server."""
    return Caller(
        principal=TRANSFER,
        source_arn=str(transfer_user_arn(server.region, server.account_id, server.server_id, username)),
        source_account=server.account_id,
    )
