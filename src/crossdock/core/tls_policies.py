"""What a server's security policy means for TLS, as OpenSSL spells it.

A policy chooses the cipher suites of TLS 1.2, the oldest version that any admits. TLS 1.3 comes on top with OpenSSL's
own suites, which Python's `ssl` cannot choose.

Source: AWS Transfer Family User Guide, "Security policies for AWS Transfer Family servers"; RFC 5246 appendix C and
RFC 5289 §3 for the suites' names; openssl-ciphers(1) for OpenSSL's.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from crossdock.core.security_policies import SECURITY_POLICIES

MIN_VERSION = "TLSv1.2"

# In the order of preference: GCM before CBC, ephemeral keys before static ones, the longer key before the shorter.
_OPENSSL_NAMES: Mapping[str, str] = {
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384": "ECDHE-ECDSA-AES256-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384": "ECDHE-RSA-AES256-SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256": "ECDHE-ECDSA-AES128-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256": "ECDHE-RSA-AES128-SHA256",
    "TLS_RSA_WITH_AES_256_CBC_SHA256": "AES256-SHA256",
    "TLS_RSA_WITH_AES_128_CBC_SHA256": "AES128-SHA256",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsPolicy:
    """`min_version` as `ssl` reports versions, `ciphers` as `SSLContext.set_ciphers` takes them, the best first."""

    min_version: str
    ciphers: str


def tls_policy(name: str) -> TlsPolicy:
    """The TLS half of a security policy. Raises KeyError for a name that no server can have."""
    admitted = SECURITY_POLICIES[name].tls_ciphers
    return TlsPolicy(
        min_version=MIN_VERSION,
        ciphers=":".join(openssl for suite, openssl in _OPENSSL_NAMES.items() if suite in admitted),
    )
