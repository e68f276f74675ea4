from crossdock.core.arns import role_arn
from crossdock.core.principals import AccountRoot, Anonymous, AssumedRole, ServicePrincipal
from crossdock.policy.document import Effect, PolicyKind, parse_policy
from crossdock.policy.evaluate import AccessRequest, Layer, MismatchKind, NamedAs, NamedPolicy, PolicySet, evaluate
from crossdock.policy.reasons import find_reasons, layers_of

A, B = "111111111111", "222222222222"
ROLE = AssumedRole(role_arn=role_arn(A, "Transfer"), role_id="AROAEXAMPLEROLEID0001", session_name="s")

LINKED = AssumedRole(
    role_arn=role_arn(A, "aws-service-role/s.amazonaws.com/Linked"), role_id="AROAEXAMPLEROLEID0002", session_name="s"
)


def policy(kind: PolicyKind, *statements: dict[str, object], name: str = "p") -> NamedPolicy:
    return NamedPolicy(name=name, policy=parse_policy({"Version": "2012-10-17", "Statement": list(statements)}, kind))


def ask(principal=ROLE, **context: tuple[str, ...]) -> AccessRequest:
    return AccessRequest(
        principal=principal,
        action="s3:PutObject",
        resource="arn:aws:s3:::b/k",
        resource_account=A,
        context={key.replace("_", ":"): values for key, values in context.items()},
    )


def test_a_statement_that_applies_has_no_mismatch():
    allow = policy(PolicyKind.IDENTITY, {"Sid": "All", "Effect": "Allow", "Action": "*", "Resource": "*"}, name="Full")
    (reason,) = evaluate(ask(), PolicySet(identity=(allow,))).reasons
    assert reason.applies
    assert (reason.layer, reason.policy, reason.number, reason.sid) == (Layer.IDENTITY, "Full", 1, "All")
    assert (reason.effect, reason.named_as, reason.statement) == (Effect.ALLOW, None, "All")


def test_every_part_that_does_not_fit_is_told():
    bucket = policy(
        PolicyKind.RESOURCE,
        {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"},
        {
            "Effect": "Deny",
            "Principal": {"AWS": B},
            "NotAction": "s3:Put*",
            "NotResource": "arn:aws:s3:::b/*",
            "Condition": {"StringLike": {"aws:userId": ["AROA1:*"]}, "Bool": {"aws:Secure": "true"}},
        },
    )
    first, second = evaluate(ask(aws_userid=("AROA2:s",)), PolicySet(resource=bucket)).reasons
    assert (first.applies, first.named_as, first.statement) == (True, NamedAs.DIRECT, "1")
    assert (second.applies, second.named_as, second.number) == (False, None, 2)
    told = [(one.kind, one.element, one.key, one.expected, one.actual) for one in second.mismatches]
    assert told == [
        (MismatchKind.PRINCIPAL, "Principal", "", (B,), (ROLE.arn,)),
        (MismatchKind.ACTION, "NotAction", "", ("s3:Put*",), ("s3:PutObject",)),
        (MismatchKind.RESOURCE, "NotResource", "", ("arn:aws:s3:::b/*",), ("arn:aws:s3:::b/k",)),
        (MismatchKind.CONDITION, "StringLike", "aws:userId", ("AROA1:*",), ("AROA2:s",)),
        (MismatchKind.CONDITION, "Bool", "aws:Secure", ("true",), ()),
    ]


def test_who_is_spared_by_not_principal_is_told():
    named = {"AWS": [A, str(ROLE.role_arn)]}
    bucket = policy(PolicyKind.RESOURCE, {"Effect": "Deny", "NotPrincipal": named, "Action": "*", "Resource": "*"})
    (reason,) = evaluate(ask(), PolicySet(resource=bucket)).reasons
    (mismatch,) = reason.mismatches
    assert (mismatch.element, mismatch.expected) == ("NotPrincipal", (A, str(ROLE.role_arn)))


def test_only_the_layers_that_bear_on_the_caller_are_told():
    some = policy(PolicyKind.IDENTITY, {"Effect": "Allow", "Action": "*", "Resource": "*"})
    bucket = policy(PolicyKind.RESOURCE, {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"})
    policies = PolicySet(
        identity=(some,),
        boundary=(some,),
        session=(some,),
        service_control=((some,), (some,)),
        resource_control=((bucket,),),
        endpoint=(bucket,),
        resource=bucket,
    )

    def layers(principal) -> list[Layer]:
        return [layer for layer, _ in layers_of(ask(principal), policies)]

    organisations = [Layer.RESOURCE_CONTROL, Layer.SERVICE_CONTROL, Layer.SERVICE_CONTROL]
    own = [Layer.IDENTITY, Layer.BOUNDARY, Layer.SESSION]
    assert layers(ROLE) == [*organisations, Layer.ENDPOINT, *own, Layer.RESOURCE]
    assert layers(LINKED) == [Layer.ENDPOINT, *own, Layer.RESOURCE]
    assert layers(AccountRoot(account_id=A)) == [*organisations, Layer.ENDPOINT, Layer.RESOURCE]
    assert layers(ServicePrincipal(name="s3.amazonaws.com")) == [Layer.RESOURCE_CONTROL, Layer.ENDPOINT, Layer.RESOURCE]
    assert layers(Anonymous()) == [Layer.RESOURCE_CONTROL, Layer.ENDPOINT, Layer.RESOURCE]


def test_an_account_that_an_endpoint_policy_allows_is_its_root_user_alone():
    named = {"Principal": {"AWS": A}, "Action": "*", "Resource": "*"}
    allowing, denying = (policy(PolicyKind.ENDPOINT, {"Effect": effect, **named}) for effect in ("Allow", "Deny"))

    def named_as(principal, endpoint: NamedPolicy) -> NamedAs | None:
        (reason,) = evaluate(ask(principal), PolicySet(endpoint=(endpoint,))).reasons
        return reason.named_as

    assert named_as(ROLE, allowing) is None
    assert named_as(AccountRoot(account_id=A), allowing) is NamedAs.DIRECT
    assert named_as(ROLE, denying) is NamedAs.ACCOUNT


def test_a_deny_that_applies_has_the_conditions_that_are_met() -> None:
    asks = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {"Null": {"aws:SourceIp": "true"}}}
    for effect, count in (("Deny", 1), ("Allow", 0)):
        named = policy(PolicyKind.IDENTITY, {**asks, "Effect": effect})
        (reason,) = find_reasons(ask(), PolicySet(identity=(named,)))
        assert reason.applies
        assert [(one.element, one.key, one.actual) for one in reason.met] == [("Null", "aws:SourceIp", ())] * count
