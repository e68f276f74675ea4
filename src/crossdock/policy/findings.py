"""What each kind of policy says to a request, with the statement that says it: a row for each layer, for people."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from crossdock.policy.decision import Decision
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
    """`policy` and `statement` name what decided, and are empty where nothing did; `account_id` owns the policy."""

    layer: Layer
    saying: Saying
    account_id: str
    policy: str = ""
    statement: str = ""
    is_blocking: bool = False


_ORDER = (Layer.SERVICE_CONTROL, Layer.IDENTITY, Layer.BOUNDARY, Layer.SESSION, Layer.RESOURCE)


def find_by_layer(decision: Decision) -> tuple[Finding, ...]:
    """One finding for each layer, in the order in which they are evaluated."""
    reasons = decision.reasons
    return tuple(_finding(layer, decision, [one for one in reasons if one.layer is layer]) for layer in _ORDER)


def _finding(layer: Layer, decision: Decision, reasons: Sequence[Reason]) -> Finding:
    request = decision.request
    account = request.resource_account if layer is Layer.RESOURCE else request.principal.account_id
    said, reason = _said(layer, decision, reasons)
    return Finding(
        layer=layer,
        saying=said,
        account_id=account,
        policy=reason.policy if reason else "",
        statement=reason.statement if reason else "",
        is_blocking=layer in decision.withheld_by,
    )


def _said(layer: Layer, decision: Decision, reasons: Sequence[Reason]) -> tuple[Saying, Reason | None]:
    if layer in decision.policies.unreadable:
        return Saying.UNKNOWN, None
    for effect, saying in ((Effect.DENY, Saying.DENIES), (Effect.ALLOW, Saying.ALLOWS)):
        found = next((one for one in reasons if one.applies and one.effect is effect), None)
        # Of service control policies every level has to allow, so one that does is not enough.
        if found is not None and not (saying is Saying.ALLOWS and layer in decision.withheld_by):
            return saying, found
    return (Saying.IS_SILENT if reasons or layer in decision.withheld_by else Saying.NOTHING), None
