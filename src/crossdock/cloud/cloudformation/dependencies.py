"""In which order resources are made: what a resource refers to comes first."""

import re
from collections.abc import Callable, Iterator, Mapping, Set
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import PSEUDO_PARAMETERS
from crossdock.cloud.cloudformation.loading import invalid
from crossdock.cloud.cloudformation.template import Resource, Template

_PLACEHOLDER = re.compile(r"\$\{(?!!)([^${}]*)\}")


def creation_order(
    template: Template, present: Mapping[str, Resource], holds: Callable[[str], bool] | None = None
) -> list[str]:
    """Logical ids so that each comes after all it needs; otherwise in the template's order.

    Args:
        present: the resources whose conditions hold.
        holds: what a condition is, so that only the branch of an Fn::If that is taken counts; None follows both.

    Raises:
        ServiceError: ValidationError for a reference to nothing, or a circle.
    """
    order = in_order({name: _needs(resource, template, present, holds) for name, resource in present.items()})
    if len(order) < len(present):
        circle = sorted(present.keys() - set(order))
        raise invalid(f"Circular dependency between resources: [{', '.join(circle)}]")
    return order


def in_order(needs: Mapping[str, Set[str]]) -> list[str]:
    """The names so that each comes after all it needs; without those of a circle and those that need them."""
    waiting = {name: set(needed) for name, needed in needs.items()}
    needed_by: dict[str, list[str]] = {name: [] for name in needs}
    for name, needed in needs.items():
        for other in needed:
            needed_by[other].append(name)
    position = {name: number for number, name in enumerate(needs)}
    order: list[str] = []
    free = [name for name, needed in waiting.items() if not needed]
    while free:
        following: list[str] = []
        for name in free:
            order.append(name)
            for other in needed_by[name]:
                waiting[other].discard(name)
                if not waiting[other]:
                    following.append(other)
        free = sorted(following, key=position.__getitem__)
    return order


def _needs(
    resource: Resource, template: Template, present: Mapping[str, Resource], holds: Callable[[str], bool] | None
) -> set[str]:
    known = {*template.resources, *template.parameters, *PSEUDO_PARAMETERS}
    needed = {*resource.depends_on}
    if unknown := sorted(needed - template.resources.keys()):
        raise _unresolved(unknown)
    mentioned = set(references(resource.properties, holds))
    if unknown := sorted(mentioned - known):
        raise _unresolved(unknown)
    return {name for name in needed | mentioned if name in present}


def _unresolved(names: list[str]) -> Exception:
    return invalid(
        f"Template format error: Unresolved resource dependencies [{', '.join(names)}] in the Resources block of the "
        "template"
    )


def references(value: Any, holds: Callable[[str], bool] | None = None) -> Iterator[str]:
    """Every name that Ref, Fn::GetAtt and Fn::Sub mention."""
    if isinstance(value, list):
        for item in value:
            yield from references(item, holds)
        return
    if not isinstance(value, dict):
        return
    for name, argument in value.items():
        # A property may be called Ref; the function stands alone.
        if name == "Ref" and isinstance(argument, str) and len(value) == 1:
            yield argument
        elif name == "Fn::GetAtt" and argument:
            yield from _get_att_references(argument, holds)
        elif name == "Fn::Sub":
            yield from _sub_references(argument, holds)
        elif name == "Fn::If" and holds is not None and isinstance(argument, list) and len(argument) == 3:
            yield from references(argument[1] if holds(str(argument[0])) else argument[2], holds)
        else:
            yield from references(argument, holds)


def _get_att_references(argument: Any, holds: Callable[[str], bool] | None) -> Iterator[str]:
    if isinstance(argument, str):
        yield argument.split(".", 1)[0]
    elif isinstance(argument, list) and isinstance(argument[0], str):
        yield argument[0]
        yield from references(argument[1:], holds)


def _sub_references(argument: Any, holds: Callable[[str], bool] | None) -> Iterator[str]:
    own: Mapping[str, Any] = {}
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
        own = argument[1]
        yield from references(list(own.values()), holds)
        argument = argument[0]
    if isinstance(argument, str):
        for match in _PLACEHOLDER.finditer(argument):
            name = match[1].strip()
            if name not in own:
                yield name.split(".", 1)[0]
