"""Cases that nobody thought of: requests and policies over a small world, so that they meet often.

They are written as case files are (docs/policy-cases.md), so that one can be kept.
"""

from typing import Any

from hypothesis import strategies as st

HUB, PARTNER = "111111111111", "222222222222"
ROLE_ID = "AROAEXAMPLEROLEID0001"
ROLE = f"arn:aws:iam::{HUB}:role/transfer"
SESSION = f"arn:aws:sts::{HUB}:assumed-role/transfer/user2"
USER = f"arn:aws:iam::{HUB}:user/alice"
SERVICE = "transfer.amazonaws.com"
FEDERATED = f"arn:aws:sts::{HUB}:federated-user/bob"

Document = dict[str, Any]
Documents = st.SearchStrategy[Document]

# What is asked for: each action with a resource of its kind, and the keys of its own.
ASKED = {
    "s3:GetObject": ("arn:aws:s3:::inbox/in/a.csv", "arn:aws:s3:::inbox/alice/a.csv", "arn:aws:s3:::other/a*b?c"),
    "s3:PutObject": ("arn:aws:s3:::inbox/in/a.csv", "arn:aws:s3:::inbox/user2/x:y"),
    "s3:DeleteObject": ("arn:aws:s3:::inbox/in/a.csv",),
    "s3:ListBucket": ("arn:aws:s3:::inbox", "arn:aws:s3:::other"),
    "s3:GetBucketPolicy": ("arn:aws:s3:::inbox",),
    "secretsmanager:GetSecretValue": (f"arn:aws:secretsmanager:us-east-1:{HUB}:secret:aws/transfer/s-1/alice-AbCdEf",),
    "lambda:InvokeFunction": (f"arn:aws:lambda:us-east-1:{HUB}:function:provider",),
}
ACTIONS = (
    *ASKED,
    "*",
    "s3:*",
    "s3:Get*",
    "s3:?etObject",
    "S3:getobject",
    "s3:*Object",
    "s3:List*",
    "lambda:*",
    "secretsmanager:Get*",
)
RESOURCES = (
    "*",
    "arn:aws:s3:::*",
    "arn:aws:s3:::inbox",
    "arn:aws:s3:::inbox/*",
    "arn:aws:s3:::inbox/in/?.csv",
    "arn:aws:s3:::in*",
    "arn:aws:s3:::inbox/in/a.csv",
    "arn:aws:s3:::inbox/${aws:username}/*",
    "arn:aws:s3:::inbox/${aws:PrincipalTag/team, 'in'}/*",
    "arn:aws:s3:::inbox/${aws:PrincipalTag/team}/*",
    "arn:aws:s3:::other/a${*}b${?}c",
    "arn:aws:secretsmanager:*:*:secret:aws/transfer/*",
    f"arn:aws:lambda:us-east-1:{HUB}:function:*",
)
PRINCIPALS: tuple[Any, ...] = (
    "*",
    {"AWS": "*"},
    {"AWS": HUB},
    {"AWS": f"arn:aws:iam::{HUB}:root"},
    {"AWS": f"arn:aws:iam::{PARTNER}:root"},
    {"AWS": ROLE},
    {"AWS": SESSION},
    {"AWS": USER},
    {"AWS": [USER, ROLE]},
    {"AWS": FEDERATED},
    {"Service": SERVICE},
    {"Service": ["lambda.amazonaws.com", SERVICE], "AWS": PARTNER},
)
# Whom a Deny spares: some with their account, as AWS wants it, and some without.
NOT_PRINCIPALS: tuple[Any, ...] = (
    {"AWS": HUB},
    {"AWS": f"arn:aws:iam::{PARTNER}:root"},
    {"AWS": [f"arn:aws:iam::{HUB}:root", USER]},
    {"AWS": [HUB, ROLE]},
    {"AWS": [HUB, ROLE, SESSION]},
    {"AWS": [HUB, FEDERATED]},
    {"AWS": [ROLE, USER]},
    {"AWS": SESSION},
    {"Service": SERVICE},
    {"Service": "lambda.amazonaws.com", "AWS": [HUB, USER]},
)
# Keys with what a request may say and what a policy may ask, by how their values compare.
TEXTS = {
    "aws:userid": ((f"{ROLE_ID}:user2", "AIDAEXAMPLE"), (f"{ROLE_ID}:*", "AIDA*", f"{ROLE_ID}:user2")),
    "aws:PrincipalTag/team": (("in", "IN", "out"), ("in", "i?", "IN", "*", "${aws:username}")),
    "aws:RequestedRegion": (("us-east-1", "eu-west-1"), ("us-east-1", "us-*", "${aws:PrincipalTag/team}")),
    "aws:PrincipalAccount": ((HUB, PARTNER), (HUB, PARTNER, "1111*")),
    "aws:UserAgent": (("AWSTransfer", "*"), ("AWSTransfer", "AWS*", "${*}", "*")),
}
TEXT_LISTS = {
    "aws:TagKeys": (("team", "cost", "Team"), ("team", "cost", "t*")),
    "aws:CalledVia": (("athena.amazonaws.com", "cloudformation.amazonaws.com"), ("athena.amazonaws.com", "*")),
}
NUMBERS = {
    "aws:MultiFactorAuthAge": (("0", "300", "3600", "-1", "3.5"), ("0", "300", "300.0", "3600", "1000.5")),
    "s3:max-keys": (("1", "10", "1000"), ("10", "1000")),
}
NUMBER_LISTS = {"aws:PrincipalOrgPaths": NUMBERS["aws:MultiFactorAuthAge"]}
DATES = {
    "aws:CurrentTime": (
        ("2026-11-28T12:00:00Z", "2026-01-01T00:00:00Z"),
        ("2026-11-28T12:00:00Z", "2026-06-01T00:00:00Z", "2026-11-28T13:00:00+01:00", "2026-06-01"),
    ),
    "aws:TokenIssueTime": (("2026-11-28T11:00:00Z",), ("2026-11-28T11:00:00Z", "2027-01-01T00:00:00Z")),
}
DATE_LISTS = {"aws:ResourceOrgPaths": DATES["aws:CurrentTime"]}
BOOLS = {"aws:SecureTransport": (("true", "false"), ("true", "false")), "aws:ViaAWSService": (("false",), ("true",))}
BOOL_LISTS = {"aws:SourceOrgPaths": BOOLS["aws:SecureTransport"]}
ADDRESSES = {
    "aws:SourceIp": (
        ("192.0.2.7", "203.0.113.9", "2001:db8::7"),
        ("192.0.2.0/24", "192.0.2.7", "203.0.113.9/32", "2001:db8::/32", "0.0.0.0/0"),
    )
}
ADDRESS_LISTS = {"aws:VpceOrgPaths": ADDRESSES["aws:SourceIp"]}
ARNS = {
    "aws:PrincipalArn": ((ROLE, USER), (ROLE, USER, f"arn:aws:iam::{HUB}:*", "arn:aws:iam::*:role/tr*")),
    "aws:SourceArn": (
        (f"arn:aws:transfer:us-east-1:{HUB}:server/s-1", f"arn:aws:transfer:us-east-1:{HUB}:user/s-1/user2"),
        (
            f"arn:aws:transfer:us-east-1:{HUB}:server/*",
            f"arn:aws:transfer:*:{HUB}:*",
            "arn:aws:transfer:*:*:server/s-?",
        ),
    ),
}
ARN_LISTS = {"aws:PrincipalServiceNamesList": ARNS["aws:SourceArn"]}
BINARIES = {"aws:PrincipalTag/blob": (("QmluYXJ5", "AAEC"), ("QmluYXJ5", "AAEC", "//79"))}
LISTS = {**TEXT_LISTS, **NUMBER_LISTS, **DATE_LISTS, **BOOL_LISTS, **ADDRESS_LISTS, **ARN_LISTS}
"""Keys of many values. The service's real ones hold texts: they stand in for the other families, which have none."""
_COMPARED = ("Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
OPERATORS = {
    "String": (
        ("Equals", "NotEquals", "EqualsIgnoreCase", "NotEqualsIgnoreCase", "Like", "NotLike"),
        {**TEXTS, **TEXT_LISTS},
    ),
    "Numeric": (_COMPARED, {**NUMBERS, **NUMBER_LISTS}),
    "Date": (_COMPARED, {**DATES, **DATE_LISTS}),
    "Arn": (("Equals", "NotEquals", "Like", "NotLike"), {**ARNS, **ARN_LISTS}),
    "Bool": (("",), {**BOOLS, **BOOL_LISTS}),
    "Binary": (("Equals",), BINARIES),
    "IpAddress": (("",), {**ADDRESSES, **ADDRESS_LISTS}),
    "NotIpAddress": (("",), {**ADDRESSES, **ADDRESS_LISTS}),
}
KEYS = {**TEXTS, **LISTS, **NUMBERS, **DATES, **BOOLS, **ADDRESSES, **ARNS, **BINARIES}


def some(values: Any, *, most: int = 2) -> st.SearchStrategy[Any]:
    """One of them, or a list of a few."""
    return st.sampled_from(values) | st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True)


