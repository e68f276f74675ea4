"""What the stack operations have in common: the template and parameters a caller gave, and the stacks they name."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from crossdock.cloud.cloudformation.outputs import live_stacks
from crossdock.cloud.cloudformation.resources.table import KINDS
from crossdock.cloud.cloudformation.store import STACKS, StackRecord
from crossdock.cloud.cloudformation.template import (
    MAX_BODY_BYTES,
    MAX_OBJECT_BYTES,
    Template,
    invalid,
    parse_template,
)
from crossdock.core.errors import ServiceError
from crossdock.operations.call import Call
from crossdock.operations.operation import Permission, Permissions


async def template_text(call: Call, *, previous: str = "") -> str:
    """The template of a call: its body, an object in S3, or the stack's present one when UsePreviousTemplate is set."""
    params = call.params
    if params.get("UsePreviousTemplate"):
        if not previous:
            raise invalid("UsePreviousTemplate needs a stack that has a template")
        return previous
    if "TemplateBody" in params and "TemplateURL" in params:
        raise invalid("Specify either TemplateBody or TemplateURL, not both")
    if "TemplateBody" in params:
        parse_template(params["TemplateBody"], max_bytes=MAX_BODY_BYTES)
        return str(params["TemplateBody"])
    if "TemplateURL" in params:
        text = await _fetch(call, params["TemplateURL"])
        parse_template(text, max_bytes=MAX_OBJECT_BYTES)
        return text
    raise invalid("Either Template URL or Template Body must be specified.")


async def _fetch(call: Call, url: str) -> str:
    """An object of a bucket, named by any of S3's URL forms, read with the caller's permissions."""
    parts = urlsplit(url)
    host, path = parts.hostname or "", unquote(parts.path).lstrip("/")
    labels = host.split(".")
    is_virtual = len(labels) > 1 and labels[0] != "s3" and not host.replace(".", "").isdecimal()
    bucket, key = (labels[0], path) if is_virtual else path.partition("/")[::2]
    if not bucket or not key:
        raise invalid("TemplateURL must reference a valid S3 object to which you have access.")
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


def given_parameters(call: Call, *, previous: Mapping[str, str]) -> dict[str, str]:
    """The caller's parameter texts, with those taken over from before."""
    found: dict[str, str] = {}
    for parameter in call.params.get("Parameters", []):
        key = parameter["ParameterKey"]
        if parameter.get("UsePreviousValue"):
            if key not in previous:
                raise invalid(f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for it")
            found[key] = previous[key]
        elif "ParameterValue" in parameter:
            found[key] = parameter["ParameterValue"]
    return found


def check_capabilities(template: Template, capabilities: Sequence[str]) -> None:
    """Raises InsufficientCapabilitiesException when the template makes IAM resources that nobody agreed to."""
    iam = [r for r in template.resources.values() if r.type in KINDS and KINDS[r.type].is_iam]
    is_named = any(KINDS[r.type].name_property in r.properties for r in iam if KINDS[r.type].name_property)
    needed = "CAPABILITY_NAMED_IAM" if is_named else "CAPABILITY_IAM"
    enough = {needed, "CAPABILITY_NAMED_IAM"}
    if iam and not enough & set(capabilities):
        raise ServiceError("InsufficientCapabilitiesException", f"Requires capabilities : [{needed}]")


def hidden_parameters(template: Template) -> tuple[str, ...]:
    """Parameters marked NoEcho."""
    return tuple(name for name, body in template.parameters.items() if str(body.get("NoEcho", "")).lower() == "true")


def tags_of(call: Call) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in call.params.get("Tags", [])}


async def find_stack(call: Call, name_or_id: str) -> StackRecord:
    """A live stack by name, or any stack by id. Raises ValidationError as AWS words it."""
    stack = await look_up_stack(call, name_or_id)
    if stack is None:
        raise invalid(f"Stack with id {name_or_id} does not exist")
    return stack


async def look_up_stack(call: Call, name_or_id: str) -> StackRecord | None:
    if name_or_id.startswith("arn:"):
        async with call.reading() as tx:
            return await STACKS.get(tx, call.account_id, call.region, name_or_id.rsplit("/", 1)[-1])
    return next((stack for stack in await live_stacks(call) if stack.name == name_or_id), None)


def on_stack(action: str) -> Permissions:
    """The permission an operation needs on the stack that it names, or on all stacks."""

    def permissions(call: Call) -> Sequence[Permission]:
        return (Permission(action=f"cloudformation:{action}", resource=_stack_arn(call)),)

    return permissions


def _stack_arn(call: Call) -> str:
    name: Any = call.params.get("StackName", "*")
    if str(name).startswith("arn:"):
        return str(name)
    return f"arn:aws:cloudformation:{call.region}:{call.account_id}:stack/{name}/*"
