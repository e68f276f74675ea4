"""Operations that the service itself calls on an operator's word: as administrators, on the road of all."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from crossdock.app.cloud import Cloud
from crossdock.cloud.accounts import admin_caller
from crossdock.operations.call import House
from crossdock.operations.caller import Origin

AsAdministrator = Callable[[str, str, str, str, Mapping[str, Any]], Awaitable[Mapping[str, Any]]]
"""Calls an operation as an account's administrator: account (name or id), region, service, operation, parameters.

Raises ServiceError, and UnknownAccount.
"""


def as_administrator(cloud: Cloud, house: House, *, via: str, user_agent: str = "crossdock serve") -> AsAdministrator:
    """`via` is what the audit calls this way in."""
    origin = Origin(source_ip="127.0.0.1", is_secure=True, user_agent=user_agent, via=via)

    async def call(
        account: str, region: str, service: str, operation: str, params: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        account_id = cloud.accounts.id_of(account)
        caller = await admin_caller(house.state, account_id)
        return await cloud.operations.call(
            service, operation, params, caller=caller, account_id=account_id, region=region, origin=origin
        )

    return call
