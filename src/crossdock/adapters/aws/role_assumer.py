"""Assuming a user's role by AWS's STS, with the gateway's own credentials.

The gateway is no AWS service: the role's trust policy must admit the identity that it runs as, by a statement of its
own. `aws:SourceArn` and `aws:SourceAccount` are not there when a role assumes a role, so a statement that asks for them
never admits it; an ExternalId guards against being confused with another gateway.

Source: STS API Reference, AssumeRole; IAM User Guide, "The confused deputy problem".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

from crossdock.adapters.aws.clients import ServiceClients, code_of, in_words
from crossdock.adapters.aws.network_words import IS_IT_THE_ENDPOINT
from crossdock.adapters.aws.parsing import AWS_FAILURES, AwsFailure
from crossdock.core.arns import parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.core.principals import AssumedRole
from crossdock.operations.outages import Outages
from crossdock.ports.authority import AssumeRefused, IssuedRole, RoleIssuer, RoleRequest, RoleSession
from crossdock.ports.functions import TemporaryCredentials
from crossdock.ports.objects import ObjectStore

MakeStore = Callable[[TemporaryCredentials, AssumedRole], ObjectStore]


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsRoleAssumer:
    """See `ports.authority.RoleAssumer`. The roles may be assumed by another process than the one that uses them."""

    roles: RoleIssuer
    store: MakeStore

    async def assume(self, asked: RoleRequest) -> RoleSession:
        issued = await self.roles.issue(asked)
        return RoleSession(
            principal=issued.principal,
            expires_at=issued.credentials.expires_at,
            store=self.store(issued.credentials, issued.principal),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AwsRoleIssuer:
    """See `ports.authority.RoleIssuer`.

    `duration_s` is at most 3,600 where the gateway's own identity is a role. `tags` are of every session, besides the
    user's and the server's names; `tag_sessions` off leaves all out, and roles need no `sts:TagSession`.
    """

    clients: ServiceClients
    external_id: str = ""
    duration_s: int = 3600
    tag_sessions: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    outages: Outages = field(default_factory=lambda: Outages("STS cannot be used", "STS can be used again"))

    async def issue(self, asked: RoleRequest) -> IssuedRole:
        further: dict[str, Any] = {}
        if asked.session_policy is not None:
            further["Policy"] = asked.session_policy
        further |= self.tagged(asked.username, asked.server.server_id)
        return await self.credentials(
            asked.role_arn,
            session_name=asked.session_name,
            region=asked.server.region,
            duration_s=self.duration_s,
            **further,
        )

    def tagged(self, username: str, server_id: str) -> dict[str, Any]:
        """The parameters of AssumeRole that tag a session for this user, if sessions are tagged."""
        if not self.tag_sessions:
            return {}
        tags = {**self.tags, "transfer:UserName": username, "transfer:ServerId": server_id}
        return {"Tags": [{"Key": name, "Value": value} for name, value in tags.items()]}

    async def credentials(
        self, role_arn: str, *, session_name: str, region: str, duration_s: int = 900, **further: Any
    ) -> IssuedRole:
        """Assume a role, for whatever use. `further` are parameters of AssumeRole. Raises AssumeRefused."""
        if self.external_id:
            further["ExternalId"] = self.external_id
        try:
            sts = await self.clients.client("sts", region)
            answer = await sts.assume_role(
                RoleArn=role_arn, RoleSessionName=session_name, DurationSeconds=duration_s, **further
            )
        except ParamValidationError as error:
            raise AssumeRefused(f"STS does not take the request: {error}") from error
        except AWS_FAILURES as error:
            reason = in_words(error) + self._advice(error)
            if not isinstance(error, ClientError):
                # The server's log, which lies with AWS too, may be as far away.
                self.outages.failed(region, region=region, reason=reason)
            raise AssumeRefused(reason) from error
        try:
            told = answer["Credentials"]
            credentials = TemporaryCredentials(
                access_key_id=told["AccessKeyId"],
                secret_access_key=told["SecretAccessKey"],
                session_token=told["SessionToken"],
                expires_at=told["Expiration"],
            )
            user = answer["AssumedRoleUser"]
        except KeyError as error:
            reason = f"what answers is no STS: {IS_IT_THE_ENDPOINT}"
            self.outages.failed(region, region=region, reason=reason)
            raise AssumeRefused(reason) from error
        self.outages.worked(region)
        try:
            arn = parse_arn(role_arn)
        except InvalidArn as error:
            raise AssumeRefused(f"STS assumed {role_arn}, which is no ARN: {error}") from error
        # Ceph spells this member otherwise, so that botocore does not find it. AWS's policies alone ask for it.
        role_id = str(user.get("AssumedRoleId", "")).partition(":")[0]
        principal = AssumedRole(role_arn=arn, role_id=role_id, session_name=session_name)
        return IssuedRole(principal=principal, credentials=credentials)

    def _advice(self, error: AwsFailure) -> str:
        """What an operator has to look at."""
        if not isinstance(error, ClientError):
            return ""
        match code_of(error):
            case "AccessDenied":
                external = f" with sts:ExternalId {self.external_id}" if self.external_id else ""
                tagging = "; aws.tag_sessions is on: both must name sts:TagSession too" if self.tag_sessions else ""
                return (
                    f"; the role's trust policy must admit this gateway's own identity{external} by a statement "
                    "without aws:SourceArn and aws:SourceAccount, and the identity must be allowed sts:AssumeRole"
                    + tagging
                )
            case "PackedPolicyTooLarge":
                return "; the user's session policy and tags are too large: shorten the policy"
            case "ValidationError" if "DurationSeconds" in str(error):
                return "; lower aws.session_duration_s: roles that are assumed by a role are good for one hour at most"
            case _:
                return ""
