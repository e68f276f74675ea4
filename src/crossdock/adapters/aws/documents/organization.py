"""The organization's policies that bind an account, as far as the profiles may read them.

Members may ask which organization they are in; its policies are told to the management account and to delegated
administrators.

Sources: Organizations API Reference, the operations named here; Organizations User Guide, "SCP evaluation", "RCP
evaluation", and "Available feature sets".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from crossdock.adapters.aws.documents.accounts import Account, Accounts
from crossdock.adapters.aws.documents.parsing import parsed, unread
from crossdock.adapters.aws.documents.reads import NotRead
from crossdock.cloud.iam.control_policies import NO_LEVELS, ControlLevels
from crossdock.operations.caller import Context
from crossdock.policy.document import PolicyKind
from crossdock.policy.evaluate import Layer, NamedPolicy, UnreadLayer
from crossdock.policy.unsure import UnknownKey

_NO_ORGANIZATION = "AWSOrganizationsNotInUseException"
_ALL_FEATURES = "ALL"
_KINDS: Mapping[Layer, tuple[str, PolicyKind]] = {
    Layer.SERVICE_CONTROL: ("SERVICE_CONTROL_POLICY", PolicyKind.SERVICE_CONTROL),
    Layer.RESOURCE_CONTROL: ("RESOURCE_CONTROL_POLICY", PolicyKind.RESOURCE_CONTROL),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """What binds an account: levels of policies, and the condition keys that tell of its organization.

    `unread` has a sentence for each kind that could not be read. Keys have the names that they have for who asks; see
    `of_resource`.
    """

    service: ControlLevels = NO_LEVELS
    resource: ControlLevels = NO_LEVELS
    keys: Context = field(default_factory=dict)
    unknown: tuple[UnknownKey, ...] = ()
    unread: tuple[UnreadLayer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """Where an account hangs: the ids from the root to the account, as `reader` may see them."""

    reader: Account
    described: Mapping[str, Any]
    root: Mapping[str, Any]
    targets: tuple[str, ...]


class OrganizationReader:
    """Reads what binds accounts, each once."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._known: dict[str, Control] = {}

    async def control(self, account_id: str) -> Control:
        """Of an account; nothing binds what belongs to none."""
        if not account_id:
            return Control()
        if account_id not in self._known:
            self._known[account_id] = await self._control(account_id)
        return self._known[account_id]

    async def _control(self, account_id: str) -> Control:
        described: Mapping[str, Any] = {}
        lack: NotRead | None = None
        try:
            described = await self._described(account_id)
        except NotRead as error:
            if error.code == _NO_ORGANIZATION:
                return Control()
            # Perhaps another profile is of the account that manages it.
            lack = error
        management = described.get("MasterAccountId", "")
        place = await self._place(account_id, management)
        if isinstance(place, _Place):
            return await _read(place, account_id)
        why = place or lack or _needs_management(described)
        keys, unknown = _keys(described.get("Id", ""), (), why)
        is_bound = not described or _is_bound(account_id, described)
        return Control(
            keys=keys, unknown=unknown, unread=tuple(unread(layer, why) for layer in _KINDS) if is_bound else ()
        )

    async def _described(self, account_id: str) -> Mapping[str, Any]:
        """The organization that the account is in, as it may ask itself. Raises NotRead."""
        account = self._accounts.of(account_id, "organizations:DescribeOrganization")
        organization: Mapping[str, Any] = (await account.read("organizations", "DescribeOrganization"))["Organization"]
        return organization

    async def _place(self, account_id: str, management: str) -> _Place | NotRead | None:
        """By the first profile that may see it; NotRead if that of the management account may not."""
        lack = None
        for account in sorted(self._accounts.listed, key=lambda one: one.account_id != management):
            try:
                described = (await account.read("organizations", "DescribeOrganization"))["Organization"]
                targets = await _targets(account, account_id)
                (root,) = await account.pages("organizations", "ListRoots", "Roots")
            except NotRead as error:
                lack = error if account.account_id == management else lack
            else:
                return _Place(reader=account, described=described, root=root, targets=targets)
        return lack


