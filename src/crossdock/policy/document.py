"""Reading policy documents: what AWS refuses is refused, in AWS's words.

Sources: IAM User Guide, "Grammar of the IAM JSON policy language" and "IAM and AWS STS quotas"; Organizations User
Guide, "Quotas" and "RCP syntax"; S3 User Guide, "Policies and permissions in Amazon S3"; VPC User Guide, "Control
access to VPC endpoints using endpoint policies"; KMS Developer Guide, "Creating a key policy" and "Resource quotas".
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from crossdock.policy.principals import PrincipalType
from crossdock.policy.refusals import IAM_WORDS, S3_WORDS, MalformedPolicy, PolicyTooLong, Problem
from crossdock.policy.statement_reader import Json, Refuse, StatementReader
from crossdock.policy.statements import Effect, Policy, Statement

__all__ = [
    "MAX_SESSION_POLICY_CHARS",
    "Effect",
    "MalformedPolicy",
    "Policy",
    "PolicyKind",
    "PolicyTooLong",
    "Statement",
    "parse_policy",
]

MAX_SESSION_POLICY_CHARS = 2048

# More than any quota, white space included (IAM API Reference, policyDocumentType): nothing longer is even read.
_MAX_TEXT = 131_072


class PolicyKind(Enum):
    """What a document is attached to, which decides what it may hold and how long it may be.

    MANAGED is an identity policy with an ARN of its own, which needs version 2012-10-17; an inline one is IDENTITY.
    """

    IDENTITY = "identity"
    MANAGED = "managed"
    RESOURCE = "resource"
    TRUST = "trust"
    SESSION = "session"
    SERVICE_CONTROL = "service-control"
    RESOURCE_CONTROL = "resource-control"
    BOUNDARY = "boundary"
    ENDPOINT = "endpoint"
    KEY = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rules:
    max_chars: int
    too_long: str
    counts_white_space: bool = False
    speaks_s3: bool = False
    needs_2012: bool = False
    has_principal: bool = False
    has_resource: bool = True
    has_free_sid: bool = False
    only_restricts: bool = False


_POLICY_SIZE = "Cannot exceed quota for PolicySize: {limit}"
_RULES: Mapping[PolicyKind, _Rules] = {
    PolicyKind.IDENTITY: _Rules(max_chars=10_240, too_long="Maximum policy size of {limit} bytes exceeded"),
    PolicyKind.MANAGED: _Rules(max_chars=6_144, too_long=_POLICY_SIZE, needs_2012=True),
    PolicyKind.BOUNDARY: _Rules(max_chars=6_144, too_long=_POLICY_SIZE),
    PolicyKind.TRUST: _Rules(
        max_chars=2_048,
        too_long="Cannot exceed quota for ACLSizePerRole: {limit}",
        has_principal=True,
        has_resource=False,
    ),
    PolicyKind.SESSION: _Rules(
        max_chars=MAX_SESSION_POLICY_CHARS,
        too_long="A session policy cannot exceed {limit} characters",
        counts_white_space=True,
    ),
    PolicyKind.SERVICE_CONTROL: _Rules(
        max_chars=5_120, too_long="A service control policy cannot exceed {limit} characters"
    ),
    PolicyKind.RESOURCE_CONTROL: _Rules(
        max_chars=5_120,
        too_long="A resource control policy cannot exceed {limit} characters",
        counts_white_space=True,
        needs_2012=True,
        has_principal=True,
        only_restricts=True,
    ),
    PolicyKind.RESOURCE: _Rules(
        max_chars=20_480,
        too_long="Policy exceeds the maximum allowed document size.",
        counts_white_space=True,
        speaks_s3=True,
        has_principal=True,
        has_free_sid=True,
    ),
    PolicyKind.ENDPOINT: _Rules(
        max_chars=20_480,
        too_long="A VPC endpoint policy cannot exceed {limit} characters",
        counts_white_space=True,
        has_principal=True,
    ),
    PolicyKind.KEY: _Rules(
        max_chars=32_768,
        too_long="A key policy cannot exceed {limit} characters",
        counts_white_space=True,
        has_principal=True,
        has_free_sid=True,  # the default key policy's is "Enable IAM User Permissions"
    ),
}

_VERSIONS = ("2008-10-17", "2012-10-17")


def parse_policy(text: str | Mapping[str, object], kind: PolicyKind, *, max_chars: int | None = None) -> Policy:
    """Read and check a policy document.

    Args:
        text: JSON, or the same already read (from a template, say).
        max_chars: another quota than the kind's own, such as 2,048 for the inline policies of a user.

    Raises:
        MalformedPolicy: and nothing else, whatever the document holds. PolicyTooLong when it is over its quota.
    """
    rules = _RULES[kind]
    refuse = Refuse(S3_WORDS if rules.speaks_s3 else IAM_WORDS)
    written = text if isinstance(text, str) else _written(text, refuse)
    limit = rules.max_chars if max_chars is None else max_chars
    size = len(written) if rules.counts_white_space else len("".join(written.split()))
    if size > limit or len(written) > _MAX_TEXT:
        raise PolicyTooLong(rules.too_long.format(limit=limit), f"it has {size} characters")
    document = _read_json(written, refuse)
    for name in document:
        if name not in ("Version", "Id", "Statement"):
            raise refuse(Problem.SYNTAX, detail=f"unknown element {name!r}")
    version = _version(document, rules, refuse)
    policy_id = document.get("Id", "")
    if not isinstance(policy_id, str):
        raise refuse(Problem.SYNTAX, detail="Id is no text")
    reader = StatementReader(
        refuse=refuse,
        has_principal=rules.has_principal,
        has_resource=rules.has_resource,
        has_free_sid=rules.has_free_sid,
        has_variables=version == _VERSIONS[-1],
    )
    statements = tuple(reader.read(source, number) for number, source in enumerate(_sources(document, refuse), start=1))
    _check_sids(statements, refuse)
    if rules.only_restricts:
        for number, statement in enumerate(statements, start=1):
            _check_restriction(statement, f"statement {number}", refuse)
    return Policy(version=version, id=policy_id, statements=statements)


def _written(document: Mapping[str, object], refuse: Refuse) -> str:
    try:
        return json.dumps(dict(document), ensure_ascii=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise refuse(Problem.JSON, detail=f"it cannot be written as JSON: {error}") from error


class _RefusedJson(ValueError):
    """JSON that Python would take and AWS does not."""


def _read_json(text: str, refuse: Refuse) -> dict[str, Json]:
    try:
        document: Json = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_no_constant, parse_float=str, parse_int=_integer
        )
        # A lone surrogate is JSON, but no text that could be stored or shown.
        json.dumps(document, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise refuse(Problem.JSON, detail=str(error)) from error
    if not isinstance(document, dict):
        raise refuse(Problem.JSON, detail="it is no JSON object")
    return document


def _unique(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    """ "Individual elements must not contain multiple instances of the same key." """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise _RefusedJson("a key appears twice in one object")
    return found


def _no_constant(name: str) -> Json:
    raise _RefusedJson(f"{name} is no JSON")


def _integer(digits: str) -> int:
    if len(digits) > 40:
        raise _RefusedJson("a number has more than 40 digits")
    return int(digits)


def _version(document: Mapping[str, Json], rules: _Rules, refuse: Refuse) -> str:
    """ "If you do not include a Version element, the value defaults to 2008-10-17." """
    version = document.get("Version", _VERSIONS[0])
    if not isinstance(version, str) or version not in _VERSIONS:
        raise refuse(Problem.VERSION_FORM, detail="Version is neither 2008-10-17 nor 2012-10-17")
    if rules.needs_2012 and version != _VERSIONS[-1]:
        raise refuse(Problem.VERSION_TOO_OLD)
    return version


def _sources(document: Mapping[str, Json], refuse: Refuse) -> list[dict[str, Json]]:
    """The statements; a single one needs no list."""
    if "Statement" not in document:
        raise refuse(Problem.STATEMENT_MISSING, detail="it has no Statement")
    found = document["Statement"]
    listed = found if isinstance(found, list) else [found]
    if not listed:
        raise refuse(Problem.STATEMENT_EMPTY, detail="Statement is empty")
    sources = [one for one in listed if isinstance(one, dict)]
    if len(sources) < len(listed):
        raise refuse(Problem.SYNTAX, detail="a statement is no JSON object")
    return sources


def _check_restriction(statement: Statement, where: str, refuse: Refuse) -> None:
    """What is asked of a statement of a resource control policy, which may be AWS's own RCPFullAWSAccess.

    Source: Organizations User Guide, "RCP syntax".
    """
    if statement.not_principals or statement.not_actions:
        raise refuse(Problem.SYNTAX, detail=f"{where}: NotPrincipal and NotAction are not supported")
    if any(one.type is not PrincipalType.EVERYONE for one in statement.principals):
        named = ", ".join(map(str, statement.principals))
        raise refuse(Problem.PRINCIPAL_FORM, text=named, detail=f"{where}: Principal can only be *")
    if statement.effect is Effect.ALLOW and not _allows_all(statement):
        raise refuse(Problem.SYNTAX, detail=f"{where}: only RCPFullAWSAccess may allow")
    if statement.effect is Effect.DENY and any("*" in action.partition(":")[0] for action in statement.actions):
        raise refuse(Problem.SYNTAX, detail=f"{where}: an action must name its service")


def _allows_all(statement: Statement) -> bool:
    return statement.actions == ("*",) and statement.resources == ("*",) and not statement.conditions


def _check_sids(statements: tuple[Statement, ...], refuse: Refuse) -> None:
    named = [statement.sid for statement in statements if statement.sid]
    if len(set(named)) < len(named):
        raise refuse(Problem.SID_REPEATED, detail="a Sid appears twice")
