"""Policy documents, short to write."""

import json
from collections.abc import Mapping
from typing import Any

Conditions = Mapping[str, Mapping[str, str | list[str]]]


def document(*statements: Mapping[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def statement(
    effect: str,
    action: str | list[str],
    resource: str | list[str] | None = None,
    *,
    principal: Any = None,
    condition: Conditions | None = None,
) -> dict[str, Any]:
    found: dict[str, Any] = {"Effect": effect, "Action": action}
    if resource is not None:
        found["Resource"] = resource
    if principal is not None:
        found["Principal"] = principal
    if condition is not None:
        found["Condition"] = condition
    return found


def allowing(action: str | list[str], resource: str | list[str] = "*", *, condition: Conditions | None = None) -> str:
    return document(statement("Allow", action, resource, condition=condition))


def denying(action: str | list[str], resource: str | list[str] = "*", *, condition: Conditions | None = None) -> str:
    return document(statement("Deny", action, resource, condition=condition))


def trusting(principal: Any, *, condition: Conditions | None = None, action: str | list[str] = "sts:AssumeRole") -> str:
    """A trust policy: `trusting({"Service": "transfer.amazonaws.com"})`."""
    return document(statement("Allow", action, principal=principal, condition=condition))
