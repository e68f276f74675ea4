"""Where the judge reads AWS's documents otherwise, each as a change of the case: read the judge's way, we agree.

Every entry names the document that decides. One that no longer explains anything is to be removed: `test_differential`
counts them.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from tests.judge.generated import FEDERATED, HUB, ROLE, SESSION, USER

from crossdock.policy.cases import parse_cases
from crossdock.policy.evaluate import Verdict
from crossdock.policy.variables import Context

Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """`as_the_judge` rewrites a case so that our engine decides as the judge reads it."""

    name: str
    document: str
    as_the_judge: Callable[[Document, Context], Document]


def _variables_in_every_version(case: Document, _context: Context) -> Document:
    for policy in _policies(case):
        policy["Version"] = "2012-10-17"
    return case


def _sessions_are_limited_by_their_policies(case: Document, _context: Context) -> Document:
    limited = ROLE
    if case["request"]["principal"] == FEDERATED:
        case["request"]["federatedBy"] = limited = USER
    resource = case["resourcePolicy"]
    for statement in resource["Statement"] if resource else ():
        principal = statement.get("Principal", {})
        if principal == "*" or (principal.get("AWS") in ("*", SESSION, FEDERATED) and len(principal) == 1):
            statement["Principal"] = {"AWS": limited}
    return case


def _no_value_no_match(case: Document, context: Context) -> Document:
    present = {key for key, values in context.items() if len(values) == 1 and values[0]}
    for policy in _policies(case):
        policy["Statement"] = [
            statement
            for statement in policy["Statement"]
            if not any(_lacks_a_value(text, present) for text in _negated_texts(statement))
        ] or [{"Effect": "Allow", "Action": "none:None", "Resource": "*", **_principal_of(policy)}]
    return case


def _whole_internet_is_no_range(case: Document, _context: Context) -> Document:
    return _rewritten(case, '"0.0.0.0/0"', '"0.0.0.0/32"')


def _one_address_knows_its_own_kind(case: Document, _context: Context) -> Document:
    for policy in _policies(case):
        for statement in policy["Statement"]:
            for operator, keys in statement.get("Condition", {}).items():
                for key, values in keys.items() if "NotIpAddress" in operator else ():
                    listed = _texts(values)
                    # With the whole of IPv6 among the exceptions no IPv6 address is another one.
                    keys[key] = [*listed, "::/0"] if any("/" not in one for one in listed) else values
    return case


def _no_special_characters(case: Document, _context: Context) -> Document:
    return _rewritten(case, "a${*}b${?}c", "none")


def _no_special_characters_in_equals(case: Document, _context: Context) -> Document:
    for policy in _policies(case):
        for statement in policy["Statement"]:
            for operator, keys in statement.get("Condition", {}).items():
                if "String" in operator and "Equals" in operator:
                    for key, values in keys.items():
                        keys[key] = ["none" if one == "${*}" else one for one in _texts(values)]
    return case


def _root_is_bound_by_its_bucket_policy(case: Document, _context: Context) -> Document:
    # An action that the same patterns match, and that nobody is spared in.
    return _rewritten(case, "s3:GetBucketPolicy", "s3:GetBucketAcl")


def _sessions_need_no_policy(case: Document, _context: Context) -> Document:
    if case["request"]["principal"] == FEDERATED and not case["sessionPolicies"]:
        case["sessionPolicies"] = [
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        ]
    return case


def _any_value_has_to_exist(case: Document, _context: Context) -> Document:
    for policy in _policies(case):
        for statement in policy["Statement"]:
            block = statement.get("Condition", {})
            renamed: Document = {}
            for operator, keys in block.items():
                name = operator.removesuffix("IfExists") if operator.startswith("ForAnyValue:") else operator
                for key, values in keys.items():
                    # The key may be there already, without IfExists: both have to hold, so it is spelled otherwise.
                    held = renamed.setdefault(name, {})
                    held[key.swapcase() if key in held else key] = values
            if block:
                statement["Condition"] = renamed
    return case


def _any_name_spares(case: Document, _context: Context) -> Document:
    asking = case["request"]["principal"]
    names = {asking}
    if f":{HUB}:" in asking:
        names |= {HUB, f"arn:aws:iam::{HUB}:root"}
    if asking == SESSION:
        names.add(ROLE)
    resource = case["resourcePolicy"]
    for statement in resource["Statement"] if resource else ():
        named = statement.pop("NotPrincipal", None)
        if named is not None:
            listed = {one for values in named.values() for one in _texts(values)}
            # To spare a principal is to deny nothing to it.
            statement["Principal"] = "*"
            if listed & names:
                statement.pop("NotAction", None)
                statement["Action"] = "none:None"
    return case


def _rewritten(case: Document, old: str, new: str) -> Document:
    found: Document = json.loads(json.dumps(case).replace(old, new))
    return found


READINGS = (
    Reading(
        "variables are replaced in policies of version 2008-10-17 too",
        'IAM User Guide, "IAM policy elements: Variables and tags": in older versions "variables such as '
        '${aws:username} are treated as literal strings in the policy"',
        _variables_in_every_version,
    ),
    Reading(
        "what a bucket policy grants to everybody, or to a session, is limited by session policy and boundary",
        'IAM User Guide, "Policy evaluation logic": permissions granted directly to a session "are not limited by an '
        'implicit deny in a session policy or permissions boundary"; "AWS JSON policy elements: Principal", all '
        "principals",
        _sessions_are_limited_by_their_policies,
    ),
    Reading(
        "a NotResource or a negated condition with a variable that has no value matches nothing",
        'IAM User Guide, "IAM policy elements: Variables and tags", policy variables with no value: what has one '
        '"doesn\'t match any resource", so NotResource excepts nothing with it, and nothing equals it',
        _no_value_no_match,
    ),
    Reading(
        "0.0.0.0/0 is the one address 0.0.0.0",
        'IAM User Guide, "IAM JSON policy elements: Condition operators", IP address: a range in CIDR notation, and a '
        "prefix of no bits is every IPv4 address",
        _whole_internet_is_no_range,
    ),
    Reading(
        "an IPv6 address is not found to be other than one IPv4 address without a prefix",
        'IAM User Guide, "IAM JSON policy elements: Condition operators", NotIpAddress: "all IP addresses except" '
        "those that are named; an address without a prefix is a range of one",
        _one_address_knows_its_own_kind,
    ),
    Reading(
        "${*} and ${?} are no characters in an ARN",
        'IAM User Guide, "IAM policy elements: Variables and tags", special characters: use them "anywhere you can use '
        'policy variables"',
        _no_special_characters,
    ),
    Reading(
        "${*} is no character where wildcards mean nothing, as in StringEquals",
        'IAM User Guide, "IAM policy elements: Variables and tags", special characters: use them "anywhere you can use '
        'policy variables"',
        _no_special_characters_in_equals,
    ),
    Reading(
        "a bucket policy can deny the root user to mend it",
        'S3 API Reference, PutBucketPolicy: the root principal can read, put and delete the policy "even if their '
        "bucket policy explicitly denies the root principal's access\"",
        _root_is_bound_by_its_bucket_policy,
    ),
    Reading(
        "a session of GetFederationToken without session policies may do what its user may",
        "STS API Reference, GetFederationToken: if no session policies are passed, the federated user session has no "
        "permissions but those that a resource's policy gives to it by name",
        _sessions_need_no_policy,
    ),
    Reading(
        "IfExists counts for nothing behind ForAnyValue: an absent key fails",
        'IAM User Guide, "IAM JSON policy elements: Condition operators", ...IfExists: any operator but Null may have '
        "it, and if the key is not present the condition is true",
        _any_value_has_to_exist,
    ),
    Reading(
        "NotPrincipal spares whoever is named by any of its names, its account's alone included, whatever its boundary",
        'IAM User Guide, "AWS JSON policy elements: NotPrincipal": account, role or user must each be named; who has a '
        "permissions boundary is always denied",
        _any_name_spares,
    ),
)


def explained_by(document: Mapping[str, Any], context: Context, judged: Verdict) -> tuple[Reading, ...]:
    """The fewest readings under which our engine comes to the judge's verdict; none if there are none."""
    for chosen in _subsets():
        changed = deepcopy(dict(document))
        for reading in chosen:
            changed = reading.as_the_judge(changed, context)
        changed["request"]["context"] = {key: list(values) for key, values in context.items()}
        (case,) = parse_cases(json.dumps(changed))
        if case.decide().verdict is judged:
            return chosen
    return ()


