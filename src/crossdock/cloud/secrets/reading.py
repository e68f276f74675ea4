"""GetSecretValue, DescribeSecret, ListSecretVersionIds.

Source: Secrets Manager API Reference, the operations of these names.
"""

from typing import Any

from crossdock.cloud.secrets.faults import invalid_request, no_such_value, not_found
from crossdock.cloud.secrets.finding import find_secret, living_secret
from crossdock.cloud.secrets.records import CURRENT, SecretRecord
from crossdock.cloud.secrets.vault import Vault
from crossdock.operations.call import Call
from crossdock.operations.operation import Result
from crossdock.operations.paging import page_key, page_token

MAX_LISTED_VERSIONS = 100


async def get_secret_value(vault: Vault, call: Call) -> Result:
    async with call.reading() as tx:
        secret = await living_secret(tx, call)
        version_id = _wanted_version(secret, call.params.get("VersionId"), call.params.get("VersionStage"))
        value = await vault.read(tx, secret, version_id)
    version = secret.versions[version_id]
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "VersionId": version_id,
        **value.as_members(),
        "VersionStages": list(version.stages),
        "CreatedDate": version.created_at,
    }


def _wanted_version(secret: SecretRecord, version_id: str | None, stage: str | None) -> str:
    if version_id is not None:
        version = secret.versions.get(version_id)
        if version is None:
            raise no_such_value(f"VersionId: {version_id}")
        if stage is not None and stage not in version.stages:
            raise invalid_request("You provided a VersionStage that is not associated to the provided VersionId.")
        return version_id
    found = secret.version_at(stage or CURRENT)
    if found is None:
        raise no_such_value(f"staging label: {stage or CURRENT}")
    return found


async def describe_secret(_vault: Vault, call: Call) -> Result:
    """Also of a secret that waits for its deletion: that is how one sees that it does."""
    async with call.reading() as tx:
        secret = await find_secret(tx, call)
    if secret is None:
        raise not_found()
    return {**described(secret), "VersionIdsToStages": stages_by_version(secret)}


async def list_secret_version_ids(_vault: Vault, call: Call) -> Result:
    limit: int = call.params.get("MaxResults", MAX_LISTED_VERSIONS)
    after = page_key(call.params.get("NextToken"), error_code="InvalidNextTokenException")
    async with call.reading() as tx:
        secret = await find_secret(tx, call)
    if secret is None:
        raise not_found()
    listed = sorted(
        (version_id, version)
        for version_id, version in secret.versions.items()
        if (version.stages or call.params.get("IncludeDeprecated")) and (after is None or version_id > after[0])
    )
    answer: dict[str, Any] = {
        "ARN": secret.arn,
        "Name": secret.name,
        "Versions": [
            {
                "VersionId": version_id,
                "VersionStages": list(version.stages) or None,
                "CreatedDate": version.created_at,
            }
            for version_id, version in listed[:limit]
        ],
    }
    if len(listed) > limit:
        answer["NextToken"] = page_token((listed[limit - 1][0],))
    return answer


def described(secret: SecretRecord) -> dict[str, Any]:
    """What DescribeSecret and ListSecrets tell alike."""
    return {
        "ARN": secret.arn,
        "Name": secret.name,
        "Description": secret.description or None,
        "KmsKeyId": secret.kms_key_id or None,
        "CreatedDate": secret.created_at,
        "LastChangedDate": secret.changed_at,
        "DeletedDate": secret.deleted_at,
        "Tags": [{"Key": key, "Value": value} for key, value in secret.tags.items()] or None,
    }


def stages_by_version(secret: SecretRecord) -> dict[str, list[str]] | None:
    found = {version_id: list(version.stages) for version_id, version in secret.versions.items() if version.stages}
    return found or None
