"""AWS::Lambda::Function, AWS::Lambda::Permission."""

import io
import zipfile
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.cloud.cloudformation.loading import invalid
from crossdock.cloud.cloudformation.resources.kind import (
    CannotUpdate,
    Properties,
    ResourceKind,
    Workplace,
    changed_names,
    given,
    ignoring_absence,
    tag_changes,
    tag_map,
)
from crossdock.cloud.cloudformation.resources.shapes import TAGS, mapped, record, text, whole

MAX_INLINE_CHARS = 4_194_304
_CONFIGURATION = ("Description", "Environment", "Handler", "MemorySize", "Role", "Runtime", "Timeout")
# What Lambda takes for what a template no longer says.
_DEFAULTS = {"Description": "", "Environment": {"Variables": {}}, "MemorySize": 128, "Timeout": 3}


async def _create_function(at: Workplace, properties: Properties) -> Made:
    name = await at.name_or_new(properties.get("FunctionName"), max_length=64)
    tags = tag_map(properties)
    params = {
        "FunctionName": name,
        "Code": _code(properties),
        **given(properties, *_CONFIGURATION),
        **({"Tags": tags} if tags else {}),
    }
    made = await at.do("lambda", "CreateFunction", params)
    await at.claim(name)
    return Made(physical_id=name, ref=name, attributes={"Arn": made["FunctionArn"]})


def _code(properties: Properties) -> dict[str, Any]:
    code = properties["Code"]
    if "ZipFile" in code:
        return {"ZipFile": _zip_inline(code["ZipFile"])}
    return given(code, "S3Bucket", "S3Key", "S3ObjectVersion")


def _zip_inline(source: str) -> bytes:
    """CloudFormation puts inline source into `index.py`, with a fixed date so that the same text has the same hash."""
    if len(source) > MAX_INLINE_CHARS:
        raise invalid(f"ZipFile must be a text of at most {MAX_INLINE_CHARS} characters.")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("index.py", date_time=(1980, 1, 1, 0, 0, 0)), source)
    return packed.getvalue()


async def _update_function(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    changed = changed_names(old, new)
    if "FunctionName" in changed:
        raise CannotUpdate
    function = {"FunctionName": physical_id}
    if "Code" in changed:
        await at.do("lambda", "UpdateFunctionCode", {**function, **_code(new)})
    if changed - {"Code", "Tags"}:
        configuration = {**_DEFAULTS, **given(new, *_CONFIGURATION)}
        await at.do("lambda", "UpdateFunctionConfiguration", {**function, **configuration})
    arn = (await at.do("lambda", "GetFunction", function))["Configuration"]["FunctionArn"]
    if "Tags" in changed:
        tags, removed = tag_changes(old, new)
        if removed:
            await at.do("lambda", "UntagResource", {"Resource": arn, "TagKeys": removed})
        if tags:
            await at.do("lambda", "TagResource", {"Resource": arn, "Tags": tags})
    return Made(physical_id=physical_id, ref=physical_id, attributes={"Arn": arn})


async def _delete_function(at: Workplace, physical_id: str, _properties: Properties) -> None:
    await ignoring_absence(at.do("lambda", "DeleteFunction", {"FunctionName": physical_id}))


async def _create_permission(at: Workplace, properties: Properties) -> Made:
    statement_id = await at.name_or_new(None, max_length=100)
    await at.do("lambda", "AddPermission", {"StatementId": statement_id, **properties})
    return Made(physical_id=statement_id, ref=statement_id)


async def _delete_permission(at: Workplace, physical_id: str, properties: Properties) -> None:
    params = {"FunctionName": properties["FunctionName"], "StatementId": physical_id}
    await ignoring_absence(at.do("lambda", "RemovePermission", params))


FUNCTION = ResourceKind(
    create=_create_function,
    update=_update_function,
    delete=_delete_function,
    properties={
        "Code": record({"S3Bucket": text, "S3Key": text, "S3ObjectVersion": text, "ZipFile": text}),
        "Description": text,
        "Environment": record({"Variables": mapped(text)}),
        "FunctionName": text,
        "Handler": text,
        "MemorySize": whole,
        "Role": text,
        "Runtime": text,
        "Tags": TAGS,
        "Timeout": whole,
    },
    required=frozenset({"Code", "Role"}),
    # One architecture, no tracing, one kind of package: these say what is so anyway.
    ignored=frozenset({"Architectures", "PackageType", "TracingConfig"}),
    attributes=frozenset({"Arn"}),
    name_property="FunctionName",
)
PERMISSION = ResourceKind(
    create=_create_permission,
    delete=_delete_permission,
    properties={
        "Action": text,
        "FunctionName": text,
        "Principal": text,
        "SourceAccount": text,
        "SourceArn": text,
    },
    required=frozenset({"Action", "FunctionName", "Principal"}),
)
