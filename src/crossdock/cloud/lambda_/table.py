"""AWS Lambda as one table."""

import asyncio
from collections.abc import Awaitable, Callable

from crossdock.cloud.lambda_.events import EventQueue
from crossdock.cloud.lambda_.functions import Functions
from crossdock.cloud.lambda_.invoking import invoke
from crossdock.cloud.lambda_.permissions import (
    added_permission_keys,
    on_configuration,
    on_function,
    on_new_function,
    on_tagged_function,
    removed_permission_keys,
)
from crossdock.cloud.lambda_.reading import get_function, get_function_configuration, list_functions
from crossdock.cloud.lambda_.records import FunctionDirectory
from crossdock.cloud.lambda_.resource_policy import add_permission, get_policy, remove_permission
from crossdock.cloud.lambda_.tags import list_tags, tag_resource, untag_resource
from crossdock.cloud.lambda_.writing import (
    create_function,
    delete_function,
    update_function_code,
    update_function_configuration,
)
from crossdock.cloud.sts.access_keys import AccessKeys
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permissions, Result, ServiceOperations, needs
from crossdock.ports.functions import FunctionCode, FunctionRunner
from crossdock.ports.host import Epoch, Sealer

_Handler = Callable[[Functions, Call], Awaitable[Result]]


def lambda_operations(
    *,
    runner: FunctionRunner,
    code: FunctionCode,
    sealer: Sealer,
    access_keys: AccessKeys,
    epoch: Epoch,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> ServiceOperations:
    """`sleep` passes the time between the attempts of an asynchronous invocation."""
    directory = FunctionDirectory(epoch=epoch)
    functions = Functions(
        runner=runner,
        code=code,
        sealer=sealer,
        access_keys=access_keys,
        epoch=epoch,
        directory=directory,
        events=EventQueue(sealer=sealer, sleep=sleep),
    )

    def row(handler: _Handler, permissions: Permissions, *, is_data: bool = False) -> Operation:
        async def bound(call: Call) -> Result:
            return await handler(functions, call)

        return Operation(handler=bound, permissions=permissions, is_data=is_data)

    def on(action: str) -> Permissions:
        return on_function(directory, f"lambda:{action}")

    return ServiceOperations(
        service="lambda",
        denied_status=403,
        operations={
            "CreateFunction": row(create_function, on_new_function),
            "GetFunction": row(get_function, on("GetFunction")),
            "GetFunctionConfiguration": row(get_function_configuration, on("GetFunctionConfiguration")),
            "UpdateFunctionCode": row(update_function_code, on("UpdateFunctionCode")),
            "UpdateFunctionConfiguration": row(update_function_configuration, on_configuration(directory)),
            "DeleteFunction": row(delete_function, on("DeleteFunction")),
            "ListFunctions": row(list_functions, needs("lambda:ListFunctions")),
            "AddPermission": row(add_permission, on_function(directory, "lambda:AddPermission", added_permission_keys)),
            "RemovePermission": row(
                remove_permission, on_function(directory, "lambda:RemovePermission", removed_permission_keys)
            ),
            "GetPolicy": row(get_policy, on("GetPolicy")),
            "Invoke": row(invoke, on("InvokeFunction"), is_data=True),
            "TagResource": row(tag_resource, on_tagged_function(directory, "lambda:TagResource")),
            "UntagResource": row(untag_resource, on_tagged_function(directory, "lambda:UntagResource")),
            "ListTags": row(list_tags, on_tagged_function(directory, "lambda:ListTags")),
        },
    )
