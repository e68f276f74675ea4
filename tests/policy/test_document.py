import json
from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossdock.policy.document import (
    MAX_SESSION_POLICY_CHARS,
    MalformedPolicy,
    PolicyKind,
    PolicyTooLong,
    parse_policy,
)

ALLOW = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}
NAMED = {**ALLOW, "Principal": "*"}
TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "transfer.amazonaws.com"}}
STATEMENT = {
    PolicyKind.IDENTITY: ALLOW,
    PolicyKind.MANAGED: ALLOW,
    PolicyKind.BOUNDARY: ALLOW,
    PolicyKind.SESSION: ALLOW,
    PolicyKind.SERVICE_CONTROL: ALLOW,
    PolicyKind.RESOURCE_CONTROL: {**NAMED, "Effect": "Deny"},
    PolicyKind.RESOURCE: NAMED,
    PolicyKind.ENDPOINT: NAMED,
    PolicyKind.KEY: NAMED,
    PolicyKind.TRUST: TRUST,
}
COUNTS_WHITE_SPACE = {
    PolicyKind.SESSION,
    PolicyKind.RESOURCE,
    PolicyKind.RESOURCE_CONTROL,
    PolicyKind.ENDPOINT,
    PolicyKind.KEY,
}


def document(*statements: Mapping[str, object], **members: object) -> dict[str, object]:
    return {"Version": "2012-10-17", "Statement": list(statements), **members}


def refusal(text: str | Mapping[str, object], kind: PolicyKind) -> MalformedPolicy:
    with pytest.raises(MalformedPolicy) as caught:
        parse_policy(text, kind)
    return caught.value


def test_every_kind_is_tried():
    assert set(STATEMENT) == set(PolicyKind)


@pytest.mark.parametrize("kind", PolicyKind)
def test_a_small_policy_is_read(kind: PolicyKind):
    policy = parse_policy(json.dumps(document(STATEMENT[kind], Id="P1")), kind)
    assert (policy.version, policy.id, len(policy.statements)) == ("2012-10-17", "P1", 1)


@pytest.mark.parametrize("kind", PolicyKind)
def test_text_and_what_a_template_holds_are_read_alike(kind: PolicyKind):
    source = document(STATEMENT[kind])
    assert parse_policy(source, kind) == parse_policy(json.dumps(source, indent=2), kind)


def test_one_statement_needs_no_list():
    assert parse_policy({"Version": "2012-10-17", "Statement": ALLOW}, PolicyKind.IDENTITY).statements[0].sid == ""


def test_allows_and_denies_are_sorted_out():
    policy = parse_policy(document(ALLOW, {**ALLOW, "Effect": "Deny"}, ALLOW), PolicyKind.IDENTITY)
    assert (len(policy.statements), len(policy.allows), len(policy.denies)) == (3, 2, 1)


def test_without_a_version_a_policy_is_of_2008():
    assert parse_policy({"Statement": ALLOW}, PolicyKind.IDENTITY).version == "2008-10-17"


@pytest.mark.parametrize("source", [{"Statement": ALLOW}, {"Version": "2008-10-17", "Statement": ALLOW}])
def test_a_managed_policy_must_be_of_2012(source: dict):
    assert refusal(source, PolicyKind.MANAGED).message == "Policy document must be version 2012-10-17 or greater."


@pytest.mark.parametrize("version", ["2012-10-18", "", 2012, None, ["2012-10-17"], "2012-10-17 "])
def test_another_version_is_refused(version: object):
    source = {"Version": version, "Statement": ALLOW}
    assert refusal(source, PolicyKind.IDENTITY).message == "Syntax errors in policy."
    named = {"Version": version, "Statement": NAMED}
    assert refusal(named, PolicyKind.RESOURCE).message == "The policy must contain a valid version string"


