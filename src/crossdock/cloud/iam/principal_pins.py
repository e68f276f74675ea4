"""Users and roles that policies name are meant by their unique id, not by their ARN.

A role that is deleted and made anew is another role: a policy that trusted the old one does not trust the new one. So
the ids are noted when a policy is stored, decisions are made on the ids, and a policy that is shown has the id in the
place of an ARN that now means somebody else.

Source: IAM User Guide, "AWS JSON policy elements: Principal", on the unique principal id in a role's trust policy.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from crossdock.cloud.iam.records import find_role_by_arn, find_user
from crossdock.core.arns import Arn, parse_arn
from crossdock.core.errors import CrossdockError, InvalidArn
from crossdock.policy.document import Policy
from crossdock.policy.principals import PrincipalType
from crossdock.ports.state import Transaction


class UnknownPrincipal(CrossdockError):
    """A policy names a user or role that does not exist."""

    def __init__(self, value: str) -> None:
        super().__init__(f'Invalid principal in policy: "AWS":"{value}"')
        self.value = value


async def pins_of(tx: Transaction, policy: Policy) -> dict[str, str]:
    """The unique ids of the users and roles that a policy names, by ARN. Raises UnknownPrincipal."""
    pins: dict[str, str] = {}
    for statement in policy.statements:
        for principal in (*statement.principals, *statement.not_principals):
            if principal.type is PrincipalType.AWS and (arn := _entity_arn(principal.value)) is not None:
                unique_id = await _unique_id(tx, arn)
                if unique_id is None:
                    raise UnknownPrincipal(principal.value)
                pins[principal.value] = unique_id
    return pins


async def stale_pins(tx: Transaction, pins: Mapping[str, str]) -> dict[str, str]:
    """The pins whose ARN has come to mean nobody, or somebody else."""
    return {arn: pinned for arn, pinned in pins.items() if await _unique_id(tx, parse_arn(arn)) != pinned}


def with_pins(text: str, pins: Mapping[str, str]) -> str:
    """A policy document with ids in the place of pinned ARNs; the very text when there are none, or it is no policy."""
    if not pins:
        return text
    try:
        document = json.loads(text)
        statements = document["Statement"]
    except (ValueError, RecursionError, TypeError, KeyError):
        return text
    for statement in statements if isinstance(statements, list) else [statements]:
        for element in ("Principal", "NotPrincipal"):
            named = statement.get(element) if isinstance(statement, dict) else None
            if isinstance(named, dict) and "AWS" in named:
                named["AWS"] = _mapped(named["AWS"], lambda value: pins.get(str(value), value))
    return json.dumps(document, separators=(",", ":"))


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    return [change(one) for one in value] if isinstance(value, list) else change(value)


def _entity_arn(text: str) -> Arn | None:
    """The ARN of a user or role; None for an account, its root, a session, or everyone."""
    try:
        arn = parse_arn(text)
    except InvalidArn:
        return None
    is_entity = arn.service == "iam" and arn.resource.startswith(("role/", "user/"))
    return arn if is_entity else None


async def _unique_id(tx: Transaction, arn: Arn) -> str | None:
    if arn.resource.startswith("role/"):
        role = await find_role_by_arn(tx, arn)
        return None if role is None else role.role_id
    user = await find_user(tx, arn.account_id, arn.resource.rpartition("/")[2])
    return user.user_id if user is not None and user.arn == str(arn) else None
