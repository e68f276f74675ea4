"""The one place where values are sealed and opened."""

import hmac
from dataclasses import dataclass, field, replace
from typing import Any

from crossdock.cloud.secrets.faults import invalid_parameter, limit_exceeded, token_in_use
from crossdock.cloud.secrets.records import SECRETS, VALUES, SecretRecord, ValueKind, ValueRecord
from crossdock.cloud.secrets.stages import TooManyVersions, with_new_version
from crossdock.core.errors import ServiceError
from crossdock.core.ids import uuid4_text
from crossdock.operations.call import Call
from crossdock.ports.host import SealBroken, Sealer
from crossdock.ports.state import Transaction

MAX_VALUE = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretValue:
    kind: ValueKind
    content: bytes = field(repr=False)

    def as_members(self) -> dict[str, Any]:
        content = self.content.decode() if self.kind is ValueKind.TEXT else self.content
        return {self.kind.value: content}


def given_value(call: Call) -> SecretValue | None:
    """The value that a request brings, None for none.

    Raises:
        ServiceError: InvalidParameterException for both kinds at once, or more than 64 KiB.
    """
    text, binary = call.params.get("SecretString"), call.params.get("SecretBinary")
    if text is not None and binary is not None:
        raise invalid_parameter("You can't specify both a binary secret value and a string secret value.")
    if text is not None:
        value = SecretValue(kind=ValueKind.TEXT, content=text.encode())
    elif binary is not None:
        value = SecretValue(kind=ValueKind.BINARY, content=bytes(binary))
    else:
        return None
    if len(value.content) > MAX_VALUE:
        raise invalid_parameter(f"The secret value is larger than {MAX_VALUE} bytes.")
    return value


def new_version_id(call: Call) -> str:
    return call.params.get("ClientRequestToken") or uuid4_text(call.house.entropy)


class Vault:
    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    async def read(self, tx: Transaction, secret: SecretRecord, version_id: str) -> SecretValue:
        """A value that exists. Raises ServiceError DecryptionFailure for one that cannot be opened with this key."""
        record = await VALUES.get(tx, *secret.key, secret.suffix, version_id)
        if record is None:
            raise _unreadable()
        try:
            content = self._sealer.unseal(record.sealed, context=_context(secret, version_id))
        except SealBroken as error:
            raise _unreadable() from error
        return SecretValue(kind=record.kind, content=content)

    async def add(
        self, tx: Transaction, secret: SecretRecord, value: SecretValue, version_id: str, stages: tuple[str, ...]
    ) -> SecretRecord:
        """The secret with one version more, not yet written; a repeated request changes nothing.

        Raises:
            ServiceError: ResourceExistsException when the version has another value; LimitExceededException.
        """
        if version_id in secret.versions:
            present = await self.read(tx, secret, version_id)
            if present.kind is not value.kind or not hmac.compare_digest(present.content, value.content):
                raise token_in_use(version_id, secret.arn)
            return secret
        now = secret.changed_at
        try:
            versions = with_new_version(secret.versions, version_id, stages, now)
        except TooManyVersions as error:
            raise limit_exceeded("The secret has too many versions with staging labels.") from error
        sealed = self._sealer.seal(value.content, context=_context(secret, version_id))
        await VALUES.put(tx, ValueRecord(kind=value.kind, sealed=sealed), *secret.key, secret.suffix, version_id)
        for dropped in secret.versions.keys() - versions.keys():
            await VALUES.delete(tx, *secret.key, secret.suffix, dropped)
        return replace(secret, versions=versions)


async def write_secret(tx: Transaction, secret: SecretRecord) -> None:
    await SECRETS.put(tx, secret, *secret.key)


async def destroy_secret(tx: Transaction, secret: SecretRecord) -> None:
    """Remove a secret and every value of it."""
    for version_id in secret.versions:
        await VALUES.delete(tx, *secret.key, secret.suffix, version_id)
    await SECRETS.delete(tx, *secret.key)


def _context(secret: SecretRecord, version_id: str) -> str:
    return f"secret {secret.arn} {version_id}"


def _unreadable() -> ServiceError:
    return ServiceError("DecryptionFailure", "Secrets Manager can't decrypt the protected secret text.")
