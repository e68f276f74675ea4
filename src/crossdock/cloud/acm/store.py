"""Where certificates are kept: the one place where private keys are sealed and opened."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from crossdock.cloud.acm.faults import limit_exceeded
from crossdock.cloud.acm.material import Material
from crossdock.cloud.acm.records import CERTIFICATES, CertificateRecord, CertificateType, certificate_arn
from crossdock.cloud.iam.changes import policy_transaction
from crossdock.core.ids import uuid4_text
from crossdock.operations.call import Call
from crossdock.ports.certificates import CertificateUses
from crossdock.ports.host import Epoch, Sealer
from crossdock.ports.state import Transaction

MAX_CERTIFICATES = 2500
"""In one region of an account. Source: ACM User Guide, "Quotas"."""


class CertificateStore:
    """What the operations stand on. `uses` tells which servers hold a certificate fast."""

    def __init__(self, *, sealer: Sealer, epoch: Epoch, uses: CertificateUses) -> None:
        self._sealer = sealer
        self._epoch = epoch
        self.uses = uses

    @asynccontextmanager
    async def transaction(self, call: Call) -> AsyncIterator[Transaction]:
        """`call.transaction()` after which every server of this host shows what was written at its next handshake."""
        async with policy_transaction(call, self._epoch) as tx:
            yield tx

    def seal_key(self, key_pem: str, arn: str) -> str:
        return self._sealer.seal(key_pem.encode(), context=_context(arn))


def open_key(sealer: Sealer, record: CertificateRecord) -> str:
    """The private key in PEM. Raises SealBroken."""
    return sealer.unseal(record.sealed_key, context=_context(record.arn)).decode()


def new_certificate(
    store: CertificateStore, call: Call, kind: CertificateType, material: Material, tags: Mapping[str, str]
) -> CertificateRecord:
    """A certificate under an ARN of its own, to be added by `add_certificate`."""
    certificate_id = uuid4_text(call.house.entropy)
    return CertificateRecord(
        account_id=call.account_id,
        region=call.region,
        certificate_id=certificate_id,
        type=kind,
        created_at=call.now,
        arrived_at=call.now,
        facts=material.facts,
        body=material.body,
        chain=material.chain,
        sealed_key=store.seal_key(material.key, certificate_arn(call.region, call.account_id, certificate_id)),
        tags=tags,
    )


async def add_certificate(tx: Transaction, call: Call, record: CertificateRecord) -> None:
    """Raises ServiceError LimitExceededException where one more would be too many."""
    if len(await CERTIFICATES.everything(tx, call.account_id, call.region)) >= MAX_CERTIFICATES:
        raise limit_exceeded(f"An account can have at most {MAX_CERTIFICATES} certificates in a region.")
    await CERTIFICATES.put(tx, record, *record.key, is_new=True)


async def put_certificate(tx: Transaction, record: CertificateRecord) -> None:
    await CERTIFICATES.put(tx, record, *record.key)


def _context(arn: str) -> str:
    return f"certificate {arn}"
