"""What to do about a denial, in a few words, where there is no room for the statement itself."""

from crossdock.core.arns import parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.core.principals import ServicePrincipal
from crossdock.policy.decision import Decision
from crossdock.policy.fixes import AddStatement, Fix, find_fixes
from crossdock.policy.requests import Layer


def remedy_of(decision: Decision) -> str:
    """Every fix of a decision, each in its account; empty for what is allowed, is missing or cannot be decided.

    A statement that a function's policy lacks is given as the command that adds it, for nobody writes such a policy.
    """
    if decision.request.is_missing:
        return ""
    return "; and ".join(f"in account {fix.account_id}, {_words(fix, decision)}" for fix in find_fixes(decision))


def _words(fix: Fix, decision: Decision) -> str:
    request, principal = decision.request, decision.request.principal
    if (
        not isinstance(fix.change, AddStatement)
        or fix.layer is not Layer.RESOURCE
        or not isinstance(principal, ServicePrincipal)
        or not _is_function(request.resource)
    ):
        return fix.sentence
    options = {
        "function-name": request.resource,
        "statement-id": fix.change.statement["Sid"],
        "action": request.action,
        "principal": principal.name,
    }
    for option, key in (("source-account", "aws:sourceaccount"), ("source-arn", "aws:sourcearn")):
        if len(values := request.context.get(key, ())) == 1:
            options[option] = values[0]
    return "aws lambda add-permission " + " ".join(f"--{option} {value}" for option, value in options.items())


def _is_function(resource: str) -> bool:
    try:
        return parse_arn(resource).service == "lambda"
    except InvalidArn:
        return False
