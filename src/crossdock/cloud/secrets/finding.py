"""Which secret a SecretId means: a name, a full ARN, or an ARN without its last six characters.

Source: Secrets Manager API Reference, GetSecretValue, SecretId; Secrets Manager User Guide, "Secret ARN".
"""

import re

from crossdock.cloud.secrets.faults import marked_for_deletion, not_found
from crossdock.cloud.secrets.records import SECRETS, SecretRecord, secret_arn
from crossdock.core.arns import parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.operations.call import Call
from crossdock.ports.state import Transaction

UNKNOWN_SUFFIX = "-??????"
_SUFFIXED = re.compile(r"(?P<name>.+)-(?P<suffix>[A-Za-z0-9]{6})", re.DOTALL)


async def find_secret(tx: Transaction, call: Call) -> SecretRecord | None:
    """The secret of the call's region that `SecretId` means, one that waits for its deletion included."""
    secret_id: str = call.params["SecretId"]
    if not secret_id.startswith("arn:"):
        return _living(await SECRETS.get(tx, call.account_id, call.region, secret_id), call)
    try:
        arn = parse_arn(secret_id)
    except InvalidArn:
        return None
    kind, _, resource = arn.resource.partition(":")
    if arn.service != "secretsmanager" or kind != "secret" or arn.region != call.region or not resource:
        return None
    # A full ARN comes first: the name of another secret may end like a suffix.
    name, suffix = split_suffix(resource)
    if suffix:
        found = _living(await SECRETS.get(tx, arn.account_id, arn.region, name), call)
        if found is not None and found.suffix == suffix:
            return found
    return _living(await SECRETS.get(tx, arn.account_id, arn.region, resource), call)


async def living_secret(tx: Transaction, call: Call) -> SecretRecord:
    """The secret that `SecretId` means.

    Raises:
        ServiceError: ResourceNotFoundException; InvalidRequestException for one that waits for its deletion.
    """
    found = await find_secret(tx, call)
    if found is None:
        raise not_found()
    if found.delete_at is not None:
        raise marked_for_deletion()
    return found


def presumed_arn(call: Call) -> str:
    """What a policy has to allow when there is no such secret; only who may use it learns that there is none."""
    secret_id: str = call.params["SecretId"]
    if secret_id.startswith("arn:"):
        return secret_id
    return secret_arn(call.region, call.account_id, secret_id + UNKNOWN_SUFFIX)


def presumed_name(call: Call) -> str:
    """What a secret would be called that is not there: `SecretId`, or an ARN's name without the last six characters."""
    secret_id: str = call.params["SecretId"]
    if not secret_id.startswith("arn:"):
        return secret_id
    return split_suffix(secret_id.partition(":secret:")[2])[0]


def split_suffix(resource: str) -> tuple[str, str]:
    """The name and the last six characters of what stands behind `secret:` in an ARN; no suffix where it has none."""
    suffixed = _SUFFIXED.fullmatch(resource)
    return (suffixed["name"], suffixed["suffix"]) if suffixed else (resource, "")


def _living(record: SecretRecord | None, call: Call) -> SecretRecord | None:
    return None if record is None or record.is_gone(call.now) else record
