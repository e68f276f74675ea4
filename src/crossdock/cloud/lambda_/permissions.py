"""What Lambda's operations need, decided on the ARN of the function as the request names it.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Lambda".
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence

from crossdock.cloud.lambda_.names import FunctionRef, function_ref, tagged_ref
from crossdock.cloud.lambda_.records import FunctionDirectory, FunctionRecord
from crossdock.operations.call import Call
from crossdock.operations.operation import Permission, Permissions, pass_role

SERVICE = "lambda.amazonaws.com"
Keys = Mapping[str, tuple[str, ...]]
KeysOf = Callable[[Call, FunctionRecord | None], Keys]


def no_keys(_call: Call, _record: FunctionRecord | None) -> Keys:
    return {}


def on_function(
    directory: FunctionDirectory,
    action: str,
    keys: KeysOf = no_keys,
    ref_of: Callable[[Call], FunctionRef] = function_ref,
) -> Callable[[Call], Awaitable[Sequence[Permission]]]:
    """One action on one function; one that does not exist is found out only by who may do that to it."""

    async def permissions(call: Call) -> Sequence[Permission]:
        ref = ref_of(call)
        record = await directory.find(call.house.state, ref)
        context = {**_resource_tags(record), **keys(call, record)}
        return [Permission(action=action, resource=ref.arn, context=context)]

    return permissions


def on_tagged_function(directory: FunctionDirectory, action: str) -> Permissions:
    return on_function(directory, action, request_tags, tagged_ref)


def on_new_function(call: Call) -> Sequence[Permission]:
    """Also iam:PassRole on the execution role. Code in a bucket is read with the caller's own permissions."""
    arn = function_ref(call).arn
    context = request_tags(call, None)
    needed = [Permission(action="lambda:CreateFunction", resource=arn, context=context)]
    if call.params.get("Tags"):
        needed.append(Permission(action="lambda:TagResource", resource=arn, context=context))
    return [*needed, pass_role(call.params["Role"], SERVICE)]


def on_configuration(directory: FunctionDirectory) -> Permissions:
    """A new execution role has to be passed."""
    plain = on_function(directory, "lambda:UpdateFunctionConfiguration")

    async def permissions(call: Call) -> Sequence[Permission]:
        needed = await plain(call)
        role = call.params.get("Role")
        return [*needed, pass_role(role, SERVICE)] if role is not None else needed

    return permissions


def added_permission_keys(call: Call, _record: FunctionRecord | None) -> Keys:
    keys: dict[str, tuple[str, ...]] = {"lambda:Principal": (call.params["Principal"],)}
    if (auth_type := call.params.get("FunctionUrlAuthType")) is not None:
        keys["lambda:FunctionUrlAuthType"] = (auth_type,)
    return keys


def removed_permission_keys(call: Call, record: FunctionRecord | None) -> Keys:
    """Whom the statement that is to go admits."""
    sid = call.params["StatementId"]
    for statement in record.statements if record is not None else ():
        if statement.sid == sid:
            named = json.loads(statement.text)["Principal"]
            return {"lambda:Principal": (named,) if isinstance(named, str) else tuple(named.values())}
    return {}


def request_tags(call: Call, _record: FunctionRecord | None) -> Keys:
    tags: Mapping[str, str] = call.params.get("Tags") or {}
    names = (*tags, *call.params.get("TagKeys", ()))
    keys: dict[str, tuple[str, ...]] = {f"aws:RequestTag/{key}": (value,) for key, value in tags.items()}
    return {**keys, "aws:TagKeys": names} if names else keys


def _resource_tags(record: FunctionRecord | None) -> Keys:
    tags = record.tags if record is not None else {}
    return {f"aws:ResourceTag/{key}": (value,) for key, value in tags.items()}
