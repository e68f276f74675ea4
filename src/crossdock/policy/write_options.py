"""What Crossdock would have to say of a write so that a Deny does not apply to it: options of `aws.buckets`.

A bucket that takes nothing but encrypted objects, or objects whose owner it is, denies every other write by a condition
on what the write says of that.

Source: S3 User Guide, "Amazon S3 condition key examples" and "Requiring SSE-KMS" (Deny with StringNotEquals or Null of
`s3:x-amz-server-side-encryption`).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

from crossdock.core.arns import parse_arn
from crossdock.core.object_writing import CANNED_ACLS, ENCRYPTIONS, KMS
from crossdock.policy.decision import Decision
from crossdock.policy.reasons import Reason
from crossdock.policy.requests import AccessRequest
from crossdock.policy.rewriting import decide_again
from crossdock.policy.undenied import applying_denies

_SSE, _KEY = "s3:x-amz-server-side-encryption", "s3:x-amz-server-side-encryption-aws-kms-key-id"
_OPTIONS: Mapping[str, tuple[str, str]] = {
    "s3:x-amz-acl": ("acl", "--acl"),
    _SSE: ("sse", "--sse"),
    _KEY: ("kms_key_id", "--kms-key-id"),
}
"""The option that makes a write say this key, and the option of `crossdock explain` that tells it."""
_VALUES: Mapping[str, tuple[str, ...]] = {"s3:x-amz-acl": CANNED_ACLS, _SSE: ENCRYPTIONS}
_MOST_KEYS = 10
"""KMS keys of conditions that are tried."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """`spared` are the statements that deny, and would not; none without options."""

    sentence: str = ""
    spared: frozenset[Reason] = frozenset()


def options_that_spare(decision: Decision) -> WriteOptions:
    """Those that spare the write the most Denies and bring on no other; as few of them as can be."""
    request, denies = decision.request, frozenset(applying_denies(decision))
    best: frozenset[Reason] = frozenset()
    said: Mapping[str, str] = {}
    for tried in _trials(request, denies):
        context = {**request.context, **{key: (value,) for key, value in tried.items()}}
        asked = replace(decision, request=replace(request, context=context))
        # The same statement has other reasons by other values.
        left = {_place(one) for one in applying_denies(decide_again(asked, decision.policies))}
        spared = frozenset(one for one in denies if _place(one) not in left)
        if len(spared) > len(best) and left <= {_place(one) for one in denies}:
            best, said = spared, tried
    return WriteOptions(sentence=_sentence(said, request) if said else "", spared=best)


def _place(reason: Reason) -> tuple[str, str, int]:
    return reason.layer, reason.policy, reason.number


def _trials(request: AccessRequest, denies: frozenset[Reason]) -> Iterator[Mapping[str, str]]:
    """What could be said, with fewer options before more, and what the conditions name before anything else."""
    named: dict[str, list[str]] = {}
    for reason in sorted(denies, key=_place):
        for condition in reason.met:
            if (key := condition.key.lower()) in _OPTIONS:
                named.setdefault(key, []).extend(condition.expected)
    values = [[(key, value) for value in ("", *_values(key, found))] for key, found in named.items()]
    for chosen in sorted(product(*values), key=lambda some: sum(value != "" for _, value in some)):
        tried = {key: value for key, value in chosen if value}
        sse = tried.get(_SSE) or next(iter(request.context.get(_SSE, ())), "")
        if _KEY in tried and sse not in KMS:
            if _SSE in tried:
                continue  # no key goes with it
            tried = {_SSE: KMS[0], **tried}
        if tried:
            yield tried


def _values(key: str, named: Sequence[str]) -> Sequence[str]:
    known = _VALUES.get(key)
    if known is None:
        return list(dict.fromkeys(one for one in named if ":kms:" in one and "*" not in one and "?" not in one))[
            :_MOST_KEYS
        ]
    return sorted(known, key=lambda value: value not in named)


def _sentence(said: Mapping[str, str], request: AccessRequest) -> str:
    bucket = parse_arn(request.resource).resource.partition("/")[0]
    settings = " and ".join(f'{_OPTIONS[key][0]} = "{value}"' for key, value in said.items())
    options = " ".join(f"{_OPTIONS[key][1]} {value}" for key, value in said.items())
    return f'set {settings} under [aws.buckets."{bucket}"] (where profiles explain, {options})'
