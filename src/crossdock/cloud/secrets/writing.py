"""CreateSecret, PutSecretValue, UpdateSecret, UpdateSecretVersionStage.

Source: Secrets Manager API Reference, the operations of these names.
"""

import re
import string
from dataclasses import replace

from crossdock.cloud.secrets.faults import (
    already_exists,
    invalid_parameter,
    invalid_request,
    no_such_value,
    still_scheduled,
)
from crossdock.cloud.secrets.finding import living_secret
from crossdock.cloud.secrets.records import CURRENT, SECRETS, SecretRecord
from crossdock.cloud.secrets.stages import MAX_STAGES_OF_ALL, with_stage_at, without_stage
from crossdock.cloud.secrets.tags import tags_given
from crossdock.cloud.secrets.vault import (
    SecretValue,
    Vault,
    destroy_secret,
    given_value,
    new_version_id,
    write_secret,
)
from crossdock.core.errors import ServiceError
from crossdock.core.ids import Entropy
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.ports.state import Transaction

MANAGED_KEY = "alias/aws/secretsmanager"
_NAME = re.compile(r"[A-Za-z0-9/_+=.@-]+")
_LETTERS = string.ascii_letters + string.digits
_NOT_IMPLEMENTED = ("AddReplicaRegions", "ForceOverwriteReplicaSecret", "Type", "RotationToken")


async def create_secret(vault: Vault, call: Call) -> Result:
    name: str = call.params["Name"]
    if not _NAME.fullmatch(name):
        raise ServiceError(
            "ValidationException",
            "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
        )
    _check_supported(call.params)
    tags = tags_given(call)
    value = given_value(call)
    version_id = new_version_id(call)
    async with call.transaction() as tx:
        present = await SECRETS.get(tx, call.account_id, call.region, name)
        if present is not None and present.is_gone(call.now):
            await destroy_secret(tx, present)
            present = None
        if present is not None:
            return await _created_before(vault, tx, present, value, version_id)
        secret = SecretRecord(
            account_id=call.account_id,
            region=call.region,
            name=name,
            suffix=_suffix(call.house.entropy),
            created_at=call.now,
            changed_at=call.now,
            description=call.params.get("Description", ""),
            kms_key_id=call.params.get("KmsKeyId", ""),
            tags=tags,
        )
        if value is not None:
            secret = await vault.add(tx, secret, value, version_id, (CURRENT,))
        await write_secret(tx, secret)
    return _answer(secret, version_id if value is not None else None)


async def put_secret_value(vault: Vault, call: Call) -> Result:
    _check_supported(call.params)
    value = given_value(call)
    if value is None:
        raise invalid_request("You must provide either SecretString or SecretBinary.")
    stages = tuple(dict.fromkeys(call.params.get("VersionStages") or (CURRENT,)))
    version_id = new_version_id(call)
    async with call.transaction() as tx:
        secret = await living_secret(tx, call)
        _check_stage_count(secret, stages)
        changed = await vault.add(tx, replace(secret, changed_at=call.now), value, version_id, stages)
        if version_id not in secret.versions:
            await write_secret(tx, changed)
    return {**_answer(changed, version_id), "VersionStages": list(changed.versions[version_id].stages)}


async def update_secret(vault: Vault, call: Call) -> Result:
    """Without a value only what describes the secret changes, and no version is made."""
    _check_supported(call.params)
    value = given_value(call)
    version_id = new_version_id(call)
    async with call.transaction() as tx:
        secret = replace(await living_secret(tx, call), changed_at=call.now)
        if (description := call.params.get("Description")) is not None:
            secret = replace(secret, description=description)
        if (kms_key_id := call.params.get("KmsKeyId")) is not None:
            secret = replace(secret, kms_key_id=kms_key_id)
        if value is not None:
            secret = await vault.add(tx, secret, value, version_id, (CURRENT,))
        await write_secret(tx, secret)
    return _answer(secret, version_id if value is not None else None)


async def update_secret_version_stage(_vault: Vault, call: Call) -> Result:
    stage: str = call.params["VersionStage"]
    target = call.params.get("MoveToVersionId")
    source = call.params.get("RemoveFromVersionId")
    if target is None and source is None:
        raise invalid_parameter("You must specify MoveToVersionId, RemoveFromVersionId, or both.")
    async with call.transaction() as tx:
        secret = await living_secret(tx, call)
        holder = secret.version_at(stage)
        for version_id in (target, source):
            if version_id is not None and version_id not in secret.versions:
                raise no_such_value(f"VersionId: {version_id}")
        if source is not None and holder != source:
            raise invalid_parameter(f"The staging label {stage} is not attached to the version {source}.")
        if target is None:
            if stage == CURRENT:
                raise invalid_request("You can only move the staging label AWSCURRENT to another version.")
            versions = without_stage(secret.versions, stage)
        else:
            if holder is not None and holder != target and source is None:
                raise invalid_parameter(
                    f"The parameter RemoveFromVersionId can't be empty. Staging label {stage} is currently attached "
                    f"to version {holder}, so you must explicitly reference that version in RemoveFromVersionId."
                )
            _check_stage_count(secret, (stage,))
            versions = with_stage_at(secret.versions, stage, target)
        await write_secret(tx, replace(secret, versions=versions, changed_at=call.now))
    return _answer(secret, None)


async def _created_before(
    vault: Vault, tx: Transaction, present: SecretRecord, value: SecretValue | None, version_id: str
) -> Result:
    """A request that is repeated under its token gets its answer again; any other finds the name taken."""
    if present.delete_at is not None:
        raise still_scheduled()
    if value is None or version_id not in present.versions:
        raise already_exists(present.name)
    await vault.add(tx, present, value, version_id, (CURRENT,))
    return _answer(present, version_id)


def _check_supported(params: Params) -> None:
    for name in _NOT_IMPLEMENTED:
        if params.get(name):
            raise invalid_parameter(f"Crossdock does not implement {name}.")
    if params.get("KmsKeyId", MANAGED_KEY) not in ("", MANAGED_KEY):
        raise invalid_parameter(f"Crossdock has no KMS: leave KmsKeyId out, or say {MANAGED_KEY}.")


def _check_stage_count(secret: SecretRecord, stages: tuple[str, ...]) -> None:
    held = {stage for version in secret.versions.values() for stage in version.stages}
    if len(held.union(stages)) > MAX_STAGES_OF_ALL:
        raise ServiceError("LimitExceededException", f"A secret can have at most {MAX_STAGES_OF_ALL} staging labels.")


def _answer(secret: SecretRecord, version_id: str | None) -> dict[str, object]:
    named: dict[str, object] = {"ARN": secret.arn, "Name": secret.name}
    return named if version_id is None else {**named, "VersionId": version_id}


def _suffix(entropy: Entropy) -> str:
    """Six characters. 62 values of 256 are a little uneven, which matters to nobody: they are no secret."""
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in entropy(6))
