"""Who calls, from where, and the condition keys that follow from it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

from crossdock.core.principals import AccountRoot, Anonymous, AssumedRole, IamUser, Principal, ServicePrincipal
from crossdock.policy.evaluate import NamedPolicy

Context = Mapping[str, tuple[str, ...]]
"""Condition keys and their values, as `policy.evaluate` takes them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A principal with what its credentials add.

    `session_policies` narrow an assumed role; `issued_at` and `expires_at` are when its credentials began and end.
    `source_arn` and `source_account` name the resource for which a service acts (a Transfer server, say), and who owns
    it.
    """

    principal: Principal
    session_policies: tuple[NamedPolicy, ...] = ()
    access_key_id: str = ""
    issued_at: datetime | None = None
    expires_at: datetime | None = None
    source_arn: str = ""
    source_account: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a call came from. `via` is the road: `api`, a file protocol's name, or the service that calls on behalf."""

    source_ip: str = ""
    is_secure: bool = False
    user_agent: str = ""
    via: str = "api"


def global_context(caller: Caller, origin: Origin, *, region: str, now: datetime) -> dict[str, tuple[str, ...]]:
    """The global condition keys of a request.

    A key whose value is not known is absent, which `Null` and `…IfExists` can see.

    Source: IAM User Guide, "AWS global condition context keys".
    """
    principal = caller.principal
    context: dict[str, tuple[str, ...]] = {
        "aws:CurrentTime": (_date(now),),
        "aws:EpochTime": (str(int(now.timestamp())),),
        "aws:SecureTransport": (_bool(origin.is_secure),),
        "aws:RequestedRegion": (region,),
        "aws:PrincipalIsAWSService": (_bool(isinstance(principal, ServicePrincipal)),),
    }
    if principal_type := _principal_type(principal):
        context["aws:PrincipalType"] = (principal_type,)
    if origin.source_ip:
        context["aws:SourceIp"] = (origin.source_ip,)
    if origin.user_agent:
        context["aws:UserAgent"] = (origin.user_agent,)
    if caller.issued_at is not None:
        context["aws:TokenIssueTime"] = (_date(caller.issued_at),)
    if caller.source_arn:
        context["aws:SourceArn"] = (caller.source_arn,)
    if caller.source_account:
        context["aws:SourceAccount"] = (caller.source_account,)
    for key, value in caller.tags.items():
        context[f"aws:PrincipalTag/{key}"] = (value,)
    match principal:
        case ServicePrincipal(name=name):
            context["aws:PrincipalServiceName"] = (name,)
        case IamUser(user_name=user_name):
            context["aws:username"] = (user_name,)
        case AccountRoot() | AssumedRole() | Anonymous():
            pass
        case _:
            assert_never(principal)
    if principal.account_id:
        context["aws:PrincipalAccount"] = (principal.account_id,)
        context["aws:PrincipalArn"] = (
            str(principal.role_arn) if isinstance(principal, AssumedRole) else principal.arn,
        )
    if principal.user_id:
        context["aws:userid"] = (principal.user_id,)
    return context


class CallContext(Mapping[str, tuple[str, ...]]):
    """The `global_context` of a call, made when somebody looks into it: a decision that is known needs none."""

    __slots__ = ("_made", "caller", "now", "origin", "region")

    def __init__(self, caller: Caller, origin: Origin, *, region: str, now: datetime) -> None:
        self.caller = caller
        self.origin = origin
        self.region = region
        self.now = now
        self._made: Context | None = None

    def __getitem__(self, key: str) -> tuple[str, ...]:
        return self.made()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.made())

    def __len__(self) -> int:
        return len(self.made())

    def made(self) -> Context:
        if self._made is None:
            self._made = global_context(self.caller, self.origin, region=self.region, now=self.now)
        return self._made


def _date(moment: datetime) -> str:
    return f"{moment.isoformat(timespec='seconds')[:19]}Z"


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _principal_type(principal: Principal) -> str:
    """Empty for a service, of which the guide gives no value."""
    match principal:
        case AccountRoot():
            return "Account"
        case IamUser():
            return "User"
        case AssumedRole():
            return "AssumedRole"
        case ServicePrincipal():
            return ""
        case Anonymous():
            return "Anonymous"
        case _:
            assert_never(principal)
