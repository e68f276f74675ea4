from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.core.arns import role_arn
from crossdock.core.principals import AccountRoot, Anonymous, AssumedRole, IamUser, ServicePrincipal
from crossdock.policy.conditions import Condition
from crossdock.policy.document import Effect, Policy, PolicyKind, Statement, parse_policy
from crossdock.policy.evaluate import (
    AccessRequest,
    Layer,
    NamedPolicy,
    PolicySet,
    PublicAccessBlock,
    Verdict,
    evaluate,
    evaluate_key,
    evaluate_trust,
)
from crossdock.policy.public_access import is_public

A, B = "111111111111", "222222222222"
ROLE = AssumedRole(role_arn=role_arn(A, "Transfer"), role_id="AROAEXAMPLEROLEID0001", session_name="s")
USER = IamUser(account_id=A, user_name="alice", user_id="AIDAEXAMPLEUSERID0001")
ROOT = AccountRoot(account_id=A)
SERVICE = ServicePrincipal(name="transfer.amazonaws.com")
OBJECT = "arn:aws:s3:::b/k"


def policy(kind: PolicyKind, *statements: dict[str, object]) -> NamedPolicy:
    return NamedPolicy(name="p", policy=parse_policy({"Version": "2012-10-17", "Statement": list(statements)}, kind))


def statement(effect: str = "Allow", action: str = "s3:*", **members: object) -> dict[str, object]:
    return {"Effect": effect, "Action": action, "Resource": "*", **members}


FULL = policy(PolicyKind.IDENTITY, statement())
NOTHING = policy(PolicyKind.IDENTITY, statement(action="ec2:*"))
DENY = policy(PolicyKind.IDENTITY, statement("Deny"))
EVERYONE = policy(PolicyKind.RESOURCE, statement(Principal="*"))
THE_ROLE = policy(PolicyKind.RESOURCE, statement(Principal={"AWS": str(ROLE.role_arn)}))
ACCOUNT = policy(PolicyKind.RESOURCE, statement(Principal={"AWS": A}))
RCP_FULL = policy(PolicyKind.RESOURCE_CONTROL, statement(action="*", Principal="*"))
RCP_DENY = policy(PolicyKind.RESOURCE_CONTROL, statement("Deny", Principal="*"))
ENDPOINT = policy(PolicyKind.ENDPOINT, statement(Principal="*"))
OTHER_ENDPOINT = policy(PolicyKind.ENDPOINT, statement(Principal="*", action="ec2:*"))
RESTRICTED = PublicAccessBlock(restrict_public_buckets=True)
KEY = "arn:aws:kms:us-east-1:111111111111:key/1234abcd"
LINKED = AssumedRole(
    role_arn=role_arn(A, "aws-service-role/s.amazonaws.com/Linked"), role_id="AROAEXAMPLEROLEID0002", session_name="s"
)


def ask(principal=ROLE, account: str = A, action: str = "s3:GetObject") -> AccessRequest:
    return AccessRequest(principal=principal, action=action, resource=OBJECT, resource_account=account, context={})


def test_a_decision_tells_the_account_and_who_withholds():
    decision = evaluate(ask(account=B), PolicySet(identity=(NOTHING,), session=(NOTHING,)))
    assert decision.verdict is Verdict.IMPLICIT_DENY
    assert not decision.same_account
    assert decision.withheld_by == (Layer.IDENTITY, Layer.SESSION, Layer.RESOURCE)
    assert decision.blocked_by is Layer.IDENTITY
    allowed = evaluate(ask(), PolicySet(identity=(FULL,)))
    assert allowed.same_account
    assert allowed.blocked_by is None