@st.composite
def condition_operators(draw: st.DrawFn) -> tuple[str, str, Any]:
    """An operator, a key that it compares, and what a policy asks of it."""
    family = draw(st.sampled_from((*OPERATORS, "Null")))
    if family == "Null":
        return family, draw(st.sampled_from(sorted(KEYS))), draw(st.sampled_from(("true", "false")))
    endings, keys = OPERATORS[family]
    operator = family + draw(st.sampled_from(endings))
    key = draw(st.sampled_from(sorted(keys)))
    # AWS demands a set operator for a key of many values, and advises against one for a key of one: some have it.
    prefix = draw(st.sampled_from(("ForAllValues:", "ForAnyValue:", *(() if key in LISTS else ("", "", "", "")))))
    suffix = draw(st.sampled_from(("", "", "IfExists")))
    return f"{prefix}{operator}{suffix}", _in_any_case(draw, key), draw(some(keys[key][1]))


def _in_any_case(draw: st.DrawFn, key: str) -> str:
    prefix, slash, tag = key.partition("/")
    return draw(st.sampled_from((prefix, prefix.lower(), prefix.upper().replace("AWS:", "aws:")))) + slash + tag


@st.composite
def conditions(draw: st.DrawFn) -> Document:
    found: Document = {}
    for _ in range(draw(st.integers(1, 2))):
        operator, key, values = draw(condition_operators())
        found.setdefault(operator, {})[key] = values
    return found