def of_resource(control: Control) -> Control:
    """The same, with the keys as they are called for the account that owns a resource."""
    return replace(
        control,
        keys={key.replace("Principal", "Resource"): values for key, values in control.keys.items()},
        unknown=tuple(replace(one, key=one.key.replace("principal", "resource")) for one in control.unknown),
    )


async def _targets(account: Account, account_id: str) -> tuple[str, ...]:
    """The root's id, those of organizational units, and the account's. Raises NotRead."""
    found = [account_id]
    while True:
        parents = await account.pages("organizations", "ListParents", "Parents", ChildId=found[0])
        if not parents:
            return tuple(found)
        found.insert(0, parents[0]["Id"])
        if parents[0]["Type"] == "ROOT":
            return tuple(found)


async def _read(place: _Place, account_id: str) -> Control:
    levels: dict[Layer, ControlLevels] = {}
    whys: list[UnreadLayer] = []
    enabled = {one["Type"] for one in place.root.get("PolicyTypes", ()) if one["Status"] == "ENABLED"}
    for layer, (kind, _) in _KINDS.items():
        if kind in enabled and _is_bound(account_id, place.described):
            try:
                levels[layer] = await _levels(place, layer)
            except NotRead as error:
                whys.append(unread(layer, error))
    keys, _ = _keys(place.described["Id"], place.targets[:-1], None)
    return Control(
        service=levels.get(Layer.SERVICE_CONTROL, NO_LEVELS),
        resource=levels.get(Layer.RESOURCE_CONTROL, NO_LEVELS),
        keys=keys,
        unread=tuple(whys),
    )


async def _levels(place: _Place, layer: Layer) -> ControlLevels:
    """Raises NotRead."""
    kind, parse_as = _KINDS[layer]
    levels: list[tuple[NamedPolicy, ...]] = []
    for target in place.targets:
        listed = await place.reader.pages(
            "organizations", "ListPoliciesForTarget", "Policies", TargetId=target, Filter=kind
        )
        found = []
        for summary in listed:
            told = await place.reader.read("organizations", "DescribePolicy", PolicyId=summary["Id"])
            found.append(parsed(summary["Arn"], told["Policy"]["Content"], parse_as))
        levels.append(tuple(found))
    # The root by its ARN, which tells the management account.
    return ControlLevels(policies=tuple(levels), targets=(place.root["Arn"], *place.targets[1:]))


def _is_bound(account_id: str, described: Mapping[str, Any]) -> bool:
    """Neither kind of policy affects the management account, and without all features there are none."""
    has_policies = described.get("FeatureSet", _ALL_FEATURES) == _ALL_FEATURES
    return has_policies and account_id != str(described["MasterAccountId"])


def _keys(
    organization_id: str, parents: tuple[str, ...], why: NotRead | None
) -> tuple[Context, tuple[UnknownKey, ...]]:
    keys: dict[str, tuple[str, ...]] = {}
    if organization_id:
        keys["aws:PrincipalOrgID"] = (organization_id,)
    if parents:
        keys["aws:PrincipalOrgPaths"] = (f"{organization_id}/{'/'.join(parents)}/",)
    unknown = tuple(
        UnknownKey(key=key.lower(), why=f"is not known ({why})", remedy=why.remedy if why else "")
        for key in ("aws:PrincipalOrgID", "aws:PrincipalOrgPaths")
        if key not in keys
    )
    return keys, unknown


def _needs_management(described: Mapping[str, Any]) -> NotRead:
    management = described["MasterAccountId"]
    return NotRead(
        f"only management account {management} of organization {described['Id']} and its delegated administrators may "
        "read it",
        remedy=f"give --profile {management}=PROFILE, of somebody in that account who may "
        "organizations:ListPoliciesForTarget and the others that --print-policy names",
    )
