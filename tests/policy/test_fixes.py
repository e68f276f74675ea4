"""A fix is right when, applied to the letter, it makes the request allowed. So they are applied to the letter here."""

import json
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.judge.generated import case_groups, conditions
from tests.judge.generated import policies as generated_policies

from crossdock.policy.cases import Case, parse_cases
from crossdock.policy.evaluate import Layer
from crossdock.policy.fix_places import closed_levels
from crossdock.policy.fixes import (
    NEW_POLICY,
    TRUST_POLICY,
    AddStatement,
    Fix,
    InWords,
    RemoveStatement,
    ReplaceValue,
    find_fixes,
    ids_that_conditions_name,
    merge_fixes,
)

HUB, PARTNER = "111111111111", "222222222222"
ROLE_ID, OLD_ID = "AROAEXAMPLEROLEID0001", "AROAEXAMPLEROLEID0000"
SESSION = f"arn:aws:sts::{HUB}:assumed-role/transfer/user2"
FULL = {"Version": "2012-10-17", "Statement": [{"Sid": "Full", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
LAYERS = {
    Layer.IDENTITY: "identityPolicies",
    Layer.BOUNDARY: "permissionBoundaries",
    Layer.SESSION: "sessionPolicies",
    Layer.SERVICE_CONTROL: "serviceControlPolicies",
    Layer.RESOURCE_CONTROL: "resourceControlPolicies",
    Layer.ENDPOINT: "endpointPolicies",
    Layer.RESOURCE: "resourcePolicy",
}


def case(**members: Any) -> dict[str, Any]:
    return {
        "name": "one",
        "request": {
            "principal": SESSION,
            "action": "s3:PutObject",
            "resource": "arn:aws:s3:::inbox/in/a.csv",
            "resourceAccount": PARTNER,
            "context": {"aws:userid": f"{ROLE_ID}:user2"},
        },
        "identityPolicies": [{"name": "buckets", "policy": FULL}],
        "permissionBoundaries": [],
        "sessionPolicies": [],
        "resourcePolicy": None,
        "serviceControlPolicies": [],
        "expected": "Allowed",
        **members,
    }


def read(document: dict[str, Any]) -> Case:
    (found,) = parse_cases(json.dumps(document))
    return found


def fix_of(document: dict[str, Any], **options: Any) -> Fix:
    (fix,) = find_fixes(read(document).decide(), **options)
    return fix


def policies(document: dict[str, Any], layer: Layer) -> list[dict[str, Any]]:
    """The documents of a layer, for a change to be made in them."""
    held = document[LAYERS[layer]]
    if layer in (Layer.SERVICE_CONTROL, Layer.RESOURCE_CONTROL):
        held = [one for level in held for one in level]
    elif layer is Layer.RESOURCE:
        held = [held] if held else []
    return [one.get("policy", one) for one in held]


def named(document: dict[str, Any], fix: Fix) -> dict[str, Any]:
    """The document that a fix means: by the name that a case gives, or by the place."""
    decision = read(document).decide()
    sets = decision.policies
    names = {
        Layer.IDENTITY: [one.name for one in sets.identity],
        Layer.BOUNDARY: [one.name for one in sets.boundary],
        Layer.SESSION: [one.name for one in sets.session],
        Layer.SERVICE_CONTROL: [one.name for level in sets.service_control for one in level],
        Layer.RESOURCE_CONTROL: [one.name for level in sets.resource_control for one in level],
        # These have but one.
        Layer.ENDPOINT: [fix.policy],
        Layer.RESOURCE: [fix.policy],
    }[fix.layer]
    return policies(document, fix.layer)[names.index(fix.policy)]


def apply(document: dict[str, Any], fix: Fix) -> None:
    change = fix.change
    match change:
        case AddStatement():
            added = {"Version": "2012-10-17", "Statement": [change.statement]}
            if fix.layer is Layer.RESOURCE and document["resourcePolicy"] is None:
                document["resourcePolicy"] = added
            elif fix.layer is Layer.IDENTITY and fix.policy == NEW_POLICY:
                document["identityPolicies"].append(added)
            elif fix.layer is Layer.SESSION and fix.policy == "":
                document["sessionPolicies"].append(added)  # several add up
            elif fix.layer is Layer.SERVICE_CONTROL and fix.policy == "":
                number = closed_levels(fix.layer, read(document).decide())[0]
                document["serviceControlPolicies"][number].append(added)
            else:
                named(document, fix)["Statement"].append(change.statement)
        case RemoveStatement():
            policy = named(document, fix)
            del policy["Statement"][change.number - 1]
            # A policy of no statement is none: this one does nothing.
            nothing: dict[str, Any] = {"Effect": "Allow", "Action": "none:Nothing", "Resource": "*"}
            if fix.layer in (Layer.RESOURCE, Layer.ENDPOINT):
                nothing |= {"Principal": {"AWS": PARTNER}}
            elif fix.layer is Layer.RESOURCE_CONTROL:
                nothing |= {"Effect": "Deny", "Principal": "*"}
            policy["Statement"] = policy["Statement"] or [nothing]
        case ReplaceValue():
            condition = named(document, fix)["Statement"][change.number - 1]["Condition"]
            condition[change.operator][change.key] = change.new
        case InWords() if fix.layer is Layer.PUBLIC_ACCESS:
            document["publicAccessBlock"] = None
        case InWords():
            number = closed_levels(fix.layer, read(document).decide())[0]
            document["resourceControlPolicies"][number].append(RCP_FULL_AWS_ACCESS)


def test_what_is_allowed_needs_no_fix() -> None:
    document = case(request={**case()["request"], "resourceAccount": HUB})
    assert find_fixes(read(document).decide()) == ()


def test_another_accounts_bucket_gets_a_statement_for_the_one_role() -> None:
    fix = fix_of(case(), covering=("arn:aws:s3:::inbox/*",))
    assert (fix.account_id, fix.layer, fix.attached_to) == (PARTNER, Layer.RESOURCE, "arn:aws:s3:::inbox")
    assert fix.change == AddStatement(
        statement={
            "Sid": "AllowPutObject",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"},
            "Action": "s3:PutObject",
            "Resource": "arn:aws:s3:::inbox/*",
            "Condition": {"StringLike": {"aws:userId": f"{ROLE_ID}:*"}},
        }
    )
    assert fix.sentence == "make the bucket policy of inbox of this statement"


def bucket_policy(user_id: str) -> dict[str, Any]:
    statement = {
        "Sid": "Transfer",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"},
        "Action": "s3:*",
        "Resource": "arn:aws:s3:::inbox/*",
        "Condition": {"StringLike": {"aws:userId": user_id}},
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


def test_the_id_of_a_role_that_is_gone_is_replaced() -> None:
    document = case(resourcePolicy=bucket_policy(f"{OLD_ID}:*"))
    assert ids_that_conditions_name(read(document).decide()) == {OLD_ID}
    fix = fix_of(document)
    assert fix.change == ReplaceValue(
        sid="Transfer", number=1, operator="StringLike", key="aws:userId", old=f"{OLD_ID}:*", new=f"{ROLE_ID}:*"
    )
    assert f"names {OLD_ID}, a role that no longer exists" in fix.sentence
    apply(document, fix)
    assert read(document).decide().is_allowed


def test_the_id_of_a_role_that_lives_is_left_to_it() -> None:
    document = case(resourcePolicy=bucket_policy(f"{OLD_ID}:*"))
    fix = fix_of(document, living={OLD_ID: f"arn:aws:iam::{HUB}:role/other"})
    assert isinstance(fix.change, AddStatement)
    assert fix.sentence == "add this statement to the bucket policy of inbox"


def test_a_sid_is_unlike_those_that_are_there() -> None:
    taken = {"Sid": "AllowPutObject", "Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
    document = case(
        identityPolicies=[{"Version": "2012-10-17", "Statement": [taken, {**taken, "Sid": "AllowPutObject2"}]}],
        request={**case()["request"], "resourceAccount": HUB},
    )
    change = fix_of(document).change
    assert isinstance(change, AddStatement)
    assert change.statement["Sid"] == "AllowPutObject3"


def test_managed_policies_are_left_alone() -> None:
    managed = {"name": "arn:aws:iam::aws:policy/ReadOnlyAccess", "policy": {**FULL, "Statement": [READ]}}
    document = case(identityPolicies=[managed], request={**case()["request"], "resourceAccount": HUB})
    fix = fix_of(document)
    assert (fix.policy, fix.attached_to) == (NEW_POLICY, f"arn:aws:iam::{HUB}:role/transfer")


READ = {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}


def test_a_deny_is_taken_out_of_its_policy() -> None:
    deny = {"Sid": "Frozen", "Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}
    document = case(
        identityPolicies=[FULL, {"name": "freeze", "policy": {**FULL, "Statement": [READ, deny]}}],
        request={**case()["request"], "resourceAccount": HUB},
    )
    fix = fix_of(document)
    assert (fix.policy, fix.change) == ("freeze", RemoveStatement(sid="Frozen", number=2))
    assert fix.sentence == (
        "take statement Frozen out of the policy freeze of transfer, or except s3:PutObject on "
        "arn:aws:s3:::inbox/in/a.csv from it"
    )


def test_every_statement_that_denies_is_taken_out_the_last_of_a_policy_first() -> None:
    deny = {"Effect": "Deny", "Action": "s3:Put*", "Resource": "*"}
    other = {"Effect": "Deny", "Action": "s3:Get*", "Resource": "*"}
    document = case(
        identityPolicies=[{**FULL, "Statement": [deny, other, *FULL["Statement"], deny]}],
        sessionPolicies=[{**FULL, "Statement": [*FULL["Statement"], deny]}],
        serviceControlPolicies=[[FULL, {**FULL, "Statement": [deny]}]],
        request={**case()["request"], "resourceAccount": HUB},
    )
    fixes = find_fixes(read(document).decide())
    assert [(fix.layer, fix.change) for fix in fixes] == [
        (Layer.SERVICE_CONTROL, RemoveStatement(sid="", number=1)),
        (Layer.IDENTITY, RemoveStatement(sid="", number=4)),
        (Layer.IDENTITY, RemoveStatement(sid="", number=1)),
        (Layer.SESSION, RemoveStatement(sid="", number=2)),
    ]
    for fix in fixes:
        apply(document, fix)
    assert read(document).decide().is_allowed


def test_a_policy_that_binds_on_two_levels_loses_its_statement_once() -> None:
    deny = {"name": "freeze", "policy": {**FULL, "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}}
    document = case(
        serviceControlPolicies=[[FULL, deny], [FULL, deny]], request={**case()["request"], "resourceAccount": HUB}
    )
    fix = fix_of(document)
    assert (fix.policy, fix.change) == ("freeze", RemoveStatement(sid="", number=1))


def test_what_is_missing_besides_a_deny_is_named_with_it() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:Put*", "Resource": "*"}
    stale = bucket_policy(f"{OLD_ID}:*")
    document = case(
        identityPolicies=[{**FULL, "Statement": [READ]}],
        resourcePolicy={**stale, "Statement": [deny, *stale["Statement"]]},
    )
    fixes = find_fixes(read(document).decide())
    assert [(fix.layer, type(fix.change)) for fix in fixes] == [
        (Layer.IDENTITY, AddStatement),
        (Layer.RESOURCE, ReplaceValue),
        (Layer.RESOURCE, RemoveStatement),
    ]
    for fix in fixes:
        apply(document, fix)
    assert read(document).decide().is_allowed


def test_a_role_that_is_denied_and_not_trusted_gets_both_mended() -> None:
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}
    request = {
        "principal": "transfer.amazonaws.com",
        "action": "sts:AssumeRole",
        "resource": f"arn:aws:iam::{HUB}:role/transfer",
        "resourceAccount": HUB,
        "context": {},
    }
    trust = {"Version": "2012-10-17", "Statement": [deny]}
    document = case(request=request, identityPolicies=[], resourcePolicy=trust)
    fixes = find_fixes(read(document).decide())
    assert [(fix.policy, type(fix.change)) for fix in fixes] == [
        (TRUST_POLICY, AddStatement),
        (TRUST_POLICY, RemoveStatement),
    ]
    for fix in fixes:
        apply(document, fix)
    assert read(document).decide().is_allowed


def test_a_trust_policy_gets_the_service_for_this_account() -> None:
    trust = {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
    request = {
        "principal": "transfer.amazonaws.com",
        "action": "sts:AssumeRole",
        "resource": f"arn:aws:iam::{HUB}:role/transfer",
        "resourceAccount": HUB,
        "context": {"aws:SourceAccount": HUB},
    }
    fix = fix_of(case(request=request, identityPolicies=[], resourcePolicy=trust))
    assert (fix.policy, fix.attached_to) == (TRUST_POLICY, f"arn:aws:iam::{HUB}:role/transfer")
    assert fix.sentence == "add this statement to the trust policy of role transfer"
    assert fix.change == AddStatement(
        statement={
            "Sid": "AllowAssumeRole",
            "Effect": "Allow",
            "Principal": {"Service": "transfer.amazonaws.com"},
            "Action": "sts:AssumeRole",
            "Condition": {"StringEquals": {"aws:SourceAccount": HUB}},
        }
    )


@pytest.mark.parametrize("layer", ["permissionBoundaries", "sessionPolicies"])
def test_a_limit_is_widened_where_it_is(layer: str) -> None:
    document = case(request={**case()["request"], "resourceAccount": HUB}, **{layer: [{**FULL, "Statement": [READ]}]})
    fix = fix_of(document)
    apply(document, fix)
    assert read(document).decide().is_allowed


def test_fixes_that_differ_in_their_action_become_one_statement() -> None:
    put = case()
    get = case(request={**put["request"], "action": "s3:GetObject"})
    (first,), (second,) = (find_fixes(read(document).decide()) for document in (put, get))
    (merged,) = merge_fixes([first, second, first])
    assert isinstance(merged.change, AddStatement)
    assert merged.change.statement["Action"] == ["s3:GetObject", "s3:PutObject"]
    apply(put, merged)
    apply(get, merged)
    assert read(put).decide().is_allowed
    assert read(get).decide().is_allowed


def test_fixes_of_different_places_stay_apart() -> None:
    fixes = find_fixes(read(case(identityPolicies=[])).decide())
    assert [fix.layer for fix in merge_fixes(fixes)] == [Layer.IDENTITY, Layer.RESOURCE]


EVERYBODY = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
RCP_FULL_AWS_ACCESS = {"Version": "2012-10-17", "Statement": [EVERYBODY]}
rcp_denies = st.builds(
    lambda action, condition: {**EVERYBODY, "Effect": "Deny", "Action": action, "Condition": condition},
    st.sampled_from(["s3:*", "s3:Get*", "s3:PutObject", "ec2:*"]),
    conditions(),
)
rcps = st.just(RCP_FULL_AWS_ACCESS) | st.lists(rcp_denies, min_size=1, max_size=2).map(
    lambda listed: {"Version": "2012-10-17", "Statement": listed}
)
surroundings = st.fixed_dictionaries(
    {
        "resourceControlPolicies": st.just([]) | st.lists(st.lists(rcps, max_size=2), max_size=2),
        "endpointPolicies": st.just([]) | st.lists(generated_policies(has_principal=True), max_size=1),
        "publicAccessBlock": st.none() | st.just({"RestrictPublicBuckets": True}),
    }
)


@settings(max_examples=60, deadline=None)
@given(case_groups(), surroundings)
def test_fixes_that_are_applied_to_the_letter_make_any_request_allowed(
    group: list[dict[str, Any]], around: dict[str, Any]
) -> None:
    for generated in group:
        document = deepcopy({**generated, **around})
        document["request"]["context"]["aws:userid"] = f"{ROLE_ID}:user2"
        for fix in find_fixes(read(document).decide()):
            apply(document, fix)
        assert read(document).decide().is_allowed


def test_an_id_whose_replacement_would_not_help_is_left() -> None:
    fix = fix_of(case(resourcePolicy=bucket_policy(f"{OLD_ID}:somebody")))
    assert isinstance(fix.change, AddStatement)


def test_a_policy_is_made_once_and_added_to_after_that() -> None:
    one = case(identityPolicies=[], request={**case()["request"], "resourceAccount": HUB})
    other = case(identityPolicies=[], request={**one["request"], "resource": "arn:aws:s3:::outbox/b"})
    first, second = merge_fixes(fix for document in (one, other) for fix in find_fixes(read(document).decide()))
    assert isinstance(second.change, AddStatement)
    assert second.change.statement["Sid"] == "AllowPutObject2"
    assert (first.sentence[:4], second.sentence[:4]) == ("make", "add ")


def test_a_policy_that_has_the_new_ones_name_is_not_made_anew() -> None:
    held = {"name": NEW_POLICY, "policy": {**FULL, "Statement": [READ]}}
    fix = fix_of(case(identityPolicies=[held], request={**case()["request"], "resourceAccount": HUB}))
    assert fix.sentence == f"add this statement to the policy {NEW_POLICY} of transfer"
