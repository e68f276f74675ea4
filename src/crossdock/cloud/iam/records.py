"""What IAM keeps: users, access keys, roles, managed policies, and what is attached to what.

Names are unique without regard to case, so rows are keyed by the folded name; the record has the true one.

Source: IAM User Guide, "IAM and AWS STS quotas", name requirements.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from crossdock.core.arns import Arn
from crossdock.operations.records import Records
from crossdock.ports.state import TableSpec, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    account_id: str
    name: str
    user_id: str
    created_at: datetime
    path: str = "/"
    attached: tuple[str, ...] = ()
    access_key_ids: tuple[str, ...] = ()

    @property
    def arn(self) -> str:
        return str(Arn(service="iam", account_id=self.account_id, resource=f"user{self.path}{self.name}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKeyRecord:
    """A long-lived key. `sealed_secret` opens only under `access_key_context(access_key_id)`."""

    access_key_id: str
    account_id: str
    user_name: str
    created_at: datetime
    sealed_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRecord:
    """A role with its inline policies (`inline`, text by name) and the ARNs of its managed ones (`attached`).

    `trust` is the trust policy as it was written; `trust_pins` are the ids of the users and roles that it names.
    """

    account_id: str
    name: str
    role_id: str
    created_at: datetime
    trust: str
    trust_pins: Mapping[str, str] = field(default_factory=dict)
    path: str = "/"
    description: str = ""
    max_session_s: int = 3600
    boundary: str = ""
    inline: Mapping[str, str] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return str(Arn(service="iam", account_id=self.account_id, resource=f"role{self.path}{self.name}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyVersionRecord:
    """`number` 2 is version `v2`; numbers are not used again."""

    number: int
    document: str
    created_at: datetime

    @property
    def version_id(self) -> str:
        return f"v{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRecord:
    """A customer managed policy. `versions` are in the order they were made."""

    account_id: str
    name: str
    policy_id: str
    created_at: datetime
    updated_at: datetime
    versions: tuple[PolicyVersionRecord, ...]
    default_number: int = 1
    next_number: int = 2
    path: str = "/"
    description: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return str(Arn(service="iam", account_id=self.account_id, resource=f"policy{self.path}{self.name}"))

    @property
    def default(self) -> PolicyVersionRecord:
        return next(version for version in self.versions if version.number == self.default_number)


class AttachmentKind(StrEnum):
    """In which way a managed policy is used."""

    ROLE = "role"
    USER = "user"
    BOUNDARY = "boundary"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentRecord:
    """That a managed policy of AWS or of the account is in use; the entity's own record is what authorises."""

    policy_arn: str
    kind: AttachmentKind
    entity_name: str
    entity_id: str


USERS = Records(TableSpec(name="iam-users"), UserRecord)
ACCESS_KEYS = Records(TableSpec(name="iam-access-keys"), AccessKeyRecord)
ROLES = Records(TableSpec(name="iam-roles"), RoleRecord)
POLICIES = Records(TableSpec(name="iam-policies"), PolicyRecord)
ATTACHMENTS = Records(TableSpec(name="iam-attachments"), AttachmentRecord)


def fold(name: str) -> str:
    """The form in which a name is unique."""
    return name.lower()


async def find_role(tx: Transaction, account_id: str, name: str) -> RoleRecord | None:
    role = await ROLES.get(tx, account_id, fold(name))
    return role if role is not None and role.name == name else None


async def find_role_by_arn(tx: Transaction, arn: Arn) -> RoleRecord | None:
    """The role that has exactly this ARN, its path included."""
    kind, _, path_and_name = arn.resource.partition("/")
    if arn.service != "iam" or kind != "role" or not arn.account_id:
        return None
    role = await ROLES.get(tx, arn.account_id, fold(path_and_name.rpartition("/")[2]))
    return role if role is not None and role.arn == str(arn) else None


async def put_role(tx: Transaction, role: RoleRecord) -> None:
    await ROLES.put(tx, role, role.account_id, fold(role.name))


async def find_user(tx: Transaction, account_id: str, name: str) -> UserRecord | None:
    user = await USERS.get(tx, account_id, fold(name))
    return user if user is not None and user.name == name else None


async def find_policy_by_arn(tx: Transaction, arn: Arn) -> PolicyRecord | None:
    """The customer managed policy that has exactly this ARN, its path included."""
    kind, _, path_and_name = arn.resource.partition("/")
    if arn.service != "iam" or kind != "policy" or not arn.account_id:
        return None
    policy = await POLICIES.get(tx, arn.account_id, fold(path_and_name.rpartition("/")[2]))
    return policy if policy is not None and policy.arn == str(arn) else None


async def note_attachment(
    tx: Transaction, account_id: str, policy_arn: str, kind: AttachmentKind, *, name: str, entity_id: str
) -> None:
    record = AttachmentRecord(policy_arn=policy_arn, kind=kind, entity_name=name, entity_id=entity_id)
    await ATTACHMENTS.put(tx, record, account_id, policy_arn, kind.value, fold(name))


async def forget_attachment(
    tx: Transaction, account_id: str, policy_arn: str, kind: AttachmentKind, *, name: str
) -> None:
    await ATTACHMENTS.delete(tx, account_id, policy_arn, kind.value, fold(name))
