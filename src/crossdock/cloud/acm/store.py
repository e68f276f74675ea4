"""Where certificates are kept: the one place where private keys are sealed and opened."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crossdock.cloud.acm.faults import limit_exceeded
from crossdock.cloud.acm.records import CERTIFICATES, CertificateRecord
from crossdock.cloud.iam.changes import policy_transaction
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


async def put_certificate(tx: Transaction, record: CertificateRecord) -> None:
    await CERTIFICATES.put(tx, record, *record.key)


async def check_room(tx: Transaction, call: Call) -> None:
    """Raises ServiceError LimitExceededException where one more would be too many."""
    if len(await CERTIFICATES.everything(tx, call.account_id, call.region)) >= MAX_CERTIFICATES:
        raise limit_exceeded(f"An account can have at most {MAX_CERTIFICATES} certificates in a region.")


def _context(arn: str) -> str:
    return f"certificate {arn}"