BAD_JSON = {
    "nothing": "",
    "a word": "policy",
    "a list": "[]",
    "a number": "7",
    "null": "null",
    "a cut text": '{"Version": "2012-10-17", "Statement": [',
    "something behind": '{"Statement": []} x',
    "a comment": '{"Statement": [] /* x */}',
    "a key twice": '{"Version": "2012-10-17", "Version": "2012-10-17", "Statement": []}',
    "a key twice inside": '{"Statement": [{"Effect": "Deny", "Effect": "Allow", "Action": "*", "Resource": "*"}]}',
    "not a number": '{"Statement": NaN}',
    "infinity": '{"Statement": [-Infinity]}',
    "a huge number": '{"Statement": ' + "9" * 5_000 + "}",
    "half a character": '{"Id": "\\ud800", "Statement": []}',
    "half a character as it is": '{"Id": "\ud800", "Statement": []}',
    "deep nesting": "[" * 9_000,
    "deep nesting of objects": '{"a":' * 2_000,
    "a byte order mark": '\ufeff{"Statement": []}',
    "a null byte": '{"Id": "\x00"}',
}


@pytest.mark.parametrize("text", BAD_JSON.values(), ids=BAD_JSON)
@pytest.mark.parametrize("kind", [PolicyKind.IDENTITY, PolicyKind.RESOURCE])
def test_what_is_no_json_object_is_refused(text: str, kind: PolicyKind):
    error = refusal(text, kind)
    words = "Policies must be valid JSON and the first byte must be '{'"
    assert error.message == (words if kind is PolicyKind.RESOURCE else "Syntax errors in policy.")


def test_a_mapping_that_is_no_json_is_refused():
    circle: dict[str, object] = {}
    circle["Statement"] = [circle]
    deep: object = "x"
    for _ in range(5_000):
        deep = [deep]
    for source in (circle, {"Statement": {1, 2}}, {"Statement": deep}, {"Statement": float("nan")}, {"Id": b"x"}):
        assert refusal(source, PolicyKind.IDENTITY).message == "Syntax errors in policy."


@pytest.mark.parametrize(
    ("source", "iam", "s3"),
    [
        ({"Version": "2012-10-17"}, "Syntax errors in policy.", "Missing required field Statement"),
        (document(), "Syntax errors in policy.", "Could not parse the policy: Statement is empty!"),
        ({"Statement": "x"}, "Syntax errors in policy.", "Invalid policy syntax."),
        ({"Statement": [ALLOW, 7]}, "Syntax errors in policy.", "Invalid policy syntax."),
        (document(ALLOW, Comment="x"), "Syntax errors in policy.", "Invalid policy syntax."),
        (document(ALLOW, statement=[]), "Syntax errors in policy.", "Invalid policy syntax."),
        (document(ALLOW, Id=7), "Syntax errors in policy.", "Invalid policy syntax."),
        (
            document({**NAMED, "Sid": "a"}, {**NAMED, "Sid": "a"}),
            "Policy document should not specify a principal.",
            "Invalid policy syntax.",
        ),
    ],
)
def test_the_frame_of_a_document(source: dict, iam: str, s3: str):
    assert refusal(source, PolicyKind.IDENTITY).message == iam
    assert refusal(source, PolicyKind.RESOURCE).message == s3


def test_a_sid_may_appear_once_but_the_empty_one_often():
    twice = document({**ALLOW, "Sid": "a"}, {**ALLOW, "Sid": "a"})
    assert refusal(twice, PolicyKind.IDENTITY).message == "Statement IDs (SID) in a single policy must be unique."
    parse_policy(document({**ALLOW, "Sid": ""}, {**ALLOW, "Sid": ""}, {**ALLOW, "Sid": "b"}), PolicyKind.IDENTITY)


def padded(kind: PolicyKind, size: int, filler: str = "x") -> str:
    empty = json.dumps(document(STATEMENT[kind], Id=""), separators=(",", ":"))
    return empty.replace('"Id":""', '"Id":"' + filler * (size - len(empty)) + '"')


