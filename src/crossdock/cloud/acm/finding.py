"""Which certificate an ARN means."""

from crossdock.cloud.acm.faults import invalid_arn, not_found
from crossdock.cloud.acm.records import CERTIFICATES, CertificateRecord
from crossdock.core.arns import Arn, parse_arn
from crossdock.core.errors import InvalidArn
from crossdock.operations.call import Call
from crossdock.ports.state import Transaction


def certificate_id_of(text: str) -> tuple[Arn, str]:
    """The parts of a certificate's ARN. Raises ServiceError InvalidArnException for a text that is none."""
    try:
        arn = parse_arn(text)
    except InvalidArn as error:
        raise invalid_arn(text) from error
    kind, _, certificate_id = arn.resource.partition("/")
    if arn.service != "acm" or kind != "certificate" or not certificate_id or "/" in certificate_id:
        raise invalid_arn(text)
    return arn, certificate_id


async def certificate_at(tx: Transaction, text: str) -> CertificateRecord | None:
    """The certificate of an ARN, whoever's it is. Raises ServiceError InvalidArnException."""
    arn, certificate_id = certificate_id_of(text)
    if arn.partition != "aws" or not arn.account_id or not arn.region:
        return None
    return await CERTIFICATES.get(tx, arn.account_id, arn.region, certificate_id)


async def find_certificate(tx: Transaction, call: Call) -> CertificateRecord:
    """The certificate that the call names, in its account and region.

    Raises:
        ServiceError: InvalidArnException, ResourceNotFoundException.
    """
    text: str = call.params["CertificateArn"]
    record = await certificate_at(tx, text)
    if record is None or (record.account_id, record.region) != (call.account_id, call.region):
        raise not_found(text)
    return record
