"""RequestCertificate: the house itself issues, at once, a certificate that nobody but its users trusts.

Source: ACM API Reference, RequestCertificate.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from crossdock.cloud.acm.faults import invalid_parameter
from crossdock.cloud.acm.issuing import KEYS, issue
from crossdock.cloud.acm.records import CERTIFICATES, CertificateRecord, CertificateType
from crossdock.cloud.acm.store import CertificateStore, add_certificate, new_certificate
from crossdock.cloud.acm.tags import tags_given
from crossdock.operations.call import Call
from crossdock.operations.operation import Params, Result
from crossdock.ports.state import Transaction

DEFAULT_KEY = "RSA_2048"
DEFAULT_VALIDATION = "EMAIL"
TOKEN_LASTS = timedelta(hours=1)


async def request_certificate(store: CertificateStore, call: Call) -> Result:
    """Repeated within an hour with the same IdempotencyToken and domains it answers the same certificate."""
    params = call.params
    algorithm = params.get("KeyAlgorithm", DEFAULT_KEY)
    _check_supported(params, algorithm)
    tags = tags_given(params)
    names = _names(params)
    async with call.reading() as tx:
        if (before := await _requested_before(tx, call, names)) is not None:
            return {"CertificateArn": before.arn}
    material = await asyncio.to_thread(issue, names, key_algorithm=algorithm, now=call.now, entropy=call.house.entropy)
    record = replace(
        new_certificate(store, call, CertificateType.AMAZON_ISSUED, material, tags),
        domain_names=names,
        validation_method=params.get("ValidationMethod", DEFAULT_VALIDATION),
        idempotency_token=params.get("IdempotencyToken", ""),
    )
    async with store.transaction(call) as tx:
        # Asked again: another request with this token may have been quicker.
        if (before := await _requested_before(tx, call, names)) is not None:
            return {"CertificateArn": before.arn}
        await add_certificate(tx, call, record)
    return {"CertificateArn": record.arn}


def _names(params: Params) -> tuple[str, ...]:
    given: Sequence[str] = (params["DomainName"], *params.get("SubjectAlternativeNames", ()))
    return tuple(dict.fromkeys(name.lower() for name in given))


def _check_supported(params: Params, algorithm: str) -> None:
    for name in ("CertificateAuthorityArn", "ManagedBy"):
        if params.get(name):
            raise invalid_parameter(f"Crossdock does not implement {name}.")
    if params.get("Options", {}).get("Export", "DISABLED") != "DISABLED":
        raise invalid_parameter("Crossdock does not export certificates: leave Options.Export out, or say DISABLED.")
    if algorithm not in KEYS:
        raise invalid_parameter(f"KeyAlgorithm {algorithm} cannot be requested: choose one of {', '.join(KEYS)}.")


async def _requested_before(tx: Transaction, call: Call, names: tuple[str, ...]) -> CertificateRecord | None:
    token = call.params.get("IdempotencyToken")
    if not token:
        return None
    known = await CERTIFICATES.everything(tx, call.account_id, call.region)
    same = (record for record in known if (record.idempotency_token, record.domain_names) == (token, names))
    return next((record for record in same if call.now - record.created_at < TOKEN_LASTS), None)
