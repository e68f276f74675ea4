"""Templates: a loaded document to a `Template` whose outer shape is right.

Source: AWS CloudFormation User Guide, "CloudFormation template sections".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from crossdock.cloud.cloudformation.loading import MAX_BODY_BYTES, MAX_OBJECT_BYTES, invalid, load_template

__all__ = ["MAX_BODY_BYTES", "MAX_OBJECT_BYTES", "Resource", "Template", "invalid", "parse_template"]

VERSION = "2010-09-09"
MAX_RESOURCES = 500
MAX_PARAMETERS = 200
MAX_MAPPINGS = 200
MAX_OUTPUTS = 200
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
DELETION_POLICIES = frozenset({"Delete", "Retain", "RetainExceptOnCreate"})
REPLACE_POLICIES = frozenset({"Delete", "Retain"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    logical_id: str
    type: str
    properties: Mapping[str, Any]
    depends_on: tuple[str, ...] = ()
    condition: str = ""
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """What refers to what is checked by `checks`, and resolved by `intrinsics`."""

    description: str = ""
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    mappings: Mapping[str, Any] = field(default_factory=dict)
    conditions: Mapping[str, Any] = field(default_factory=dict)
    resources: Mapping[str, Resource] = field(default_factory=dict)
    outputs: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def parse_template(text: str, *, max_bytes: int = MAX_OBJECT_BYTES) -> Template:
    """Read a template.

    Raises:
        ServiceError: ValidationError with AWS's "Template format error" or "Template error" and what is wrong.
    """
    document = load_template(text, max_bytes=max_bytes)
    if unknown := sorted(name for name in document if name not in SECTIONS):
        raise invalid(f"Invalid template property or properties [{', '.join(unknown)}]")
    if document.get("AWSTemplateFormatVersion", VERSION) != VERSION:
        raise invalid("Template format error: unsupported value for AWSTemplateFormatVersion.")
    if document.get("Transform"):
        raise invalid("Template error: macros and transforms are not supported by Crossdock")
    if document.get("Rules"):
        raise invalid("Template error: Rules are not supported by Crossdock")
    description = document.get("Description", "")
    if not isinstance(description, str):
        raise invalid("Template format error: Description must be a string.")
    resources = _objects(document, "Resources", at_most=MAX_RESOURCES)
    if not resources:
        raise invalid("Template format error: At least one Resources member must be defined.")
    parameters = _objects(document, "Parameters", at_most=MAX_PARAMETERS)
    if shared := sorted(resources.keys() & parameters.keys()):
        raise invalid(
            f"Template error: all resources and parameters must have unique names. Common name(s):[{', '.join(shared)}]"
        )
    return Template(
        description=description,
        parameters=parameters,
        mappings=_mappings(document),
        conditions=_section(document, "Conditions"),
        resources={name: _resource(name, body) for name, body in resources.items()},
        outputs=_objects(document, "Outputs", at_most=MAX_OUTPUTS),
    )


def _section(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = document.get(name, {})
    if not isinstance(section, dict):
        raise invalid(f"Template format error: [/{name}] must be an object")
    return section


def _objects(document: Mapping[str, Any], name: str, *, at_most: int) -> dict[str, Any]:
    section = _section(document, name)
    if len(section) > at_most:
        raise invalid(
            f"Template format error: Number of {name.lower()}, {len(section)}, "
            f"is greater than maximum allowed, {at_most}"
        )
    for key, body in section.items():
        if not isinstance(body, dict):
            raise invalid(f"Template format error: [/{name}/{key}] must be an object")
        if not (key.isalnum() and key.isascii() and len(key) <= 255):
            # CloudFormation's word for each section is its name without the s.
            raise invalid(f"Template format error: {name.removesuffix('s')} name {key} is non alphanumeric.")
    return section


def _mappings(document: Mapping[str, Any]) -> dict[str, Any]:
    mappings = _objects(document, "Mappings", at_most=MAX_MAPPINGS)
    for name, keys in mappings.items():
        for key, attributes in keys.items():
            if not isinstance(attributes, dict):
                raise invalid(f"Template format error: [/Mappings/{name}/{key}] must be an object")
            if any(isinstance(value, dict) for value in attributes.values()):
                raise invalid("Template format error: Every Mappings attribute must be a String or a List.")
    return mappings


def _resource(logical_id: str, body: Mapping[str, Any]) -> Resource:
    where = f"[/Resources/{logical_id}]"
    if not isinstance(body.get("Type"), str) or not body["Type"]:
        raise invalid(f"Template format error: {where} Every Resources object must contain a Type member.")
    if unknown := sorted(name for name in body if name not in RESOURCE_ATTRIBUTES):
        raise invalid(f"Invalid template resource property '{unknown[0]}'")
    depends_on = body.get("DependsOn", [])
    depends_on = [depends_on] if isinstance(depends_on, str) else depends_on
    if not isinstance(depends_on, list) or not all(isinstance(name, str) for name in depends_on):
        raise invalid(f"Template format error: {where} DependsOn must be a string or list of strings.")
    properties = body.get("Properties", {})
    if not isinstance(properties, dict):
        raise invalid(f"Template format error: {where} Properties must be an object")
    condition = body.get("Condition", "")
    if not isinstance(condition, str) or ("Condition" in body and not condition):
        raise invalid(f"Template format error: {where} Condition must be a string.")
    return Resource(
        logical_id=logical_id,
        type=body["Type"],
        properties=properties,
        depends_on=tuple(depends_on),
        condition=condition,
        deletion_policy=_policy(logical_id, body, "DeletionPolicy", DELETION_POLICIES),
        replace_policy=_policy(logical_id, body, "UpdateReplacePolicy", REPLACE_POLICIES),
    )


def _policy(logical_id: str, body: Mapping[str, Any], attribute: str, known: frozenset[str]) -> str:
    policy = body.get(attribute, "Delete")
    if not isinstance(policy, str) or policy not in known:
        raise invalid(f"Template format error: Unrecognized {attribute} {policy} for resource {logical_id}")
    return policy
