"""Parameters: what the caller gave, checked against what the template declares.

Source: AWS CloudFormation User Guide, "CloudFormation template Parameters syntax".
"""

import re
from collections.abc import Mapping
from typing import Any

from crossdock.cloud.cloudformation.allowed_pattern import BadPattern, Budget, matches
from crossdock.cloud.cloudformation.loading import invalid, is_speakable
from crossdock.cloud.cloudformation.template import Template

ParameterValue = str | list[str]
MAX_VALUE_BYTES = 4096
_DECLARED = frozenset(
    {
        "AllowedPattern",
        "AllowedValues",
        "ConstraintDescription",
        "Default",
        "Description",
        "MaxLength",
        "MaxValue",
        "MinLength",
        "MinValue",
        "NoEcho",
        "Type",
    }
)
_AWS_TYPES = frozenset(
    {
        "AWS::EC2::AvailabilityZone::Name",
        "AWS::EC2::Image::Id",
        "AWS::EC2::Instance::Id",
        "AWS::EC2::KeyPair::KeyName",
        "AWS::EC2::SecurityGroup::GroupName",
        "AWS::EC2::SecurityGroup::Id",
        "AWS::EC2::Subnet::Id",
        "AWS::EC2::VPC::Id",
        "AWS::EC2::Volume::Id",
        "AWS::Route53::HostedZone::Id",
    }
)
"""Texts here: whether there is such a thing is not asked."""
_TYPES = frozenset({"String", "Number", "CommaDelimitedList", "List<Number>"})
_KNOWN_TYPES = _TYPES | _AWS_TYPES | {f"List<{kind}>" for kind in _AWS_TYPES - {"AWS::EC2::KeyPair::KeyName"}}
_DECIMAL = re.compile(r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]+)?")


def check_declared(name: str, declared: Mapping[str, Any]) -> None:
    """Raises ServiceError ValidationError for a declaration that is malformed."""
    if unknown := sorted(declared.keys() - _DECLARED):
        raise invalid(f"Invalid template parameter property '{unknown[0]}'")
    kind = declared.get("Type")
    if not isinstance(kind, str):
        raise invalid(f"Template format error: Every Parameters object must contain a Type member. ({name})")
    if kind.startswith(("AWS::SSM::Parameter::", "List<AWS::SSM::")):
        raise invalid(f"Template error: parameter {name} has the type {kind}, which Crossdock does not support")
    if kind not in _KNOWN_TYPES:
        raise invalid(f"Template format error: Unrecognized parameter type: {kind}")
    allowed = declared.get("AllowedValues", [])
    if not isinstance(allowed, list) or not all(isinstance(item, str | int | float) for item in allowed):
        raise invalid(f"Template format error: Parameter {name}: AllowedValues must be a list of literals")
    for limit in ("MinLength", "MaxLength", "MinValue", "MaxValue"):
        if limit in declared and _number(declared[limit]) is None:
            raise invalid(f"Template format error: Parameter {name}: {limit} must be a number")
    for text in ("AllowedPattern", "ConstraintDescription", "Description"):
        if not isinstance(declared.get(text, ""), str):
            raise invalid(f"Template format error: Parameter {name}: {text} must be a string")
    if not isinstance(declared.get("Default", ""), str | int | float):
        raise invalid(f"Template format error: Every Default member must be a string. ({name})")
    if literal(declared.get("NoEcho", False)).lower() not in ("true", "false"):
        raise invalid(f"Template format error: Parameter {name}: NoEcho must be true or false")


def hidden_parameters(template: Template) -> tuple[str, ...]:
    """Parameters marked NoEcho."""
    return tuple(
        name for name, body in template.parameters.items() if literal(body.get("NoEcho", "")).lower() == "true"
    )