def _subsets() -> Iterator[tuple[Reading, ...]]:
    numbers = sorted(range(1, 1 << len(READINGS)), key=int.bit_count)
    for bits in numbers:
        yield tuple(reading for place, reading in enumerate(READINGS) if bits >> place & 1)


def _policies(case: Document) -> Iterator[Document]:
    for member in ("identityPolicies", "permissionBoundaries", "sessionPolicies"):
        yield from case[member]
    for level in case["serviceControlPolicies"]:
        yield from level
    if case["resourcePolicy"]:
        yield case["resourcePolicy"]


def _principal_of(policy: Document) -> Document:
    first = policy["Statement"][0]
    return {"Principal": "*"} if "Principal" in first or "NotPrincipal" in first else {}


def _negated_texts(statement: Document) -> Iterator[str]:
    yield from _texts(statement.get("NotResource", []))
    for operator, keys in statement.get("Condition", {}).items():
        if "Not" in operator:
            for values in keys.values():
                yield from _texts(values)


def _texts(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]


def _lacks_a_value(text: str, present: set[str]) -> bool:
    """Whether a variable of the text, other than a special character, has neither a value nor a default."""
    for part in text.split("${")[1:]:
        name = part.partition("}")[0]
        if name not in ("*", "?", "$") and "," not in name and name.lower() not in present:
            return True
    return False
