"""The answer to a request: never a bare yes or no."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NoReturn

from crossdock.policy.reasons import Reason, find_reasons
from crossdock.policy.requests import AccessRequest, Layer, PolicySet
from crossdock.policy.sentences import explain_allow, explain_explicit_deny, explain_implicit_deny, explain_unknown


class Verdict(StrEnum):
    """UNKNOWN is for a layer that could not be read: it is no permission."""

    ALLOW = "Allowed"
    EXPLICIT_DENY = "ExplicitlyDenied"
    IMPLICIT_DENY = "ImplicitlyDenied"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A verdict, with everything that led to it.

    `withheld_by` are the layers that deny, or that do not allow although they must; the first is `blocked_by`. The
    reasons are found when they are asked for, so that a decision nobody questions costs little.
    """

    verdict: Verdict
    same_account: bool
    withheld_by: tuple[Layer, ...] = ()
    request: AccessRequest = field(repr=False)
    policies: PolicySet = field(repr=False)

    def __bool__(self) -> NoReturn:
        raise TypeError("a Decision is no truth value: ask for is_allowed")

    @property
    def is_allowed(self) -> bool:
        return self.verdict is Verdict.ALLOW

    @property
    def blocked_by(self) -> Layer | None:
        return self.withheld_by[0] if self.withheld_by else None

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Statement by statement, over every policy that bears on the request."""
        return find_reasons(self.request, self.policies)

    def explain(self) -> str:
        """One sentence, without a capital and without a full stop, to stand after "because"."""
        match self.verdict:
            case Verdict.ALLOW:
                return explain_allow(self.request, self.reasons)
            case Verdict.EXPLICIT_DENY:
                return explain_explicit_deny(self.request, self.reasons)
            case Verdict.IMPLICIT_DENY:
                return explain_implicit_deny(self.request, self.policies, self.withheld_by, self.reasons)
        return explain_unknown(self.request, self.policies.unreadable)

    def sentences(self) -> tuple[str, ...]:
        """The same with a sentence for each layer that had to allow and did not."""
        if self.verdict is not Verdict.IMPLICIT_DENY:
            return (self.explain(),)
        reasons = self.reasons
        return tuple(
            explain_implicit_deny(self.request, self.policies, (layer,), reasons) for layer in self.withheld_by
        )