@pytest.mark.parametrize(
    ("policies", "layer"),
    [
        (PolicySet(identity=(FULL, DENY)), Layer.IDENTITY),
        (PolicySet(identity=(FULL,), boundary=(DENY,)), Layer.BOUNDARY),
        (PolicySet(identity=(FULL,), session=(DENY,)), Layer.SESSION),
        (PolicySet(identity=(FULL,), service_control=((FULL,), (DENY,))), Layer.SERVICE_CONTROL),
        (PolicySet(identity=(FULL,), resource_control=((RCP_FULL,), (RCP_FULL, RCP_DENY))), Layer.RESOURCE_CONTROL),
        (
            PolicySet(identity=(FULL,), endpoint=(policy(PolicyKind.ENDPOINT, statement("Deny", Principal="*")),)),
            Layer.ENDPOINT,
        ),
        (
            PolicySet(identity=(FULL,), resource=policy(PolicyKind.RESOURCE, statement("Deny", Principal="*"))),
            Layer.RESOURCE,
        ),
    ],
)
def test_an_explicit_deny_wins_in_every_layer(policies: PolicySet, layer: Layer):
    decision = evaluate(ask(), policies)
    assert (decision.verdict, decision.blocked_by) == (Verdict.EXPLICIT_DENY, layer)


def test_a_deny_of_the_resource_concerns_whom_it_names():
    other = policy(PolicyKind.RESOURCE, statement("Deny", Principal={"AWS": B}))
    assert evaluate(ask(), PolicySet(identity=(FULL,), resource=other)).is_allowed


@pytest.mark.parametrize(
    ("policies", "layers"),
    [
        (PolicySet(identity=(FULL,), boundary=(NOTHING,)), (Layer.BOUNDARY,)),
        (PolicySet(identity=(FULL,), session=(NOTHING,)), (Layer.SESSION,)),
        (PolicySet(identity=(FULL,), service_control=((NOTHING,),)), (Layer.SERVICE_CONTROL,)),
        (PolicySet(resource=THE_ROLE, boundary=(NOTHING,), session=(NOTHING,)), (Layer.BOUNDARY, Layer.SESSION)),
        (PolicySet(resource=EVERYONE, service_control=((),)), (Layer.SERVICE_CONTROL,)),
        (PolicySet(resource=ACCOUNT), (Layer.IDENTITY,)),
        (PolicySet(identity=(FULL,), resource_control=((RCP_FULL,), ())), (Layer.RESOURCE_CONTROL,)),
        (PolicySet(resource=EVERYONE, endpoint=(OTHER_ENDPOINT,)), (Layer.ENDPOINT,)),
        (
            PolicySet(resource_control=((),), service_control=((), ()), endpoint=(OTHER_ENDPOINT,)),
            (Layer.RESOURCE_CONTROL, Layer.SERVICE_CONTROL, Layer.ENDPOINT, Layer.IDENTITY),
        ),
    ],
)
def test_what_does_not_allow_is_named(policies: PolicySet, layers: tuple[Layer, ...]):
    decision = evaluate(ask(), policies)
    assert (decision.verdict, decision.withheld_by) == (Verdict.IMPLICIT_DENY, layers)


def test_a_trust_policy_is_always_needed():
    trust = policy(
        PolicyKind.TRUST,
        {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "transfer.amazonaws.com"}},
    )
    request = AccessRequest(
        principal=ROLE,
        action="sts:AssumeRole",
        resource="arn:aws:iam::111111111111:role/x",
        resource_account=A,
        context={},
    )
    everything = policy(PolicyKind.IDENTITY, statement(action="*"))
    assert evaluate_trust(request, trust, PolicySet(identity=(everything,))).withheld_by == (Layer.RESOURCE,)
    assert evaluate(request, PolicySet(identity=(everything,))).is_allowed


