"""DeleteSecret, RestoreSecret, and the end of a recovery window.

Source: Secrets Manager API Reference, DeleteSecret and RestoreSecret.
"""

from dataclasses import replace
from datetime import timedelta

from crossdock.cloud.secrets.faults import invalid_parameter, marked_for_deletion, not_found
from crossdock.cloud.secrets.finding import find_secret, presumed_arn, presumed_name
from crossdock.cloud.secrets.records import SECRETS
from crossdock.cloud.secrets.vault import Vault, destroy_secret, write_secret
from crossdock.operations.call import Call, House
from crossdock.operations.operation import Result

DEFAULT_WINDOW_DAYS = 30
MIN_WINDOW_DAYS = 7
MAX_WINDOW_DAYS = 30


async def delete_secret(_vault: Vault, call: Call) -> Result:
    """With ForceDeleteWithoutRecovery at once, and without an error when there is none (any more)."""
    is_forced = bool(call.params.get("ForceDeleteWithoutRecovery"))
    days = call.params.get("RecoveryWindowInDays")
    if is_forced and days is not None:
        raise invalid_parameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")
    if days is not None and not MIN_WINDOW_DAYS <= days <= MAX_WINDOW_DAYS:
        raise invalid_parameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
    async with call.transaction() as tx:
        secret = await find_secret(tx, call)
        if secret is None:
            if not is_forced:
                raise not_found()
            return {"ARN": presumed_arn(call), "Name": presumed_name(call), "DeletionDate": call.now}
        if is_forced:
            await destroy_secret(tx, secret)
            return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": call.now}
        if secret.delete_at is not None:
            raise marked_for_deletion()
        end = call.now + timedelta(days=days or DEFAULT_WINDOW_DAYS)
        await write_secret(tx, replace(secret, deleted_at=call.now, delete_at=end))
    return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": end}


async def restore_secret(_vault: Vault, call: Call) -> Result:
    """Restoring one that was not deleted succeeds."""
    async with call.transaction() as tx:
        secret = await find_secret(tx, call)
        if secret is None:
            raise not_found()
        await write_secret(tx, replace(secret, deleted_at=None, delete_at=None))
    return {"ARN": secret.arn, "Name": secret.name}


async def destroy_expired_secrets(house: House) -> int:
    """Remove what no recovery window holds any more; `app` calls it at start and once a day. Returns how many.

    Until then such a secret cannot be seen either: this only takes its bytes off the disk.
    """
    now = house.clock.now()
    async with house.state.reading() as tx:
        expired = [secret for secret in await SECRETS.everything(tx) if secret.is_gone(now)]
    for secret in expired:
        async with house.state.transaction() as tx:
            present = await SECRETS.get(tx, *secret.key)
            if present is not None and present.is_gone(now):
                await destroy_secret(tx, present)
    return len(expired)
