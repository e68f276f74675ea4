"""What each kind of policy says, in one row each."""

import json

import pytest

from crossdock.policy.cases import parse_cases
from crossdock.policy.evaluate import Layer, PolicySet, UnreadLayer, evaluate
from crossdock.policy.findings import Saying, find_by_layer

HUB, PARTNER, THIRD = "111111111111", "222222222222", "333333333333"
ALLOW = {"Sid": "Yes", "Effect": "Allow", "Action": "s3:*", "Resource": "*"}
DENY = {**ALLOW, "Sid": "No", "Effect": "Deny"}
OTHER = {**ALLOW, "Sid": "Else", "Action": "ec2:*"}


def document(*statements):
    return {"Version": "2012-10-17", "Statement": list(statements)}


def findings(account=PARTNER, **members):
    case = {
        "name": "one",
        "request": {
            "principal": f"arn:aws:sts::{HUB}:assumed-role/r/s",
            "action": "s3:GetObject",
            "resource": "arn:aws:s3:::b/k",
            "resourceAccount": account,
        },
        "expected": "Allowed",
        **members,
    }
    (read,) = parse_cases(json.dumps(case))
    return {one.layer: one for one in find_by_layer(read.decide())}


def test_every_layer_has_a_row_in_the_order_of_evaluation():
    assert list(findings()) == [
        Layer.SERVICE_CONTROL,
        Layer.IDENTITY,
        Layer.BOUNDARY,
        Layer.SESSION,
        Layer.RESOURCE,
    ]


@pytest.mark.parametrize(
    ("statements", "saying", "statement"),
    [
        ((ALLOW,), Saying.ALLOWS, "Yes"),
        ((ALLOW, DENY), Saying.DENIES, "No"),
        ((OTHER,), Saying.IS_SILENT, ""),
    ],
)
def test_a_layer_says_what_its_deciding_statement_says(statements, saying, statement):
    found = findings(HUB, identityPolicies=[{"name": "mine", "policy": document(*statements)}])[Layer.IDENTITY]
    assert (found.saying, found.statement) == (saying, statement)
    assert found.policy == ("mine" if statement else "")
    assert found.account_id == HUB
    assert found.is_blocking is (saying is not Saying.ALLOWS)


def test_a_boundary_that_is_not_there_is_none_and_a_missing_bucket_policy_does_not_allow():
    found = findings(identityPolicies=[document(ALLOW)])
    assert found[Layer.BOUNDARY].saying is Saying.NOTHING
    assert not found[Layer.BOUNDARY].is_blocking
    assert (found[Layer.RESOURCE].saying, found[Layer.RESOURCE].account_id) == (Saying.IS_SILENT, PARTNER)
    assert found[Layer.RESOURCE].is_blocking


def test_one_level_of_service_control_policies_that_allows_is_not_enough():
    found = findings(HUB, identityPolicies=[document(ALLOW)], serviceControlPolicies=[[document(ALLOW)], []])
    assert (found[Layer.SERVICE_CONTROL].saying, found[Layer.SERVICE_CONTROL].is_blocking) == (Saying.IS_SILENT, True)


def test_what_is_seldom_there_has_a_row_only_where_it_is():
    full = {"Version": "2012-10-17", "Statement": [{**ALLOW, "Principal": "*"}]}
    deny = {**DENY, "Principal": "*"}
    endpoint = {"name": f"arn:aws:ec2:us-east-1:{THIRD}:vpc-endpoint/vpce-1", "policy": full}
    found = findings(
        identityPolicies=[document(ALLOW)],
        resourcePolicy=full,
        resourceControlPolicies=[[{"name": "p-guard", "policy": document(deny)}]],
        endpointPolicies=[endpoint],
        publicAccessBlock={"RestrictPublicBuckets": True},
    )
    assert list(found) == list(Layer)
    rcp, vpce, block = (found[one] for one in (Layer.RESOURCE_CONTROL, Layer.ENDPOINT, Layer.PUBLIC_ACCESS))
    assert (rcp.saying, rcp.account_id, rcp.policy, rcp.is_blocking) == (Saying.DENIES, PARTNER, "p-guard", True)
    assert (vpce.saying, vpce.account_id, vpce.is_blocking) == (Saying.ALLOWS, THIRD, False)
    assert (block.saying, block.account_id, block.is_blocking) == (Saying.IS_SILENT, PARTNER, False)


def test_block_public_access_that_keeps_somebody_out_is_blocking():
    public = {"Version": "2012-10-17", "Statement": [{**ALLOW, "Principal": "*"}]}
    block = {"RestrictPublicBuckets": True}
    found = findings(identityPolicies=[document(ALLOW)], resourcePolicy=public, publicAccessBlock=block)
    row = found[Layer.PUBLIC_ACCESS]
    assert (row.saying, row.account_id, row.is_blocking) == (Saying.IS_SILENT, PARTNER, True)
    assert found[Layer.RESOURCE].saying is Saying.ALLOWS


def test_what_cannot_be_read_is_unknown():
    (case,) = parse_cases(
        json.dumps(
            {
                "name": "one",
                "request": {
                    "principal": f"arn:aws:iam::{HUB}:user/a",
                    "action": "s3:GetObject",
                    "resource": "arn:aws:s3:::b/k",
                    "resourceAccount": HUB,
                },
                "expected": "Allowed",
            }
        )
    )
    unreadable = PolicySet(unreadable=frozenset({Layer.IDENTITY, Layer.PUBLIC_ACCESS}))
    found = {one.layer: one.saying for one in find_by_layer(evaluate(case.request, unreadable))}
    assert found[Layer.IDENTITY] is Saying.UNKNOWN
    assert found[Layer.PUBLIC_ACCESS] is Saying.UNKNOWN


def test_what_is_unknown_has_its_reason_where_somebody_knows_it():
    (case,) = parse_cases(json.dumps({"name": "one", "request": ASKED, "expected": "Allowed"}))
    unread = (UnreadLayer(layer=Layer.IDENTITY, why="no profile is given", remedy="give one"),)
    found = find_by_layer(evaluate(case.request, PolicySet(unreadable=frozenset({Layer.IDENTITY}), unread=unread)))
    assert {one.layer: one.why for one in found if one.why} == {Layer.IDENTITY: "no profile is given"}


ASKED = {
    "principal": f"arn:aws:iam::{HUB}:user/a",
    "action": "s3:GetObject",
    "resource": "arn:aws:s3:::b/k",
    "resourceAccount": HUB,
}
