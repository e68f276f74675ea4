"""An explanation as JSON, for `crossdock explain -o json` and whoever scripts against it."""

from collections.abc import Mapping
from typing import Any, assert_never

from crossdock.files.explanations import Explanation, Step
from crossdock.policy.findings import find_by_layer
from crossdock.policy.fixes import AddStatement, Fix, InWords, RemoveStatement, ReplaceValue


def explanation_json(explanation: Explanation) -> Mapping[str, Any]:
    return {
        "serverId": explanation.server_id,
        "userName": explanation.username,
        "request": explanation.request,
        "outcome": explanation.outcome,
        "conclusion": explanation.conclusion,
        "steps": [_step(step) for step in explanation.steps],
        "fixes": [_fix(fix) for fix in explanation.fixes],
        **({"notSeen": list(explanation.not_seen)} if explanation.not_seen else {}),
    }


def _step(step: Step) -> Mapping[str, Any]:
    layers = find_by_layer(step.decision) if step.decision is not None else ()
    return {
        "step": step.name,
        "outcome": step.outcome,
        "needed": step.is_needed,
        "subject": step.subject,
        "reason": step.reason,
        "remedy": step.remedy,
        "layers": [
            {
                "layer": finding.layer,
                "says": finding.saying,
                "account": finding.account_id,
                "policy": finding.policy,
                "statement": finding.statement,
                "blocking": finding.is_blocking,
                **({"why": finding.why} if finding.why else {}),
            }
            for finding in layers
        ],
    }


def _fix(fix: Fix) -> Mapping[str, Any]:
    where = {
        "account": fix.account_id,
        "layer": fix.layer,
        "attachedTo": fix.attached_to,
        "policy": fix.policy,
        "sentence": fix.sentence,
    }
    change = fix.change
    match change:
        case AddStatement():
            return {**where, "change": "add-statement", "statement": change.statement}
        case RemoveStatement():
            return {**where, "change": "remove-statement", "sid": change.sid, "number": change.number}
        case ReplaceValue():
            return {
                **where,
                "change": "replace-condition-value",
                "sid": change.sid,
                "number": change.number,
                "operator": change.operator,
                "key": change.key,
                "old": change.old,
                "new": change.new,
            }
        case InWords():
            return {**where, "change": "in-words"}
        case _:
            assert_never(change)
