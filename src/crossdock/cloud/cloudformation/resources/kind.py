"""What a resource type is: how it is made, changed and deleted, and which of its properties can be honoured."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.cloud.cloudformation.loading import invalid
from crossdock.cloud.cloudformation.resources.shapes import Shape
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Result

Properties = Mapping[str, Any]
_READING = ("Describe", "Get", "List")


@dataclass(slots=True, kw_only=True)
class Workplace:
    """Where one resource of one stack is made. Every call goes out as the stack's caller.

    `claim` writes down which resource is being made, so that it can be removed whatever happens next.
    `has_changed` tells whether any call has changed something.
    """

    call: Call
    stack_name: str
    logical_id: str
    claim: Callable[[str], Awaitable[None]]
    sleep: Callable[[float], Awaitable[None]]
    has_changed: bool = False

    async def do(self, service: str, operation: str, params: Mapping[str, Any]) -> Result:
        result = await self.call.invoke(service, operation, params)
        if not operation.startswith(_READING):
            self.has_changed = True
        return result

    def generated_name(self, *, max_length: int, is_lower: bool = False) -> str:
        """A physical name as CloudFormation makes them: stack, logical id and a random end."""
        end = self.call.house.entropy(6).hex().upper()
        room = max_length - len(end) - 2
        # The stack's name gives way first: a resource is told by its logical id.
        logical_id = self.logical_id[: max(room // 2, room - len(self.stack_name))]
        name = f"{self.stack_name[: room - len(logical_id)]}-{logical_id}-{end}"
        return name.lower() if is_lower else name

    async def name_or_new(self, given_name: str | None, *, max_length: int, is_lower: bool = False) -> str:
        """The name that the template gives, or a new one, which is claimed at once because nobody else can have it."""
        if given_name:
            return given_name
        name = self.generated_name(max_length=max_length, is_lower=is_lower)
        await self.claim(name)
        return name


class CannotUpdate(Exception):
    """This change cannot be made in place: the resource must be replaced."""


async def _cannot_update(_at: Workplace, _physical_id: str, _old: Properties, _new: Properties) -> Made:
    raise CannotUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceKind:
    """`update` raises CannotUpdate, before it changes anything, when the resource must be replaced.

    A `create` that fails half-way leaves what it made to `delete`, which is told the claimed id.

    `properties` are honoured, `ignored` are accepted because they change nothing here; any other property fails the
    resource with a sentence, for a setting that silently does nothing is worse than none.
    """

    create: Callable[[Workplace, Properties], Awaitable[Made]]
    delete: Callable[[Workplace, str, Properties], Awaitable[None]]
    update: Callable[[Workplace, str, Properties, Properties], Awaitable[Made]] = _cannot_update
    properties: Mapping[str, Shape]
    required: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    attributes: frozenset[str] = frozenset()
    name_property: str = ""
    is_iam: bool = field(default=False)

    def check(self, properties: Properties) -> dict[str, Any]:
        """The properties as their operations take them. Raises ServiceError for one that is unknown, wrong or missing.

        What has no effect is left out.
        """
        known = self.properties.keys() | self.ignored
        if unknown := sorted(name for name in properties if name not in known):
            raise invalid(
                f"Encountered unsupported property {unknown[0]} (Crossdock supports: {', '.join(sorted(known))})"
            )
        if missing := sorted(self.required - properties.keys()):
            raise invalid(f"Property {missing[0]} cannot be empty.")
        return {name: shape(name, properties[name]) for name, shape in self.properties.items() if name in properties}


def changed_names(old: Properties, new: Properties) -> set[str]:
    return {name for name in {*old, *new} if old.get(name) != new.get(name)}


def tag_changes(old: Properties, new: Properties) -> tuple[dict[str, str], list[str]]:
    """Tags to set, and keys to take away."""
    before, after = tag_map(old), tag_map(new)
    return (
        {key: value for key, value in after.items() if before.get(key) != value},
        [key for key in before if key not in after],
    )


def tag_map(properties: Properties) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in properties.get("Tags", [])}


def given(properties: Properties, *names: str) -> dict[str, Any]:
    """The named properties that are there."""
    return {name: properties[name] for name in names if name in properties}


async def ignoring_absence(work: Awaitable[Any]) -> None:
    """Deleting what is gone already succeeds."""
    try:
        await work
    except ServiceError as error:
        if error.code not in ABSENT_CODES:
            raise


ABSENT_CODES = frozenset({"NoSuchEntity", "NoSuchBucket", "ResourceNotFoundException", "NoSuchBucketPolicy"})
