"""What is to be changed in a policy, and where it is."""

from dataclasses import dataclass

from crossdock.policy.fix_statements import StatementJson
from crossdock.policy.requests import Layer


@dataclass(frozen=True, slots=True, kw_only=True)
class AddStatement:
    """To the policy's statements; a policy that is not there is made of it."""

    statement: StatementJson


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveStatement:
    """The statement with this Sid, or this number (from 1) where it has none."""

    sid: str
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplaceValue:
    """One value in the statement with this Sid or number.

    It stands in the condition with this operator and key; of `Principal` and `NotPrincipal`, which then is `operator`,
    under `key`, `AWS`.
    """

    sid: str
    number: int
    operator: str
    key: str
    old: str
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InWords:
    """No change of one statement: the fix's sentence says what to do."""


Change = AddStatement | RemoveStatement | ReplaceValue | InWords


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """`attached_to` is the ARN of the bucket, role, user or key that carries the policy; for an organisation's policies
    the id or ARN of the level, if it is known, and `account_id` is the management account; a VPC endpoint's name.

    `policy` is the policy's name or ARN; empty where the thing has only one, or where one is to be made.
    """

    account_id: str
    layer: Layer
    attached_to: str
    policy: str
    change: Change
    sentence: str
