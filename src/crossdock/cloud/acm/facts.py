"""What a certificate says of itself, in ACM's words.

Source: ACM API Reference, CertificateDetail; RFC 5280 §4.2.1.3 and §4.2.1.12.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from crossdock.core.errors import CrossdockError

_KEY_USAGES = (
    ("digital_signature", "DIGITAL_SIGNATURE"),
    ("content_commitment", "NON_REPUDIATION"),
    ("key_encipherment", "KEY_ENCIPHERMENT"),
    ("data_encipherment", "DATA_ENCIPHERMENT"),
    ("key_agreement", "KEY_AGREEMENT"),
    ("key_cert_sign", "CERTIFICATE_SIGNING"),
    ("crl_sign", "CRL_SIGNING"),
)
_USES_OF_AGREEMENT = (("encipher_only", "ENCIPHER_ONLY"), ("decipher_only", "DECIPHER_ONLY"))
_EXTENDED_KEY_USAGES = {
    ExtendedKeyUsageOID.SERVER_AUTH.dotted_string: "TLS_WEB_SERVER_AUTHENTICATION",
    ExtendedKeyUsageOID.CLIENT_AUTH.dotted_string: "TLS_WEB_CLIENT_AUTHENTICATION",
    ExtendedKeyUsageOID.CODE_SIGNING.dotted_string: "CODE_SIGNING",
    ExtendedKeyUsageOID.EMAIL_PROTECTION.dotted_string: "EMAIL_PROTECTION",
    ExtendedKeyUsageOID.TIME_STAMPING.dotted_string: "TIME_STAMPING",
    ExtendedKeyUsageOID.OCSP_SIGNING.dotted_string: "OCSP_SIGNING",
    "1.3.6.1.5.5.7.3.5": "IPSEC_END_SYSTEM",
    "1.3.6.1.5.5.7.3.6": "IPSEC_TUNNEL",
    "1.3.6.1.5.5.7.3.7": "IPSEC_USER",
    ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE.dotted_string: "ANY",
}
_CURVES = {"secp256r1": "EC_prime256v1", "secp384r1": "EC_secp384r1", "secp521r1": "EC_secp521r1"}
_RSA_BITS = (1024, 2048, 3072, 4096)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """`names` are the names it is for, the one that is shown first; `extended_key_usages` are OIDs.

    `key_algorithm` is empty for a key that ACM does not take.
    """

    names: tuple[str, ...]
    serial: str
    subject: str
    issuer: str
    not_before: datetime
    not_after: datetime
    key_algorithm: str
    signature_algorithm: str
    key_usages: tuple[str, ...] = ()
    extended_key_usages: tuple[str, ...] = ()

    @property
    def domain_name(self) -> str:
        return self.names[0] if self.names else ""

    @property
    def extended_key_usage_names(self) -> tuple[str, ...]:
        return tuple(extended_key_usage_name(oid) for oid in self.extended_key_usages)


class UnreadableCertificate(CrossdockError):
    """A certificate whose fields cannot be made sense of."""


def extended_key_usage_name(oid: str) -> str:
    return _EXTENDED_KEY_USAGES.get(oid, "CUSTOM")


def facts_of(certificate: x509.Certificate) -> CertificateFacts:
    """Raises UnreadableCertificate."""
    try:
        return CertificateFacts(
            names=tuple(dict.fromkeys(_names(certificate))),
            serial=_serial(certificate.serial_number),
            subject=_openssl_order(certificate.subject),
            issuer=_issuer(certificate.issuer),
            not_before=certificate.not_valid_before_utc,
            not_after=certificate.not_valid_after_utc,
            key_algorithm=_key_algorithm(certificate),
            signature_algorithm=_signature_algorithm(certificate),
            key_usages=tuple(_key_usages(certificate)),
            extended_key_usages=tuple(_extended_key_usages(certificate)),
        )
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as e:
        raise UnreadableCertificate("the certificate's fields cannot be read") from e


def ocsp_urls(certificate: x509.Certificate) -> list[str]:
    """Raises UnreadableCertificate."""
    try:
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
    except x509.ExtensionNotFound:
        return []
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise UnreadableCertificate("the certificate's extensions cannot be read") from error
    return [
        one.access_location.value
        for one in access
        if one.access_method == AuthorityInformationAccessOID.OCSP
        and isinstance(one.access_location, x509.UniformResourceIdentifier)
    ]


def _names(certificate: x509.Certificate) -> Iterator[str]:
    """The common name, then the alternative ones: domains, and addresses where there is no domain."""
    for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME):
        yield str(attribute.value)
    try:
        others = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return
    yield from others.get_values_for_type(x509.DNSName)
    yield from (str(address) for address in others.get_values_for_type(x509.IPAddress))


def _serial(number: int) -> str:
    digits = f"{number:x}"
    digits = digits.zfill(len(digits) + len(digits) % 2)
    return ":".join(digits[at : at + 2] for at in range(0, len(digits), 2))


def _openssl_order(name: x509.Name) -> str:
    """From the country down to the common name, where RFC 4514 begins with the last."""
    return ",".join(part.rfc4514_string() for part in name.rdns)


def _issuer(name: x509.Name) -> str:
    for oid in (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME):
        if attributes := name.get_attributes_for_oid(oid):
            return str(attributes[0].value)
    return _openssl_order(name)


def _key_algorithm(certificate: x509.Certificate) -> str:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in _RSA_BITS:
        return f"RSA_{key.key_size}"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return _CURVES.get(key.curve.name, "")
    return ""


def _signature_algorithm(certificate: x509.Certificate) -> str:
    """`SHA256WITHRSA`, or the OID's own name."""
    used = certificate.signature_hash_algorithm
    parameters = certificate.signature_algorithm_parameters
    if used is None:
        return certificate.signature_algorithm_oid.dotted_string
    return f"{used.name.upper()}WITH{'ECDSA' if isinstance(parameters, ec.ECDSA) else 'RSA'}"


def _key_usages(certificate: x509.Certificate) -> Iterator[str]:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except x509.ExtensionNotFound:
        return
    for attribute, name in (*_KEY_USAGES, *(_USES_OF_AGREEMENT if usage.key_agreement else ())):
        if getattr(usage, attribute):
            yield name


def _extended_key_usages(certificate: x509.Certificate) -> Iterator[str]:
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    yield from (oid.dotted_string for oid in usage)
