"""Statements for askers who are neither roles nor services."""

from dataclasses import replace

from tests.policy.test_fixes import HUB, apply, case, fix_of, read

from crossdock.core.principals import AssumedRole
from crossdock.policy.evaluate import Layer, PolicySet, evaluate
from crossdock.policy.fixes import AddStatement, find_fixes

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"AWS": HUB}, "Action": "sts:AssumeRole"}],
}
GITHUB = "token.actions.githubusercontent.com"


def test_a_provider_is_let_in_for_the_one_identity() -> None:
    request = {
        "principal": f"arn:aws:iam::{HUB}:oidc-provider/{GITHUB}",
        "action": "sts:AssumeRoleWithWebIdentity",
        "resource": f"arn:aws:iam::{HUB}:role/deploy",
        "resourceAccount": HUB,
        "context": {f"{GITHUB}:aud": "sts.amazonaws.com", f"{GITHUB}:sub": "repo:octo/app:ref:refs/heads/main"},
    }
    document = case(request=request, identityPolicies=[], resourcePolicy=TRUST)
    fix = fix_of(document)
    assert isinstance(fix.change, AddStatement)
    assert fix.change.statement == {
        "Sid": "AllowAssumeRoleWithWebIdentity",
        "Effect": "Allow",
        "Principal": {"Federated": request["principal"]},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {
            "StringEquals": {
                f"{GITHUB}:aud": "sts.amazonaws.com",
                f"{GITHUB}:sub": "repo:octo/app:ref:refs/heads/main",
            }
        },
    }
    apply(document, fix)
    assert read(document).decide().is_allowed


def test_a_federated_user_is_let_in_by_its_arn_and_its_users_policies() -> None:
    bob, alice = f"arn:aws:sts::{HUB}:federated-user/bob", f"arn:aws:iam::{HUB}:user/alice"
    request = {**case()["request"], "principal": bob, "federatedBy": alice, "context": {}}
    document = case(request=request, identityPolicies=[])
    fixes = find_fixes(read(document).decide())
    assert [(fix.layer, fix.attached_to, fix.sentence) for fix in fixes] == [
        (Layer.IDENTITY, alice, "make the policy file-transfer of alice of this statement"),
        (Layer.SESSION, bob, "make the session policy that GetFederationToken is given for bob of this statement"),
        (Layer.RESOURCE, "arn:aws:s3:::inbox", "make the bucket policy of inbox of this statement"),
    ]
    for fix in fixes:
        apply(document, fix)
    assert read(document).decide().is_allowed


def test_a_role_that_nobody_trusts_gets_a_trust_policy() -> None:
    request = {**case()["request"], "action": "sts:AssumeRole", "resource": f"arn:aws:iam::{HUB}:role/deploy"}
    document = case(request={**request, "resourceAccount": HUB}, identityPolicies=[FULL_STS])
    fix = fix_of(document)
    assert fix.sentence == "make the trust policy of role deploy of this statement"
    apply(document, fix)
    assert read(document).decide().is_allowed


FULL_STS = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:*", "Resource": "*"}]}


def test_a_role_that_assumes_roles_is_trusted_by_name_with_the_external_id_that_it_gives() -> None:
    request = {**case()["request"], "action": "sts:AssumeRole", "resource": f"arn:aws:iam::{HUB}:role/deploy"}
    request = {**request, "resourceAccount": HUB, "context": {"sts:ExternalId": "dock-7f3a"}}
    document = case(request=request, identityPolicies=[FULL_STS])
    fix = fix_of(document)
    assert isinstance(fix.change, AddStatement)
    role = read(document).request.principal
    assert isinstance(role, AssumedRole)
    assert fix.change.statement["Principal"] == {"AWS": str(role.role_arn)}
    assert fix.change.statement["Condition"] == {"StringEquals": {"sts:ExternalId": "dock-7f3a"}}
    apply(document, fix)
    assert read(document).decide().is_allowed


def test_a_role_whose_id_nobody_knows_is_let_in_by_its_arn() -> None:
    decision = read(case(identityPolicies=[])).decide()
    assert isinstance(decision.request.principal, AssumedRole)
    nameless = replace(decision.request, principal=replace(decision.request.principal, role_id=""))
    (fix, *_) = [one for one in find_fixes(evaluate(nameless, PolicySet())) if one.layer is Layer.RESOURCE]
    assert isinstance(fix.change, AddStatement)
    assert fix.change.statement["Condition"] == {"ArnEquals": {"aws:PrincipalArn": str(nameless.principal.role_arn)}}
