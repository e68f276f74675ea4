"""The variables of a user's session policy: `${transfer:UserName}` and its three sisters."""

import json
import re
from collections.abc import Mapping

from crossdock.policy.document import MAX_SESSION_POLICY_CHARS
from crossdock.policy.refusals import MalformedPolicy, PolicyTooLong

_VARIABLE = re.compile(r"\$\{transfer:([^{}$]*)\}", re.IGNORECASE)
# What would mean something in a pattern. `${` begins a policy variable, a lone `$` nothing.
_ACTIVE = re.compile(r"[*?]|\$(?=\{)")

_TOO_LONG = f"A session policy cannot exceed {MAX_SESSION_POLICY_CHARS} characters"
_MALFORMED = "Syntax errors in policy."


def render_session_policy(template: str, *, home_root: str | None, username: str) -> str:
    """Fill the variables of a session policy.

    Values go into the texts of the document, never into its structure, and once only: a name that looks like a variable
    or a wildcard stays a name (`*` becomes `${*}`). `${aws:username}` and other policy variables are left alone.

    Args:
        template: Policy JSON from the user record or the identity provider.
        home_root: the PATH home such as `/bucket/folder`; None for a LOGICAL home, which has only `UserName`.
        username: as typed by the client, already checked.

    Raises:
        MalformedPolicy: no JSON object, or a variable that Transfer does not define or this kind of home does not have.
            PolicyTooLong when it has more than 2,048 characters, before or after.

    Source: AWS Transfer Family User Guide, "Creating a session policy for an Amazon S3 bucket".
    """
    if len(template) > MAX_SESSION_POLICY_CHARS:
        raise PolicyTooLong(_TOO_LONG, "before its variables are filled")
    try:
        document: object = json.loads(template, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:
        raise MalformedPolicy(_MALFORMED, str(error)) from error
    if not isinstance(document, dict):
        raise MalformedPolicy(_MALFORMED, "it is no JSON object")
    values = _values(home_root, username)
    # A `*` can only be escaped where variables exist.
    can_escape = document.get("Version") == "2012-10-17"
    rendered = json.dumps(_fill(document, values, can_escape=can_escape), ensure_ascii=False, separators=(",", ":"))
    if len(rendered) > MAX_SESSION_POLICY_CHARS:
        raise PolicyTooLong(_TOO_LONG, "once its variables are filled")
    return rendered


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key appears twice in one object")
    return found


def _values(home_root: str | None, username: str) -> Mapping[str, str]:
    """By name in lower case: AWS's own texts spell both `transfer:` and `Transfer:`."""
    if home_root is None:
        return {"username": username}
    directory = home_root.strip("/")
    bucket, _, folder = directory.partition("/")
    values = {"username": username, "homefolder": folder}
    # Without a bucket these would be patterns of every bucket.
    return {**values, "homebucket": bucket, "homedirectory": directory} if bucket else values


def _fill(node: object, values: Mapping[str, str], *, can_escape: bool) -> object:
    match node:
        case str():
            return _VARIABLE.sub(lambda found: _value(found.group(1), values, can_escape=can_escape), node)
        case list():
            return [_fill(one, values, can_escape=can_escape) for one in node]
        case dict():
            for key in node:
                if _VARIABLE.search(key):
                    raise MalformedPolicy(_MALFORMED, f"a variable in the name of an element: {key!r}")
            return {key: _fill(one, values, can_escape=can_escape) for key, one in node.items()}
        case _:
            return node


def _value(name: str, values: Mapping[str, str], *, can_escape: bool) -> str:
    value = values.get(name.lower())
    if value is None:
        raise MalformedPolicy(_MALFORMED, f"${{transfer:{name}}} has no value for this user")
    if not can_escape and _ACTIVE.search(value):
        raise MalformedPolicy(_MALFORMED, f"the value of ${{transfer:{name}}} needs Version 2012-10-17")
    return _ACTIVE.sub(lambda found: f"${{{found.group()}}}", value)