@st.composite
def statements(draw: st.DrawFn, *, has_principal: bool, is_control: bool = False) -> Document:
    effect = draw(st.sampled_from(("Allow", "Allow", "Allow", "Deny")))
    statement: Document = {"Effect": effect}
    if has_principal and effect == "Deny" and draw(st.booleans()):
        statement["NotPrincipal"] = draw(st.sampled_from(NOT_PRINCIPALS))
    elif has_principal:
        statement["Principal"] = draw(st.sampled_from(PRINCIPALS))
    action = "NotAction" if draw(st.integers(0, 7)) == 0 else "Action"
    statement[action] = draw(some(ACTIONS))
    resource = "NotResource" if draw(st.integers(0, 7)) == 0 and not is_control else "Resource"
    statement[resource] = draw(some(RESOURCES))
    if draw(st.integers(0, 2)) == 0:
        statement["Condition"] = draw(conditions())
    return statement


@st.composite
def policies(draw: st.DrawFn, *, has_principal: bool = False, is_control: bool = False) -> Document:
    listed = draw(st.lists(statements(has_principal=has_principal, is_control=is_control), min_size=1, max_size=3))
    if draw(st.booleans()):
        # Or hardly anything would ever be allowed, and nothing could be told of what denies.
        wide: Document = {"Effect": "Allow", "Action": draw(st.sampled_from(("*", "s3:*"))), "Resource": "*"}
        listed.append({**wide, "Principal": draw(st.sampled_from(PRINCIPALS))} if has_principal else wide)
    return {"Version": draw(st.sampled_from(("2012-10-17", "2012-10-17", "2008-10-17"))), "Statement": listed}


@st.composite
def requests(draw: st.DrawFn, principal: str) -> Document:
    action = draw(st.sampled_from(sorted(ASKED)))
    context: Document = {}
    for key, (given, _) in KEYS.items():
        if key in ("aws:PrincipalArn", "aws:PrincipalAccount") or (key == "s3:max-keys" and action != "s3:ListBucket"):
            continue
        if draw(st.booleans()):
            many = st.lists(st.sampled_from(given), max_size=2, unique=True)
            context[key] = draw(many if key in LISTS else st.sampled_from(given))
    return {
        "principal": principal,
        "action": action,
        "resource": draw(st.sampled_from(ASKED[action])),
        "resourceAccount": draw(st.sampled_from((HUB, PARTNER))),
        "context": context,
    }


REQUESTS_EACH = 4


@st.composite
def case_groups(draw: st.DrawFn) -> list[Document]:
    """REQUESTS_EACH questions about one set of policies."""
    principal = draw(
        st.sampled_from((SESSION, SESSION, SESSION, USER, FEDERATED, f"arn:aws:iam::{HUB}:root", SERVICE, "*"))
    )
    # Services and strangers have no policies of their own, the root user has none that are attached.
    is_bound = principal in (SESSION, USER, FEDERATED)
    is_member = is_bound or principal.endswith(":root")
    own = policies()
    controls = st.just([]) | st.lists(st.lists(policies(is_control=True), max_size=2), max_size=2)
    layout = {
        "identityPolicies": draw(st.lists(own, max_size=2)) if is_bound else [],
        "permissionBoundaries": draw(st.just([]) | st.lists(own, max_size=1)) if is_bound else [],
        "sessionPolicies": draw(st.just([]) | st.lists(own, max_size=1)) if principal in (SESSION, FEDERATED) else [],
        "resourcePolicy": draw(st.none() | policies(has_principal=True)),
        "serviceControlPolicies": draw(controls) if is_member else [],
    }
    asked = [draw(requests(principal)) for _ in range(REQUESTS_EACH)]
    return [{"name": "generated", "request": request, **layout, "expected": "Allowed"} for request in asked]
