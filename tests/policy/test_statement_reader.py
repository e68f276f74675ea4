import pytest

from crossdock.policy.document import Effect, MalformedPolicy, PolicyKind, Statement, parse_policy

IAM_SYNTAX = "Syntax errors in policy."
S3_SYNTAX = "Invalid policy syntax."
LEGACY = "The policy failed legacy parsing"
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."


def read(kind: PolicyKind, statement: dict[str, object], version: str = "2012-10-17") -> Statement:
    return parse_policy({"Version": version, "Statement": [statement]}, kind).statements[0]


def identity(**members: object) -> dict[str, object]:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **members}
    return {name: value for name, value in statement.items() if value is not None}


def bucket(**members: object) -> dict[str, object]:
    return identity(**{"Principal": "*", **members})


def trust(**members: object) -> dict[str, object]:
    return identity(**{"Principal": "*", "Action": "sts:AssumeRole", "Resource": None, **members})


def refused(kind: PolicyKind, statement: dict[str, object]) -> str:
    with pytest.raises(MalformedPolicy) as caught:
        read(kind, statement)
    assert caught.value.detail
    return caught.value.message


def test_a_statement_keeps_what_is_written():
    statement = read(
        PolicyKind.RESOURCE,
        {
            "Sid": "Put things",
            "Effect": "Deny",
            "NotPrincipal": {
                "AWS": ["111111111111", "arn:aws:iam::111111111111:user/a"],
                "Service": "s3.amazonaws.com",
            },
            "NotAction": ["s3:Get*", "s3:List*"],
            "NotResource": "arn:aws:s3:::b/*",
            "Condition": {"StringEquals": {"aws:userId": ["a", 7, True, 1.5]}},
        },
    )
    assert (statement.sid, statement.effect) == ("Put things", Effect.DENY)
    assert [str(one) for one in statement.not_principals] == [
        "111111111111",
        "arn:aws:iam::111111111111:user/a",
        "s3.amazonaws.com",
    ]
    assert statement.not_actions == ("s3:Get*", "s3:List*")
    assert statement.not_resources == ("arn:aws:s3:::b/*",)
    assert statement.conditions[0].key == "aws:userId"
    assert statement.conditions[0].values == ("a", "7", "true", "1.5")
    assert (statement.principals, statement.actions, statement.resources) == ((), (), ())


