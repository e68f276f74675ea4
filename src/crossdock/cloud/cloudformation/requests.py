"""What the stack operations have in common: the template and parameters a caller gave, and the stacks they name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from crossdock.cloud.cloudformation.checks import read_template
from crossdock.cloud.cloudformation.loading import check_size, invalid
from crossdock.cloud.cloudformation.outputs import live_stacks
from crossdock.cloud.cloudformation.parameters import hidden_parameters, parameter_texts
from crossdock.cloud.cloudformation.resources.table import KINDS
from crossdock.cloud.cloudformation.store import STACKS, Source, StackRecord, seal_source
from crossdock.cloud.cloudformation.template import MAX_BODY_BYTES, MAX_OBJECT_BYTES, Template
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Permission, Permissions
from crossdock.ports.host import Sealer

REFUSED: Mapping[str, str] = {
    "DeletionMode": "a stack that cannot be deleted is told why",
    "DeploymentConfig": "resources are made one after the other",
    "DeploymentMode": "resources are made one after the other",
    "EnableTerminationProtection": "stacks cannot be protected from deletion",
    "ImportExistingResources": "resources cannot be brought into a stack",
    "IncludeNestedStacks": "there are no nested stacks",
    "NotificationARNs": "there is no SNS",
    "ResourceTypes": "the resource types of a stack cannot be limited",
    "ResourcesToImport": "resources cannot be brought into a stack",
    "RetainExceptOnCreate": "a resource says so itself, with DeletionPolicy: RetainExceptOnCreate",
    "RoleARN": "resources are made with the caller's own permissions",
    "RollbackConfiguration": "there are no alarms to watch",
    "StackPolicyBody": "there are no stack policies",
    "StackPolicyURL": "there are no stack policies",
    "StackPolicyDuringUpdateBody": "there are no stack policies",
    "StackPolicyDuringUpdateURL": "there are no stack policies",
}
"""Parameters that would promise what is not done, with the reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a stack shall be; `tags` None leaves them as they are."""

    template: Template
    source: Source
    capabilities: tuple[str, ...] = ()
    tags: Mapping[str, str] | None = field(default=None)

    @property
    def hidden(self) -> tuple[str, ...]:
        return hidden_parameters(self.template)

    def fields(self, sealer: Sealer, context: str) -> dict[str, Any]:
        """What a stack's record says once the stack is so."""
        return {
            "sealed": seal_source(sealer, self.source, context=context),
            "hidden": self.hidden,
            "description": self.template.description,
            "capabilities": self.capabilities,
            **({} if self.tags is None else {"tags": dict(self.tags)}),
        }


async def read_wanted(call: Call, *, previous: Source) -> Wanted:
    """What the call asks for, after every check that needs no resource.

    Raises:
        ServiceError: ValidationError, InsufficientCapabilitiesException.
    """
    text = await template_text(call, previous=previous.template)
    template = read_template(text)
    capabilities = tuple(call.params.get("Capabilities", []))
    check_capabilities(template, capabilities)
    texts = parameter_texts(template, given_parameters(call, previous=previous.parameters))
    return Wanted(
        template=template,
        source=Source(template=text, parameters=texts),
        capabilities=capabilities,
        tags=_tags(call),
    )


def refuse_undone(call: Call) -> None:
    """Raises ServiceError for a parameter that asks for something Crossdock does not do."""
    for name, reason in REFUSED.items():
        if call.params.get(name):
            raise invalid(f"{name} is not supported by Crossdock: {reason}")


async def template_text(call: Call, *, previous: str = "") -> str:
    """The template of a call: its body, an object in S3, or the stack's present one when UsePreviousTemplate is set."""
    params = call.params
    if params.get("UsePreviousTemplate"):
        if "TemplateBody" in params or "TemplateURL" in params:
            raise invalid("Specify either UsePreviousTemplate or a template, not both")
        if not previous:
            raise invalid("UsePreviousTemplate needs a stack that has a template")
        return previous
    if "TemplateBody" in params and "TemplateURL" in params:
        raise invalid("Specify either TemplateBody or TemplateURL, not both")
    if "TemplateBody" in params:
        text = str(params["TemplateBody"])
        check_size(text, MAX_BODY_BYTES)
        return text
    if "TemplateURL" in params:
        return await _fetch(call, params["TemplateURL"])
    raise invalid("Either Template URL or Template Body must be specified.")


