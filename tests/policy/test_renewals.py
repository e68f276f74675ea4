"""A role that was made anew has another id than its policies name: the id is replaced, and no guard is torn down."""

from copy import deepcopy
from typing import Any

import pytest
from tests.policy.test_fixes import FULL, HUB, OLD_ID, PARTNER, ROLE_ID, SESSION, apply, case, fix_of, read

from crossdock.policy.evaluate import Layer
from crossdock.policy.fixes import (
    AddStatement,
    InWords,
    RemoveStatement,
    ReplaceValue,
    find_fixes,
    ids_that_conditions_name,
)

ROLE = f"arn:aws:iam::{HUB}:role/transfer"
OTHER_ID = "AROAEXAMPLEROLEID0009"
ALLOW = {"Effect": "Allow", "Principal": {"AWS": HUB}, "Action": "s3:*", "Resource": "arn:aws:s3:::inbox/*"}
GUARD = {
    "Sid": "NobodyElse",
    "Effect": "Deny",
    "Principal": "*",
    "Action": "s3:*",
    "Resource": "arn:aws:s3:::inbox/*",
    "Condition": {"StringNotLike": {"aws:userId": [f"{OTHER_ID}:*", f"{OLD_ID}:*"]}},
}


def bucket(*statements: dict[str, Any]) -> dict[str, Any]:
    return case(resourcePolicy={"Version": "2012-10-17", "Statement": deepcopy(list(statements))})


LIVING = {OTHER_ID: f"arn:aws:iam::{HUB}:role/auditor"}


def test_a_deny_that_excepts_the_role_before_it_was_made_anew_gets_the_new_id() -> None:
    document = bucket(ALLOW, GUARD)
    assert ids_that_conditions_name(read(document).decide()) == {OTHER_ID, OLD_ID}
    fix = fix_of(document, living=LIVING)
    assert fix.change == ReplaceValue(
        sid="NobodyElse", number=2, operator="StringNotLike", key="aws:userId", old=f"{OLD_ID}:*", new=f"{ROLE_ID}:*"
    )
    assert fix.sentence == (
        f"in the bucket policy of inbox, statement NobodyElse: its aws:userId names {OLD_ID}, a role that no longer "
        f"exists (a role that is made anew has another id). Replace {OLD_ID}:* by {ROLE_ID}:*, the id of role transfer"
    )
    listed = document["resourcePolicy"]["Statement"][1]["Condition"]["StringNotLike"]["aws:userId"]
    listed[listed.index(fix.change.old)] = fix.change.new
    assert read(document).decide().is_allowed


def test_a_deny_that_excepts_roles_which_live_is_no_stale_one() -> None:
    everybody = {**LIVING, OLD_ID: f"arn:aws:iam::{HUB}:role/other"}
    assert isinstance(fix_of(bucket(ALLOW, GUARD), living=everybody).change, RemoveStatement)


def test_a_guard_in_a_service_control_policy_gets_the_new_id_too() -> None:
    guard = {key: value for key, value in GUARD.items() if key != "Principal"}
    guard["Condition"] = {"StringNotEquals": {"aws:userid": f"{OLD_ID}:user2"}}
    policy = {"name": "guard", "policy": {"Version": "2012-10-17", "Statement": [guard]}}
    document = case(serviceControlPolicies=[[FULL, policy]], request={**case()["request"], "resourceAccount": HUB})
    fix = fix_of(document)
    assert (fix.layer, fix.policy) == (Layer.SERVICE_CONTROL, "guard")
    apply(document, fix)
    assert read(document).decide().is_allowed


def test_a_deny_for_another_reason_besides_is_taken_out() -> None:
    without_tls = {**GUARD, "Condition": {"StringNotLike": {"aws:userId": f"{OLD_ID}:somebody"}}}
    assert isinstance(fix_of(bucket(ALLOW, without_tls)).change, RemoveStatement)


def test_what_is_replaced_comes_before_what_is_taken_out() -> None:
    freeze = {**GUARD, "Sid": "Freeze", "Condition": {"Bool": {"aws:SecureTransport": "true"}}}
    document = bucket(freeze, ALLOW, {**GUARD, "Condition": {"StringNotLike": {"aws:userId": f"{OLD_ID}:*"}}})
    document["request"]["context"]["aws:SecureTransport"] = "true"
    fixes = find_fixes(read(document).decide())
    assert [type(fix.change) for fix in fixes] == [ReplaceValue, RemoveStatement]
    for fix in fixes:
        apply(document, fix)
    assert read(document).decide().is_allowed


