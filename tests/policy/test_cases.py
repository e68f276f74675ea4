"""Named decisions kept as data; whoever knows IAM can add one without code."""

import json
from pathlib import Path

import pytest

from crossdock.core.arns import role_arn
from crossdock.core.principals import (
    AccountRoot,
    Anonymous,
    AssumedRole,
    ExternalIdentity,
    FederatedUser,
    IamUser,
    ServicePrincipal,
)
from crossdock.policy.cases import Case, MalformedCase, parse_cases, parse_principal

FILES = sorted(Path(__file__).with_name("cases").glob("*.json"))
CASES = [(path.stem, case) for path in FILES for case in parse_cases(path.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("case", [case for _, case in CASES], ids=[f"{file}: {case.name}" for file, case in CASES])
def test_the_case_is_decided_as_expected(case: Case) -> None:
    decision = case.decide()

    assert decision.verdict is case.expected, decision.explain()
    assert decision.is_allowed is (decision.blocked_by is None)
    assert decision.explain()


def test_every_case_has_its_own_name() -> None:
    assert len({(file, case.name) for file, case in CASES}) == len(CASES)


CASE = {
    "name": "one",
    "request": {
        "principal": "111111111111",
        "action": "s3:GetObject",
        "resource": "*",
        "resourceAccount": "111111111111",
        "context": {},
    },
    "expected": "Allowed",
}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


def one(**members: object) -> Case:
    (case,) = parse_cases(json.dumps({**CASE, **members}))
    return case


def test_a_file_holds_one_case_or_a_list() -> None:
    assert [case.name for case in parse_cases(json.dumps(CASE))] == ["one"]
    assert [case.name for case in parse_cases(json.dumps([CASE, {**CASE, "name": "two"}]))] == ["one", "two"]


def test_a_policy_has_the_name_it_is_given_or_its_place() -> None:
    policies = one(identityPolicies=[{"name": "Full", "policy": ALLOW}, ALLOW], serviceControlPolicies=[[], [ALLOW]])
    assert [named.name for named in policies.policies.identity] == ["Full", "identityPolicies 2"]
    assert [[named.name for named in level] for level in policies.policies.service_control] == [
        [],
        ["serviceControlPolicies 2 1"],
    ]


def test_who_made_a_federated_session_is_told_by_the_case() -> None:
    bob = {**CASE["request"], "principal": "arn:aws:sts::111111111111:federated-user/bob"}
    assert one(request=bob).request.principal == FederatedUser(account_id="111111111111", session_name="bob")
    by_alice = one(request={**bob, "federatedBy": "arn:aws:iam::111111111111:user/x/alice"})
    assert by_alice.request.principal == FederatedUser(
        account_id="111111111111",
        session_name="bob",
        issuer=IamUser(account_id="111111111111", user_name="alice", user_id="", path="/x/"),
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("*", Anonymous()),
        ("111111111111", AccountRoot(account_id="111111111111")),
        ("arn:aws:iam::111111111111:root", AccountRoot(account_id="111111111111")),
        ("s3.amazonaws.com", ServicePrincipal(name="s3.amazonaws.com")),
        ("arn:aws:iam::111111111111:user/a", IamUser(account_id="111111111111", user_name="a", user_id="X:y")),
        (
            "arn:aws:iam::111111111111:user/x/y/a",
            IamUser(account_id="111111111111", user_name="a", user_id="X:y", path="/x/y/"),
        ),
        (
            "arn:aws:iam::111111111111:role/x/r",
            AssumedRole(role_arn=role_arn("111111111111", "x/r"), role_id="X", session_name="session"),
        ),
        (
            "arn:aws:sts::111111111111:assumed-role/r/s",
            AssumedRole(role_arn=role_arn("111111111111", "r"), role_id="X", session_name="s"),
        ),
        (
            "arn:aws:sts::111111111111:federated-user/bob",
            FederatedUser(account_id="111111111111", session_name="bob"),
        ),
        (
            "arn:aws:iam::111111111111:oidc-provider/accounts.example.com/x",
            ExternalIdentity(provider="arn:aws:iam::111111111111:oidc-provider/accounts.example.com/x"),
        ),
        (
            "arn:aws:iam::111111111111:saml-provider/Corp",
            ExternalIdentity(provider="arn:aws:iam::111111111111:saml-provider/Corp"),
        ),
        ("cognito-identity.amazonaws.com", ExternalIdentity(provider="cognito-identity.amazonaws.com")),
        ("accounts.google.com", ExternalIdentity(provider="accounts.google.com")),
    ],
)
def test_whom_a_principal_means(text: str, expected: object) -> None:
    assert parse_principal(text, user_id="X:y") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "alice",
        "arn:aws:iam::111111111111:group/x",
        "arn:aws:iam::111111111111:user/",
        "arn:aws:sts::111111111111:assumed-role/r",
        "arn:aws:sts::111111111111:federated-user/",
        "arn:aws:iam::111111111111:saml-provider/",
        "accounts.example.com",
        "arn:aws:s3:::amazonaws.com",
    ],
)
def test_a_principal_that_cannot_ask_is_refused(text: str) -> None:
    with pytest.raises(MalformedCase):
        parse_principal(text)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"expected": "Maybe"}, "one: expected is none of Allowed, ImplicitlyDenied, ExplicitlyDenied"),
        ({"request": None}, "one: request is no JSON object"),
        ({"request": {**CASE["request"], "action": None}}, "one: the request has no action"),
        ({"request": {**CASE["request"], "region": "x"}}, "one: unknown member 'region'"),
        ({"request": {**CASE["request"], "context": {"k": 7}}}, "one: context k is neither"),
        ({"request": {**CASE["request"], "principal": "x"}}, "one: no principal: 'x'"),
        ({"identityPolicies": {}}, "one: identityPolicies is no list"),
        ({"serviceControlPolicies": [{}]}, "one: serviceControlPolicies 1 is no list"),
        ({"identityPolicies": [7]}, "one: identityPolicies 1 is no JSON object"),
        ({"identityPolicies": [{"name": "x", "policy": ALLOW, "y": 1}]}, "one: unknown member 'y'"),
        ({"identityPolicies": [{"Statement": []}]}, "one: Syntax errors in policy. Statement is empty"),
        ({"policies": []}, "one: unknown member 'policies'"),
        ({"resourceControlPolicies": [{}]}, "one: resourceControlPolicies 1 is no list"),
        ({"resourceControlPolicies": [[ALLOW]]}, "one: Missing required field Principal"),
        ({"endpointPolicies": [ALLOW]}, "one: Missing required field Principal"),
        ({"publicAccessBlock": []}, "one: publicAccessBlock is no JSON object"),
        ({"publicAccessBlock": {"restrict": True}}, "one: unknown member 'restrict'"),
        ({"publicAccessBlock": {"BlockPublicAcls": "true"}}, "one: publicAccessBlock BlockPublicAcls is neither true"),
        ({"name": None}, "a case has no name"),
        (
            {"request": {**CASE["request"], "principal": "www.amazon.com"}},
            "one: whom www.amazon.com vouches for can only assume a role",
        ),
        (
            {"request": {**CASE["request"], "federatedBy": "arn:aws:iam::111111111111:user/a"}},
            "one: federatedBy is for a principal that is a federated user",
        ),
        (
            {
                "request": {
                    **CASE["request"],
                    "principal": "arn:aws:sts::111111111111:federated-user/bob",
                    "federatedBy": "arn:aws:iam::222222222222:user/a",
                }
            },
            "one: federatedBy is no user of account 111111111111",
        ),
    ],
)
def test_a_case_that_says_nothing_is_refused_by_name(members: dict[str, object], words: str) -> None:
    with pytest.raises(MalformedCase) as caught:
        one(**members)
    assert str(caught.value).startswith(words)


@pytest.mark.parametrize("text", ["", "{", "[7]", "[" * 100_000])
def test_a_file_that_holds_no_cases_is_refused(text: str) -> None:
    with pytest.raises(MalformedCase):
        parse_cases(text)
