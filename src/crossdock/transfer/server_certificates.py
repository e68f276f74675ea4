"""A server's certificate: which one it may name, and which servers name one.

Source: AWS Transfer Family API Reference, CreateServer, Certificate.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from crossdock.core.arns import parse_arn, server_arn
from crossdock.core.errors import InvalidArn
from crossdock.operations.call import Call
from crossdock.ports.certificates import CertificateCheck
from crossdock.ports.state import Transaction
from crossdock.transfer.faults import invalid_request
from crossdock.transfer.server_records import SERVERS


async def check_certificate(
    tx: Transaction, call: Call, settings: Mapping[str, Any], certificates: CertificateCheck
) -> None:
    """The certificate that a server shall have: one of its region and account that fits. None is none to check.

    Raises:
        ServiceError: InvalidRequestException with a sentence.
    """
    text: str = settings.get("Certificate", "")
    if not text:
        return
    try:
        arn = parse_arn(text)
    except InvalidArn as error:
        raise invalid_request(
            f"Certificate must be the ARN of a certificate in Certificate Manager, not {text}"
        ) from error
    if arn.service != "acm" or not arn.resource.startswith("certificate/"):
        raise invalid_request(f"Certificate must be the ARN of a certificate in Certificate Manager, not {text}")
    if (arn.region, arn.account_id) != (call.region, call.account_id):
        raise invalid_request(f"Certificate {text} is not of the server's region and account")
    if objection := await certificates.objection(tx, text):
        raise invalid_request(objection)


class ServersOfCertificates:
    """See `ports.certificates.CertificateUses`: the Transfer servers that name a certificate, FTPS or not."""

    async def users(self, tx: Transaction, certificate_arn: str) -> Sequence[str]:
        arn = parse_arn(certificate_arn)
        records = await SERVERS.everything(tx, arn.account_id, arn.region)
        return [
            str(server_arn(record.region, record.account_id, record.server_id))
            for record in records
            if record.settings.get("Certificate") == certificate_arn
        ]
