"""Trust that hangs on an ExternalId which the asker did not send: nothing is missing in the role's policy."""

from dataclasses import replace

from crossdock.core.principals import AssumedRole, IamUser
from crossdock.policy.decision import Decision
from crossdock.policy.requests import Layer
from crossdock.policy.rewriting import decide_again
from crossdock.policy.statements import Effect

_KEY = "sts:externalid"


def sent_external_id(decision: Decision) -> str:
    return next(iter(decision.request.context.get(_KEY, ())), "")


def statement_with_external_id(decision: Decision) -> str:
    """The Sid or number of the trust policy's statement that would let the asker in with the ExternalId that it names.

    Empty where there is none. What was sent, if anything, is another one.
    """
    request, trust = decision.request, decision.policies.resource
    is_asked_for = request.is_about_trust and isinstance(request.principal, AssumedRole | IamUser)
    if not is_asked_for or trust is None:
        return ""
    for number, statement in enumerate(trust.policy.statements, start=1):
        named = (value for one in statement.conditions if one.key.lower() == _KEY for value in one.values)
        for value in named if statement.effect is Effect.ALLOW else ():
            with_it = replace(decision, request=replace(request, context={**request.context, _KEY: (value,)}))
            if Layer.RESOURCE not in decide_again(with_it, decision.policies).withheld_by:
                return statement.sid or str(number)
    return ""
