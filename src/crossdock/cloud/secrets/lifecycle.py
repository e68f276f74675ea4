"""DescribeSecret, ListSecrets, ListSecretVersionIds, DeleteSecret, RestoreSecret, tags, GetRandomPassword."""

import string
from dataclasses import replace
from datetime import timedelta
from typing import Any

from crossdock.cloud.secrets import faults
from crossdock.cloud.secrets.lookups import find_secret, look_up, on_secret
from crossdock.cloud.secrets.records import SECRETS, SecretRecord
from crossdock.core.ids import Entropy
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Result, needs
from crossdock.operations.paging import page_key, page_token

DEFAULT_RECOVERY_DAYS = 30
MAX_TAGS = 50
_PUNCTUATION = "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"


def lifecycle_operations() -> dict[str, Operation]:
    return {
        "DeleteSecret": Operation(handler=delete_secret, permissions=on_secret("DeleteSecret")),
        "DescribeSecret": Operation(handler=describe_secret, permissions=on_secret("DescribeSecret")),
        "GetRandomPassword": Operation(
            handler=get_random_password, permissions=needs("secretsmanager:GetRandomPassword")
        ),
        "ListSecretVersionIds": Operation(handler=list_version_ids, permissions=on_secret("ListSecretVersionIds")),
        "ListSecrets": Operation(handler=list_secrets, permissions=needs("secretsmanager:ListSecrets")),
        "RestoreSecret": Operation(handler=restore_secret, permissions=on_secret("RestoreSecret")),
        "TagResource": Operation(handler=tag_resource, permissions=on_secret("TagResource")),
        "UntagResource": Operation(handler=untag_resource, permissions=on_secret("UntagResource")),
    }


async def describe_secret(call: Call) -> Result:
    async with call.reading() as tx:
        secret = await find_secret(tx, call, is_deleted_allowed=True)
    return {**_described(secret), "VersionIdsToStages": _stages(secret)}


async def list_secrets(call: Call) -> Result:
    """In the order of names; filters by name prefix, description, tags and `all`, as AWS has them."""
    after = page_key(call.params.get("NextToken"), error_code="InvalidNextTokenException")
    limit = call.params.get("MaxResults", 100)
    filters = call.params.get("Filters", [])
    found: list[tuple[str, ...]] = []
    listed: list[dict[str, Any]] = []
    async with call.reading() as tx:
        while page := await SECRETS.page_with_keys(tx, call.account_id, call.region, after=after):
            after = page[-1][0]
            for key, secret in page:
                is_hidden = secret.deletes_at is not None and not call.params.get("IncludePlannedDeletion")
                if not is_hidden and all(_fits(secret, one) for one in filters):
                    found.append(key)
                    listed.append({**_described(secret), "SecretVersionsToStages": _stages(secret)})
            if len(found) > limit:
                return {"SecretList": listed[:limit], "NextToken": page_token(found[limit - 1])}
    return {"SecretList": listed}


def _fits(secret: SecretRecord, one: dict[str, Any]) -> bool:
    texts = {
        "name": [secret.name],
        "description": [secret.description],
        "tag-key": list(secret.tags),
        "tag-value": list(secret.tags.values()),
        "primary-region": [],
        "owning-service": [],
    }
    texts["all"] = [text for several in list(texts.values()) for text in several]
    wanted = one.get("Values", [])
    candidates = [text.lower() for text in texts[one["Key"]]]
    yes = [value for value in wanted if not value.startswith("!")]
    no = [value[1:] for value in wanted if value.startswith("!")]
    is_named = not yes or any(text.startswith(value.lower()) for value in yes for text in candidates)
    return is_named and not any(text.startswith(value.lower()) for value in no for text in candidates)


async def list_version_ids(call: Call) -> Result:
    async with call.reading() as tx:
        secret = await find_secret(tx, call, is_deleted_allowed=True)
    versions = [
        {"VersionId": version.version_id, "VersionStages": list(version.stages), "CreatedDate": version.created_at}
        for version in secret.versions
        if version.stages or call.params.get("IncludeDeprecated")
    ]
    return {"ARN": secret.arn, "Name": secret.name, "Versions": versions}


