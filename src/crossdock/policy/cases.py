"""Decisions kept as data: a request, its policies and the verdict that a person expects.

A case is a JSON object; a file holds one or a list of them:

    {"name", "request": {"principal", "federatedBy", "action", "resource", "resourceAccount",
                         "context": {"key": "v" | ["v"]}},
     "identityPolicies": [], "permissionBoundaries": [], "sessionPolicies": [], "resourcePolicy": {} | null,
     "serviceControlPolicies": [[]], "resourceControlPolicies": [[]], "endpointPolicies": [],
     "publicAccessBlock": {"RestrictPublicBuckets": true} | null,
     "expected": "Allowed" | "ImplicitlyDenied" | "ExplicitlyDenied"}

List elements are policy documents or `{"name", "policy"}`.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from crossdock.core.arns import parse_arn
from crossdock.core.errors import CrossdockError, InvalidArn
from crossdock.core.principals import (
    AccountRoot,
    Anonymous,
    Asker,
    AssumedRole,
    ExternalIdentity,
    FederatedUser,
    IamUser,
    ServicePrincipal,
)
from crossdock.policy.document import PolicyKind, parse_policy
from crossdock.policy.evaluate import (
    AccessRequest,
    Decision,
    NamedPolicy,
    PolicySet,
    PublicAccessBlock,
    Verdict,
    context_of,
    evaluate,
    evaluate_key,
    evaluate_trust,
)
from crossdock.policy.refusals import MalformedPolicy


class MalformedCase(CrossdockError):
    """A case that says nothing which could be decided; the message names the case and what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    name: str
    request: AccessRequest
    policies: PolicySet
    expected: Verdict

    def decide(self) -> Decision:
        if self.request.is_about_trust:
            return evaluate_trust(self.request, self.policies.resource, self.policies)
        if self.request.is_about_key:
            return evaluate_key(self.request, self.policies.resource, self.policies)
        return evaluate(self.request, self.policies)


_EXPECTED = (Verdict.ALLOW, Verdict.IMPLICIT_DENY, Verdict.EXPLICIT_DENY)
_MEMBERS = (
    "name",
    "request",
    "identityPolicies",
    "permissionBoundaries",
    "sessionPolicies",
    "resourcePolicy",
    "serviceControlPolicies",
    "resourceControlPolicies",
    "endpointPolicies",
    "publicAccessBlock",
    "expected",
)
_REQUEST_MEMBERS = ("principal", "federatedBy", "action", "resource", "resourceAccount", "context")


def parse_cases(text: str) -> tuple[Case, ...]:
    """Read a case file.

    Raises:
        MalformedCase: with the name of the first case that cannot be read.
    """
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise MalformedCase(f"not JSON: {error}") from error
    return tuple(_case(one) for one in (document if isinstance(document, list) else [document]))


def _case(source: object) -> Case:
    members = _object(source, "a case")
    name = members.get("name")
    if not isinstance(name, str):
        raise MalformedCase("a case has no name")
    try:
        return _read_case(name, members)
    except MalformedPolicy as error:
        raise MalformedCase(f"{name}: {error.message} {error.detail}".rstrip()) from error
    except MalformedCase as error:
        raise MalformedCase(f"{name}: {error}") from error


def _read_case(name: str, members: Mapping[str, object]) -> Case:
    _only(members, _MEMBERS)
    request = _request(_object(members.get("request"), "request"))
    resource = members.get("resourcePolicy")
    policies = PolicySet(
        identity=_policies(members, "identityPolicies", PolicyKind.IDENTITY),
        boundary=_policies(members, "permissionBoundaries", PolicyKind.BOUNDARY),
        session=_policies(members, "sessionPolicies", PolicyKind.SESSION),
        resource=None if resource is None else _policy(resource, "resourcePolicy", _kind_of_resource_policy(request)),
        service_control=_levels(members, "serviceControlPolicies", PolicyKind.SERVICE_CONTROL),
        resource_control=_levels(members, "resourceControlPolicies", PolicyKind.RESOURCE_CONTROL),
        endpoint=_policies(members, "endpointPolicies", PolicyKind.ENDPOINT),
        public_access=_public_access(members.get("publicAccessBlock")),
    )
    expected = members.get("expected")
    if expected not in _EXPECTED:
        raise MalformedCase(f"expected is none of {', '.join(_EXPECTED)}")
    return Case(name=name, request=request, policies=policies, expected=Verdict(str(expected)))


def _kind_of_resource_policy(request: AccessRequest) -> PolicyKind:
    if request.is_about_trust:
        return PolicyKind.TRUST
    return PolicyKind.KEY if request.is_about_key else PolicyKind.RESOURCE


def _public_access(source: object) -> PublicAccessBlock | None:
    """S3's four settings by their names in the API; one that is left out is not set."""
    if source is None:
        return None
    members = _object(source, "publicAccessBlock")
    _only(members, _SETTINGS)
    for name, value in members.items():
        if not isinstance(value, bool):
            raise MalformedCase(f"publicAccessBlock {name} is neither true nor false")
    return PublicAccessBlock(**{_SETTINGS[name]: value is True for name, value in members.items()})


_SETTINGS = {
    "BlockPublicAcls": "block_public_acls",
    "IgnorePublicAcls": "ignore_public_acls",
    "BlockPublicPolicy": "block_public_policy",
    "RestrictPublicBuckets": "restrict_public_buckets",
}


