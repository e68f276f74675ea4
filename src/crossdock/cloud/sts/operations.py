"""STS as a table, and who is calling."""

from collections.abc import Sequence

from crossdock.cloud.iam.library import PolicyLibrary
from crossdock.cloud.iam.principal_policies import PrincipalDirectory
from crossdock.cloud.sts.assume_role import MAX_SESSION_S, AssumeRole
from crossdock.cloud.sts.session_tokens import SessionTokens
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permission, Result, ServiceOperations


def sts_operations(
    *,
    principals: PrincipalDirectory,
    tokens: SessionTokens,
    library: PolicyLibrary,
    longest_session_s: float = MAX_SESSION_S,
) -> ServiceOperations:
    """STS's table. Roles are global: the region of a call does not matter.

    Args:
        longest_session_s: at which credentials end whatever was asked for.
    """

    async def living_caller(call: Call) -> Sequence[Permission]:
        # "No permissions are required to perform this operation", but the credentials must still hold.
        await principals.require(call.caller)
        return ()

    assume_role = AssumeRole(principals=principals, tokens=tokens, library=library, longest_s=longest_session_s)
    return ServiceOperations(
        service="sts",
        operations={
            "AssumeRole": Operation(handler=assume_role.handler, permissions=assume_role.permissions),
            "GetCallerIdentity": Operation(handler=get_caller_identity, permissions=living_caller),
        },
        denied_code="AccessDenied",
        denied_status=403,
    )


async def get_caller_identity(call: Call) -> Result:
    principal = call.caller.principal
    return {"UserId": principal.user_id, "Account": principal.account_id, "Arn": principal.arn}
