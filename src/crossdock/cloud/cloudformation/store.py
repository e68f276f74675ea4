"""How stacks, their resources, events and change sets are kept.

Templates, parameters and resolved properties can hold passwords and function variables, so they lie sealed.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.operations.records import Records
from crossdock.ports.host import Sealer
from crossdock.ports.state import TableSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    key: str
    value: str
    description: str = ""
    export_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackRecord:
    """One stack.

    `sealed` holds its template's text and its parameters' texts, `sealed_outputs` its outputs, which may be made of
    parameters; `imports` are the exports it uses, `hidden` its NoEcho parameters.
    """

    stack_id: str
    name: str
    account_id: str
    region: str
    status: str
    created_at: datetime
    sealed: str
    reason: str = ""
    description: str = ""
    updated_at: datetime | None = None
    deleted_at: datetime | None = None
    capabilities: tuple[str, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)
    sealed_outputs: str = ""
    imports: tuple[str, ...] = ()
    on_failure: str = "ROLLBACK"
    hidden: tuple[str, ...] = ()
    timeout_minutes: int | None = None

    @property
    def uuid(self) -> str:
        return self.stack_id.rsplit("/", 1)[-1]

    @property
    def context(self) -> str:
        """What its texts are sealed for."""
        return f"cloudformation:{self.uuid}"

    @property
    def is_busy(self) -> bool:
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceRecord:
    """One resource of a stack; `position` is its place in the order of creation.

    `sealed` are the properties it was last known to have. One that was never complete, or whose deletion has begun,
    has no `ref`: it may or may not be there under `physical_id`. While it is changed in place, `pending` are the
    properties that it may have by now. While it is made, `replaces` is the physical id of what it will replace; of what
    was replaced, `replace_policy` says whether it is kept.
    """

    logical_id: str
    type: str
    position: int
    status: str
    updated_at: datetime
    sealed: str
    physical_id: str = ""
    ref: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    reason: str = ""
    deletion_policy: str = "Delete"
    replace_policy: str = "Delete"
    replaces: str = ""
    pending: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        return bool(self.ref)

    @property
    def made(self) -> Made:
        return Made(physical_id=self.physical_id, ref=self.ref, attributes=self.attributes)


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRecord:
    event_id: str
    stack_id: str
    stack_name: str
    logical_id: str
    physical_id: str
    type: str
    status: str
    reason: str
    happened_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EventCount:
    """How many events a stack has had."""

    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    action: str
    logical_id: str
    type: str
    physical_id: str = ""
    replacement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSetRecord:
    """`tags` None leaves the stack's as they are."""

    change_set_id: str
    name: str
    stack_id: str
    stack_name: str
    kind: str
    status: str
    execution_status: str
    created_at: datetime
    sealed: str
    reason: str = ""
    description: str = ""
    capabilities: tuple[str, ...] = ()
    tags: dict[str, str] | None = None
    changes: tuple[Change, ...] = ()
    hidden: tuple[str, ...] = ()
    on_failure: str = "ROLLBACK"

    @property
    def uuid(self) -> str:
        """Its stack's."""
        return self.stack_id.rsplit("/", 1)[-1]


STACKS: Records[StackRecord] = Records(TableSpec(name="cloudformation_stacks"), StackRecord)
"""By account, region and the stack's UUID, deleted ones included."""
RESOURCES: Records[ResourceRecord] = Records(TableSpec(name="cloudformation_resources"), ResourceRecord)
"""By the stack's UUID and logical id."""
LEFTOVERS: Records[ResourceRecord] = Records(TableSpec(name="cloudformation_leftovers"), ResourceRecord)
"""What was replaced and is still to be deleted, by the stack's UUID, logical and physical id."""
EVENTS: Records[EventRecord] = Records(TableSpec(name="cloudformation_events"), EventRecord)
"""By the stack's UUID and a number."""
EVENT_COUNTS: Records[EventCount] = Records(TableSpec(name="cloudformation_event_counts"), EventCount)
"""By the stack's UUID."""
CHANGE_SETS: Records[ChangeSetRecord] = Records(TableSpec(name="cloudformation_change_sets"), ChangeSetRecord)
"""By the stack's UUID and the change set's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What a deployment starts from: the template's text and the parameters' texts."""

    template: str
    parameters: Mapping[str, str]


def seal_source(sealer: Sealer, source: Source, *, context: str) -> str:
    text = json.dumps({"template": source.template, "parameters": dict(source.parameters)})
    return sealer.seal(text.encode(), context=context)


def unseal_source(sealer: Sealer, sealed: str, *, context: str) -> Source:
    document = json.loads(sealer.unseal(sealed, context=context))
    return Source(template=document["template"], parameters=document["parameters"])


def seal_properties(sealer: Sealer, properties: Mapping[str, Any], *, context: str) -> str:
    return sealer.seal(json.dumps(properties).encode(), context=context)


def unseal_properties(sealer: Sealer, sealed: str, *, context: str) -> dict[str, Any]:
    properties: dict[str, Any] = json.loads(sealer.unseal(sealed, context=context))
    return properties


def seal_outputs(sealer: Sealer, outputs: tuple[Output, ...], *, context: str) -> str:
    return sealer.seal(json.dumps([asdict(output) for output in outputs]).encode(), context=context)


def outputs_of(sealer: Sealer, stack: StackRecord) -> tuple[Output, ...]:
    """A stack's outputs, those that are exported included."""
    if not stack.sealed_outputs:
        return ()
    opened = sealer.unseal(stack.sealed_outputs, context=stack.context)
    return tuple(Output(**output) for output in json.loads(opened))