def _request(members: Mapping[str, object]) -> AccessRequest:
    _only(members, _REQUEST_MEMBERS)
    values: dict[str, tuple[str, ...]] = {}
    for key, value in _object(members.get("context", {}), "context").items():
        listed = value if isinstance(value, list) else [value]
        texts = tuple(one for one in listed if isinstance(one, str))
        if len(texts) < len(listed):
            raise MalformedCase(f"context {key} is neither a text nor a list of texts")
        values[key] = texts
    given = {key.lower(): texts[0] for key, texts in values.items() if texts}
    principal = parse_principal(
        _text(members, "principal"),
        user_id=given.get("aws:userid", ""),
        principal_arn=given.get("aws:principalarn", ""),
    )
    if "federatedBy" in members:
        principal = _federated(principal, _text(members, "federatedBy"))
    request = AccessRequest(
        principal=principal,
        action=_text(members, "action"),
        resource=_text(members, "resource"),
        resource_account=_text(members, "resourceAccount"),
        context=context_of(values, principal=principal),
    )
    if isinstance(principal, ExternalIdentity) and not request.is_about_trust:
        raise MalformedCase(f"whom {principal.provider} vouches for can only assume a role")
    return request


def _federated(principal: Asker, by: str) -> FederatedUser:
    issuer = parse_principal(by)
    if not isinstance(principal, FederatedUser):
        raise MalformedCase("federatedBy is for a principal that is a federated user")
    if not isinstance(issuer, IamUser) or issuer.account_id != principal.account_id:
        raise MalformedCase(f"federatedBy is no user of account {principal.account_id}: {by!r}")
    return replace(principal, issuer=issuer)


_ACCOUNT_ID = re.compile(r"\d{12}", re.ASCII)
_KNOWN_PROVIDERS = ("accounts.google.com", "cognito-identity.amazonaws.com", "graph.facebook.com", "www.amazon.com")
"""Identity providers that a trust policy names by their domain ("Principal", OIDC federated principals)."""


def parse_principal(text: str, *, user_id: str = "", principal_arn: str = "") -> Asker:
    """Who is meant by an ARN, an account id, a service's name, an identity provider's or `*`.

    The ARN of a role stands for a session of it, an identity provider's for whom it vouches. `user_id` is `aws:userid`,
    which no ARN tells; `principal_arn` is `aws:PrincipalArn`, which tells the path of an assumed role.

    Raises:
        MalformedCase: anything else.
    """
    if text == "*":
        return Anonymous()
    if _ACCOUNT_ID.fullmatch(text):
        return AccountRoot(account_id=text)
    if text in _KNOWN_PROVIDERS:
        return ExternalIdentity(provider=text)
    if text.endswith(".amazonaws.com") and ":" not in text:
        return ServicePrincipal(name=text)
    try:
        arn = parse_arn(text)
    except InvalidArn as error:
        raise MalformedCase(f"no principal: {text!r}") from error
    kind, _, name = arn.resource.partition("/")
    match arn.service, kind:
        case "iam", "root":
            return AccountRoot(account_id=arn.account_id)
        case "iam", "user" if name:
            path, _, user_name = f"/{name}".rpartition("/")
            return IamUser(account_id=arn.account_id, user_name=user_name, user_id=user_id, path=f"{path}/")
        case "iam", "role" if name:
            return AssumedRole(role_arn=arn, role_id=user_id.partition(":")[0], session_name="session")
        case "iam", "oidc-provider" | "saml-provider" if name:
            return ExternalIdentity(provider=text)
        case "sts", "federated-user" if name and "/" not in name:
            return FederatedUser(account_id=arn.account_id, session_name=name)
        case "sts", "assumed-role" if "/" in name:
            role_name, _, session_name = name.partition("/")
            role_arn = f"arn:{arn.partition}:iam::{arn.account_id}:role/"
            is_its_role = principal_arn.startswith(role_arn) and principal_arn.endswith(f"/{role_name}")
            role = parse_arn(principal_arn if is_its_role else role_arn + role_name)
            return AssumedRole(role_arn=role, role_id=user_id.partition(":")[0], session_name=session_name)
        case _:
            raise MalformedCase(f"no principal that can ask: {text!r}")


def _levels(members: Mapping[str, object], name: str, kind: PolicyKind) -> tuple[tuple[NamedPolicy, ...], ...]:
    return tuple(
        _listed_policies(level, f"{name} {number}", kind) for number, level in enumerate(_list(members, name), start=1)
    )


def _policies(members: Mapping[str, object], name: str, kind: PolicyKind) -> tuple[NamedPolicy, ...]:
    return _listed_policies(_list(members, name), name, kind)


def _listed_policies(listed: object, name: str, kind: PolicyKind) -> tuple[NamedPolicy, ...]:
    if not isinstance(listed, list):
        raise MalformedCase(f"{name} is no list")
    return tuple(_policy(one, f"{name} {number}", kind) for number, one in enumerate(listed, start=1))


def _policy(source: object, name: str, kind: PolicyKind) -> NamedPolicy:
    members = _object(source, name)
    given = members.get("name")
    if "policy" in members and isinstance(given, str):
        _only(members, ("name", "policy"))
        return NamedPolicy(name=given, policy=parse_policy(_object(members["policy"], given), kind))
    return NamedPolicy(name=name, policy=parse_policy(members, kind))


def _object(source: object, name: str) -> Mapping[str, object]:
    if not isinstance(source, dict):
        raise MalformedCase(f"{name} is no JSON object")
    return source


def _list(members: Mapping[str, object], name: str) -> list[object]:
    listed = members.get(name, [])
    if not isinstance(listed, list):
        raise MalformedCase(f"{name} is no list")
    return listed


def _text(members: Mapping[str, object], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise MalformedCase(f"the request has no {name}")
    return value


def _only(members: Mapping[str, object], known: Collection[str]) -> None:
    for name in members:
        if name not in known:
            raise MalformedCase(f"unknown member {name!r}")
