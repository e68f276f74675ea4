"""Certificates that the house issues: self-signed, for local use.

Source: RFC 5280 §4.2; RFC 6125 §6.4.4 for where names go.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from crossdock.cloud.acm.facts import facts_of
from crossdock.cloud.acm.material import Material
from crossdock.core.ids import Entropy
from crossdock.core.pem import PrivateKey, certificates_pem, private_key_pem

VALID_DAYS = 825
"""The longest that clients on Apple's systems accept. Nothing renews such a certificate."""
_EARLIER = timedelta(hours=1)
"""For clients whose clocks are behind."""
_MAX_COMMON_NAME = 64

KEYS: Mapping[str, Callable[[], PrivateKey]] = {
    "RSA_2048": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "EC_prime256v1": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EC_secp384r1": lambda: ec.generate_private_key(ec.SECP384R1()),
}
"""Keys that a request may ask for, drawn from the system's randomness: the library takes no other."""


def issue(names: Sequence[str], *, key_algorithm: str, now: datetime, entropy: Entropy) -> Material:
    """A new key and a certificate for these domains, the first its common name. Takes a moment: call it in a thread."""
    key = KEYS[key_algorithm]()
    common_name = [x509.NameAttribute(NameOID.COMMON_NAME, names[0])] if len(names[0]) <= _MAX_COMMON_NAME else []
    subject = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Crossdock"), *common_name])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        # The highest bit stays clear, and one below is set: positive, and never zero (RFC 5280 §4.1.2.2).
        .serial_number(int.from_bytes(entropy(16)) & (1 << 127) - 1 | 1 << 126)
        .not_valid_before(now.replace(microsecond=0) - _EARLIER)
        .not_valid_after(now.replace(microsecond=0) + timedelta(days=VALID_DAYS) - _EARLIER)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(is_rsa=isinstance(key, rsa.RSAPrivateKey)), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, SHA256())
    )
    return Material(
        body=certificates_pem([certificate]), chain="", key=private_key_pem(key), facts=facts_of(certificate)
    )


def _usage(*, is_rsa: bool) -> x509.KeyUsage:
    """`key_encipherment` for the suites without ephemeral keys of the oldest security policy."""
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=is_rsa,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
