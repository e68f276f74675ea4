"""Intrinsic functions and conditions, resolved against what is known of a stack.

Source: AWS CloudFormation User Guide, "Intrinsic function reference", "Pseudo parameters reference".
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crossdock.cloud.cloudformation.loading import invalid
from crossdock.cloud.cloudformation.parameters import ParameterValue, literal
from crossdock.cloud.cloudformation.template import Resource, Template

MAX_RESOLVED_CHARS = 4_194_304
"""Of all texts in one resource's properties, so that a small template cannot make a large one."""
_ITEM_CHARS = 16
"""What a value costs besides its text."""
PSEUDO_PARAMETERS = frozenset(
    {
        "AWS::AccountId",
        "AWS::NoValue",
        "AWS::NotificationARNs",
        "AWS::Partition",
        "AWS::Region",
        "AWS::StackId",
        "AWS::StackName",
        "AWS::URLSuffix",
    }
)
CONDITION_FUNCTIONS = frozenset({"Fn::And", "Fn::Equals", "Fn::Not", "Fn::Or"})

_DYNAMIC_REFERENCE = re.compile(r"\{\{resolve:(?:ssm|ssm-secure|secretsmanager):")
_INDEX = re.compile(r"-?[0-9]{1,9}")
_PLACEHOLDER = re.compile(r"\$\{([^${}]*)\}")


class NoValue:
    """What `AWS::NoValue` leaves: the property is as if it had not been written."""


NO_VALUE = NoValue()


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A resource that exists: what `Ref` gives and what `Fn::GetAtt` may ask."""

    physical_id: str
    ref: str
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Spent:
    """How much text the functions of one value have made so far."""

    chars: int = 0

    def add(self, chars: int) -> None:
        self.chars += chars
        if self.chars > MAX_RESOLVED_CHARS:
            raise invalid(f"Template error: the functions of one value make more than {MAX_RESOLVED_CHARS} characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Everything a template's functions can refer to. `resources` grows as resources are made."""

    template: Template
    parameters: Mapping[str, ParameterValue]
    pseudo: Mapping[str, str]
    exports: Mapping[str, str]
    resources: Mapping[str, Made] = field(default_factory=dict)
    conditions: dict[str, bool] = field(default_factory=dict)
    """Those that were evaluated: what they depend on never changes."""
    spent: Spent = field(default_factory=Spent)


def pseudo_parameters(*, account_id: str, region: str, stack_id: str, stack_name: str) -> dict[str, str]:
    return {
        "AWS::AccountId": account_id,
        "AWS::Partition": "aws",
        "AWS::Region": region,
        "AWS::StackId": stack_id,
        "AWS::StackName": stack_name,
        "AWS::URLSuffix": "amazonaws.com",
    }


def resolve(value: Any, scope: Scope) -> Any:
    """The value with every function replaced by its result; `AWS::NoValue` members left out.

    Raises:
        ServiceError: ValidationError when a function is malformed, refers to something that is not there, or makes
            more text than MAX_RESOLVED_CHARS.
    """
    scope.spent.chars = 0
    resolved = _resolve(value, scope)
    _check_resolved(resolved, scope.spent)
    return resolved


def _resolve(value: Any, scope: Scope) -> Any:
    if isinstance(value, dict):
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name in FUNCTIONS:
                return FUNCTIONS[name](argument, scope)
        resolved = {name: _resolve(item, scope) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not NO_VALUE}
    if isinstance(value, list):
        return [item for item in (_resolve(element, scope) for element in value) if item is not NO_VALUE]
    return value


def _check_resolved(value: Any, spent: Spent) -> None:
    """Count as it goes: one small list that is referred to often makes a value too large to walk through."""
    spent.add(_ITEM_CHARS)
    if isinstance(value, dict):
        for name, item in value.items():
            spent.add(len(name))
            _check_resolved(item, spent)
    elif isinstance(value, list):
        for item in value:
            _check_resolved(item, spent)
    elif isinstance(value, str):
        spent.add(len(value))
        # A secret's place must not become the secret.
        if _DYNAMIC_REFERENCE.search(value):
            raise invalid("Template error: dynamic references ({{resolve:...}}) are not supported by Crossdock")


def present_resources(scope: Scope) -> dict[str, Resource]:
    """The resources whose conditions hold. Every condition of the template is evaluated, used or not."""
    for name in scope.template.conditions:
        condition_holds(name, scope)
    return {
        name: resource
        for name, resource in scope.template.resources.items()
        if not resource.condition or condition_holds(resource.condition, scope)
    }


def condition_holds(name: str, scope: Scope) -> bool:
    """Evaluate a named condition. Raises ServiceError for an unknown or malformed one."""
    if name not in scope.conditions:
        if name not in scope.template.conditions:
            raise invalid(f"Template format error: Unresolved condition dependency {name} in the Conditions block")
        scope.conditions[name] = _condition(scope.template.conditions[name], scope)
    return scope.conditions[name]


def _condition(value: Any, scope: Scope) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        raise invalid("Template format error: Conditions can only be boolean operations on parameters and conditions")
    name, argument = next(iter(value.items()))
    match name:
        case "Condition" if isinstance(argument, str):
            return condition_holds(argument, scope)
        case "Fn::Equals" if isinstance(argument, list) and len(argument) == 2:
            left, right = (_resolve(item, scope) for item in argument)
            return bool(_as_text(left) == _as_text(right))
        case "Fn::Not" if isinstance(argument, list) and len(argument) == 1:
            return not _condition(argument[0], scope)
        case "Fn::And" if isinstance(argument, list) and 2 <= len(argument) <= 10:
            return all(_condition(item, scope) for item in argument)
        case "Fn::Or" if isinstance(argument, list) and 2 <= len(argument) <= 10:
            return any(_condition(item, scope) for item in argument)
    raise invalid(f"Template error: {name} is malformed in the Conditions block")


