"""AWS::Lambda::Function, AWS::Lambda::Permission."""

import io
import zipfile
from typing import Any

from crossdock.cloud.cloudformation.intrinsics import Made
from crossdock.cloud.cloudformation.resources.kind import (
    CannotUpdate,
    Properties,
    ResourceKind,
    Workplace,
    given,
    ignoring_absence,
    whole_number,
)
from crossdock.core.errors import ServiceError

MAX_INLINE_CHARS = 4_194_304
_CONFIGURATION = ("Description", "Environment", "Handler", "Role", "Runtime")


async def _create_function(at: Workplace, properties: Properties) -> Made:
    name = properties.get("FunctionName") or at.generated_name(max_length=64)
    made = await at.do(
        "lambda",
        "CreateFunction",
        {
            "FunctionName": name,
            "Code": _code(properties),
            **_configuration(properties),
            **({"Tags": {tag["Key"]: tag["Value"] for tag in properties["Tags"]}} if properties.get("Tags") else {}),
        },
    )
    return Made(physical_id=name, ref=name, attributes={"Arn": made["FunctionArn"]})


def _configuration(properties: Properties) -> dict[str, Any]:
    return {
        **given(properties, *_CONFIGURATION),
        **whole_number(properties, "MemorySize"),
        **whole_number(properties, "Timeout"),
    }


def _code(properties: Properties) -> dict[str, Any]:
    code = properties["Code"]
    if not isinstance(code, dict):
        raise ServiceError("ValidationError", "Property Code must be an object.")
    if "ZipFile" in code:
        return {"ZipFile": _zip_inline(code["ZipFile"])}
    return given(code, "S3Bucket", "S3Key", "S3ObjectVersion")


def _zip_inline(source: Any) -> bytes:
    """CloudFormation puts inline source into `index.py`, with a fixed date so that the same text has the same hash."""
    if not isinstance(source, str) or len(source) > MAX_INLINE_CHARS:
        raise ServiceError("ValidationError", f"ZipFile must be a text of at most {MAX_INLINE_CHARS} characters.")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("index.py", date_time=(1980, 1, 1, 0, 0, 0)), source)
    return packed.getvalue()


async def _update_function(at: Workplace, physical_id: str, old: Properties, new: Properties) -> Made:
    changed = {name for name in {*old, *new} if old.get(name) != new.get(name)}
    if changed & {"FunctionName", "Tags", "PackageType", "Architectures"}:
        raise CannotUpdate
    name = {"FunctionName": physical_id}
    if "Code" in changed:
        await at.do("lambda", "UpdateFunctionCode", {**name, **_code(new)})
    if changed - {"Code"}:
        cleared: dict[str, Any] = (
            {"Environment": {"Variables": {}}} if "Environment" in changed and "Environment" not in new else {}
        )
        await at.do("lambda", "UpdateFunctionConfiguration", {**name, **_configuration(new), **cleared})
    made = await at.do("lambda", "GetFunction", name)
    arn = made["Configuration"]["FunctionArn"]
    return Made(physical_id=physical_id, ref=physical_id, attributes={"Arn": arn})


async def _delete_function(at: Workplace, physical_id: str, _properties: Properties) -> None:
    await ignoring_absence(at.do("lambda", "DeleteFunction", {"FunctionName": physical_id}))


async def _create_permission(at: Workplace, properties: Properties) -> Made:
    statement_id = at.generated_name(max_length=100)
    await at.do(
        "lambda",
        "AddPermission",
        {
            "StatementId": statement_id,
            **given(properties, "Action", "FunctionName", "Principal", "SourceArn", "SourceAccount"),
        },
    )
    return Made(physical_id=statement_id, ref=statement_id)


async def _delete_permission(at: Workplace, physical_id: str, properties: Properties) -> None:
    params = {"FunctionName": properties["FunctionName"], "StatementId": physical_id}
    await ignoring_absence(at.do("lambda", "RemovePermission", params))


FUNCTION = ResourceKind(
    create=_create_function,
    update=_update_function,
    delete=_delete_function,
    properties=frozenset(
        {
            "Code",
            "Description",
            "Environment",
            "FunctionName",
            "Handler",
            "MemorySize",
            "Role",
            "Runtime",
            "Tags",
            "Timeout",
        }
    ),
    required=frozenset({"Code", "Role"}),
    # One architecture, no layers of tracing or packaging: these say what is so anyway.
    ignored=frozenset({"Architectures", "PackageType", "TracingConfig"}),
)
PERMISSION = ResourceKind(
    create=_create_permission,
    delete=_delete_permission,
    properties=frozenset({"Action", "FunctionName", "Principal", "SourceAccount", "SourceArn"}),
    required=frozenset({"Action", "FunctionName", "Principal"}),
)