async def delete_secret(call: Call) -> Result:
    """Mark for deletion, or delete at once with ForceDeleteWithoutRecovery, which forgives a secret that is gone."""
    is_forced = call.params.get("ForceDeleteWithoutRecovery", False)
    days = call.params.get("RecoveryWindowInDays")
    if is_forced and days is not None:
        raise faults.invalid_parameter(
            "You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays."
        )
    if days is not None and not 7 <= days <= 30:
        raise faults.invalid_parameter("The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).")
    async with call.transaction() as tx:
        if is_forced:
            secret = await look_up(tx, call, call.params["SecretId"])
            if secret is None:
                return {"Name": call.params["SecretId"], "DeletionDate": call.now}
            await SECRETS.delete(tx, call.account_id, call.region, secret.name)
            return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": call.now}
        secret = await find_secret(tx, call)
        deletes_at = call.now + timedelta(days=days or DEFAULT_RECOVERY_DAYS)
        marked = replace(secret, deletes_at=deletes_at, deleted_at=call.now)
        await SECRETS.put(tx, marked, call.account_id, call.region, secret.name)
    return {"ARN": secret.arn, "Name": secret.name, "DeletionDate": deletes_at}


async def restore_secret(call: Call) -> Result:
    async with call.transaction() as tx:
        secret = await find_secret(tx, call, is_deleted_allowed=True)
        restored = replace(secret, deletes_at=None, deleted_at=None)
        await SECRETS.put(tx, restored, call.account_id, call.region, secret.name)
    return {"ARN": secret.arn, "Name": secret.name}


async def tag_resource(call: Call) -> Result:
    async with call.transaction() as tx:
        secret = await find_secret(tx, call)
        tags = {**secret.tags, **{tag["Key"]: tag["Value"] for tag in call.params["Tags"]}}
        if len(tags) > MAX_TAGS:
            raise faults.invalid_parameter(f"A secret can have at most {MAX_TAGS} tags.")
        await SECRETS.put(tx, replace(secret, tags=tags), call.account_id, call.region, secret.name)
    return {}


async def untag_resource(call: Call) -> Result:
    async with call.transaction() as tx:
        secret = await find_secret(tx, call)
        tags = {key: value for key, value in secret.tags.items() if key not in call.params["TagKeys"]}
        await SECRETS.put(tx, replace(secret, tags=tags), call.account_id, call.region, secret.name)
    return {}


async def get_random_password(call: Call) -> Result:
    length = call.params.get("PasswordLength", 32)
    kinds = [
        "" if call.params.get("ExcludeLowercase") else string.ascii_lowercase,
        "" if call.params.get("ExcludeUppercase") else string.ascii_uppercase,
        "" if call.params.get("ExcludeNumbers") else string.digits,
        "" if call.params.get("ExcludePunctuation") else _PUNCTUATION,
        " " if call.params.get("IncludeSpace") else "",
    ]
    excluded = set(call.params.get("ExcludeCharacters", ""))
    kinds = ["".join(char for char in kind if char not in excluded) for kind in kinds]
    kinds = [kind for kind in kinds if kind]
    if not kinds:
        raise faults.invalid_parameter("InvalidParameterException: no characters are left to choose from.")
    needed = kinds if call.params.get("RequireEachIncludedType", True) else []
    if len(needed) > length:
        raise faults.invalid_parameter("The password length is too short for one character of each included type.")
    entropy = call.house.entropy
    every = "".join(kinds)
    chars = [_choice(kind, entropy) for kind in needed]
    chars += [_choice(every, entropy) for _ in range(length - len(chars))]
    for index in range(len(chars) - 1, 0, -1):
        other = _below(index + 1, entropy)
        chars[index], chars[other] = chars[other], chars[index]
    return {"RandomPassword": "".join(chars)}


def _choice(chars: str, entropy: Entropy) -> str:
    return chars[_below(len(chars), entropy)]


def _below(limit: int, entropy: Entropy) -> int:
    """A number under `limit`; eight bytes leave no bias that anybody could see."""
    return int.from_bytes(entropy(8), "big") % limit


def _described(secret: SecretRecord) -> dict[str, Any]:
    described: dict[str, Any] = {
        "ARN": secret.arn,
        "Name": secret.name,
        "CreatedDate": secret.created_at,
        "LastChangedDate": secret.changed_at,
        "RotationEnabled": False,
        "Tags": [{"Key": key, "Value": value} for key, value in secret.tags.items()],
    }
    if secret.description:
        described["Description"] = secret.description
    if secret.kms_key_id:
        described["KmsKeyId"] = secret.kms_key_id
    if secret.deleted_at is not None:
        described["DeletedDate"] = secret.deleted_at
    return described


def _stages(secret: SecretRecord) -> dict[str, list[str]]:
    return {version.version_id: list(version.stages) for version in secret.versions if version.stages}
