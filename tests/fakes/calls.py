"""One call of an operation as the root user of an account, whom no policy of this house stands in the way of."""

from collections.abc import Mapping
from typing import Any

from crossdock.core.principals import AccountRoot
from crossdock.operations.call import Operations
from crossdock.operations.caller import Caller, Origin
from crossdock.operations.operation import Params


async def call_as_root(
    operations: Operations, service: str, operation: str, params: Params, *, account: str, region: str
) -> Mapping[str, Any]:
    return await operations.call(
        service,
        operation,
        params,
        caller=Caller(principal=AccountRoot(account_id=account)),
        account_id=account,
        region=region,
        origin=Origin(),
    )
