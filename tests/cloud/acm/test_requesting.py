"""RequestCertificate: issued at once, by the house itself."""

from datetime import timedelta

import pytest
from cryptography import x509
from tests.fakes.acm import Acm
from tests.fakes.clock import START

from crossdock.cloud.acm.issuing import KEYS, VALID_DAYS
from crossdock.cloud.acm.records import CERTIFICATES
from crossdock.cloud.acm.store import open_key
from crossdock.core.pem import belongs_to, read_private_key

CURVE = {"KeyAlgorithm": "EC_prime256v1"}


@pytest.fixture
def acm():
    return Acm()


async def requested(acm: Acm, domain: str = "ftp.example.com", **params) -> str:
    return (await acm("RequestCertificate", **{"DomainName": domain, **CURVE, **params}))["CertificateArn"]


async def test_a_requested_certificate_is_issued_at_once(acm):
    arn = await requested(acm, "FTP.example.com", SubjectAlternativeNames=["*.example.com", "ftp.example.com"])
    found = await acm.described(arn)
    assert (found["Status"], found["Type"], found["RenewalEligibility"]) == ("ISSUED", "AMAZON_ISSUED", "INELIGIBLE")
    assert found["SubjectAlternativeNames"] == ["ftp.example.com", "*.example.com"]
    assert found["IssuedAt"] == START
    assert found["NotAfter"] - found["NotBefore"] == timedelta(days=VALID_DAYS)
    assert [(one["DomainName"], one["ValidationStatus"]) for one in found["DomainValidationOptions"]] == [
        ("ftp.example.com", "SUCCESS"),
        ("*.example.com", "SUCCESS"),
    ]


@pytest.mark.parametrize("algorithm", KEYS)
async def test_what_is_issued_is_self_signed_for_servers_and_its_key_is_kept(acm, algorithm):
    arn = await requested(acm, KeyAlgorithm=algorithm)
    assert (await acm.described(arn))["KeyAlgorithm"] == algorithm
    answer = await acm("GetCertificate", CertificateArn=arn)
    assert answer["CertificateChain"] is None
    certificate = x509.load_pem_x509_certificate(answer["Certificate"].encode())
    certificate.verify_directly_issued_by(certificate)
    assert certificate.serial_number.bit_length() == 127
    extensions = certificate.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert extensions.get_extension_for_class(x509.KeyUsage).value.key_encipherment is algorithm.startswith("RSA")
    async with acm.house.state.reading() as tx:
        (record,) = await CERTIFICATES.everything(tx)
    assert belongs_to(certificate, read_private_key(open_key(acm.sealer, record).encode()))


async def test_a_long_domain_is_no_common_name(acm):
    domain = f"{'a' * 60}.example.com"
    found = await acm.described(await requested(acm, domain))
    assert (found["DomainName"], found["Subject"]) == (domain, "O=Crossdock")


async def test_the_same_request_within_the_hour_is_the_same_certificate(acm):
    first = await requested(acm, IdempotencyToken="once")
    acm.clock.advance(3599)
    assert await requested(acm, IdempotencyToken="once") == first
    assert await requested(acm, "other.example.com", IdempotencyToken="once") != first
    assert await requested(acm) != first
    acm.clock.advance(1)
    assert await requested(acm, IdempotencyToken="once") != first


@pytest.mark.parametrize(
    "params",
    [
        {"CertificateAuthorityArn": "arn:aws:acm-pca:us-east-1:111111111111:certificate-authority/a"},
        {"Options": {"Export": "ENABLED"}},
        {"ManagedBy": "CLOUDFRONT"},
        {"KeyAlgorithm": "RSA_1024"},
    ],
)
async def test_what_is_not_done_is_refused(acm, params):
    code, _ = await acm.refusal("RequestCertificate", **{"DomainName": "a.example", **CURVE, **params})
    assert code == "InvalidParameterException"
