"""Which secret a call means, and the permission it needs on it."""

import re
from collections.abc import Awaitable, Callable, Sequence

from crossdock.cloud.secrets.faults import marked_for_deletion, not_found
from crossdock.cloud.secrets.records import SECRETS, SecretRecord
from crossdock.operations.call import Call
from crossdock.operations.operation import Permission
from crossdock.ports.state import Transaction

_SUFFIX = re.compile(r"-[A-Za-z0-9]{6}")
UNKNOWN_SUFFIX = "-??????"


async def find_secret(tx: Transaction, call: Call, *, is_deleted_allowed: bool = False) -> SecretRecord:
    """The secret named by SecretId: a name, a whole ARN, or an ARN without its random end.

    Raises:
        ServiceError: ResourceNotFoundException; InvalidRequestException when it waits for its deletion.
    """
    secret = await look_up(tx, call, call.params["SecretId"])
    if secret is None:
        raise not_found()
    if secret.deletes_at is not None and not is_deleted_allowed:
        raise marked_for_deletion()
    return secret


async def look_up(tx: Transaction, call: Call, secret_id: str) -> SecretRecord | None:
    """None also for one whose deletion has come."""
    own = f"arn:aws:secretsmanager:{call.region}:{call.account_id}:secret:"
    if not secret_id.startswith("arn:"):
        return await _present(tx, call, secret_id)
    if not secret_id.startswith(own):
        return None
    name = secret_id.removeprefix(own)
    if _SUFFIX.fullmatch(name[-7:]):
        secret = await _present(tx, call, name[:-7])
        if secret is not None and secret.arn == secret_id:
            return secret
    return await _present(tx, call, name)


async def _present(tx: Transaction, call: Call, name: str) -> SecretRecord | None:
    secret = await SECRETS.get(tx, call.account_id, call.region, name) if name else None
    if secret is not None and secret.deletes_at is not None and secret.deletes_at <= call.now:
        return None
    return secret


def on_secret(action: str) -> Callable[[Call], Awaitable[Sequence[Permission]]]:
    """The permission on the secret's full ARN; for one that is not there, on the ARN it could have."""

    async def permissions(call: Call) -> Sequence[Permission]:
        secret_id = call.params["SecretId"]
        async with call.reading() as tx:
            secret = await look_up(tx, call, secret_id)
        if secret is not None:
            resource = secret.arn
        elif secret_id.startswith("arn:"):
            resource = secret_id
        else:
            resource = secret_arn(call, secret_id, UNKNOWN_SUFFIX)
        context = {"secretsmanager:SecretId": (resource,)}
        if "VersionStage" in call.params:
            context["secretsmanager:VersionStage"] = (call.params["VersionStage"],)
        if "VersionId" in call.params:
            context["secretsmanager:VersionId"] = (call.params["VersionId"],)
        for key, value in (secret.tags if secret else {}).items():
            context[f"aws:ResourceTag/{key}"] = (value,)
            context[f"secretsmanager:ResourceTag/{key}"] = (value,)
        return (Permission(action=f"secretsmanager:{action}", resource=resource, context=context),)

    return permissions


def secret_arn(call: Call, name: str, suffix: str) -> str:
    return f"arn:aws:secretsmanager:{call.region}:{call.account_id}:secret:{name}{suffix}"