QUOTAS = {
    PolicyKind.IDENTITY: (10_240, "Maximum policy size of 10240 bytes exceeded"),
    PolicyKind.MANAGED: (6_144, "Cannot exceed quota for PolicySize: 6144"),
    PolicyKind.BOUNDARY: (6_144, "Cannot exceed quota for PolicySize: 6144"),
    PolicyKind.TRUST: (2_048, "Cannot exceed quota for ACLSizePerRole: 2048"),
    PolicyKind.SESSION: (MAX_SESSION_POLICY_CHARS, "A session policy cannot exceed 2048 characters"),
    PolicyKind.SERVICE_CONTROL: (5_120, "A service control policy cannot exceed 5120 characters"),
    PolicyKind.RESOURCE_CONTROL: (5_120, "A resource control policy cannot exceed 5120 characters"),
    PolicyKind.RESOURCE: (20_480, "Policy exceeds the maximum allowed document size."),
    PolicyKind.ENDPOINT: (20_480, "A VPC endpoint policy cannot exceed 20480 characters"),
    PolicyKind.KEY: (32_768, "A key policy cannot exceed 32768 characters"),
}


@pytest.mark.parametrize("kind", PolicyKind)
def test_a_policy_fills_its_quota_and_no_more(kind: PolicyKind):
    limit, words = QUOTAS[kind]
    parse_policy(padded(kind, limit), kind)
    error = refusal(padded(kind, limit + 1), kind)
    assert isinstance(error, PolicyTooLong)
    assert error.message == words


@pytest.mark.parametrize("kind", PolicyKind)
def test_white_space_counts_in_some_kinds_only(kind: PolicyKind):
    text = padded(kind, QUOTAS[kind][0]) + " "
    if kind in COUNTS_WHITE_SPACE:
        assert isinstance(refusal(text, kind), PolicyTooLong)
    else:
        parse_policy(text + " " * 100, kind)


RCP_FULL_AWS_ACCESS = {"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}


def test_awss_own_resource_control_policy_allows_everything():
    assert parse_policy(document(RCP_FULL_AWS_ACCESS), PolicyKind.RESOURCE_CONTROL).allows


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"Principal": {"AWS": "111111111111"}}, "Invalid principal in policy: 111111111111"),
        ({"Principal": {"AWS": "*"}}, "Invalid principal in policy: *"),
        ({"Action": "*"}, "statement 1: an action must name its service"),
        ({"Action": "*:GetObject"}, "statement 1: an action must name its service"),
        ({"Effect": "Allow"}, "statement 1: only RCPFullAWSAccess may allow"),
        ({**RCP_FULL_AWS_ACCESS, "Resource": "arn:aws:s3:::b"}, "only RCPFullAWSAccess may allow"),
        ({**RCP_FULL_AWS_ACCESS, "Condition": {"Bool": {"aws:a": "true"}}}, "only RCPFullAWSAccess may allow"),
    ],
)
def test_a_resource_control_policy_denies_everybody_and_names_the_service(changed: dict, words: str):
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    error = refusal(document({**deny, **changed}), PolicyKind.RESOURCE_CONTROL)
    assert words in f"{error.message} {error.detail}"


@pytest.mark.parametrize(
    ("left_out", "instead"),
    [("Principal", {"NotPrincipal": {"AWS": "111111111111"}}), ("Action", {"NotAction": "s3:*"})],
)
def test_a_resource_control_policy_excepts_neither_principals_nor_actions(left_out: str, instead: dict):
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*", **instead}
    del deny[left_out]
    error = refusal(document(deny), PolicyKind.RESOURCE_CONTROL)
    assert error.detail == "statement 1: NotPrincipal and NotAction are not supported"