def test_a_key_policy_is_always_needed():
    def ask_key(principal) -> AccessRequest:
        return AccessRequest(principal=principal, action="kms:Decrypt", resource=KEY, resource_account=A, context={})

    everything = policy(PolicyKind.IDENTITY, statement(action="*"))
    for key in (None, policy(PolicyKind.KEY, statement(action="kms:*", Principal={"AWS": B}))):
        for principal in (ROLE, USER, ROOT):
            decision = evaluate_key(ask_key(principal), key, PolicySet(identity=(everything,)))
            assert decision.withheld_by == (Layer.RESOURCE,)
    enabling = policy(PolicyKind.KEY, statement(action="kms:*", Principal={"AWS": A}))
    assert evaluate_key(ask_key(ROLE), enabling, PolicySet()).withheld_by == (Layer.IDENTITY,)
    assert evaluate_key(ask_key(ROLE), enabling, PolicySet(identity=(everything,))).is_allowed
    assert evaluate_key(ask_key(ROOT), enabling, PolicySet()).is_allowed


@pytest.mark.parametrize("principal", [ROLE, USER, ROOT, SERVICE, Anonymous()])
def test_resource_control_policies_and_an_endpoint_bind_everybody(principal):
    own = {"identity": (FULL,), "resource": EVERYONE}
    assert evaluate(ask(principal), PolicySet(**own, resource_control=((RCP_DENY,),))).blocked_by is (
        Layer.RESOURCE_CONTROL
    )
    assert evaluate(ask(principal), PolicySet(**own, resource_control=((),))).blocked_by is Layer.RESOURCE_CONTROL
    assert evaluate(ask(principal), PolicySet(**own, endpoint=(OTHER_ENDPOINT,))).blocked_by is Layer.ENDPOINT
    assert evaluate(ask(principal), PolicySet(**own, endpoint=(ENDPOINT,), resource_control=((RCP_FULL,),))).is_allowed


def test_a_service_linked_role_is_beyond_both_organisations():
    closed = PolicySet(identity=(FULL,), resource_control=((RCP_DENY,),), service_control=((DENY,),))
    assert evaluate(ask(LINKED), closed).is_allowed
    unreadable = frozenset({Layer.RESOURCE_CONTROL, Layer.SERVICE_CONTROL})
    assert evaluate(ask(LINKED), PolicySet(identity=(FULL,), unreadable=unreadable)).is_allowed


def test_what_no_resource_control_policy_restricts_does_not_depend_on_them():
    everything = policy(PolicyKind.IDENTITY, statement(action="*"))
    policies = PolicySet(identity=(everything,), unreadable=frozenset({Layer.RESOURCE_CONTROL}))
    assert evaluate(ask(action="kms:RetireGrant"), policies).is_allowed
    assert evaluate(ask(action="kms:Decrypt"), policies).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize("principal", [USER, ROOT, SERVICE, Anonymous()])
def test_a_public_bucket_is_for_its_own_account_and_for_services(principal):
    def decide(account: str, resource: NamedPolicy) -> bool:
        policies = PolicySet(identity=(FULL,), resource=resource, public_access=RESTRICTED)
        return evaluate(ask(principal, account), policies).is_allowed

    assert decide(B, EVERYONE) is isinstance(principal, ServicePrincipal)
    assert decide(A, EVERYONE) is not isinstance(principal, Anonymous)
    assert decide(B, ACCOUNT) is (principal in (USER, ROOT))


def test_block_public_access_is_of_s3_and_of_one_setting():
    others = PublicAccessBlock(block_public_acls=True, ignore_public_acls=True, block_public_policy=True)
    assert evaluate(ask(account=B), PolicySet(identity=(FULL,), resource=EVERYONE, public_access=others)).is_allowed
    everything = policy(PolicyKind.IDENTITY, statement(action="*"))
    queue = policy(PolicyKind.RESOURCE, statement(action="sqs:*", Principal="*"))
    policies = PolicySet(identity=(everything,), resource=queue, public_access=RESTRICTED)
    assert evaluate(ask(account=B, action="sqs:SendMessage"), policies).is_allowed


def test_block_public_access_that_could_not_be_read_matters_where_it_would_bind():
    unreadable = frozenset({Layer.PUBLIC_ACCESS})
    for account, resource, verdict in (
        (B, EVERYONE, Verdict.UNKNOWN),
        (A, EVERYONE, Verdict.ALLOW),
        (B, ACCOUNT, Verdict.ALLOW),
    ):
        policies = PolicySet(identity=(FULL,), resource=resource, unreadable=unreadable)
        assert evaluate(ask(account=account), policies).verdict is verdict