@pytest.mark.parametrize(
    ("members", "iam", "s3"),
    [
        ({"Efect": "Allow"}, IAM_SYNTAX, S3_SYNTAX),
        ({"effect": "Allow"}, IAM_SYNTAX, S3_SYNTAX),
        ({"NotAction": "s3:*"}, IAM_SYNTAX, S3_SYNTAX),
        ({"NotResource": "*"}, IAM_SYNTAX, S3_SYNTAX),
        ({"Sid": 7}, IAM_SYNTAX, S3_SYNTAX),
        ({"Effect": None}, IAM_SYNTAX, "Missing required field Effect"),
        ({"Effect": "allow"}, LEGACY, S3_SYNTAX),
        ({"Effect": "Maybe"}, IAM_SYNTAX, S3_SYNTAX),
        ({"Effect": ["Allow"]}, IAM_SYNTAX, S3_SYNTAX),
        ({"Action": None}, "Policy statement must contain actions.", "Missing required field Action"),
        ({"Action": []}, "Policy statement must contain actions.", "Missing required field Action"),
        ({"Action": 7}, IAM_SYNTAX, S3_SYNTAX),
        ({"Action": ["s3:*", {}]}, IAM_SYNTAX, S3_SYNTAX),
        ({"Action": "GetObject"}, VENDOR, "Policy has invalid action"),
        ({"Action": "s3:"}, VENDOR, "Policy has invalid action"),
        ({"Action": ""}, VENDOR, "Policy has invalid action"),
        ({"Action": "s3:Get:Object"}, "Actions/Condition can contain only one colon.", "Policy has invalid action"),
        ({"Action": "s*:GetObject"}, "Vendor s* is not valid", "Policy has invalid action"),
        ({"Resource": None}, "Policy statement must contain resources.", "Missing required field Resource"),
        ({"Resource": []}, "Policy statement must contain resources.", "Missing required field Resource"),
        ({"Resource": {"Ref": "B"}}, IAM_SYNTAX, S3_SYNTAX),
        ({"Resource": "b"}, 'Resource b must be in ARN format or "*".', "Policy has invalid resource"),
        ({"Resource": "b:*"}, 'Resource b:* must be in ARN format or "*".', "Policy has invalid resource"),
        ({"Resource": ""}, 'Resource  must be in ARN format or "*".', "Policy has invalid resource"),
        (
            {"Resource": "arn:aws-cn:s3:::b"},
            'Partition "aws-cn" is not valid for resource "arn:aws-cn:s3:::b".',
            "Policy has invalid resource",
        ),
        (
            {"Resource": "arn:aws"},
            "Resource vendor must be fully qualified and cannot contain regexes.",
            "Policy has invalid resource",
        ),
        (
            {"Resource": "arn:aws:*:::b"},
            "Resource vendor must be fully qualified and cannot contain regexes.",
            "Policy has invalid resource",
        ),
        (
            {"Resource": "arn:aws:${aws:x}:::b"},
            "Resource vendor must be fully qualified and cannot contain regexes.",
            "Policy has invalid resource",
        ),
        ({"Resource": "arn:aws:s3::b"}, LEGACY, "Policy has invalid resource"),
        (
            {"Resource": "arn:aws:iam:us-east-1:111111111111:user/a"},
            "IAM resource arn:aws:iam:us-east-1:111111111111:user/a cannot contain region information.",
            "Policy has invalid resource",
        ),
        ({"Condition": []}, IAM_SYNTAX, S3_SYNTAX),
        ({"Condition": {"StringEquals": "x"}}, IAM_SYNTAX, S3_SYNTAX),
        ({"Condition": {"StringEqual": {"aws:a": "x"}}}, IAM_SYNTAX, "Invalid Condition type : StringEqual"),
        ({"Condition": {"StringEqual": {}}}, IAM_SYNTAX, "Invalid Condition type : StringEqual"),
        ({"Condition": {"StringEquals": {"a": "x"}}}, VENDOR, "Policy has an invalid condition key"),
        ({"Condition": {"StringEquals": {":a": "x"}}}, VENDOR, "Policy has an invalid condition key"),
        ({"Condition": {"StringEquals": {"aws:a": []}}}, IAM_SYNTAX, S3_SYNTAX),
        ({"Condition": {"StringEquals": {"aws:a": None}}}, IAM_SYNTAX, S3_SYNTAX),
        ({"Condition": {"StringEquals": {"aws:a": [["x"]]}}}, IAM_SYNTAX, S3_SYNTAX),
        ({"Condition": {"IpAddress": {"aws:SourceIp": "10.0.0.0/40"}}}, LEGACY, "Invalid IP address in Conditions"),
        ({"Condition": {"DateLessThan": {"aws:CurrentTime": "soon"}}}, LEGACY, S3_SYNTAX),
    ],
)
def test_what_is_refused_of_every_statement(members: dict, iam: str, s3: str):
    assert refused(PolicyKind.IDENTITY, identity(**members)) == iam
    assert refused(PolicyKind.RESOURCE, bucket(**members)) == s3


@pytest.mark.parametrize(
    "members",
    [
        {"Action": "*"},
        {"Action": "*:*"},
        {"Action": ["s3:Get*", "secretsmanager:?et*"]},
        {"Resource": "arn:aws:s3:::b/${aws:username}"},
        {"Resource": "arn:*:s3:::b"},
        {"Resource": "arn:aws*:s3:::b"},
        {"Resource": "arn:aws:sqs:*:${aws:PrincipalAccount}:q"},
        {"Resource": "arn:aws:sqs"},
        {"Resource": "arn:aws:iam::111111111111:user/*"},
        {"Resource": "arn:aws:iam:*:*:role/x"},
        {"Condition": {}},
        {"Condition": {"StringEquals": {}}},
        {"Condition": {"ArnLike": {"aws:SourceArn": "*"}}},
        {"Condition": {"StringEquals": {"aws:PrincipalTag/a:b": "x"}}},
    ],
)
def test_what_is_taken(members: dict):
    read(PolicyKind.IDENTITY, identity(**members))
    read(PolicyKind.RESOURCE, bucket(**members))


@pytest.mark.parametrize("kind", [PolicyKind.IDENTITY, PolicyKind.MANAGED, PolicyKind.BOUNDARY, PolicyKind.SESSION])
@pytest.mark.parametrize("name", ["Principal", "NotPrincipal"])
def test_an_identity_policy_names_no_principal(kind: PolicyKind, name: str):
    assert refused(kind, identity(**{name: "*"})) == "Policy document should not specify a principal."


def test_an_identity_policys_sid_is_letters_and_digits():
    assert refused(PolicyKind.IDENTITY, identity(Sid="put things")).startswith(
        "Statement IDs (SID) must be alpha-numeric"
    )
    assert read(PolicyKind.RESOURCE, bucket(Sid="put things")).sid == "put things"


