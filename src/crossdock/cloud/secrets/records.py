"""How secrets are kept: one row a secret with all its versions, each value sealed for its secret and version."""

from dataclasses import dataclass, field
from datetime import datetime

from crossdock.operations.records import Records
from crossdock.ports.host import Sealer
from crossdock.ports.state import TableSpec

CURRENT = "AWSCURRENT"
PREVIOUS = "AWSPREVIOUS"
MAX_VERSIONS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionRecord:
    version_id: str
    sealed: str = field(repr=False)
    is_binary: bool
    created_at: datetime
    stages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRecord:
    """`deletes_at` is set while the secret waits for its deletion."""

    arn: str
    name: str
    created_at: datetime
    changed_at: datetime
    description: str = ""
    kms_key_id: str = ""
    deletes_at: datetime | None = None
    deleted_at: datetime | None = None
    versions: tuple[VersionRecord, ...] = ()
    tags: dict[str, str] = field(default_factory=dict)

    def version(self, version_id: str) -> VersionRecord | None:
        return next((version for version in self.versions if version.version_id == version_id), None)

    def staged(self, stage: str) -> VersionRecord | None:
        return next((version for version in self.versions if stage in version.stages), None)


SECRETS: Records[SecretRecord] = Records(TableSpec(name="secrets"), SecretRecord)
"""By account, region and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A secret's plain value."""

    content: bytes = field(repr=False)
    is_binary: bool


def seal_value(sealer: Sealer, secret_arn: str, version_id: str, value: Value) -> str:
    return sealer.seal(value.content, context=_context(secret_arn, version_id))


def open_value(sealer: Sealer, secret_arn: str, version: VersionRecord) -> Value:
    content = sealer.unseal(version.sealed, context=_context(secret_arn, version.version_id))
    return Value(content=content, is_binary=version.is_binary)


def _context(secret_arn: str, version_id: str) -> str:
    return f"secret:{secret_arn}:{version_id}"