@pytest.mark.parametrize("principal", [ROLE, USER, ROOT, SERVICE, Anonymous()])
def test_what_could_not_be_read_leaves_an_allow_unknown(principal):
    policies = PolicySet(identity=(FULL,), resource=EVERYONE, unreadable=frozenset({Layer.RESOURCE}))
    decision = evaluate(ask(principal), policies)
    assert decision.verdict is Verdict.UNKNOWN
    assert not decision.is_allowed
    assert decision.blocked_by is None


@pytest.mark.parametrize("layer", Layer)
def test_what_could_not_be_read_might_have_allowed(layer: Layer):
    fields = {
        Layer.RESOURCE_CONTROL: {"resource_control": ((),)},
        Layer.SERVICE_CONTROL: {"service_control": ((NOTHING,),)},
        Layer.ENDPOINT: {"endpoint": (OTHER_ENDPOINT,)},
        Layer.IDENTITY: {"identity": ()},
        Layer.BOUNDARY: {"boundary": (NOTHING,)},
        Layer.SESSION: {"session": (NOTHING,)},
        Layer.RESOURCE: {"resource": None},
        Layer.PUBLIC_ACCESS: {"resource": EVERYONE, "public_access": RESTRICTED},
    }[layer]
    policies = PolicySet(**{"identity": (FULL,), "resource": THE_ROLE, **fields, "unreadable": frozenset({layer})})
    assert evaluate(ask(account=B), policies).verdict is Verdict.UNKNOWN


def test_what_was_read_denies_whatever_the_rest_says():
    unreadable = frozenset({Layer.SERVICE_CONTROL})
    assert evaluate(ask(), PolicySet(identity=(DENY,), unreadable=unreadable)).verdict is Verdict.EXPLICIT_DENY
    assert evaluate(ask(), PolicySet(unreadable=unreadable)).verdict is Verdict.IMPLICIT_DENY


def test_an_unreadable_layer_that_does_not_concern_the_caller_changes_nothing():
    unreadable = frozenset({Layer.IDENTITY, Layer.BOUNDARY, Layer.SESSION})
    assert evaluate(ask(ROOT), PolicySet(unreadable=unreadable)).is_allowed
    assert evaluate(ask(SERVICE), PolicySet(resource=EVERYONE, unreadable=unreadable)).is_allowed


def test_a_condition_with_an_operator_that_nobody_knows_neither_grants_nor_spares():
    """`parse_policy` refuses it; were it to reach a decision all the same, it would not grant."""

    def odd(effect: Effect) -> NamedPolicy:
        condition = Condition(operator="Bogus", key="aws:x", values=("x",), is_deny=effect is Effect.DENY)
        only = Statement(effect=effect, actions=("*",), resources=("*",), conditions=(condition,))
        return NamedPolicy(name="odd", policy=Policy(version="2012-10-17", statements=(only,)))

    assert evaluate(ask(), PolicySet(identity=(odd(Effect.ALLOW),))).verdict is Verdict.IMPLICIT_DENY
    assert evaluate(ask(), PolicySet(identity=(FULL, odd(Effect.DENY)))).verdict is Verdict.EXPLICIT_DENY


ACTIONS = ["s3:GetObject", "s3:Get*", "s3:*", "*", "s3:PutObject"]
RESOURCES = ["*", "arn:aws:s3:::b/*", OBJECT, "arn:aws:s3:::c/*", "arn:aws:s3:::b/${aws:username}"]
CONDITIONS: list[dict[str, object]] = [
    {},
    {"StringEquals": {"aws:username": "k"}},
    {"StringNotEquals": {"aws:username": "k"}},
    {"ForAllValues:StringEquals": {"aws:TagKeys": ["a"]}},
    {"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a"]}},
    {"NumericNotEquals": {"aws:username": "1"}},
    {"Null": {"aws:username": "true"}},
    {"BoolIfExists": {"aws:SecureTransport": "true"}},
]
PRINCIPALS: list[object] = [
    "*",
    {"AWS": A},
    {"AWS": str(ROLE.role_arn)},
    {"AWS": ROLE.arn},
    {"AWS": USER.arn},
    {"Service": SERVICE.name},
]


