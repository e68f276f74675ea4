"""What IAM has of a role or user: who may become it, what it may do, and what bounds it.

Source: IAM API Reference, GetRole, GetUser and the operations that list and get policies.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crossdock.adapters.aws.documents.accounts import Account, Accounts
from crossdock.adapters.aws.documents.parsing import parsed, unread
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.core.arns import Arn, parse_arn
from crossdock.policy.document import PolicyKind
from crossdock.policy.evaluate import Layer, NamedPolicy, UnreadLayer

_MISSING = "NoSuchEntity"


class NoSuchPrincipal(Exception):
    """IAM has no role or user of this ARN."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalDocuments:
    """A role or user as far as it could be read.

    `unique_id` is empty where IAM did not tell it, and `trust_unread` says why there is no `trust`, which a user never
    has. `knows_tags` is false where what IAM has tagged it with is not known.
    """

    arn: Arn
    unique_id: str = ""
    trust: NamedPolicy | None = None
    trust_unread: NotRead | None = None
    identity: tuple[NamedPolicy, ...] = ()
    boundary: tuple[NamedPolicy, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    knows_tags: bool = True
    unread: tuple[UnreadLayer, ...] = ()


class PrincipalReader:
    """Reads roles and users, each once."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._known: dict[str, PrincipalDocuments] = {}

    async def find(self, arn: Arn) -> PrincipalDocuments:
        """Of a role's or user's ARN. Raises NoSuchPrincipal."""
        if str(arn) not in self._known:
            self._known[str(arn)] = await self._find(arn)
        return self._known[str(arn)]

    async def arn_of_role(self, account_id: str, role_name: str) -> Arn:
        """The whole ARN, of which a session's ARN leaves out the path. Without the right to see it: that of no path."""
        try:
            account = self._accounts.of(account_id, "iam:GetRole")
            return parse_arn((await account.read("iam", "GetRole", RoleName=role_name))["Role"]["Arn"])
        except NotRead:
            return Arn(service="iam", account_id=account_id, resource=f"role/{role_name}")

    async def living(self, account_id: str, ids: frozenset[str]) -> Mapping[str, str]:
        """Of these ids those that roles of the account have, with their ARNs. Raises NotRead."""
        account = self._accounts.of(account_id, "iam:ListRoles")
        roles = await account.pages("iam", "ListRoles", "Roles")
        return {role["RoleId"]: role["Arn"] for role in roles if role["RoleId"] in ids}

    async def _find(self, arn: Arn) -> PrincipalDocuments:
        kind = "Role" if arn.resource.startswith("role/") else "User"
        name = arn.resource.rpartition("/")[2]
        try:
            account = self._accounts.of(arn.account_id, f"iam:Get{kind}")
        except NotRead as error:
            return _unseen(arn, error)
        identity, boundary = _Layer(Layer.IDENTITY), _Layer(Layer.BOUNDARY)
        trust, trust_unread = None, None
        try:
            described = (await account.read("iam", f"Get{kind}", **{f"{kind}Name": name}))[kind]
        except NotRead as error:
            if error.code == _MISSING:
                raise NoSuchPrincipal from error
            described, trust_unread = {}, error
            boundary.missed(error)
        if described.get("Arn", str(arn)) != str(arn):
            # Names are unique whatever their paths, and this one has another.
            raise NoSuchPrincipal
        if kind == "Role" and described:
            try:
                trust = parsed("trust policy", described.get("AssumeRolePolicyDocument", {}), PolicyKind.TRUST)
            except NotRead as error:
                trust_unread = error
        if bound := described.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn"):
            await boundary.add_managed(account, bound)
        await _add_all(identity, account, kind, name)
        if kind == "User":
            await _add_groups(identity, account, name)
        return PrincipalDocuments(
            arn=arn,
            unique_id=described.get(f"{kind}Id", ""),
            trust=trust,
            trust_unread=trust_unread,
            identity=tuple(identity.found),
            boundary=tuple(boundary.found),
            tags={tag["Key"]: tag["Value"] for tag in described.get("Tags", ())},
            knows_tags=bool(described),
            unread=(*identity.unread, *boundary.unread),
        )


class _Layer:
    """The policies of one layer, and why some could not be read."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self.found: list[NamedPolicy] = []
        self.unread: list[UnreadLayer] = []

    def missed(self, error: NotRead) -> None:
        self.unread.append(unread(self._layer, error))

    async def add_managed(self, account: Account, policy_arn: str) -> None:
        try:
            told = await account.read("iam", "GetPolicy", PolicyArn=policy_arn)
            version = await account.read(
                "iam", "GetPolicyVersion", PolicyArn=policy_arn, VersionId=told["Policy"]["DefaultVersionId"]
            )
            document = version["PolicyVersion"]["Document"]
            self.found.append(parsed(policy_arn, document, PolicyKind.MANAGED))
        except NotRead as error:
            self.missed(error)

    async def add_inline(self, account: Account, kind: str, name: str, policy_name: str) -> None:
        operation, params = f"Get{kind}Policy", {f"{kind}Name": name, "PolicyName": policy_name}
        try:
            document = (await account.read("iam", operation, **params))["PolicyDocument"]
            self.found.append(parsed(policy_name, document, PolicyKind.IDENTITY))
        except NotRead as error:
            self.missed(error)


async def _add_all(layer: _Layer, account: Account, kind: str, name: str) -> None:
    """The inline and attached policies of a role, user or group."""
    whose = {f"{kind}Name": name}
    for policy_name in await _listed(layer, account, f"List{kind}Policies", "PolicyNames", whose):
        await layer.add_inline(account, kind, name, policy_name)
    for attached in await _listed(layer, account, f"ListAttached{kind}Policies", "AttachedPolicies", whose):
        await layer.add_managed(account, attached["PolicyArn"])


async def _add_groups(layer: _Layer, account: Account, user_name: str) -> None:
    for group in await _listed(layer, account, "ListGroupsForUser", "Groups", {"UserName": user_name}):
        await _add_all(layer, account, "Group", group["GroupName"])


async def _listed(
    layer: _Layer, account: Account, operation: str, member: str, params: Mapping[str, str]
) -> Sequence[Any]:
    try:
        return await account.pages("iam", operation, member, **params)
    except NotRead as error:
        layer.missed(error)
        return ()


def _unseen(arn: Arn, error: NotRead) -> PrincipalDocuments:
    layers = (Layer.IDENTITY, Layer.BOUNDARY)
    return PrincipalDocuments(
        arn=arn, trust_unread=error, knows_tags=False, unread=tuple(unread(layer, error) for layer in layers)
    )
