"""A secret and its values as rows. Labels and policy lie with the secret, to move in one write; values lie apart."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from crossdock.core.arns import Arn
from crossdock.operations.records import Records
from crossdock.ports.state import TableSpec

CURRENT = "AWSCURRENT"
PREVIOUS = "AWSPREVIOUS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """Without stages it is deprecated: still there, and the first to go."""

    created_at: datetime
    stages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRecord:
    """`suffix` are the six characters behind the name in the ARN; `delete_at` is set while it waits for its end.

    `policy` is the text of its resource policy, empty where it has none; `policy_pins` are whom that names, by ARN.
    """

    account_id: str
    region: str
    name: str
    suffix: str
    created_at: datetime
    changed_at: datetime
    description: str = ""
    kms_key_id: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, Version] = field(default_factory=dict)
    deleted_at: datetime | None = None
    delete_at: datetime | None = None
    policy: str = ""
    policy_pins: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return secret_arn(self.region, self.account_id, f"{self.name}-{self.suffix}")

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.account_id, self.region, self.name)

    def is_gone(self, now: datetime) -> bool:
        """Its recovery window has passed: as if it had never been."""
        return self.delete_at is not None and self.delete_at <= now

    def version_at(self, stage: str) -> str | None:
        return next((version_id for version_id, version in self.versions.items() if stage in version.stages), None)


class ValueKind(StrEnum):
    """The member in which a value comes and goes."""

    TEXT = "SecretString"
    BINARY = "SecretBinary"


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueRecord:
    kind: ValueKind
    sealed: str = field(repr=False)


SECRETS = Records(TableSpec(name="secrets"), SecretRecord)
"""Key: account, region, name."""

VALUES = Records(TableSpec(name="secret_values"), ValueRecord)
"""Key: account, region, name, suffix, version: a secret made anew under the name of an old one shares nothing."""


def secret_arn(region: str, account_id: str, resource: str) -> str:
    return str(Arn(service="secretsmanager", region=region, account_id=account_id, resource=f"secret:{resource}"))
