"""Parameters: what the caller gave, checked against what the template declares.

Source: AWS CloudFormation User Guide, "Parameters section".
"""

import re
from collections.abc import Mapping
from typing import Any

from crossdock.cloud.cloudformation.template import Template, invalid

ParameterValue = str | list[str]
MAX_PATTERN_INPUT = 4096


def resolve_parameters(
    template: Template, given: Mapping[str, str], previous: Mapping[str, str]
) -> dict[str, ParameterValue]:
    """Every declared parameter's value, lists split.

    Args:
        given: the caller's values as texts.
        previous: values of the stack's last deployment, for those that the caller asked to keep.

    Raises:
        ServiceError: ValidationError for a parameter that is unknown, missing or outside its constraints.
    """
    if unknown := sorted(given.keys() - template.parameters.keys()):
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    texts = parameter_texts(template, given, previous)
    return {name: _typed(name, texts[name], declared) for name, declared in template.parameters.items()}


def parameter_texts(template: Template, given: Mapping[str, str], previous: Mapping[str, str]) -> dict[str, str]:
    """The texts behind the values: given, kept from before, or the default."""
    texts: dict[str, str] = {}
    missing: list[str] = []
    for name, declared in template.parameters.items():
        if name in given:
            texts[name] = given[name]
        elif name in previous:
            texts[name] = previous[name]
        elif "Default" in declared:
            texts[name] = _text(declared["Default"])
        else:
            missing.append(name)
    if missing:
        raise invalid(f"Parameters: [{', '.join(sorted(missing))}] must have values")
    return texts


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _typed(name: str, text: str, declared: Mapping[str, Any]) -> ParameterValue:
    kind = declared.get("Type")
    if kind is None:
        raise invalid(f"Template format error: Every Parameters object must contain a Type member. ({name})")
    if str(kind).startswith("AWS::SSM::Parameter::"):
        raise invalid(f"Parameter {name}: type {kind} is not supported by Crossdock")
    is_list = kind == "CommaDelimitedList" or str(kind).startswith("List<")
    if not is_list and kind not in ("String", "Number") and not str(kind).startswith("AWS::"):
        raise invalid(f"Template format error: Unrecognized parameter type: {kind}")
    values = [part.strip() for part in text.split(",")] if is_list else [text]
    for value in values:
        _check(name, value, declared, is_number=kind in ("Number", "List<Number>"))
    return values if is_list else text


def _check(name: str, value: str, declared: Mapping[str, Any], *, is_number: bool) -> None:
    complaint = declared.get("ConstraintDescription")
    allowed = declared.get("AllowedValues")
    if allowed is not None and value not in [_text(item) for item in allowed]:
        listed = ", ".join(_text(item) for item in allowed)
        raise invalid(complaint or f"Parameter '{name}' must be one of AllowedValues: [{listed}]")
    pattern = declared.get("AllowedPattern")
    if pattern is not None and not _matches(name, str(pattern), value):
        raise invalid(
            f"Parameter '{name}' must match pattern {pattern}" if not complaint else f"Parameter {name}: {complaint}"
        )
    if is_number:
        _check_number(name, value, declared)
        return
    if len(value) < int(declared.get("MinLength", 0)):
        raise invalid(f"Parameter '{name}' must contain at least {declared['MinLength']} characters")
    if len(value) > int(declared.get("MaxLength", len(value))):
        raise invalid(f"Parameter '{name}' must contain at most {declared['MaxLength']} characters")


def _matches(name: str, pattern: str, value: str) -> bool:
    # The template's author chose the pattern: bound what it may be run on.
    if len(value) > MAX_PATTERN_INPUT:
        raise invalid(f"Parameter '{name}' is longer than {MAX_PATTERN_INPUT} characters")
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error as error:
        raise invalid(f"Parameter '{name}': AllowedPattern is not a valid regular expression ({error})") from error


def _check_number(name: str, value: str, declared: Mapping[str, Any]) -> None:
    try:
        number = float(value)
    except ValueError as error:
        raise invalid(f"Parameter '{name}' must be a number") from error
    if number < float(declared.get("MinValue", number)):
        raise invalid(f"Parameter '{name}' must be a number not less than {declared['MinValue']}")
    if number > float(declared.get("MaxValue", number)):
        raise invalid(f"Parameter '{name}' must be a number not greater than {declared['MaxValue']}")
