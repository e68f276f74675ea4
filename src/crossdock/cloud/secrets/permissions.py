"""What Secrets Manager's operations need, decided on the full ARN of the secret that is meant.

Source: Service Authorization Reference, "Actions, resources, and condition keys for AWS Secrets Manager".
"""

from collections.abc import Callable, Mapping, Sequence

from crossdock.cloud.secrets.finding import UNKNOWN_SUFFIX, find_secret, presumed_arn
from crossdock.cloud.secrets.records import CURRENT, secret_arn
from crossdock.operations.call import Call
from crossdock.operations.operation import Permission, Permissions

Keys = Mapping[str, tuple[str, ...]]


def _no_keys(_call: Call) -> Keys:
    return {}


def on_secret(action: str, keys: Callable[[Call], Keys] = _no_keys) -> Permissions:
    async def permissions(call: Call) -> Sequence[Permission]:
        return [await _on_secret(call, action, keys(call))]

    return permissions


async def on_validated_policy(call: Call) -> Sequence[Permission]:
    """ValidateResourcePolicy: also what putting the policy takes; on every secret where none is named."""
    actions = ("secretsmanager:ValidateResourcePolicy", "secretsmanager:PutResourcePolicy")
    if "SecretId" not in call.params:
        return [Permission(action=action, resource="*") for action in actions]
    return [await _on_secret(call, action, {}) for action in actions]


async def _on_secret(call: Call, action: str, keys: Keys) -> Permission:
    async with call.reading() as tx:
        secret = await find_secret(tx, call)
    context = {"secretsmanager:SecretId": (call.params["SecretId"],), **keys}
    if secret is None:
        return Permission(action=action, resource=presumed_arn(call), context=context)
    for key, value in secret.tags.items():
        context[f"aws:ResourceTag/{key}"] = (value,)
        context[f"secretsmanager:ResourceTag/{key}"] = (value,)
    return Permission(action=action, resource=secret.arn, context=context)


def on_new_secret(call: Call) -> Sequence[Permission]:
    name: str = call.params["Name"]
    arn = secret_arn(call.region, call.account_id, name + UNKNOWN_SUFFIX)
    context = {"secretsmanager:Name": (name,), **description_keys(call), **tag_keys(call)}
    needed = [Permission(action="secretsmanager:CreateSecret", resource=arn, context=context)]
    if call.params.get("Tags"):
        needed.append(Permission(action="secretsmanager:TagResource", resource=arn, context=context))
    return needed


def version_keys(call: Call) -> Keys:
    """A read that names no version asks for AWSCURRENT."""
    keys: dict[str, tuple[str, ...]] = {}
    if (version_id := call.params.get("VersionId")) is not None:
        keys["secretsmanager:VersionId"] = (version_id,)
    stage = call.params.get("VersionStage") or (CURRENT if version_id is None else None)
    if stage is not None:
        keys["secretsmanager:VersionStage"] = (stage,)
    return keys


def stage_keys(call: Call) -> Keys:
    return {"secretsmanager:VersionStage": tuple(call.params.get("VersionStages") or (CURRENT,))}


def moved_stage_keys(call: Call) -> Keys:
    return {"secretsmanager:VersionStage": (call.params["VersionStage"],)}


def description_keys(call: Call) -> Keys:
    description = call.params.get("Description")
    return {} if description is None else {"secretsmanager:Description": (description,)}


def deletion_keys(call: Call) -> Keys:
    is_forced = "true" if call.params.get("ForceDeleteWithoutRecovery") else "false"
    keys: dict[str, tuple[str, ...]] = {"secretsmanager:ForceDeleteWithoutRecovery": (is_forced,)}
    if (days := call.params.get("RecoveryWindowInDays")) is not None:
        keys["secretsmanager:RecoveryWindowInDays"] = (str(days),)
    return keys


def block_public_keys(call: Call) -> Keys:
    is_blocking = call.params.get("BlockPublicPolicy")
    return {} if is_blocking is None else {"secretsmanager:BlockPublicPolicy": ("true" if is_blocking else "false",)}


def tag_keys(call: Call) -> Keys:
    tags = {tag["Key"]: tag.get("Value", "") for tag in call.params.get("Tags", ())}
    names = (*tags, *call.params.get("TagKeys", ()))
    keys: dict[str, tuple[str, ...]] = {f"aws:RequestTag/{key}": (value,) for key, value in tags.items()}
    return {**keys, "aws:TagKeys": names} if names else keys
