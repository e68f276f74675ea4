"""DeleteCertificate.

Source: ACM API Reference, DeleteCertificate.
"""

from crossdock.cloud.acm.faults import in_use
from crossdock.cloud.acm.finding import find_certificate
from crossdock.cloud.acm.records import CERTIFICATES
from crossdock.cloud.acm.store import CertificateStore
from crossdock.operations.call import Call
from crossdock.operations.operation import Result


async def delete_certificate(store: CertificateStore, call: Call) -> Result:
    async with store.transaction(call) as tx:
        record = await find_certificate(tx, call)
        if users := await store.uses.users(tx, record.arn):
            raise in_use(record.arn, users[0])
        await CERTIFICATES.delete(tx, *record.key)
    return {}
