"""The statement that a fix adds: for one action, and for nobody but who asks."""

from collections.abc import Mapping

from crossdock.core.principals import (
    Anonymous,
    AssumedRole,
    ExternalIdentity,
    FederatedUser,
    IamUser,
    ServicePrincipal,
)
from crossdock.policy.decision import Decision
from crossdock.policy.fix_places import listed_in
from crossdock.policy.requests import AccessRequest, Layer

StatementJson = Mapping[str, object]


def statement_for(layer: Layer, decision: Decision, resources: tuple[str, ...]) -> StatementJson:
    request = decision.request
    statement: dict[str, object] = {"Sid": _sid(layer, decision), "Effect": "Allow"}
    condition: Mapping[str, object] = {}
    match layer:
        case Layer.RESOURCE:
            statement["Principal"] = _principal(request)
            condition = _condition(request)
        case Layer.ENDPOINT:
            # Source: VPC User Guide, "Principals for gateway endpoints": anything but * has to be a condition.
            statement["Principal"] = "*"
            condition = _endpoint_condition(request)
    statement["Action"] = request.action
    if layer is Layer.RESOURCE and request.is_about_key:
        statement["Resource"] = "*"  # the key itself: KMS Developer Guide, "Creating a key policy"
    elif not request.is_about_trust:
        statement["Resource"] = list(resources) if len(resources) > 1 else resources[0]
    if condition:
        statement["Condition"] = condition
    return statement


def _endpoint_condition(request: AccessRequest) -> Mapping[str, object]:
    match request.principal:
        case Anonymous():
            return {}
        case ServicePrincipal(name=name):
            return {"StringEquals": {"aws:PrincipalServiceName": name}}
        case AssumedRole(role_arn=role_arn):
            return {"StringEquals": {"aws:PrincipalArn": str(role_arn)}}
    return {"StringEquals": {"aws:PrincipalArn": request.principal.arn}}


def _principal(request: AccessRequest) -> Mapping[str, str]:
    match request.principal:
        case ServicePrincipal(name=name):
            return {"Service": name}
        case Anonymous():
            return {"AWS": "*"}
        case FederatedUser():
            return {"AWS": request.principal.arn}
        case ExternalIdentity(provider=provider):
            return {"Federated": provider}
        case AssumedRole(role_arn=role_arn) if request.is_about_trust:
            return {"AWS": str(role_arn)}
        case IamUser(arn=arn) if request.is_about_trust:
            return {"AWS": arn}
    return {"AWS": f"arn:aws:iam::{request.principal.account_id}:root"}


def _condition(request: AccessRequest) -> Mapping[str, object]:
    """Narrows the account to the one role, a service to whom it acts for, a provider to one identity.

    A trust policy names the role or user itself, and asks for the ExternalId that it is given.
    """
    match request.principal:
        case AssumedRole() | IamUser() if request.is_about_trust:
            external_id = request.context.get("sts:externalid")
            return {"StringEquals": {"sts:ExternalId": external_id[0]}} if external_id else {}
        case AssumedRole(role_arn=role_arn, role_id=""):
            return {"ArnEquals": {"aws:PrincipalArn": str(role_arn)}}
        case AssumedRole(role_id=role_id):
            return {"StringLike": {"aws:userId": f"{role_id}:*"}}
        case IamUser(user_id=user_id):
            return {"StringEquals": {"aws:userId": user_id}}
        case ServicePrincipal() if source := request.context.get("aws:sourceaccount"):
            return {"StringEquals": {"aws:SourceAccount": source[0]}}
        case ExternalIdentity():
            told = {key: values for key, values in request.context.items() if key.endswith((":aud", ":sub"))}
            named = {key: values[0] for key, values in sorted(told.items()) if len(values) == 1}
            return {"StringEquals": named} if named else {}
    return {}


def _sid(layer: Layer, decision: Decision) -> str:
    """Unlike any other of the policy."""
    name = "Allow" + "".join(filter(str.isalnum, decision.request.action.partition(":")[2]))
    taken = {statement.sid for named in listed_in(layer, decision.policies) for statement in named.policy.statements}
    return next(
        sid for number in range(len(taken) + 1) if (sid := f"{name}{number + 1 if number else ''}") not in taken
    )
