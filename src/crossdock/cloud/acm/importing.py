"""ImportCertificate, and the same again for a certificate that is there: new material under the old ARN.

Source: ACM API Reference, ImportCertificate.
"""

import asyncio
from dataclasses import replace

from crossdock.cloud.acm.faults import invalid
from crossdock.cloud.acm.finding import find_certificate
from crossdock.cloud.acm.material import Material, check_replacement, read_material
from crossdock.cloud.acm.records import CertificateType
from crossdock.cloud.acm.store import CertificateStore, add_certificate, new_certificate, put_certificate
from crossdock.cloud.acm.tags import tags_given
from crossdock.operations.call import Call
from crossdock.operations.operation import Result


async def import_certificate(store: CertificateStore, call: Call) -> Result:
    is_again = "CertificateArn" in call.params
    if is_again and call.params.get("Tags"):
        raise invalid("Tagging is not permitted on re-import.")
    tags = tags_given(call.params)
    material = await asyncio.to_thread(
        read_material,
        body=bytes(call.params["Certificate"]),
        key=bytes(call.params["PrivateKey"]),
        chain=bytes(call.params.get("CertificateChain", b"")),
        now=call.now,
    )
    if is_again:
        return await _import_again(store, call, material)
    record = new_certificate(store, call, CertificateType.IMPORTED, material, tags)
    async with store.transaction(call) as tx:
        await add_certificate(tx, call, record)
    return {"CertificateArn": record.arn}


async def _import_again(store: CertificateStore, call: Call, material: Material) -> Result:
    async with store.transaction(call) as tx:
        record = await find_certificate(tx, call)
        if record.type is not CertificateType.IMPORTED:
            raise invalid("Only a certificate that was imported can be imported again.")
        check_replacement(record.facts, material.facts)
        changed = replace(
            record,
            arrived_at=call.now,
            facts=material.facts,
            body=material.body,
            chain=material.chain,
            sealed_key=store.seal_key(material.key, record.arn),
        )
        await put_certificate(tx, changed)
    return {"CertificateArn": record.arn}
