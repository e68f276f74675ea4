"""Where the policy is that a fix is about: in which account, what carries it, and what people call it."""

from crossdock.core.arns import parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.core.principals import Asker, AssumedRole, FederatedUser, IamUser
from crossdock.policy.decision import Decision
from crossdock.policy.requests import Layer, NamedPolicy, PolicySet, is_key

NEW_POLICY = "file-transfer"
"""The name of an inline policy where a role has none that could be added to."""
TRUST_POLICY = "trust policy"
MANAGEMENT_ACCOUNT = "000000000000"
"""Where an organisation's policies live, unless an ARN of the organisation names another account."""

ORGANISATION = (Layer.RESOURCE_CONTROL, Layer.SERVICE_CONTROL)


def listed_in(layer: Layer, policies: PolicySet) -> tuple[NamedPolicy, ...]:
    match layer:
        case Layer.IDENTITY:
            return policies.identity
        case Layer.BOUNDARY:
            return policies.boundary
        case Layer.SESSION:
            return policies.session
        case Layer.ENDPOINT:
            return policies.endpoint
        case Layer.RESOURCE:
            return (policies.resource,) if policies.resource else ()
    return tuple(named for level in _levels(layer, policies) for named in level)


def to_add_to(layer: Layer, policies: PolicySet) -> str:
    """The name of the policy that a statement is best added to."""
    listed = listed_in(layer, policies)
    if layer is Layer.IDENTITY:
        # A managed policy may be attached to others, and AWS's own cannot be changed.
        return next((one.name for one in listed if not one.name.startswith("arn:")), NEW_POLICY)
    names = [one.name for one in listed]
    return next((name for name in names if not is_of_aws(name)), names[0] if names else "")


def place_of(layer: Layer, decision: Decision, policy: str) -> tuple[str, str, str]:
    """In which account a policy of this layer is, what carries it, and what it is called there."""
    request = decision.request
    principal = request.principal
    if layer is Layer.RESOURCE and request.is_about_trust:
        return request.resource_account, request.resource, TRUST_POLICY
    if layer in (Layer.RESOURCE, Layer.PUBLIC_ACCESS):
        return request.bucket_account or request.resource_account, _carrier(request.resource), ""
    if layer in ORGANISATION:
        levels = _levels(layer, decision.policies)
        number = next((number for number, level in enumerate(levels) if policy in {one.name for one in level}), 0)
        return management_account(layer, decision.policies), target_of(layer, number, decision), policy
    if layer is Layer.ENDPOINT:
        return account_of(policy) or principal.account_id, policy, ""
    if layer is Layer.SESSION and isinstance(principal, FederatedUser):
        return principal.account_id, principal.arn, policy
    return principal.account_id, _holder(principal), policy


def _holder(principal: Asker) -> str:
    """Whose the policies of a principal are: a session's are its role's, or those of the user who made it."""
    match principal:
        case AssumedRole(role_arn=role_arn):
            return str(role_arn)
        case FederatedUser(issuer=IamUser(arn=arn)):
            return arn
    return principal.arn


def management_account(layer: Layer, policies: PolicySet) -> str:
    """Of the organisation whose policies these are, as far as one of its ARNs tells."""
    targets = policies.service_control_targets if layer is Layer.SERVICE_CONTROL else policies.resource_control_targets
    names = (*targets, *(named.name for named in listed_in(layer, policies)))
    return next(filter(None, map(account_of, names)), MANAGEMENT_ACCOUNT)


def closed_levels(layer: Layer, decision: Decision) -> tuple[int, ...]:
    """The levels of an organisation, from 0, of which no policy allows the request."""
    request = decision.request
    action = request.action.lower()
    return tuple(
        number
        for number, level in enumerate(_levels(layer, decision.policies))
        if not any(
            one.applies(action, request.resource, request.context) for named in level for one in named.policy.allows
        )
    )


def target_of(layer: Layer, number: int, decision: Decision) -> str:
    """What the policies of a level are attached to: its id or ARN, or a description where nobody knows that."""
    is_service_control = layer is Layer.SERVICE_CONTROL
    policies, request = decision.policies, decision.request
    targets = policies.service_control_targets if is_service_control else policies.resource_control_targets
    if number < len(targets):
        return targets[number]
    bound = request.principal.account_id if is_service_control else request.resource_account
    return bound if number == len(_levels(layer, policies)) - 1 else f"level {number + 1} above account {bound}"


def called(layer: Layer, attached_to: str, policy: str) -> str:
    name = attached_to.rpartition(":")[2].rpartition("/")[2]
    match layer:
        case Layer.RESOURCE if attached_to.startswith("arn:aws:s3:::"):
            return f"the bucket policy of {name}"
        case Layer.RESOURCE if policy == TRUST_POLICY:
            return f"the trust policy of role {name}"
        case Layer.RESOURCE if is_key(attached_to):
            return f"the key policy of key/{name}"
        case Layer.RESOURCE if attached_to.startswith("arn:aws:lambda:"):
            return f"the policy of function {name}"
        case Layer.RESOURCE:
            return f"the policy of {attached_to}"
        case Layer.SESSION if ":federated-user/" in attached_to:
            return f"the session policy that GetFederationToken is given for {name}"
        case Layer.SESSION:
            return "the session policy, which the identity provider answers (or the user has) as Policy"
        case Layer.BOUNDARY:
            return f"the permissions boundary {policy} of {name}"
        case Layer.ENDPOINT:
            return f"the policy of VPC endpoint {name}"
        case Layer.PUBLIC_ACCESS:
            return f"Block Public Access of bucket {name}"
        case Layer.SERVICE_CONTROL | Layer.RESOURCE_CONTROL:
            return f"the {layer} {policy or 'made before'}, attached to {level_called(attached_to)}"
    return f"the policy {policy} of {name}"


def level_called(target: str) -> str:
    return f"account {target}" if target.isdigit() else target


def account_of(name: str) -> str:
    """The account in an ARN; empty for a bare name, and for what AWS itself owns."""
    try:
        account = parse_arn(name).account_id
    except InvalidArn:
        return ""
    return account if account.isdigit() else ""


def is_of_aws(name: str) -> bool:
    """Whether a policy's name is the ARN of one that AWS manages."""
    return ":aws:policy/" in name and name.startswith("arn:")


def _levels(layer: Layer, policies: PolicySet) -> tuple[tuple[NamedPolicy, ...], ...]:
    match layer:
        case Layer.SERVICE_CONTROL:
            return policies.service_control
        case Layer.RESOURCE_CONTROL:
            return policies.resource_control
    return ()


def _carrier(resource: str) -> str:
    """What has the policy that guards a resource: the bucket of an object."""
    try:
        arn = parse_arn(resource)
    except InvalidArn:
        return resource
    return f"arn:{arn.partition}:s3:::{arn.resource.partition('/')[0]}" if arn.service == "s3" else resource