def parameter_texts(template: Template, given: Mapping[str, str]) -> dict[str, str]:
    """The text behind every declared parameter: given, or the default.

    Raises:
        ServiceError: ValidationError for a parameter that is unknown, missing or outside its constraints.
    """
    if unknown := sorted(given.keys() - template.parameters.keys()):
        raise invalid(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    texts: dict[str, str] = {}
    missing: list[str] = []
    for name, declared in template.parameters.items():
        if name in given:
            texts[name] = given[name]
        elif "Default" in declared:
            texts[name] = literal(declared["Default"])
        else:
            missing.append(name)
    if missing:
        raise invalid(f"Parameters: [{', '.join(sorted(missing))}] must have values")
    budget = Budget()
    for name, text in texts.items():
        _check(name, text, template.parameters[name], budget)
    return texts


def typed_parameters(template: Template, texts: Mapping[str, str]) -> dict[str, ParameterValue]:
    """The values that templates refer to: lists are split."""
    return {
        name: _items(text) if _is_list(template.parameters[name]) else text
        for name, text in texts.items()
        if name in template.parameters
    }


def literal(value: Any) -> str:
    """A template's literal as the text that CloudFormation makes of it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _is_list(declared: Mapping[str, Any]) -> bool:
    kind = str(declared["Type"])
    return kind == "CommaDelimitedList" or kind.startswith("List<")


def _items(text: str) -> list[str]:
    return [part.strip() for part in text.split(",")]


def _check(name: str, text: str, declared: Mapping[str, Any], budget: Budget) -> None:
    """The value itself never stands in a sentence: it may be a password."""
    if not is_speakable(text):
        raise invalid(f"Parameter '{name}' holds a control character")
    if len(text.encode()) > MAX_VALUE_BYTES:
        raise invalid(f"Parameter '{name}' must contain at most {MAX_VALUE_BYTES} bytes")
    is_list = _is_list(declared)
    is_number = declared["Type"] in ("Number", "List<Number>")
    for value in _items(text) if is_list else [text]:
        complaint = _complaint(value, declared, budget, is_number=is_number, has_length=not is_list)
        if complaint:
            described = declared.get("ConstraintDescription")
            raise invalid(
                f"Parameter {name} failed to satisfy constraint: {described}"
                if described
                else f"Parameter '{name}' {complaint}"
            )


def _complaint(value: str, declared: Mapping[str, Any], budget: Budget, *, is_number: bool, has_length: bool) -> str:
    allowed = declared.get("AllowedValues")
    if allowed is not None and value not in [literal(item) for item in allowed]:
        return "must be one of AllowedValues"
    pattern = declared.get("AllowedPattern")
    if pattern is not None and not _fits(pattern, value, budget):
        return f"must match pattern {pattern}"
    if is_number:
        return _number_complaint(value, declared)
    if has_length and len(value) < (_number(declared.get("MinLength")) or 0):
        return f"must contain at least {declared['MinLength']} characters"
    if has_length and "MaxLength" in declared and len(value) > (_number(declared["MaxLength"]) or 0):
        return f"must contain at most {declared['MaxLength']} characters"
    return ""


def _fits(pattern: str, value: str, budget: Budget) -> bool:
    try:
        return matches(pattern, value, budget)
    except BadPattern as error:
        raise invalid(f"Template error: the AllowedPattern {pattern[:100]} cannot be used: {error}") from error


def _number_complaint(value: str, declared: Mapping[str, Any]) -> str:
    number = _number(value)
    if number is None:
        return "must be a number"
    if "MinValue" in declared and number < (_number(declared["MinValue"]) or 0):
        return f"must be a number not less than {declared['MinValue']}"
    if "MaxValue" in declared and number > (_number(declared["MaxValue"]) or 0):
        return f"must be a number not greater than {declared['MaxValue']}"
    return ""


def _number(value: Any) -> float | None:
    """A finite number, None for what is none."""
    text = literal(value)
    if not _DECIMAL.fullmatch(text):
        return None
    number = float(text)
    return number if abs(number) < float("inf") else None
