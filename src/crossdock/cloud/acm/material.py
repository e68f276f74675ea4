"""What ImportCertificate brings, checked as ACM checks it.

Source: ACM API Reference, ImportCertificate; ACM User Guide, "Prerequisites for importing certificates", "Certificate
import problems" and "Reimport a certificate".
"""

from dataclasses import dataclass, field
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from crossdock.cloud.acm.facts import CertificateFacts, UnreadableCertificate, facts_of, ocsp_urls
from crossdock.cloud.acm.faults import invalid
from crossdock.core.pem import (
    BadPem,
    belongs_to,
    certificates_pem,
    private_key_pem,
    read_certificates,
    read_private_key,
)

MAX_OCSP_URL = 1000
_CLIENT_AUTH = "TLS_WEB_CLIENT_AUTHENTICATION"
_KEY_ENCIPHERMENT = "KEY_ENCIPHERMENT"


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """A certificate, its chain and its key as PEM, fit for each other; `chain` may be empty."""

    body: str
    chain: str
    key: str = field(repr=False)
    facts: CertificateFacts


def read_material(*, body: bytes, key: bytes, chain: bytes, now: datetime) -> Material:
    """Checking an RSA key takes milliseconds: call it in a thread.

    Raises:
        ServiceError: ValidationException, with a sentence that says nothing of the key.
    """
    try:
        certificates = read_certificates(body)
        private = read_private_key(key)
        issuers = read_certificates(chain) if chain else ()
        if len(certificates) > 1:
            raise invalid(
                "The certificate field contains more than one certificate. "
                "You can specify only one certificate in this field."
            )
        certificate = certificates[0]
        facts = _checked_facts(certificate, now)
        if not belongs_to(certificate, private):
            raise invalid("The certificate and the private key do not match.")
        _check_chain(certificate, issuers)
    except BadPem as error:
        raise invalid(f"The certificate cannot be imported: {error}.") from error
    except UnreadableCertificate as error:
        raise invalid(f"The certificate is not valid: {error}.") from error
    return Material(
        body=certificates_pem(certificates),
        chain=certificates_pem(issuers),
        key=private_key_pem(private),
        facts=facts,
    )


def check_replacement(old: CertificateFacts, new: CertificateFacts) -> None:
    """What a reimport must keep. Raises ServiceError ValidationException."""
    if old.key_algorithm != new.key_algorithm:
        raise invalid(
            f"The key type and size cannot be changed: the certificate has {old.key_algorithm}, and the new one "
            f"{new.key_algorithm}."
        )
    forgivable = {_KEY_ENCIPHERMENT} if new.key_algorithm.startswith("EC_") else set()
    _check_usages("Key Usage", old.key_usages, new.key_usages, forgivable)
    _check_usages(
        "Extended Key Usage", old.extended_key_usage_names, new.extended_key_usage_names, forgivable={_CLIENT_AUTH}
    )


def _check_usages(kind: str, old: tuple[str, ...], new: tuple[str, ...], forgivable: set[str]) -> None:
    if new and not old:
        raise invalid(f"The new certificate has the extension {kind}, which the imported one has not.")
    if lost := sorted(set(old) - set(new) - forgivable):
        raise invalid(f"The new certificate lacks the {kind} {lost[0]} of the imported one.")


def _checked_facts(certificate: x509.Certificate, now: datetime) -> CertificateFacts:
    if certificate.version is not x509.Version.v3:
        raise invalid("The certificate is not an X.509 version 3 certificate.")
    facts = facts_of(certificate)
    if not facts.key_algorithm:
        raise invalid(
            "The private key is not supported: it must be RSA with 1024, 2048, 3072 or 4096 bits, or elliptic curve on "
            "P-256, P-384 or P-521."
        )
    if now < facts.not_before:
        raise invalid("The certificate is not valid yet.")
    if now >= facts.not_after:
        raise invalid("The certificate has expired.")
    if not certificate.issuer.rdns:
        raise invalid("The certificate's issuer is empty.")
    if not facts.names:
        raise invalid("The certificate names neither a domain nor an address.")
    if any(len(url) > MAX_OCSP_URL for url in ocsp_urls(certificate)):
        raise invalid(f"The certificate's OCSP authority URL is longer than {MAX_OCSP_URL} characters.")
    if isinstance(certificate.public_key(), rsa.RSAPublicKey) is not _is_signed_with_rsa(certificate):
        raise invalid("The certificate's key must be of the type of the key that signed it: both RSA, or both ECDSA.")
    return facts


def _is_signed_with_rsa(certificate: x509.Certificate) -> bool:
    try:
        parameters = certificate.signature_algorithm_parameters
    except (ValueError, UnsupportedAlgorithm) as error:
        raise UnreadableCertificate("its signature is of an unknown kind") from error
    return isinstance(parameters, padding.PKCS1v15 | padding.PSS)


def _check_chain(certificate: x509.Certificate, issuers: tuple[x509.Certificate, ...]) -> None:
    """Each certifies the one before it; the root may be missing."""
    if not issuers:
        if not _certifies(certificate, certificate):
            raise invalid(
                "Provided certificate is not a valid self signed. "
                "Please provide either a valid self-signed certificate or certificate chain."
            )
        return
    if certificate in issuers:
        raise invalid("The certificate chain contains the certificate itself.")
    certified = certificate
    for issuer in issuers:
        if not _certifies(issuer, certified):
            raise invalid("Could not validate the certificate with the certificate chain.")
        certified = issuer


def _certifies(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True
