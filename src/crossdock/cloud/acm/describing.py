"""DescribeCertificate, GetCertificate.

Source: ACM API Reference, the operations of these names and CertificateDetail.
"""

from typing import Any

from crossdock.cloud.acm.facts import extended_key_usage_name
from crossdock.cloud.acm.finding import find_certificate
from crossdock.cloud.acm.records import CertificateRecord, CertificateType
from crossdock.cloud.acm.store import CertificateStore
from crossdock.operations.call import Call
from crossdock.operations.operation import Result


async def describe_certificate(store: CertificateStore, call: Call) -> Result:
    async with call.reading() as tx:
        record = await find_certificate(tx, call)
        users = await store.uses.users(tx, record.arn)
    facts = record.facts
    described: dict[str, Any] = {
        "CertificateArn": record.arn,
        "DomainName": facts.domain_name,
        "SubjectAlternativeNames": list(facts.names),
        "Serial": facts.serial,
        "Subject": facts.subject,
        "Issuer": facts.issuer,
        "CreatedAt": record.created_at,
        "Status": record.status(call.now),
        "NotBefore": facts.not_before,
        "NotAfter": facts.not_after,
        "KeyAlgorithm": facts.key_algorithm,
        "SignatureAlgorithm": facts.signature_algorithm,
        "InUseBy": list(users),
        "Type": record.type,
        "KeyUsages": [{"Name": name} for name in facts.key_usages],
        "ExtendedKeyUsages": [{"Name": extended_key_usage_name(oid), "OID": oid} for oid in facts.extended_key_usages],
        "RenewalEligibility": "INELIGIBLE",
        "CertificateKeyPairOrigin": key_pair_origin(record),
        **arrival(record),
    }
    if record.type is CertificateType.AMAZON_ISSUED:
        described["DomainValidationOptions"] = [
            {
                "DomainName": name,
                "ValidationDomain": name,
                "ValidationStatus": "SUCCESS",
                "ValidationMethod": record.validation_method,
            }
            for name in record.domain_names
        ]
        described["Options"] = {"CertificateTransparencyLoggingPreference": "DISABLED", "Export": "DISABLED"}
    return {"Certificate": described}


async def get_certificate(_store: CertificateStore, call: Call) -> Result:
    async with call.reading() as tx:
        record = await find_certificate(tx, call)
    return {"Certificate": record.body, "CertificateChain": record.chain or None}


def arrival(record: CertificateRecord) -> dict[str, Any]:
    """When the material came, in the member that its type has for it."""
    return {"ImportedAt" if record.type is CertificateType.IMPORTED else "IssuedAt": record.arrived_at}


def key_pair_origin(record: CertificateRecord) -> str:
    return "CUSTOMER_PROVIDED" if record.type is CertificateType.IMPORTED else "AWS_MANAGED"
