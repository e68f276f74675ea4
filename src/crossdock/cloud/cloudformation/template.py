"""Templates: YAML or JSON text to a checked `Template`.

Source: AWS CloudFormation User Guide, "CloudFormation template sections", "Intrinsic function reference".
"""

import json
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from crossdock.core.errors import ServiceError

MAX_BODY_BYTES = 51_200
MAX_OBJECT_BYTES = 1_048_576
MAX_DEPTH = 64
MAX_RESOURCES = 500
SECTIONS = frozenset(
    {
        "AWSTemplateFormatVersion",
        "Description",
        "Metadata",
        "Parameters",
        "Rules",
        "Mappings",
        "Conditions",
        "Transform",
        "Resources",
        "Outputs",
    }
)
RESOURCE_ATTRIBUTES = frozenset(
    {
        "Type",
        "Properties",
        "DependsOn",
        "Condition",
        "Metadata",
        "DeletionPolicy",
        "UpdateReplacePolicy",
        "UpdatePolicy",
        "CreationPolicy",
        # The template of AWS's own article writes it, and CloudFormation takes it.
        "Description",
    }
)
_SHORT_FORMS = (
    "And",
    "Base64",
    "Cidr",
    "Equals",
    "FindInMap",
    "GetAZs",
    "If",
    "ImportValue",
    "Join",
    "Not",
    "Or",
    "Select",
    "Split",
    "Sub",
    "Transform",
)


def invalid(sentence: str) -> ServiceError:
    return ServiceError("ValidationError", sentence)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    logical_id: str
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    condition: str = ""
    deletion_policy: str = "Delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template whose outer shape is right; what its functions refer to is checked when they are resolved."""

    description: str = ""
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, Resource] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class _Loader(yaml.SafeLoader):
    """YAML as CloudFormation reads it: the short forms of functions, no aliases, no doubled keys, dates as text."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.events.AliasEvent):
            raise invalid("Template error: YAML aliases are not allowed in CloudFormation templates")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _construct(loader: _Loader, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return _construct_mapping(loader, node)


def _construct_mapping(loader: _Loader, node: yaml.MappingNode) -> dict[Hashable, Any]:
    mapping: dict[Hashable, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, Hashable):
            raise invalid("Template format error: YAML keys must be scalars")
        if key in mapping:
            raise invalid(f"Template format error: the key {key!r} is given twice")
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


def _construct_get_att(loader: _Loader, node: yaml.Node) -> dict[str, Any]:
    value = _construct(loader, node)
    return {"Fn::GetAtt": value.split(".", 1) if isinstance(value, str) else value}


def _short_form(name: str) -> Any:
    return lambda loader, node: {name: _construct(loader, node)}


for _name in _SHORT_FORMS:
    _Loader.add_constructor(f"!{_name}", _short_form(f"Fn::{_name}"))
_Loader.add_constructor("!Ref", _short_form("Ref"))
_Loader.add_constructor("!Condition", _short_form("Condition"))
_Loader.add_constructor("!GetAtt", _construct_get_att)
_Loader.add_constructor("tag:yaml.org,2002:map", _construct_mapping)


def parse_template(text: str, *, max_bytes: int = MAX_BODY_BYTES) -> Template:
    """Read a template.

    Raises:
        ServiceError: ValidationError with AWS's "Template format error" or "Template error" and what is wrong.
    """
    if len(text.encode()) > max_bytes:
        raise invalid(f"Member must have length less than or equal to {max_bytes}")
    document = _load(text)
    if not isinstance(document, dict):
        raise invalid("Template format error: unsupported structure.")
    if unknown := sorted(str(name) for name in document if name not in SECTIONS):
        raise invalid(f"Invalid template property or properties [{', '.join(unknown)}]")
    if document.get("Transform"):
        raise invalid("Template error: macros and transforms are not supported by Crossdock")
    if document.get("Rules"):
        raise invalid("Template error: Rules are not supported by Crossdock")
    resources = _section(document, "Resources")
    if not resources:
        raise invalid("Template format error: At least one Resources member must be defined.")
    if len(resources) > MAX_RESOURCES:
        raise invalid(f"Template format error: Number of resources, {len(resources)}, is greater than {MAX_RESOURCES}")
    return Template(
        description=str(document.get("Description") or ""),
        parameters=_objects(document, "Parameters"),
        mappings=_section(document, "Mappings"),
        conditions=_section(document, "Conditions"),
        resources={name: _resource(name, body) for name, body in resources.items()},
        outputs=_objects(document, "Outputs"),
    )


def _load(text: str) -> Any:
    try:
        if text.lstrip().startswith("{"):
            document = json.loads(text, object_pairs_hook=_no_doubled_keys)
        else:
            document = yaml.load(text, Loader=_Loader)
    except (yaml.YAMLError, ValueError) as error:
        kind = "JSON" if text.lstrip().startswith("{") else "YAML"
        raise invalid(f"Template format error: {kind} not well-formed. ({_first_line(error)})") from error
    except RecursionError as error:
        raise invalid("Template format error: nested too deeply") from error
    _check_depth(document)
    return document


def _no_doubled_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"the key {name!r} is given twice")
        found[name] = value
    return found


def _check_depth(value: Any, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise invalid("Template format error: nested too deeply")
    if isinstance(value, dict):
        for item in value.values():
            _check_depth(item, depth + 1)
    elif isinstance(value, list):
        for item in value:
            _check_depth(item, depth + 1)


def _section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = document.get(name) or {}
    if not isinstance(section, dict) or not all(isinstance(key, str) for key in section):
        raise invalid(f"Template format error: [/{name}] must be an object")
    return section


def _objects(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = _section(document, name)
    for key, body in section.items():
        if not isinstance(body, dict):
            raise invalid(f"Template format error: [/{name}/{key}] must be an object")
    return section


def _resource(logical_id: str, body: Any) -> Resource:
    where = f"[/Resources/{logical_id}]"
    if not logical_id.isalnum() or not logical_id.isascii():
        raise invalid(f"Template format error: Resource name {logical_id} is non alphanumeric.")
    if not isinstance(body, dict):
        raise invalid(f"Template format error: {where} resource definition is malformed")
    if not isinstance(body.get("Type"), str):
        raise invalid(f"Template format error: {where} Every Resources object must contain a Type member.")
    if unknown := sorted(str(name) for name in body if name not in RESOURCE_ATTRIBUTES):
        raise invalid(f"Invalid template resource property '{unknown[0]}'")
    depends_on = body.get("DependsOn", [])
    depends_on = [depends_on] if isinstance(depends_on, str) else depends_on
    if not isinstance(depends_on, list) or not all(isinstance(name, str) for name in depends_on):
        raise invalid(f"Template format error: {where} DependsOn must be a string or list of strings.")
    properties = body.get("Properties") or {}
    if not isinstance(properties, dict):
        raise invalid(f"Template format error: {where} Properties must be an object")
    deletion_policy = body.get("DeletionPolicy", "Delete")
    if deletion_policy not in ("Delete", "Retain", "RetainExceptOnCreate"):
        raise invalid(f"Template format error: Unrecognized DeletionPolicy {deletion_policy} for resource {logical_id}")
    return Resource(
        logical_id=logical_id,
        type=body["Type"],
        properties=properties,
        depends_on=tuple(depends_on),
        condition=body.get("Condition", ""),
        deletion_policy=deletion_policy,
    )


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}, column {mark.column + 1}" if mark else str(error).splitlines()[0][:200]
