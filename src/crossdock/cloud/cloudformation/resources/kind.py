"""What a resource type is: how it is made, changed and deleted, and which of its properties can be honoured."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Result

Properties = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workplace:
    """Where one resource of one stack is made. Every call goes out as the stack's caller."""

    call: Call
    stack_id: str
    stack_name: str
    logical_id: str

    async def do(self, service: str, operation: str, params: Mapping[str, Any]) -> Result:
        return await self.call.invoke(service, operation, params)

    def generated_name(self, *, max_length: int, is_lower: bool = False, separator: str = "-") -> str:
        """A physical name as CloudFormation makes them: stack, logical id and a random end."""
        end = self.call.house.entropy(6).hex().upper()
        name = f"{self.stack_name}-{self.logical_id}"[: max_length - len(end) - 1] + f"-{end}"
        name = name.replace("-", separator)
        return name.lower() if is_lower else name


class CannotUpdate(Exception):
    """This change cannot be made in place: the resource must be replaced."""


async def _cannot_update(_at: Workplace, _physical_id: str, _old: Properties, _new: Properties) -> Made:
    raise CannotUpdate


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceKind:
    """`update` raises CannotUpdate when the resource must be replaced.

    `properties` are honoured, `ignored` are accepted because they change nothing here; any other property fails the
    resource with a sentence, for a setting that silently does nothing is worse than none.
    """

    create: Callable[[Workplace, Properties], Awaitable[Made]]
    delete: Callable[[Workplace, str, Properties], Awaitable[None]]
    update: Callable[[Workplace, str, Properties, Properties], Awaitable[Made]] = _cannot_update
    properties: frozenset[str]
    required: frozenset[str] = frozenset()
    ignored: frozenset[str] = frozenset()
    name_property: str = ""
    is_iam: bool = field(default=False)

    def check(self, properties: Properties) -> None:
        """Raises ServiceError for a property that is unknown here or missing."""
        known = self.properties | self.ignored
        if unknown := sorted(name for name in properties if name not in known):
            raise ServiceError(
                "ValidationError",
                f"Crossdock cannot honour the property {unknown[0]} (it knows: {', '.join(sorted(known))})",
            )
        if missing := sorted(self.required - properties.keys()):
            raise ServiceError("ValidationError", f"Property {missing[0]} cannot be empty.")


def tag_list(properties: Properties) -> dict[str, Any]:
    """`{"Tags": [{"Key", "Value"}]}` if there are any, for operations that take them so."""
    return {"Tags": properties["Tags"]} if properties.get("Tags") else {}


def whole_number(properties: Properties, name: str) -> dict[str, int]:
    """`{name: number}` if the property is there; templates may write numbers as texts."""
    if name not in properties:
        return {}
    try:
        return {name: int(properties[name])}
    except (TypeError, ValueError) as error:
        raise ServiceError("ValidationError", f"Property {name} must be a whole number.") from error


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