@st.composite
def statements(draw: st.DrawFn, *, has_principal: bool) -> dict[str, object]:
    effect = draw(st.sampled_from(["Allow", "Allow", "Deny"]))
    made: dict[str, object] = {"Effect": effect}
    made[draw(st.sampled_from(["Action", "Action", "NotAction"]))] = draw(st.sampled_from(ACTIONS))
    made[draw(st.sampled_from(["Resource", "Resource", "NotResource"]))] = draw(st.sampled_from(RESOURCES))
    made["Condition"] = draw(st.sampled_from(CONDITIONS))
    if has_principal:
        named = draw(st.sampled_from(PRINCIPALS))
        is_exception = effect == "Deny" and named != "*" and draw(st.booleans())
        made["NotPrincipal" if is_exception else "Principal"] = named
    return made


RCP_ALLOWS: dict[str, object] = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}
RCP_DENIES: list[dict[str, object]] = [
    {**RCP_ALLOWS, "Effect": "Deny", "Action": action, "Condition": condition}
    for action, condition in zip(["s3:Get*", "s3:PutObject", "s3:*", "ec2:*"], CONDITIONS, strict=False)
]
documents = st.lists(statements(has_principal=False), min_size=1, max_size=3)
resource_documents = st.none() | st.lists(statements(has_principal=True), min_size=1, max_size=3)
layouts = st.fixed_dictionaries(
    {
        "identity": documents,
        "boundary": st.none() | documents,
        "session": st.none() | documents,
        "scp": st.none() | documents,
        "resource": resource_documents,
        "rcp": st.none() | st.lists(st.sampled_from([RCP_ALLOWS, RCP_ALLOWS, *RCP_DENIES]), min_size=1, max_size=3),
        "endpoint": resource_documents,
        "restrict": st.booleans(),
    }
)
requests = st.builds(
    AccessRequest,
    principal=st.sampled_from([ROLE, USER, ROOT, SERVICE, Anonymous()]),
    action=st.sampled_from(["s3:GetObject", "S3:PutObject"]),
    resource=st.sampled_from([OBJECT, "arn:aws:s3:::c/x", "*"]),
    resource_account=st.sampled_from([A, B, ""]),
    context=st.fixed_dictionaries(
        {},
        optional={
            "aws:username": st.sampled_from([("k",), ("1",), ("k", "x"), ("",)]),
            "aws:TagKeys": st.sampled_from([("a",), ("a", "b"), ()]),
            "aws:SecureTransport": st.sampled_from([("true",), ("false",), ("x",)]),
        },
    ),
)


def built(layout: dict) -> PolicySet:
    def one(name: str, kind: PolicyKind) -> tuple[NamedPolicy, ...]:
        listed = layout[name]
        return () if listed is None else (policy(kind, *listed),) if listed else (EMPTY,)

    (resource,) = one("resource", PolicyKind.RESOURCE) or (None,)
    levels = one("scp", PolicyKind.SERVICE_CONTROL)
    resource_levels = one("rcp", PolicyKind.RESOURCE_CONTROL)
    return PolicySet(
        identity=one("identity", PolicyKind.IDENTITY),
        boundary=one("boundary", PolicyKind.BOUNDARY),
        session=one("session", PolicyKind.SESSION),
        service_control=(levels,) if levels else (),
        resource_control=(resource_levels,) if resource_levels else (),
        endpoint=one("endpoint", PolicyKind.ENDPOINT),
        resource=resource,
        public_access=RESTRICTED if layout["restrict"] else None,
    )