async def _fetch(call: Call, url: str) -> str:
    """An object of a bucket, named by any of S3's URL forms, read with the caller's permissions."""
    bucket, key = _bucket_and_key(url)
    try:
        body = (await call.invoke("s3", "GetObject", {"Bucket": bucket, "Key": key}))["Body"]
    except ServiceError as error:
        raise invalid(f"S3 error: {error.message}") from error
    try:
        if body.size > MAX_OBJECT_BYTES:
            raise invalid(f"Template may not exceed {MAX_OBJECT_BYTES} bytes in size.")
        chunks = [chunk async for chunk in body.reader.chunks()]
        return b"".join(chunks).decode()
    except UnicodeDecodeError as error:
        raise invalid("Template format error: the template is not UTF-8 text") from error
    finally:
        await body.reader.close()


def _bucket_and_key(url: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
    except ValueError:
        host, path = "", ""
    labels = host.split(".")
    is_virtual = len(labels) > 1 and not labels[0].startswith("s3") and not host.replace(".", "").isdecimal()
    bucket, key = (labels[0], path) if is_virtual else path.partition("/")[::2]
    if not bucket or not key:
        raise invalid("TemplateURL must reference a valid S3 object to which you have access.")
    return bucket, key


def given_parameters(call: Call, *, previous: Mapping[str, str]) -> dict[str, str]:
    """The caller's parameter texts, with those taken over from before. Raises ServiceError for one given twice."""
    found: dict[str, str] = {}
    for parameter in call.params.get("Parameters", []):
        key = parameter.get("ParameterKey", "")
        if key in found:
            raise invalid(f"Duplicate parameter key {key}")
        if parameter.get("UsePreviousValue"):
            if "ParameterValue" in parameter:
                raise invalid(f"Invalid input for parameter key {key}. Cannot specify usePreviousValue and a value")
            if key not in previous:
                raise invalid(
                    f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter "
                    "key not in the previous template"
                )
            found[key] = previous[key]
        elif "ParameterValue" in parameter:
            found[key] = parameter["ParameterValue"]
        else:
            raise invalid(f"Invalid input for parameter key {key}. It needs a value or usePreviousValue")
    return found


def needed_capabilities(template: Template) -> tuple[str, ...]:
    """What a caller must agree to: nothing, or one capability for the IAM resources that the template makes."""
    iam = [r for r in template.resources.values() if r.type in KINDS and KINDS[r.type].is_iam]
    if not iam:
        return ()
    is_named = any(KINDS[r.type].name_property in r.properties for r in iam if KINDS[r.type].name_property)
    return ("CAPABILITY_NAMED_IAM",) if is_named else ("CAPABILITY_IAM",)


def check_capabilities(template: Template, capabilities: Sequence[str]) -> None:
    """Raises InsufficientCapabilitiesException when the template makes IAM resources that nobody agreed to."""
    needed = needed_capabilities(template)
    if needed and not {*needed, "CAPABILITY_NAMED_IAM"} & set(capabilities):
        raise ServiceError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed[0]}]")


def _tags(call: Call) -> dict[str, str] | None:
    if "Tags" not in call.params:
        return None
    tags = {tag["Key"]: tag["Value"] for tag in call.params["Tags"]}
    if len(tags) < len(call.params["Tags"]):
        raise invalid("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    return tags


async def find_stack(call: Call, name_or_id: str) -> StackRecord:
    """A live stack by name, or any stack by id. Raises ValidationError as AWS words it."""
    stack = await look_up_stack(call, name_or_id)
    if stack is None:
        raise invalid(f"Stack with id {name_or_id} does not exist")
    return stack


async def look_up_stack(call: Call, name_or_id: str) -> StackRecord | None:
    if name_or_id.startswith("arn:"):
        async with call.reading() as tx:
            found = await STACKS.get(tx, call.account_id, call.region, name_or_id.rsplit("/", 1)[-1])
        return found if found is not None and found.stack_id == name_or_id else None
    return next((stack for stack in await live_stacks(call) if stack.name == name_or_id), None)


def on_stack(action: str) -> Permissions:
    """The permission an operation needs on the stack that it names, or on all stacks."""

    def permissions(call: Call) -> Sequence[Permission]:
        return (stack_permission(call, action, call.params.get("StackName", "*")),)

    return permissions


def stack_permission(call: Call, action: str, name_or_id: str) -> Permission:
    is_arn = name_or_id.startswith("arn:")
    arn = name_or_id if is_arn else f"arn:aws:cloudformation:{call.region}:{call.account_id}:stack/{name_or_id}/*"
    return Permission(action=f"cloudformation:{action}", resource=arn)
