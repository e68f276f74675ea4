"""What can be said of a template before anything is made: whether all it refers to is there.

Every Ref, Fn::GetAtt, Fn::Sub, Fn::If and condition is followed, in whatever branch it stands.

Source: the sentences of CloudFormation's own ValidateTemplate.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from crossdock.cloud.cloudformation.dependencies import creation_order, in_order, references
from crossdock.cloud.cloudformation.intrinsics import CONDITION_FUNCTIONS, FUNCTIONS, PSEUDO_PARAMETERS
from crossdock.cloud.cloudformation.parameters import check_declared
from crossdock.cloud.cloudformation.template import MAX_OBJECT_BYTES, Template, invalid, parse_template


def read_template(text: str, *, max_bytes: int = MAX_OBJECT_BYTES) -> Template:
    """A template that is whole, its conditions so that each comes after all it needs.

    Raises:
        ServiceError: ValidationError.
    """
    template = parse_template(text, max_bytes=max_bytes)
    for name, declared in template.parameters.items():
        check_declared(name, declared)
    template = replace(template, conditions=_ordered_conditions(template))
    for resource in template.resources.values():
        if resource.condition:
            _check_condition(resource.condition, template, "Resources")
        if any(name in FUNCTIONS or name.startswith("Fn::") for name in resource.properties):
            raise invalid(
                f"Template format error: [/Resources/{resource.logical_id}/Properties] must not be a function"
            )
        _check_functions(resource.properties, template, "Resources")
    # Refers to nothing that is not there, and to nothing in a circle.
    creation_order(template, template.resources)
    _check_outputs(template)
    return template


def _check_outputs(template: Template) -> None:
    for key, body in template.outputs.items():
        if body.get("Value") is None:
            raise invalid(
                f"Template format error: Output {key} is malformed. Every Outputs member must contain a Value object"
            )
        if unknown := sorted(name for name in body if name not in ("Value", "Description", "Export", "Condition")):
            raise invalid(f"Template format error: Output {key} is malformed. Unknown property {unknown[0]}")
        if not isinstance(body.get("Description", ""), str):
            raise invalid(f"Template format error: Output {key} is malformed. The Description must be a string")
        if "Condition" in body:
            _check_condition(body["Condition"], template, "Outputs")
        export = body.get("Export")
        if export is not None and (not isinstance(export, dict) or set(export) != {"Name"}):
            raise invalid(f"Template format error: Output {key} is malformed. Export must be an object with a Name")
        _check_functions(body["Value"], template, "Outputs")
        _check_functions(export, template, "Outputs")
        for name in references({"Value": body["Value"], "Export": export}):
            _check_reference(name, template, "Outputs")


def _check_reference(name: str, template: Template, section: str) -> None:
    if name not in template.resources and name not in template.parameters and name not in PSEUDO_PARAMETERS:
        raise invalid(
            f"Template format error: Unresolved resource dependencies [{name}] in the {section} block of the template"
        )


def _check_condition(name: Any, template: Template, section: str) -> None:
    if not isinstance(name, str) or name not in template.conditions:
        raise invalid(
            f"Template format error: Unresolved condition dependency {name} in the {section} block of the template"
        )


def _ordered_conditions(template: Template) -> dict[str, Any]:
    for condition in template.conditions.values():
        for name in references(condition):
            if name not in template.parameters and name not in PSEUDO_PARAMETERS:
                raise invalid(
                    f"Template format error: Unresolved dependencies [{name}]. Cannot reference resources in the "
                    "Conditions block of the template"
                )
    waiting = {name: set(_conditions_of(body, template)) for name, body in template.conditions.items()}
    order = in_order(waiting)
    if len(order) < len(waiting):
        circle = ", ".join(sorted(waiting.keys() - set(order)))
        raise invalid(f"Template error: Found circular condition dependency between conditions [{circle}]")
    return {name: template.conditions[name] for name in order}


def _conditions_of(value: Any, template: Template) -> Iterator[str]:
    for name in _named_conditions(value):
        _check_condition(name, template, "Conditions")
        yield name


def _named_conditions(value: Any) -> Iterator[str]:
    """The conditions that `{"Condition": name}` and `Fn::If` name, inside the Conditions section."""
    if isinstance(value, dict):
        for key, argument in value.items():
            if key == "Condition" and isinstance(argument, str):
                yield argument
            elif key == "Fn::If" and isinstance(argument, list) and argument and isinstance(argument[0], str):
                yield argument[0]
            yield from _named_conditions(argument)
    elif isinstance(value, list):
        for item in value:
            yield from _named_conditions(item)


def _check_functions(value: Any, template: Template, section: str) -> None:
    if isinstance(value, list):
        for item in value:
            _check_functions(item, template, section)
        return
    if not isinstance(value, dict):
        return
    for name, argument in value.items():
        if name in FUNCTIONS or name.startswith("Fn::"):
            _check_function(name, argument, template, section, is_alone=len(value) == 1)
        _check_functions(argument, template, section)


def _check_function(name: str, argument: Any, template: Template, section: str, *, is_alone: bool) -> None:
    if name in CONDITION_FUNCTIONS:
        raise invalid(f"Template error: {name} can only be used in the Conditions block of the template")
    if name not in FUNCTIONS:
        raise invalid(f"Template error: the function {name} is not supported by Crossdock")
    if not is_alone:
        if name == "Ref":  # a property may be called so
            return
        raise invalid(f"Template error: {name} must be the only member of its object")
    if name == "Fn::If" and isinstance(argument, list) and argument:
        _check_condition(argument[0], template, section)
    if name == "Fn::GetAtt":
        resource = next(references({name: argument}), "")
        if resource and resource not in template.resources:
            raise invalid(f"Template error: instance of Fn::GetAtt references undefined resource {resource}")
