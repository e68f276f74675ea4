"""A certificate as a row."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from crossdock.cloud.acm.facts import CertificateFacts
from crossdock.core.arns import Arn
from crossdock.operations.records import Records
from crossdock.ports.state import TableSpec


class CertificateType(StrEnum):
    IMPORTED = "IMPORTED"
    AMAZON_ISSUED = "AMAZON_ISSUED"


class CertificateStatus(StrEnum):
    ISSUED = "ISSUED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRecord:
    """`body` and `chain` are PEM; `arrived_at` is when this material was imported or issued.

    `domain_names` are what a request asked for, empty for an imported one.
    """

    account_id: str
    region: str
    certificate_id: str
    type: CertificateType
    created_at: datetime
    arrived_at: datetime
    facts: CertificateFacts
    body: str
    chain: str = ""
    sealed_key: str = field(repr=False)
    tags: Mapping[str, str] = field(default_factory=dict)
    domain_names: tuple[str, ...] = ()
    validation_method: str = ""
    idempotency_token: str = ""

    @property
    def arn(self) -> str:
        return certificate_arn(self.region, self.account_id, self.certificate_id)

    @property
    def key(self) -> tuple[str, str, str]:
        return (self.account_id, self.region, self.certificate_id)

    def status(self, now: datetime) -> CertificateStatus:
        return CertificateStatus.EXPIRED if self.facts.not_after <= now else CertificateStatus.ISSUED


CERTIFICATES = Records(TableSpec(name="acm_certificates"), CertificateRecord)
"""Key: account, region, id."""


def certificate_arn(region: str, account_id: str, certificate_id: str) -> str:
    return str(Arn(service="acm", region=region, account_id=account_id, resource=f"certificate/{certificate_id}"))
