"""Every change that a fix can ask for, as scripts read it."""

import pytest

from crossdock.api.explanation import explanation_json
from crossdock.core.principals import AccountRoot
from crossdock.files.explanations import Explanation, Outcome, Step, decided
from crossdock.policy.evaluate import AccessRequest, Layer, PolicySet, UnreadLayer, evaluate
from crossdock.policy.fixes import AddStatement, Change, Fix, InWords, RemoveStatement, ReplaceValue

BUCKET = "arn:aws:s3:::inbox"
WHERE = {
    "account": "222222222222",
    "layer": "resource-based policy",
    "attachedTo": BUCKET,
    "policy": "",
    "sentence": "do so",
}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (AddStatement(statement={"Effect": "Allow"}), {"change": "add-statement", "statement": {"Effect": "Allow"}}),
        (RemoveStatement(sid="No", number=2), {"change": "remove-statement", "sid": "No", "number": 2}),
        (
            ReplaceValue(sid="", number=1, operator="StringLike", key="aws:userId", old="A:*", new="B:*"),
            {
                "change": "replace-condition-value",
                "sid": "",
                "number": 1,
                "operator": "StringLike",
                "key": "aws:userId",
                "old": "A:*",
                "new": "B:*",
            },
        ),
        (InWords(), {"change": "in-words"}),
    ],
)
def test_a_change_is_told_with_where_it_belongs(change: Change, expected: dict[str, object]) -> None:
    fix = Fix(
        account_id="222222222222",
        layer=Layer.RESOURCE,
        attached_to=BUCKET,
        policy="",
        change=change,
        sentence="do so",
    )
    step = Step(name="s3:PutObject", outcome=Outcome.DENIED, reason="it is denied", fixes=(fix,))
    explanation = Explanation(username="user2", server_id="s-1", request="put /a", steps=(step,))
    assert explanation_json(explanation)["fixes"] == [{**WHERE, **expected}]


def test_a_layer_that_could_not_be_read_says_why() -> None:
    request = AccessRequest(
        principal=AccountRoot(account_id="111111111111"),
        action="s3:PutObject",
        resource=f"{BUCKET}/a",
        resource_account="222222222222",
        context={},
    )
    unread = (UnreadLayer(layer=Layer.RESOURCE, why="no profile is given"),)
    decision = evaluate(request, PolicySet(unreadable=frozenset({Layer.RESOURCE}), unread=unread))
    step = decided("s3:PutObject", decision, ())
    (told,) = explanation_json(Explanation(username="u", server_id="s", request="put", steps=(step,)))["steps"]
    layers = {layer["layer"]: layer for layer in told["layers"]}
    assert layers["resource-based policy"]["why"] == "no profile is given"
    assert "why" not in layers["identity-based policy"]


def test_what_was_not_seen_is_told_where_there_is_any() -> None:
    explanation = Explanation(username="u", server_id="s", request="put", steps=(), not_seen=("the moon",))
    assert explanation_json(explanation)["notSeen"] == ["the moon"]
    assert "notSeen" not in explanation_json(Explanation(username="u", server_id="s", request="put", steps=()))