@pytest.mark.parametrize("account", [HUB, PARTNER])
def test_a_principal_that_is_the_id_of_a_role_that_is_gone_becomes_the_roles_arn(account: str) -> None:
    document = bucket({**ALLOW, "Sid": "Transfer", "Principal": {"AWS": OLD_ID}})
    document["request"]["resourceAccount"] = account
    if account == HUB:
        document["identityPolicies"] = []
    decision = read(document).decide()
    assert ids_that_conditions_name(decision) == {OLD_ID}
    fix = next(fix for fix in find_fixes(decision) if fix.layer is Layer.RESOURCE) if account == PARTNER else None
    if fix is None:
        # Within an account the identity policy may allow as well, and that is what is named.
        assert [one.layer for one in find_fixes(decision)] == [Layer.IDENTITY]
        return
    assert fix.change == ReplaceValue(sid="Transfer", number=1, operator="Principal", key="AWS", old=OLD_ID, new=ROLE)
    assert fix.sentence == (
        f"in the bucket policy of inbox, statement Transfer: its Principal names {OLD_ID}, a role that no longer "
        f"exists (a role that is made anew has another id). Replace {OLD_ID} by {ROLE}, the ARN of role transfer"
    )
    document["resourcePolicy"]["Statement"][0]["Principal"]["AWS"] = fix.change.new
    assert read(document).decide().is_allowed


def test_not_principal_that_spares_the_role_before_it_was_made_anew_gets_its_arn() -> None:
    guard = {key: value for key, value in GUARD.items() if key not in ("Principal", "Condition")}
    document = bucket(ALLOW, {**guard, "NotPrincipal": {"AWS": [HUB, OLD_ID]}})
    fix = fix_of(document)
    assert fix.change == ReplaceValue(
        sid="NobodyElse", number=2, operator="NotPrincipal", key="AWS", old=OLD_ID, new=ROLE
    )
    document["resourcePolicy"]["Statement"][1]["NotPrincipal"]["AWS"] = [HUB, ROLE]
    assert read(document).decide().is_allowed


def test_a_user_has_no_id_that_changes() -> None:
    user = {**case()["request"], "principal": f"arn:aws:iam::{HUB}:user/alice"}
    assert ids_that_conditions_name(read({**bucket(ALLOW, GUARD), "request": user}).decide()) == frozenset()


def test_a_session_whose_role_has_no_id_is_nobody_anew() -> None:
    request = {**case()["request"], "principal": SESSION, "context": {}}
    document = {**bucket({**ALLOW, "Principal": {"AWS": OLD_ID}}), "request": request}
    (fix,) = find_fixes(read(document).decide())
    assert isinstance(fix.change, AddStatement)


READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
READ = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}
DENY = {"Sid": "No", "Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}


def managed(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"name": READ_ONLY, "policy": {"Version": "2012-10-17", "Statement": list(statements)}}


IN_HUB = {**case()["request"], "resourceAccount": HUB}


def test_a_boundary_that_is_awss_own_is_not_to_be_added_to() -> None:
    fix = fix_of(case(permissionBoundaries=[managed(READ)], request=IN_HUB), covering=("arn:aws:s3:::inbox/*",))
    assert (fix.layer, fix.policy, fix.change) == (Layer.BOUNDARY, READ_ONLY, InWords())
    assert fix.sentence == (
        "put a policy of your own, which also allows s3:PutObject on arn:aws:s3:::inbox/*, in the place of the "
        f"permissions boundary {READ_ONLY} of transfer: nobody can change one of AWS's"
    )


@pytest.mark.parametrize(
    ("layer", "called"),
    [
        ("permissionBoundaries", f"the permissions boundary {READ_ONLY} of transfer"),
        ("identityPolicies", f"the policy {READ_ONLY} of transfer"),
    ],
)
def test_a_deny_in_a_policy_of_awss_own_is_not_to_be_taken_out(layer: str, called: str) -> None:
    held = [managed(FULL["Statement"][0], DENY)]
    fix = fix_of(case(**{"identityPolicies": [FULL], layer: held, "request": IN_HUB}))
    assert (fix.policy, fix.change) == (READ_ONLY, InWords())
    assert fix.sentence == (
        f"put a policy of your own without the Deny of statement No in the place of {called}: nobody can change one "
        "of AWS's"
    )
