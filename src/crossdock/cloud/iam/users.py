"""Users, to be looked at: every account has one, `crossdock-admin`, made when the service starts."""

from typing import Any

from crossdock.cloud.iam.errors import no_such_entity, validation_error
from crossdock.cloud.iam.pages import stored_page
from crossdock.cloud.iam.records import USERS, UserRecord, find_user
from crossdock.core.principals import IamUser
from crossdock.operations.call import Call
from crossdock.operations.operation import Result


async def get_user(call: Call) -> Result:
    """The user that `UserName` names, or the caller."""
    name: str | None = call.params.get("UserName")
    if name is None:
        if not isinstance(call.caller.principal, IamUser):
            raise validation_error("Must specify userName when calling with non-User credentials")
        name = call.caller.principal.user_name
    async with call.reading() as tx:
        user = await find_user(tx, call.account_id, name)
    if user is None:
        raise no_such_entity(f"The user with name {name} cannot be found.")
    return {"User": _user_description(user)}


async def list_users(call: Call) -> Result:
    prefix: str = call.params.get("PathPrefix", "/")
    async with call.reading() as tx:
        users, page = await stored_page(
            USERS, tx, call.account_id, call.params, matches=lambda user: user.path.startswith(prefix)
        )
    return {"Users": [_user_description(user) for user in users], **page}


def _user_description(user: UserRecord) -> dict[str, Any]:
    return {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.user_id,
        "Arn": user.arn,
        "CreateDate": user.created_at,
    }
