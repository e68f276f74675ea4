"""Fixes of several decisions, in the order in which they can be applied."""

from copy import deepcopy
from typing import Any

from hypothesis import given, settings
from tests.judge.generated import case_groups
from tests.policy.test_fixes import PARTNER, ROLE_ID, apply, read

from crossdock.policy.fix_order import in_order
from crossdock.policy.fixes import AddStatement, Change, Fix, RemoveStatement, ReplaceValue, find_fixes, merge_fixes
from crossdock.policy.requests import Layer

ADDED = AddStatement(statement={"Sid": "AllowPutObject"})
REPLACED = ReplaceValue(sid="", number=2, operator="StringLike", key="aws:userId", old="a", new="b")


def fix(change: Change, policy: str = "buckets", *, sentence: str = "") -> Fix:
    return Fix(
        account_id="111111111111",
        layer=Layer.IDENTITY,
        attached_to="arn:aws:iam::111111111111:role/transfer",
        policy=policy,
        change=change,
        sentence=sentence,
    )


def removed(number: int) -> RemoveStatement:
    return RemoveStatement(sid="", number=number)


def test_statements_are_taken_out_after_everything_else_the_last_first() -> None:
    fixes = [fix(removed(1)), fix(ADDED), fix(removed(3), "freeze"), fix(removed(2)), fix(REPLACED)]
    assert [(one.policy, one.change) for one in in_order(fixes)] == [
        ("buckets", ADDED),
        ("buckets", REPLACED),
        ("buckets", removed(2)),
        ("buckets", removed(1)),
        ("freeze", removed(3)),
    ]


def test_a_statement_that_several_actions_meet_is_taken_out_once() -> None:
    fixes = [fix(removed(2), sentence="for s3:GetObject"), fix(removed(2), sentence="for s3:PutObject")]
    assert in_order(fixes) == (fixes[0],)


def test_nothing_is_in_order() -> None:
    assert in_order([]) == ()


@settings(max_examples=30, deadline=None)
@given(case_groups())
def test_fixes_of_several_requests_are_applied_one_after_another_and_make_all_allowed(
    group: list[dict[str, Any]],
) -> None:
    """As those of one file command are, which asks for several actions in one bucket."""
    documents = [deepcopy(one) for one in group if one["request"]["resource"].startswith("arn:aws:s3:::inbox")]
    for document in documents:
        document["request"]["context"]["aws:userid"] = f"{ROLE_ID}:user2"
        document["request"]["resourceAccount"] = PARTNER
        document["serviceControlPolicies"] = []  # which level a statement was for is not to be seen any more
    found = [fix for document in documents for fix in find_fixes(read(document).decide())]
    for fix in in_order(merge_fixes(found)):
        for document in documents:
            apply(document, fix)
    assert [read(document).decide().verdict for document in documents] == ["Allowed"] * len(documents)
