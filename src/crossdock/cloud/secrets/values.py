"""CreateSecret, GetSecretValue, PutSecretValue, UpdateSecret: what touches a secret's value."""

import re
from base64 import b32encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from crossdock.cloud.secrets import faults
from crossdock.cloud.secrets.lookups import UNKNOWN_SUFFIX, find_secret, look_up, on_secret, secret_arn
from crossdock.cloud.secrets.records import (
    CURRENT,
    SECRETS,
    SecretRecord,
    Value,
    VersionRecord,
    open_value,
    seal_value,
)
from crossdock.cloud.secrets.versions import with_version
from crossdock.core.errors import ServiceError
from crossdock.core.ids import uuid4_text
from crossdock.operations.call import Call
from crossdock.operations.operation import Operation, Permission, Result
from crossdock.ports.host import Sealer

_NAME = re.compile(r"[A-Za-z0-9/_+=.@!-]{1,512}")
MAX_VALUE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Values:
    sealer: Sealer

    def operations(self) -> dict[str, Operation]:
        return {
            "CreateSecret": Operation(handler=self.create, permissions=_create_permissions),
            "GetSecretValue": Operation(handler=self.get, permissions=on_secret("GetSecretValue")),
            "PutSecretValue": Operation(handler=self.put, permissions=on_secret("PutSecretValue")),
            "UpdateSecret": Operation(handler=self.update, permissions=on_secret("UpdateSecret")),
        }

    async def create(self, call: Call) -> Result:
        name = call.params["Name"]
        if not _NAME.fullmatch(name):
            raise ServiceError(
                "ValidationException",
                "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!",
            )
        value = given_value(call)
        version_id = call.params.get("ClientRequestToken") or uuid4_text(call.house.entropy)
        async with call.transaction() as tx:
            present = await look_up(tx, call, name)
            if present is not None:
                return self._repeated_create(present, version_id, value)
            secret = SecretRecord(
                arn=secret_arn(call, name, _random_suffix(call)),
                name=name,
                created_at=call.now,
                changed_at=call.now,
                description=call.params.get("Description", ""),
                kms_key_id=call.params.get("KmsKeyId", ""),
                tags={tag["Key"]: tag["Value"] for tag in call.params.get("Tags", [])},
            )
            if value is not None:
                secret = self._versioned(call, secret, version_id, value, [CURRENT])
            await SECRETS.put(tx, secret, call.account_id, call.region, name)
        return _named(secret, version_id if value is not None else None)

    def _repeated_create(self, present: SecretRecord, version_id: str, value: Value | None) -> Result:
        """The same call again succeeds; any other finds the name taken."""
        if present.deletes_at is not None:
            raise faults.invalid_request(
                "You can't create this secret because a secret with this name is already scheduled for deletion."
            )
        version = present.version(version_id)
        if version is not None and value == open_value(self.sealer, present.arn, version):
            return _named(present, version_id)
        raise faults.exists(present.name)

    async def get(self, call: Call) -> Result:
        async with call.reading() as tx:
            secret = await find_secret(tx, call)
        version = _wanted_version(secret, call)
        value = open_value(self.sealer, secret.arn, version)
        content = {"SecretBinary": value.content} if value.is_binary else {"SecretString": value.content.decode()}
        return {
            **_named(secret, version.version_id),
            **content,
            "VersionStages": list(version.stages),
            "CreatedDate": version.created_at,
        }

    async def put(self, call: Call) -> Result:
        value = given_value(call)
        if value is None:
            raise faults.invalid_request("You must provide either SecretString or SecretBinary.")
        stages = call.params.get("VersionStages") or [CURRENT]
        async with call.transaction() as tx:
            secret = await find_secret(tx, call)
            secret, version_id = self._with_value(call, secret, value, stages)
            await SECRETS.put(tx, secret, call.account_id, call.region, secret.name)
        version = secret.version(version_id)
        return {**_named(secret, version_id), "VersionStages": list(version.stages if version else ())}

    async def update(self, call: Call) -> Result:
        value = given_value(call)
        version_id = None
        async with call.transaction() as tx:
            secret = await find_secret(tx, call)
            if value is not None:
                secret, version_id = self._with_value(call, secret, value, [CURRENT])
            secret = replace(
                secret,
                description=call.params.get("Description", secret.description),
                kms_key_id=call.params.get("KmsKeyId", secret.kms_key_id),
                changed_at=call.now,
            )
            await SECRETS.put(tx, secret, call.account_id, call.region, secret.name)
        return _named(secret, version_id)

    def _with_value(
        self, call: Call, secret: SecretRecord, value: Value, stages: Sequence[str]
    ) -> tuple[SecretRecord, str]:
        """The secret with a new version; the same token with the same value is the same version."""
        version_id = call.params.get("ClientRequestToken") or uuid4_text(call.house.entropy)
        present = secret.version(version_id)
        if present is None:
            return self._versioned(call, secret, version_id, value, stages), version_id
        if open_value(self.sealer, secret.arn, present) != value:
            raise faults.token_in_use(version_id, secret.arn)
        return secret, version_id

    def _versioned(
        self, call: Call, secret: SecretRecord, version_id: str, value: Value, stages: Sequence[str]
    ) -> SecretRecord:
        version = VersionRecord(
            version_id=version_id,
            sealed=seal_value(self.sealer, secret.arn, version_id, value),
            is_binary=value.is_binary,
            created_at=call.now,
        )
        return with_version(secret, version, stages, now=call.now)


def given_value(call: Call) -> Value | None:
    """The call's value, None without one. Raises ServiceError for two, or one that is empty or too large."""
    text, binary = call.params.get("SecretString"), call.params.get("SecretBinary")
    if text is not None and binary is not None:
        raise faults.invalid_parameter(
            "You can't specify both a binary secret value and a string secret value in the same secret."
        )
    if text is None and binary is None:
        return None
    value = Value(content=text.encode() if text is not None else bytes(binary), is_binary=text is None)
    if len(value.content) > MAX_VALUE_BYTES:
        raise faults.invalid_parameter(f"The secret value is longer than {MAX_VALUE_BYTES} bytes.")
    return value


def _wanted_version(secret: SecretRecord, call: Call) -> VersionRecord:
    version_id, stage = call.params.get("VersionId"), call.params.get("VersionStage")
    if version_id is None:
        found = secret.staged(stage or CURRENT)
        if found is None:
            raise faults.value_not_found(f"staging label: {stage or CURRENT}")
        return found
    found = secret.version(version_id)
    if found is None:
        raise faults.value_not_found(f"VersionId: {version_id}")
    if stage is not None and stage not in found.stages:
        raise faults.invalid_request("You provided a VersionStage that is not associated to the provided VersionId.")
    return found


def _named(secret: SecretRecord, version_id: str | None) -> dict[str, Any]:
    named = {"ARN": secret.arn, "Name": secret.name}
    return {**named, "VersionId": version_id} if version_id is not None else named


def _random_suffix(call: Call) -> str:
    """The six characters that keep the ARN of a recreated secret from being the old one's."""
    return "-" + b32encode(call.house.entropy(4)).decode()[:6]


def _create_permissions(call: Call) -> Sequence[Permission]:
    context = {"secretsmanager:Name": (call.params["Name"],)}
    for tag in call.params.get("Tags", []):
        context[f"aws:RequestTag/{tag['Key']}"] = (tag["Value"],)
    resource = secret_arn(call, call.params["Name"], UNKNOWN_SUFFIX)
    return (Permission(action="secretsmanager:CreateSecret", resource=resource, context=context),)
