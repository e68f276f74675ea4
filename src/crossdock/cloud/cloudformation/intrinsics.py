"""Intrinsic functions and conditions, resolved against what is known of a stack.

Source: AWS CloudFormation User Guide, "Intrinsic function reference", "Pseudo parameters reference".
"""

import re
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crossdock.cloud.cloudformation.parameters import ParameterValue
from crossdock.cloud.cloudformation.template import Template, invalid

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Everything a template's functions can refer to. `resources` grows as resources are made."""

    template: Template
    parameters: Mapping[str, ParameterValue]
    pseudo: Mapping[str, str]
    exports: Mapping[str, str]
    resources: Mapping[str, Made] = field(default_factory=dict)


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
        ServiceError: ValidationError when a function is malformed or refers to something that is not there.
    """
    if isinstance(value, dict):
        if len(value) == 1:
            name, argument = next(iter(value.items()))
            if name in _FUNCTIONS:
                return _FUNCTIONS[name](argument, scope)
            if isinstance(name, str) and name.startswith("Fn::"):
                raise invalid(f"Template error: the function {name} is not supported by Crossdock")
        resolved = {name: resolve(item, scope) for name, item in value.items()}
        return {name: item for name, item in resolved.items() if item is not NO_VALUE}
    if isinstance(value, list):
        return [item for item in (resolve(element, scope) for element in value) if item is not NO_VALUE]
    return value


def condition_holds(name: str, scope: Scope, _seen: tuple[str, ...] = ()) -> bool:
    """Evaluate a named condition. Raises ServiceError for an unknown one or a circle."""
    if name not in scope.template.conditions:
        raise invalid(f"Template format error: Unresolved condition dependency {name} in the Conditions block")
    if name in _seen:
        raise invalid(f"Template format error: Circular dependency between conditions [{', '.join((*_seen, name))}]")
    return _condition(scope.template.conditions[name], scope, (*_seen, name))


def _condition(value: Any, scope: Scope, seen: tuple[str, ...]) -> bool:
    if not isinstance(value, dict) or len(value) != 1:
        raise invalid("Template format error: Conditions can only be boolean operations on parameters and conditions")
    name, argument = next(iter(value.items()))
    match name:
        case "Condition" if isinstance(argument, str):
            return condition_holds(argument, scope, seen)
        case "Fn::Equals" if isinstance(argument, list) and len(argument) == 2:
            left, right = (resolve(item, scope) for item in argument)
            return bool(_as_text(left) == _as_text(right))
        case "Fn::Not" if isinstance(argument, list) and len(argument) == 1:
            return not _condition(argument[0], scope, seen)
        case "Fn::And" if isinstance(argument, list) and 2 <= len(argument) <= 10:
            return all(_condition(item, scope, seen) for item in argument)
        case "Fn::Or" if isinstance(argument, list) and 2 <= len(argument) <= 10:
            return any(_condition(item, scope, seen) for item in argument)
    raise invalid(f"Template error: {name} is malformed in the Conditions block")


def _as_text(value: Any) -> Any:
    """Parameters are texts, template literals may be numbers or booleans: they compare as texts."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


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
    raise invalid(f"Template format error: Unresolved resource dependencies [{argument}] in the template")


def _get_att(argument: Any, scope: Scope) -> str:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if not isinstance(parts, list) or len(parts) != 2:
        raise invalid("Template error: every Fn::GetAtt object requires two non-empty parameters")
    name = parts[0]
    attribute = resolve(parts[1], scope)
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
        own = {name: resolve(value, scope) for name, value in argument[1].items()}
        argument = argument[0]
    if not isinstance(argument, str):
        raise invalid("Template error: One or more Fn::Sub intrinsic functions don't specify expected arguments")

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        if name.startswith("!"):
            return "${" + name[1:] + "}"
        name = name.strip()
        if name in own:
            return _text(own[name], "Fn::Sub")
        found = _get_att(name, scope) if "." in name else _ref(name, scope)
        return _text(found, "Fn::Sub")

    return _PLACEHOLDER.sub(fill, argument)


def _if(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 3 or not isinstance(argument[0], str):
        raise invalid("Template error: Fn::If requires a list argument with three elements")
    return resolve(argument[1] if condition_holds(argument[0], scope) else argument[2], scope)


def _join(argument: Any, scope: Scope) -> str:
    if not isinstance(argument, list) or len(argument) != 2:
        raise invalid("Template error: every Fn::Join object requires two parameters, a delimiter and a list")
    items = resolve(argument[1], scope)
    if not isinstance(items, list):
        raise invalid("Template error: every Fn::Join object requires two parameters, a delimiter and a list")
    return _text(argument[0], "Fn::Join").join(_text(item, "Fn::Join") for item in items)


def _select(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 2:
        raise invalid("Template error: Fn::Select requires a list argument with two elements")
    index, items = resolve(argument[0], scope), resolve(argument[1], scope)
    try:
        position = int(index)
    except (TypeError, ValueError) as error:
        raise invalid("Template error: Fn::Select requires an integer index") from error
    if not isinstance(items, list) or not 0 <= position < len(items):
        raise invalid("Template error: Fn::Select cannot select nonexistent value at index " + str(index))
    return items[position]


def _split(argument: Any, scope: Scope) -> list[str]:
    if not isinstance(argument, list) or len(argument) != 2 or not isinstance(argument[0], str) or not argument[0]:
        raise invalid("Template error: every Fn::Split object requires two parameters, a delimiter and a string")
    return _text(resolve(argument[1], scope), "Fn::Split").split(argument[0])


def _find_in_map(argument: Any, scope: Scope) -> Any:
    if not isinstance(argument, list) or len(argument) != 3:
        raise invalid("Template error: every Fn::FindInMap object requires three parameters")
    found: Any = scope.template.mappings
    keys = [_text(resolve(item, scope), "Fn::FindInMap") for item in argument]
    for key in keys:
        if not isinstance(found, dict) or key not in found:
            raise invalid(f"Template error: Unable to get mapping for {'::'.join(keys)}")
        found = found[key]
    return found


def _base64(argument: Any, scope: Scope) -> str:
    return b64encode(_text(resolve(argument, scope), "Fn::Base64").encode()).decode()


def _import_value(argument: Any, scope: Scope) -> str:
    name = _text(resolve(argument, scope), "Fn::ImportValue")
    if name not in scope.exports:
        raise invalid(f"No export named {name} found.")
    return scope.exports[name]


_FUNCTIONS: Mapping[str, Callable[[Any, Scope], Any]] = {
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