ORGANISATION = (Layer.SERVICE_CONTROL, Layer.RESOURCE_CONTROL)
EMPTY = NamedPolicy(name="empty", policy=Policy(version="2012-10-17", statements=()))


def each_without(layout: dict, effect: str) -> Iterator[dict]:
    """The layout with one statement of this effect left out, for each of them."""
    for field, listed in layout.items():
        if field == "restrict":
            continue
        for index, one in enumerate(listed or []):
            if one["Effect"] == effect:
                yield {**layout, field: [*listed[:index], *listed[index + 1 :]]}


@settings(deadline=None)  # other work on the machine is no fault of this one
@given(requests, layouts)
def test_removing_an_allow_never_grants(request_: AccessRequest, layout: dict):
    policies = built(layout)
    is_allowed = evaluate(request_, policies).is_allowed
    for fewer in each_without(layout, "Allow"):
        left = built(fewer)
        # As AWS says: without its public statement a bucket policy regains what RestrictPublicBuckets kept from others.
        if not (layout["restrict"] and has_public_policy(policies) and not has_public_policy(left)):
            assert is_allowed or not evaluate(request_, left).is_allowed


def has_public_policy(policies: PolicySet) -> bool:
    return policies.resource is not None and is_public(policies.resource.policy)


@settings(deadline=None)  # other work on the machine is no fault of this one
@given(requests, layouts)
def test_adding_a_deny_never_grants(request_: AccessRequest, layout: dict):
    is_allowed = evaluate(request_, built(layout)).is_allowed
    for fewer in each_without(layout, "Deny"):
        assert not is_allowed or evaluate(request_, built(fewer)).is_allowed


@settings(deadline=None)  # other work on the machine is no fault of this one
@given(requests, layouts)
def test_a_decision_and_its_reasons_tell_the_same_story(request_: AccessRequest, layout: dict):
    decision = evaluate(request_, built(layout))
    applied = {(reason.layer, reason.effect) for reason in decision.reasons if reason.applies}
    denied = {layer for layer, effect in applied if effect is Effect.DENY}
    assert (decision.verdict is Verdict.EXPLICIT_DENY) is bool(denied)
    if denied:
        assert decision.blocked_by in denied
    elif decision.verdict is Verdict.IMPLICIT_DENY:
        assert not {(layer, Effect.ALLOW) for layer in decision.withheld_by if layer not in ORGANISATION} & applied
    else:
        allowed = {layer for layer, effect in applied if effect is Effect.ALLOW}
        assert allowed & {Layer.IDENTITY, Layer.RESOURCE} or isinstance(request_.principal, AccountRoot)
    assert "\n" not in decision.explain()


@settings(deadline=None)  # other work on the machine is no fault of this one
@given(requests, layouts, st.sets(st.sampled_from(Layer)))
def test_reading_less_never_allows_and_never_contradicts(request_: AccessRequest, layout: dict, unread: set[Layer]):
    full = built(layout)
    known = {
        "identity": () if Layer.IDENTITY in unread else full.identity,
        "boundary": () if Layer.BOUNDARY in unread else full.boundary,
        "session": () if Layer.SESSION in unread else full.session,
        "service_control": () if Layer.SERVICE_CONTROL in unread else full.service_control,
        "resource_control": () if Layer.RESOURCE_CONTROL in unread else full.resource_control,
        "endpoint": () if Layer.ENDPOINT in unread else full.endpoint,
        "public_access": None if Layer.PUBLIC_ACCESS in unread else full.public_access,
        "resource": None if Layer.RESOURCE in unread else full.resource,
    }
    truth = evaluate(request_, full).verdict
    seen = evaluate(request_, PolicySet(**known, unreadable=frozenset(unread))).verdict
    if seen is Verdict.ALLOW:
        assert truth is Verdict.ALLOW
    elif seen is not Verdict.UNKNOWN:
        assert truth is not Verdict.ALLOW
