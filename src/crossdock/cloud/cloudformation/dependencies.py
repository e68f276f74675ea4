"""In which order resources are made: what a resource refers to comes first."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from crossdock.cloud.cloudformation.template import Resource, Template, invalid

_PLACEHOLDER = re.compile(r"\$\{([^!${}][^${}]*)\}")


def creation_order(template: Template, present: Mapping[str, Resource]) -> list[str]:
    """Logical ids so that each comes after all it needs; otherwise in the template's order.

    Args:
        present: the resources whose conditions hold.

    Raises:
        ServiceError: ValidationError for a reference to nothing, or a circle.
    """
    needs = {name: _needs(resource, template, present) for name, resource in present.items()}
    order: list[str] = []
    waiting = dict(needs)
    while waiting:
        free = [name for name, needed in waiting.items() if not needed - set(order)]
        if not free:
            raise invalid(f"Circular dependency between resources: [{', '.join(sorted(waiting))}]")
        for name in free:
            order.append(name)
            del waiting[name]
    return order


def _needs(resource: Resource, template: Template, present: Mapping[str, Resource]) -> set[str]:
    known = {*template.resources, *template.parameters}
    for name in resource.depends_on:
        if name not in template.resources:
            raise invalid(f"Template format error: Unresolved resource dependencies [{name}] in the Resources block")
    needed = set(resource.depends_on)
    for name in references(resource.properties):
        if name not in known and not name.startswith("AWS::"):
            raise invalid(f"Template format error: Unresolved resource dependencies [{name}] in the Resources block")
        needed.add(name)
    return {name for name in needed if name in present}


def references(value: Any) -> Iterator[str]:
    """Every name that Ref, Fn::GetAtt and Fn::Sub mention, whatever branch of an Fn::If they stand in."""
    if isinstance(value, list):
        for item in value:
            yield from references(item)
        return
    if not isinstance(value, dict):
        return
    for name, argument in value.items():
        if name == "Ref" and isinstance(argument, str):
            yield argument
        elif name == "Fn::GetAtt" and argument:
            yield (argument.split(".", 1) if isinstance(argument, str) else argument)[0]
        elif name == "Fn::Sub":
            yield from _sub_references(argument)
        else:
            yield from references(argument)


def _sub_references(argument: Any) -> Iterator[str]:
    own: Mapping[str, Any] = {}
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
        own = argument[1]
        yield from references(own)
        argument = argument[0]
    if isinstance(argument, str):
        for match in _PLACEHOLDER.finditer(argument):
            name = match[1].strip().split(".", 1)[0]
            if match[1].strip() not in own and name not in own:
                yield name