def _as_text(value: Any) -> Any:
    """Parameters are texts, template literals may be numbers or booleans: they compare as texts."""
    return literal(value) if isinstance(value, bool | int | float) else value


def _text(value: Any, function: str) -> str:
    text = _as_text(value)
    if not isinstance(text, str):
        raise invalid(f"Template error: every argument of {function} must be a text")
    return text


def _ref(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, str):
        raise invalid("Template error: every Ref object must have a single String value.")
    if argument == "AWS::NoValue":
        return NO_VALUE
    if argument == "AWS::NotificationARNs":
        return []
    if argument in scope.pseudo:
        return scope.pseudo[argument]
    if argument in scope.parameters:
        return scope.parameters[argument]
    if argument in scope.resources:
        return scope.resources[argument].ref
    raise invalid(
        f"Template format error: Unresolved resource dependencies [{argument}] in the Resources block of the template"
    )


def _get_att(argument: Any, scope: Scope) -> str:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) != 2:
        raise invalid("Template error: every Fn::GetAtt object requires two non-empty parameters")
    name, attribute = parts[0], _resolve(parts[1], scope)
    if not isinstance(name, str) or not isinstance(attribute, str):
        raise invalid("Template error: every Fn::GetAtt object requires two non-empty parameters")
    made = scope.resources.get(name)
    if made is None:
        raise invalid(f"Template error: instance of Fn::GetAtt references undefined resource {name}")
    if attribute not in made.attributes:
        kind = scope.template.resources[name].type
        raise invalid(
            f"Template error: resource {name} ({kind}) does not support attribute type {attribute} in Fn::GetAtt"
        )
    return made.attributes[attribute]


def _sub(argument: Any, scope: Scope) -> str:
    own: dict[str, Any] = {}
    if isinstance(argument, list):
        if len(argument) != 2 or not isinstance(argument[1], dict):
            raise invalid("Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments")
        own = {name: _resolve(value, scope) for name, value in argument[1].items()}
        argument = argument[0]
    if not isinstance(argument, str):
        raise invalid("Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments")

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name.startswith("!"):  # how a template writes a ${ that is none
            return "${" + name[1:] + "}"
        name = name.strip()
        if name in own:
            return _text(own[name], "Fn::Sub")
        found = _get_att(name, scope) if "." in name else _ref(name, scope)
        return _text(found, "Fn::Sub")

    pieces: list[str] = []
    position = 0
    for match in _PLACEHOLDER.finditer(argument):
        piece = argument[position : match.start()] + fill(match)
        position = match.end()
        scope.spent.add(len(piece))
        pieces.append(piece)
    return "".join(pieces) + argument[position:]


def _if(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[0], str):
        raise invalid("Template error: Fn::If requires a list argument with three elements")
    return _resolve(argument[1] if condition_holds(argument[0], scope) else argument[2], scope)


def _join(argument: Any, scope: Scope) -> str:
    if not isinstance(argument, list) or len(argument) != 2:
        raise invalid("Template error: every Fn::Join object requires two parameters, a delimiter and a list")
    items = _resolve(argument[1], scope)
    if not isinstance(items, list):
        raise invalid("Template error: every Fn::Join object requires two parameters, a delimiter and a list")
    delimiter = _text(argument[0], "Fn::Join")
    texts = [_text(item, "Fn::Join") for item in items]
    scope.spent.add(sum(_ITEM_CHARS + len(text) + len(delimiter) for text in texts))
    return delimiter.join(texts)


def _select(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 2:
        raise invalid("Template error: Fn::Select requires a list argument with two elements")
    index, items = _as_text(_resolve(argument[0], scope)), _resolve(argument[1], scope)
    if not isinstance(index, str) or not _INDEX.fullmatch(index):
        raise invalid("Template error: Fn::Select requires an integer index")
    if not isinstance(items, list) or not 0 <= int(index) < len(items):
        raise invalid(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return items[int(index)]


def _split(argument: Any, scope: Scope) -> list[str]:
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str) or not argument[0]:
        raise invalid("Template error: every Fn::Split object requires two parameters, a delimiter and a string")
    text = _text(_resolve(argument[1], scope), "Fn::Split")
    pieces = text.split(argument[0])
    scope.spent.add(len(text) + _ITEM_CHARS * len(pieces))
    return pieces


def _find_in_map(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 3:
        raise invalid("Template error: every Fn::FindInMap object requires three parameters")
    found: Any = scope.template.mappings
    keys = [_text(_resolve(item, scope), "Fn::FindInMap") for item in argument]
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            raise invalid(f"Template error: Unable to get mapping for {'::'.join(keys)}")
        found = found[key]
    return found


def _base64(argument: Any, scope: Scope) -> str:
    text = _text(_resolve(argument, scope), "Fn::Base64")
    scope.spent.add(len(text))
    return b64encode(text.encode()).decode()


def _import_value(argument: Any, scope: Scope) -> str:
    name = _text(_resolve(argument, scope), "Fn::ImportValue")
    if name not in scope.exports:
        raise invalid(f"No export named {name} found.")
    return scope.exports[name]


FUNCTIONS: Mapping[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::Base64": _base64,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAtt": _get_att,
    "Fn::If": _if,
    "Fn::ImportValue": _import_value,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::Sub": _sub,
}