def test_a_resource_control_policy_must_be_of_2012():
    source = {"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}}
    assert "version 2012-10-17" in refusal(source, PolicyKind.RESOURCE_CONTROL).message


def test_a_key_policys_sid_may_have_spaces():
    named = document({**NAMED, "Sid": "Enable IAM User Permissions"})
    assert parse_policy(named, PolicyKind.KEY).statements[0].sid == "Enable IAM User Permissions"
    assert refusal(named, PolicyKind.ENDPOINT).message.startswith("Statement IDs (SID) must be alpha-numeric")


def test_another_quota_may_be_given():
    parse_policy(padded(PolicyKind.IDENTITY, 20_000), PolicyKind.IDENTITY, max_chars=20_000)
    with pytest.raises(PolicyTooLong, match="2048"):
        parse_policy(padded(PolicyKind.IDENTITY, 2_049), PolicyKind.IDENTITY, max_chars=2_048)


def test_a_text_that_is_mostly_white_space_is_bounded_too():
    assert isinstance(refusal(" " * 200_000, PolicyKind.IDENTITY), PolicyTooLong)


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)
ELEMENTS = [
    "Version",
    "Id",
    "Statement",
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
    "StringEquals",
    "IpAddress",
    "Null",
    "AWS",
    "Service",
    "aws:SourceIp",
    "x",
]
names = st.sampled_from(ELEMENTS)
values = scalars | st.sampled_from(
    ["2012-10-17", "2008-10-17", "Allow", "Deny", "*", "s3:*", "sts:AssumeRole", "arn:aws:s3:::b/*", "111111111111"]
)
trees = st.recursive(
    values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5), max_leaves=20
)


@settings(deadline=None)  # other work on the machine is no fault of this one
@given(st.sampled_from(PolicyKind), st.dictionaries(names, trees, max_size=4) | trees.filter(lambda t: t is not None))
def test_a_document_is_read_or_refused_and_nothing_else(kind: PolicyKind, source: object):
    text = source if isinstance(source, dict) else json.dumps(source)
    with suppress(MalformedPolicy):
        assert parse_policy(text, kind).statements


@settings(deadline=None)  # other work on the machine is no fault of this one
@given(st.sampled_from(PolicyKind), st.text(max_size=60))
def test_any_text_is_read_or_refused_and_nothing_else(kind: PolicyKind, text: str):
    with pytest.raises(MalformedPolicy):
        parse_policy(text, kind)


statements = st.fixed_dictionaries(
    {"Effect": st.sampled_from(["Allow", "Deny"])},
    optional={
        "Sid": st.text("aB1 ", max_size=3),
        "Principal": st.sampled_from(["*", {"AWS": "111111111111"}, {"Service": "s3.amazonaws.com"}, {"AWS": []}]),
        "NotPrincipal": st.sampled_from(["*", {"AWS": "111111111111"}]),
        "Action": st.sampled_from(["*", "s3:*", ["s3:GetObject"], "sts:AssumeRole", [], "x"]),
        "NotAction": st.sampled_from(["s3:*", [], "a:b:c"]),
        "Resource": st.sampled_from(["*", "arn:aws:s3:::b", ["arn:aws:s3:::${aws:username}"], [], "arn:aws"]),
        "NotResource": st.sampled_from(["arn:aws:s3:::b", []]),
        "Condition": st.dictionaries(
            st.sampled_from(["StringEquals", "IpAddress", "Null", "Bogus", "ForAllValues:StringLike"]),
            st.dictionaries(st.sampled_from(["aws:a", "b", "s3:c"]), st.sampled_from(["x", ["true"], [], 7, None])),
        ),
    },
)


@settings(deadline=None)  # other work on the machine is no fault of this one
@given(st.sampled_from(PolicyKind), st.lists(statements, max_size=3))
def test_near_documents_are_read_or_refused_and_nothing_else(kind: PolicyKind, listed: list[dict]):
    with suppress(MalformedPolicy):
        assert len(parse_policy(document(*listed), kind).statements) == len(listed)