def test_a_resource_policy_needs_a_principal():
    assert refused(PolicyKind.RESOURCE, bucket(Principal=None)) == "Missing required field Principal"
    assert refused(PolicyKind.TRUST, trust(Principal=None)) == "Missing required field Principal"


@pytest.mark.parametrize(
    ("principal", "iam", "s3"),
    [
        ("arn:aws:iam::111111111111:root", IAM_SYNTAX, S3_SYNTAX),
        ([], IAM_SYNTAX, S3_SYNTAX),
        ({}, IAM_SYNTAX, S3_SYNTAX),
        ({"AWS": []}, IAM_SYNTAX, S3_SYNTAX),
        ({"AWS": 111111111111}, IAM_SYNTAX, S3_SYNTAX),
        ({"AWS": "arn:aws:iam::1:root"}, 'Invalid principal in policy: "AWS":"arn:aws:iam::1:root"', None),
        ({"AWS": "arn:aws:iam::111111111111:user/*"}, 'Invalid principal in policy: "AWS":"arn:aws:iam::', None),
        ({"Service": "transfer"}, 'Invalid principal in policy: "Service":"transfer"', None),
        ({"Federated": "*"}, 'Invalid principal in policy: "Federated":"*"', None),
        ({"CanonicalUser": "79a59df9"}, 'Invalid principal in policy: "CanonicalUser":""', None),
        ({"aws": "*"}, 'Invalid principal in policy: "aws":""', None),
    ],
)
def test_a_principal_that_nobody_is(principal: object, iam: str, s3: str | None):
    assert refused(PolicyKind.TRUST, trust(Principal=principal)).startswith(iam)
    assert refused(PolicyKind.RESOURCE, bucket(Principal=principal)) == (s3 or "Invalid principal in policy")


def test_a_trust_policy_has_no_resource():
    assert refused(PolicyKind.TRUST, trust(Resource="*")) == "Has prohibited field Resource"
    assert refused(PolicyKind.TRUST, trust(NotResource="*")) == "Has prohibited field NotResource"


@pytest.mark.parametrize("action", ["s3:GetObject", "*", ["sts:AssumeRole", "iam:PassRole"]])
def test_a_trust_policy_is_about_assuming_only(action: object):
    words = "AssumeRole policy may only specify STS AssumeRole actions."
    assert refused(PolicyKind.TRUST, trust(Action=action)) == words


@pytest.mark.parametrize("action", ["sts:AssumeRole", ["sts:AssumeRole", "sts:TagSession"], "STS:*"])
def test_a_trust_policy_may_name_any_action_of_sts(action: object):
    read(PolicyKind.TRUST, trust(Action=action))


def test_not_principal_is_for_denying_in_resource_policies():
    named = {"AWS": "111111111111"}
    read(PolicyKind.RESOURCE, bucket(Effect="Deny", Principal=None, NotPrincipal=named))
    words = "Allow with NotPrincipal is not allowed."
    assert refused(PolicyKind.RESOURCE, bucket(Principal=None, NotPrincipal=named)) == words
    words = "Has prohibited field NotPrincipal"
    assert refused(PolicyKind.TRUST, trust(Effect="Deny", Principal=None, NotPrincipal=named)) == words
    words = "Invalid principal in policy"
    for everyone in ("*", {"AWS": "*"}):
        assert refused(PolicyKind.RESOURCE, bucket(Effect="Deny", Principal=None, NotPrincipal=everyone)) == words
    assert refused(PolicyKind.RESOURCE, bucket(NotPrincipal=named)) == S3_SYNTAX


def test_a_refusal_says_in_which_statement():
    with pytest.raises(MalformedPolicy) as caught:
        parse_policy({"Statement": [identity(), identity(Efect="Deny")]}, PolicyKind.IDENTITY)
    assert caught.value.detail == "statement 2: unknown element 'Efect'"


@pytest.mark.parametrize("keys", [{}, {"aws:userid": "x"}])
def test_a_condition_operator_that_is_not_known_is_named(keys: dict[str, object]):
    with pytest.raises(MalformedPolicy) as caught:
        read(PolicyKind.IDENTITY, identity(Condition={"StringLikes": keys}))
    assert caught.value.detail == "statement 1: the condition operator StringLikes is not known"


def test_variables_are_active_from_2012_on():
    statement = identity(Resource="arn:aws:s3:::${aws:username}")
    context = {"aws:username": ("me",)}
    assert read(PolicyKind.IDENTITY, statement).covers_resource("arn:aws:s3:::me", context)
    assert not read(PolicyKind.IDENTITY, statement, "2008-10-17").covers_resource("arn:aws:s3:::me", context)
