"""What each kind of policy says to a request, with the statement that says it: a row for each layer, for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from crossdock.policy.decision import Decision
from crossdock.policy.fix_places import account_of
from crossdock.policy.public_access import keeps_out
from crossdock.policy.reasons import Reason
from crossdock.policy.requests import Layer
from crossdock.policy.statements import Effect


class Saying(StrEnum):
    """What a layer says. Where NOTHING is there, a boundary limits nothing and a bucket policy allows nothing."""

    ALLOWS = "allows"
    DENIES = "denies"
    IS_SILENT = "does not allow"
    NOTHING = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`policy` and `statement` name what decided, and are empty where nothing did.

    `account_id` owns the policy, or is the account that an organisation's policies bind. Of a VPC endpoint it is the
    caller's, unless the endpoint's ARN says otherwise. `why` is for what is UNKNOWN, where somebody knows that.
    """

    layer: Layer
    saying: Saying
    account_id: str
    policy: str = ""
    statement: str = ""
    is_blocking: bool = False
    why: str = ""


_ALWAYS = (Layer.SERVICE_CONTROL, Layer.IDENTITY, Layer.BOUNDARY, Layer.SESSION, Layer.RESOURCE)
_OF_RESOURCE = (Layer.RESOURCE_CONTROL, Layer.RESOURCE, Layer.PUBLIC_ACCESS)


def find_by_layer(decision: Decision) -> tuple[Finding, ...]:
    """One finding for each layer, in the order in which they are evaluated.

    Resource control policies, a VPC endpoint and Block Public Access have one only where they are or may be.
    """
    reasons = decision.reasons
    policies = decision.policies
    is_there = {
        Layer.RESOURCE_CONTROL: policies.resource_control,
        Layer.ENDPOINT: policies.endpoint,
        Layer.PUBLIC_ACCESS: policies.public_access,
    }
    return tuple(
        _finding(layer, decision, [one for one in reasons if one.layer is layer])
        for layer in Layer
        if layer in _ALWAYS or is_there[layer] or layer in policies.unreadable
    )


def _finding(layer: Layer, decision: Decision, reasons: Sequence[Reason]) -> Finding:
    request = decision.request
    account = request.resource_account if layer in _OF_RESOURCE else request.principal.account_id
    if layer is Layer.ENDPOINT:
        account = next(filter(None, (account_of(one.name) for one in decision.policies.endpoint)), account)
    said, reason = _said(layer, decision, reasons)
    return Finding(
        layer=layer,
        saying=said,
        account_id=account,
        policy=reason.policy if reason else "",
        statement=reason.statement if reason else "",
        is_blocking=layer in decision.withheld_by,
        why=" and ".join(one.why for one in decision.policies.unread if one.layer is layer),
    )


def _said(layer: Layer, decision: Decision, reasons: Sequence[Reason]) -> tuple[Saying, Reason | None]:
    if layer in decision.policies.unreadable:
        return Saying.UNKNOWN, None
    if layer is Layer.PUBLIC_ACCESS:
        return (Saying.IS_SILENT if keeps_out(decision.request, decision.policies) else Saying.ALLOWS), None
    for effect, saying in ((Effect.DENY, Saying.DENIES), (Effect.ALLOW, Saying.ALLOWS)):
        found = next((one for one in reasons if one.applies and one.effect is effect), None)
        # Of an organisation's policies every level has to allow, so one that does is not enough.
        if found is not None and not (saying is Saying.ALLOWS and layer in decision.withheld_by):
            return saying, found
    return (Saying.IS_SILENT if reasons or layer in decision.withheld_by else Saying.NOTHING), None
