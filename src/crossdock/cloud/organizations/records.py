"""The organization, its policies, and what is attached to what, as rows."""

import json
import string
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from crossdock.cloud.accounts import MANAGEMENT
from crossdock.core.arns import Arn
from crossdock.core.ids import Entropy
from crossdock.operations.records import Records
from crossdock.ports.state import TableSpec, Transaction

_ALPHABET = string.ascii_lowercase + string.digits


class PolicyType(StrEnum):
    """The types of policies that are in force here, of those that AWS has."""

    SERVICE_CONTROL = "SERVICE_CONTROL_POLICY"
    RESOURCE_CONTROL = "RESOURCE_CONTROL_POLICY"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganizationRecord:
    """Made once for a data directory. `enabled` are the policy types that can be attached, and that bind."""

    organization_id: str
    root_id: str
    enabled: tuple[PolicyType, ...] = (PolicyType.SERVICE_CONTROL,)

    @property
    def arn(self) -> str:
        return organizations_arn(f"organization/{self.organization_id}")

    @property
    def root_arn(self) -> str:
        return organizations_arn(f"root/{self.organization_id}/{self.root_id}")

    def account_arn(self, account_id: str) -> str:
        return organizations_arn(f"account/{self.organization_id}/{account_id}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRecord:
    """`organization_id` is empty for a policy of AWS's own; `content` is the document as it was written."""

    policy_id: str
    organization_id: str
    type: PolicyType
    name: str
    description: str
    content: str

    @property
    def is_aws_managed(self) -> bool:
        return self.organization_id == ""

    @property
    def arn(self) -> str:
        return policy_arn(self.organization_id, self.type.value.lower(), self.policy_id)


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachmentsRecord:
    """The policies of one type that are attached to a root or account, in the order in which they were."""

    policy_ids: tuple[str, ...]


ORGANIZATIONS = Records(TableSpec(name="organization"), OrganizationRecord)
"""Key: `organization`; there is one."""

POLICIES = Records(TableSpec(name="organization-policies"), PolicyRecord)
"""Key: policy id."""

ATTACHMENTS = Records(TableSpec(name="organization-attachments"), AttachmentsRecord)
"""Key: target id, policy type. Where a target has no row, AWS's own policy alone is attached to it."""

FULL_ACCESS: Mapping[PolicyType, PolicyRecord] = {
    PolicyType.SERVICE_CONTROL: PolicyRecord(
        policy_id="p-FullAWSAccess",
        organization_id="",
        type=PolicyType.SERVICE_CONTROL,
        name="FullAWSAccess",
        description="Allows access to every operation",
        content=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        ),
    ),
    PolicyType.RESOURCE_CONTROL: PolicyRecord(
        policy_id="p-RCPFullAWSAccess",
        organization_id="",
        type=PolicyType.RESOURCE_CONTROL,
        name="RCPFullAWSAccess",
        description="Allows access to every resource",
        content=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}],
            }
        ),
    ),
}
"""What AWS attaches to everything by itself."""

_AWS_MANAGED = {policy.policy_id: policy for policy in FULL_ACCESS.values()}
_ONLY_ONE = "organization"


def organizations_arn(resource: str, *, owner: str = MANAGEMENT) -> str:
    return str(Arn(service="organizations", account_id=owner, resource=resource))


def policy_arn(organization_id: str, kind: str, policy_id: str) -> str:
    """`kind` is the type in lower case. Without an organization it is AWS's own policy."""
    if not organization_id:
        return organizations_arn(f"policy/{kind}/{policy_id}", owner="aws")
    return organizations_arn(f"policy/{organization_id}/{kind}/{policy_id}")


def organizations_id(prefix: str, entropy: Entropy, length: int) -> str:
    """`o-`, `r-` or `p-` and lower-case letters and digits. Taken modulo 36 they are a little uneven: no secrets."""
    return prefix + "".join(_ALPHABET[byte % len(_ALPHABET)] for byte in entropy(length))


async def find_organization(tx: Transaction) -> OrganizationRecord | None:
    return await ORGANIZATIONS.get(tx, _ONLY_ONE)


async def put_organization(tx: Transaction, organization: OrganizationRecord) -> None:
    await ORGANIZATIONS.put(tx, organization, _ONLY_ONE)


async def find_policy(tx: Transaction, policy_id: str) -> PolicyRecord | None:
    return _AWS_MANAGED.get(policy_id) or await POLICIES.get(tx, policy_id)


async def attached_to(tx: Transaction, target_id: str, kind: PolicyType) -> tuple[str, ...]:
    """The ids of the policies of an enabled type that are attached to a target itself."""
    record = await ATTACHMENTS.get(tx, target_id, kind.value)
    return (FULL_ACCESS[kind].policy_id,) if record is None else record.policy_ids


async def put_attachments(tx: Transaction, target_id: str, kind: PolicyType, policy_ids: tuple[str, ...]) -> None:
    if policy_ids == (FULL_ACCESS[kind].policy_id,):
        await ATTACHMENTS.delete(tx, target_id, kind.value)
    else:
        await ATTACHMENTS.put(tx, AttachmentsRecord(policy_ids=policy_ids), target_id, kind.value)
