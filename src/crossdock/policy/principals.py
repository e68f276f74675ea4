"""The Principal element: whom a resource policy names, and how directly it names who asks.

Source: IAM User Guide, "AWS JSON policy elements: Principal" and "… NotPrincipal".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from crossdock.core.principals import (
    AccountRoot,
    Asker,
    AssumedRole,
    ExternalIdentity,
    FederatedUser,
    IamUser,
    ServicePrincipal,
)


class PrincipalType(StrEnum):
    """The keys of a Principal map. `*` by itself is written as EVERYONE."""

    AWS = "AWS"
    SERVICE = "Service"
    FEDERATED = "Federated"
    EVERYONE = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPrincipal:
    """One principal as a policy names it."""

    type: PrincipalType
    value: str

    def __str__(self) -> str:
        return self.value


class NamedAs(IntEnum):
    """How directly a resource policy names who asks; more is more direct.

    ACCOUNT delegates to the account, whose own policies must allow too. ROLE is a grant to the role of a session (or to
    the user who made a federated one), within the limits of permissions boundary and session policy. DIRECT is a grant
    to the very principal that asks, or to everyone.

    Source: IAM User Guide, "Policy evaluation logic", resource-based policies and implicit denies.
    """

    ACCOUNT = 1
    ROLE = 2
    DIRECT = 3


_ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)
_ROOT = re.compile(r"arn:aws:iam::(\d{12}):root", re.ASCII)
_PRINCIPAL_ARN = re.compile(
    r"arn:aws:iam::\d{12}:(?:user|role)/[!-~]*[^/*?\s]"
    r"|arn:aws:sts::\d{12}:assumed-role/[\w+=,.@-]+/[\w+=,.@-]+"
    r"|arn:aws:sts::\d{12}:federated-user/[\w+=,.@-]+",
    re.ASCII,
)
# What IAM shows in place of the ARN of a user or role that was deleted and perhaps made anew.
_UNIQUE_ID = re.compile(r"A(?:IDA|ROA)[A-Z0-9]{12,28}", re.ASCII)
_SERVICE = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.amazonaws\.com", re.ASCII)


def is_valid(principal: PolicyPrincipal) -> bool:
    """Whether a policy may name this principal: no wildcard within a name, no ARN of something that cannot ask."""
    value = principal.value
    match principal.type:
        case PrincipalType.EVERYONE:
            return value == "*"
        case PrincipalType.SERVICE:
            return _SERVICE.fullmatch(value) is not None
        case PrincipalType.FEDERATED:
            return value != "" and "*" not in value
    return value == "*" or _is_aws_principal(value)


def _is_aws_principal(value: str) -> bool:
    if "*" in value or "?" in value:
        return False
    return any(form.fullmatch(value) for form in (_ACCOUNT_ID, _ROOT, _PRINCIPAL_ARN, _UNIQUE_ID))


@dataclass(frozen=True, slots=True, kw_only=True)
class PrincipalSet:
    """The principals of one element, sorted for looking up."""

    is_everyone: bool
    accounts: frozenset[str]
    names: frozenset[str]
    services: frozenset[str]
    providers: frozenset[str] = frozenset()

    def match(self, principal: Asker) -> NamedAs | None:
        """How this element names the principal, most directly; None when it does not.

        `*` is everyone, services and anonymous requests included.
        """
        if self.is_everyone:
            return NamedAs.DIRECT
        match principal:
            case AssumedRole():
                if self.names and principal.arn in self.names:
                    return NamedAs.DIRECT
                if self.names and self._names_role(principal):
                    return NamedAs.ROLE
                return NamedAs.ACCOUNT if principal.account_id in self.accounts else None
            case IamUser():
                if self.names and self._names_user(principal):
                    return NamedAs.DIRECT
                return NamedAs.ACCOUNT if principal.account_id in self.accounts else None
            case FederatedUser():
                if principal.arn in self.names:
                    return NamedAs.DIRECT
                if principal.issuer is not None and self._names_user(principal.issuer):
                    return NamedAs.ROLE
                return NamedAs.ACCOUNT if principal.account_id in self.accounts else None
            case AccountRoot():
                return NamedAs.DIRECT if principal.account_id in self.accounts else None
            case ServicePrincipal():
                return NamedAs.DIRECT if principal.name in self.services else None
            case ExternalIdentity():
                return NamedAs.DIRECT if principal.provider in self.providers else None
        return None

    def spares(self, principal: Asker) -> bool:
        """Whether NotPrincipal with these principals exempts this one.

        AWS checks the account first, then the user, or the role and its session; each must be listed, but the session,
        which its role stands for. For a federated session nothing stands.
        """
        match principal:
            case AssumedRole():
                return principal.account_id in self.accounts and self._names_role(principal)
            case IamUser():
                return principal.account_id in self.accounts and self._names_user(principal)
            case FederatedUser():
                return principal.account_id in self.accounts and principal.arn in self.names
        return self.match(principal) is not None

    def _names_role(self, principal: AssumedRole) -> bool:
        return str(principal.role_arn) in self.names or principal.role_id in self.names

    def _names_user(self, principal: IamUser) -> bool:
        return principal.arn in self.names or principal.user_id in self.names


def principal_set(principals: Iterable[PolicyPrincipal]) -> PrincipalSet:
    is_everyone = False
    accounts: set[str] = set()
    names: set[str] = set()
    services: set[str] = set()
    providers: set[str] = set()
    for principal in principals:
        value = principal.value
        if value == "*":
            is_everyone = True
        elif principal.type is PrincipalType.SERVICE:
            services.add(value)
        elif principal.type is PrincipalType.FEDERATED:
            providers.add(value)
        elif principal.type is PrincipalType.AWS:
            root = _ROOT.fullmatch(value)
            if root:
                accounts.add(root.group(1))
            elif _ACCOUNT_ID.fullmatch(value):
                accounts.add(value)
            else:
                names.add(value)
    return PrincipalSet(
        is_everyone=is_everyone,
        accounts=frozenset(accounts),
        names=frozenset(names),
        services=frozenset(services),
        providers=frozenset(providers),
    )
