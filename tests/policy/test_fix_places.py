"""Fixes of the policies that are nobody's own: of organisations, a VPC endpoint, a key and a public bucket."""

import json
from dataclasses import replace
from typing import Any

import pytest

from crossdock.policy.cases import Case, parse_cases
from crossdock.policy.decision import Decision
from crossdock.policy.evaluate import Layer, evaluate
from crossdock.policy.fix_places import MANAGEMENT_ACCOUNT, account_of, closed_levels, place_of
from crossdock.policy.fixes import AddStatement, Fix, InWords, RemoveStatement, find_fixes, merge_fixes

HUB, PARTNER, MANAGEMENT = "111111111111", "222222222222", "999999999999"
ROLE = f"arn:aws:iam::{HUB}:role/transfer"
ROLE_ID = "AROAEXAMPLEROLEID0001"
OBJECT = "arn:aws:s3:::inbox/in/a.csv"
KEY = f"arn:aws:kms:us-east-1:{PARTNER}:key/1234abcd"


def allow(action: str = "s3:*", **members: Any) -> dict[str, Any]:
    return {"Sid": "All", "Effect": "Allow", "Action": action, "Resource": "*", **members}


def document(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def named(name: str, *statements: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "policy": document(*statements)}


FULL_SCP = named("p-FullAWSAccess", allow("*"))
FULL_RCP = named("p-RCPFullAWSAccess", {key: value for key, value in allow("*", Principal="*").items() if key != "Sid"})
ARN = f"arn:aws:organizations::{MANAGEMENT}:policy/o-exampleorgid/service_control_policy/p-narrow"


def read(**members: Any) -> Case:
    request = {
        "principal": f"arn:aws:sts::{HUB}:assumed-role/transfer/user2",
        "action": "s3:PutObject",
        "resource": OBJECT,
        "resourceAccount": PARTNER,
        "context": {"aws:userid": f"{ROLE_ID}:user2"},
        **members.pop("request", {}),
    }
    case = {
        "name": "one",
        "request": request,
        "identityPolicies": [document(allow("*"))],
        "resourcePolicy": document(allow(Principal={"AWS": HUB})),
        "expected": "Allowed",
        **members,
    }
    (found,) = parse_cases(json.dumps(case))
    return found


def fix_of(**members: Any) -> Fix:
    (fix,) = find_fixes(read(**members).decide())
    return fix


def statement_of(fix: Fix) -> Any:
    assert isinstance(fix.change, AddStatement)
    return fix.change.statement


def with_targets(case: Case, **targets: tuple[str, ...]) -> Decision:
    return evaluate(case.request, replace(case.policies, **targets))


def test_every_level_that_does_not_allow_gets_a_policy_of_its_own() -> None:
    case = read(serviceControlPolicies=[[FULL_SCP], [named("p-narrow", allow("ec2:*"))], []])
    decision = with_targets(case, service_control_targets=("r-abcd", "ou-abcd-12345678", HUB))
    assert closed_levels(Layer.SERVICE_CONTROL, decision) == (1, 2)
    unit, account = merge_fixes(find_fixes(decision))
    assert (unit.account_id, unit.layer, unit.policy) == (MANAGEMENT_ACCOUNT, Layer.SERVICE_CONTROL, "")
    assert (unit.attached_to, account.attached_to) == ("ou-abcd-12345678", HUB)
    assert unit.sentence == "make a service control policy of this statement and attach it to ou-abcd-12345678"
    assert account.sentence.endswith(f"and attach it to account {HUB}")
    assert statement_of(unit) == {
        "Sid": "AllowPutObject",
        "Effect": "Allow",
        "Action": "s3:PutObject",
        "Resource": OBJECT,
    }


def test_a_second_statement_goes_to_the_policy_that_the_first_is_made_of() -> None:
    put, other = (read(serviceControlPolicies=[[]], request={"resource": f"{OBJECT}{end}"}) for end in ("", ".sig"))
    first, second = merge_fixes(fix for case in (put, other) for fix in find_fixes(case.decide()))
    assert first.attached_to == second.attached_to == HUB
    assert second.sentence == (
        f"add this statement to the service control policy made before, attached to account {HUB}"
    )


def test_levels_that_nobody_knows_are_counted() -> None:
    fixes = find_fixes(read(serviceControlPolicies=[[], [FULL_SCP], []]).decide())
    assert [fix.attached_to for fix in fixes] == [f"level 1 above account {HUB}", HUB]


@pytest.mark.parametrize("in_targets", [True, False])
def test_the_management_account_is_read_from_an_arn(in_targets: bool) -> None:
    deny = {**allow(), "Sid": "No", "Effect": "Deny"}
    case = read(serviceControlPolicies=[[FULL_SCP, named("p-deny" if in_targets else ARN, deny)], [FULL_SCP]])
    root = f"arn:aws:organizations::{MANAGEMENT}:root/o-exampleorgid/r-abcd"
    targets = {"service_control_targets": (root, HUB) if in_targets else ("r-abcd", HUB)}
    (fix,) = find_fixes(with_targets(case, **targets))
    assert (fix.account_id, fix.attached_to) == (MANAGEMENT, root if in_targets else "r-abcd")
    assert fix.change == RemoveStatement(sid="No", number=1)


def test_a_deny_of_the_owners_organisation_is_taken_out_there() -> None:
    deny = {**allow(), "Sid": "No", "Effect": "Deny", "Principal": "*"}
    case = read(resourceControlPolicies=[[FULL_RCP], [FULL_RCP, named("p-guard", deny)]])
    decision = with_targets(case, resource_control_targets=("r-abcd", "ou-abcd-12345678"))
    (fix,) = find_fixes(decision)
    assert (fix.account_id, fix.layer) == (MANAGEMENT_ACCOUNT, Layer.RESOURCE_CONTROL)
    assert (fix.attached_to, fix.policy) == ("ou-abcd-12345678", "p-guard")
    assert fix.change == RemoveStatement(sid="No", number=1)
    assert fix.sentence.startswith(
        "take statement No out of the resource control policy p-guard, attached to ou-abcd-12345678, or except"
    )
    without = replace(decision.policies, resource_control=case.policies.resource_control[:1])
    assert evaluate(case.request, without).is_allowed


def test_of_resource_control_policies_only_awss_own_allows() -> None:
    fix = fix_of(resourceControlPolicies=[[FULL_RCP], []])
    assert (fix.change, fix.attached_to) == (InWords(), PARTNER)
    assert fix.sentence == (f"attach AWS's own policy RCPFullAWSAccess to account {PARTNER}: of others, none can allow")


@pytest.mark.parametrize(
    ("principal", "condition"),
    [
        (f"arn:aws:sts::{HUB}:assumed-role/transfer/user2", {"aws:PrincipalArn": ROLE}),
        (f"arn:aws:iam::{HUB}:user/alice", {"aws:PrincipalArn": f"arn:aws:iam::{HUB}:user/alice"}),
        ("cloudtrail.amazonaws.com", {"aws:PrincipalServiceName": "cloudtrail.amazonaws.com"}),
        ("*", {}),
    ],
)
def test_an_endpoints_policy_gets_a_statement_for_the_one_who_asks(principal: str, condition: dict[str, str]) -> None:
    members: dict[str, Any] = {
        "request": {"principal": principal},
        "resourcePolicy": document(allow(Principal="*")),
    }
    other = allow("ec2:*", Principal="*")
    fix = fix_of(**members, endpointPolicies=[named("vpce-1a2b3c4d", other)])
    assert (fix.layer, fix.attached_to, fix.policy) == (Layer.ENDPOINT, "vpce-1a2b3c4d", "")
    assert fix.sentence == "add this statement to the policy of VPC endpoint vpce-1a2b3c4d"
    assert statement_of(fix)["Principal"] == "*"
    assert statement_of(fix).get("Condition", {}).get("StringEquals", {}) == condition
    assert read(**members, endpointPolicies=[named("vpce-1a2b3c4d", other, statement_of(fix))]).decide().is_allowed


def test_an_endpoints_account_is_read_from_its_arn() -> None:
    endpoint = f"arn:aws:ec2:us-east-1:{MANAGEMENT}:vpc-endpoint/vpce-1a2b3c4d"
    fix = fix_of(endpointPolicies=[named(endpoint, allow("ec2:*", Principal="*"))])
    assert (fix.account_id, fix.attached_to) == (MANAGEMENT, endpoint)
    assert fix.sentence.endswith("the policy of VPC endpoint vpce-1a2b3c4d")


def test_a_key_policy_gets_a_statement_for_the_one_role() -> None:
    members: dict[str, Any] = {"request": {"action": "kms:GenerateDataKey", "resource": KEY}}
    own = allow("kms:*", Principal={"AWS": PARTNER})
    fix = fix_of(**members, resourcePolicy=document(own))
    assert (fix.account_id, fix.layer, fix.attached_to) == (PARTNER, Layer.RESOURCE, KEY)
    assert fix.sentence == "add this statement to the key policy of key/1234abcd"
    assert statement_of(fix) == {
        "Sid": "AllowGenerateDataKey",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{HUB}:root"},
        "Action": "kms:GenerateDataKey",
        "Resource": "*",
        "Condition": {"StringLike": {"aws:userId": f"{ROLE_ID}:*"}},
    }
    assert read(**members, resourcePolicy=document(own, statement_of(fix))).decide().is_allowed


def test_what_makes_a_bucket_public_is_named() -> None:
    open_to_all = {**allow(Principal="*"), "Sid": ""}
    mixed = document(allow(Principal={"AWS": HUB}), open_to_all, {**open_to_all, "Sid": "Web"})
    fix = fix_of(resourcePolicy=mixed, publicAccessBlock={"RestrictPublicBuckets": True})
    assert (fix.account_id, fix.layer, fix.attached_to) == (PARTNER, Layer.PUBLIC_ACCESS, "arn:aws:s3:::inbox")
    assert fix.change == InWords()
    assert fix.sentence.startswith("narrow what makes the bucket policy of inbox public, statement 2 and Web, to")
    assert merge_fixes([fix, fix]) == (fix,)


def test_a_denied_request_is_told_what_else_is_in_its_way() -> None:
    deny = {**allow(), "Sid": "No", "Effect": "Deny", "Principal": "*"}
    fixes = find_fixes(
        read(
            resourcePolicy=document(allow(Principal="*")),
            resourceControlPolicies=[[FULL_RCP, named("p-guard", deny)]],
            endpointPolicies=[named("vpce-1a2b3c4d", deny)],
            publicAccessBlock={"RestrictPublicBuckets": True},
        ).decide()
    )
    assert [(fix.layer, type(fix.change)) for fix in fixes] == [
        (Layer.ENDPOINT, AddStatement),
        (Layer.PUBLIC_ACCESS, InWords),
        (Layer.RESOURCE_CONTROL, RemoveStatement),
        (Layer.ENDPOINT, RemoveStatement),
    ]


def test_a_denied_use_of_a_key_still_needs_its_key_policy() -> None:
    deny = {**allow("kms:*"), "Sid": "No", "Effect": "Deny"}
    fixes = find_fixes(
        read(
            request={"action": "kms:Decrypt", "resource": KEY, "resourceAccount": HUB},
            identityPolicies=[document(allow("*"), deny)],
            resourcePolicy=document(allow("kms:*", Principal={"AWS": PARTNER})),
        ).decide()
    )
    assert [(fix.layer, type(fix.change)) for fix in fixes] == [
        (Layer.RESOURCE, AddStatement),
        (Layer.IDENTITY, RemoveStatement),
    ]


def test_places_of_policies_that_are_somebodys() -> None:
    decision = read().decide()
    assert place_of(Layer.IDENTITY, decision, "own") == (HUB, ROLE, "own")
    assert place_of(Layer.RESOURCE, decision, "") == (PARTNER, "arn:aws:s3:::inbox", "")


@pytest.mark.parametrize(
    ("name", "account"),
    [
        (ARN, MANAGEMENT),
        ("p-FullAWSAccess", ""),
        ("arn:aws:organizations::aws:policy/service_control_policy/p-FullAWSAccess", ""),
        ("arn:aws:s3:::inbox", ""),
    ],
)
def test_the_account_in_an_arn(name: str, account: str) -> None:
    assert account_of(name) == account
