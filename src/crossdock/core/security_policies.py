"""The security policies that a Transfer server may have: which algorithms each admits.

`core/tls_policies.py` says how OpenSSL spells the TLS half.

Source: AWS Transfer Family User Guide, "Security policies for AWS Transfer Family servers".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityPolicy:
    """Algorithms by their names of the SSH and TLS registries. `tls_ciphers` are those of TLS 1.2.

    `is_fips` says that the policy holds only what FIPS 140 approves, not that this machine's libraries are validated.
    """

    name: str
    ssh_ciphers: tuple[str, ...]
    ssh_kexs: tuple[str, ...]
    ssh_macs: tuple[str, ...]
    tls_ciphers: tuple[str, ...]
    is_fips: bool = False


_CHACHA20 = "chacha20-poly1305@openssh.com"
_GCM_ONLY_128 = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes256-ctr", "aes192-ctr")
_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", "aes128-ctr", "aes256-ctr", "aes192-ctr")
_OLD_CIPHERS = ("aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com")

_POST_QUANTUM = ("mlkem768x25519-sha256", "mlkem768nistp256-sha256", "mlkem1024nistp384-sha384")
_ECDH = ("ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521")
_CURVE25519 = ("curve25519-sha256", "curve25519-sha256@libssh.org")
_GROUPS = ("diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512")
_EXCHANGE = ("diffie-hellman-group-exchange-sha256",)
_GROUP_14 = ("diffie-hellman-group14-sha256",)
_GROUP_14_SHA1 = ("diffie-hellman-group14-sha1",)

_ETM = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
_SHA2 = ("hmac-sha2-256", "hmac-sha2-512")
_UMAC_128 = ("umac-128-etm@openssh.com", "umac-128@openssh.com")
_OLDEST_MACS = ("umac-64-etm@openssh.com", "umac-64@openssh.com", "hmac-sha1-etm@openssh.com", "hmac-sha1")

_TLS = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
)
_STATIC_RSA = ("TLS_RSA_WITH_AES_128_CBC_SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256")


def _policy(
    name: str,
    ciphers: tuple[str, ...],
    kexs: tuple[str, ...],
    macs: tuple[str, ...],
    *,
    tls: tuple[str, ...] = _TLS,
    is_fips: bool = False,
) -> SecurityPolicy:
    return SecurityPolicy(
        name=f"TransferSecurityPolicy-{name}",
        ssh_ciphers=ciphers,
        ssh_kexs=kexs,
        ssh_macs=macs,
        tls_ciphers=tls,
        is_fips=is_fips,
    )


def _with_name(policy: SecurityPolicy, name: str) -> SecurityPolicy:
    return replace(policy, name=f"TransferSecurityPolicy-{name}")


_2025_03 = _policy("2025-03", _CIPHERS, (*_POST_QUANTUM, *_ECDH, *_CURVE25519, *_GROUPS, *_EXCHANGE), _ETM)
_2024_01 = _policy("2024-01", _CIPHERS, (*_ECDH, *_CURVE25519, *_GROUPS, *_EXCHANGE), _ETM)
# The two differ in host keys: one still admits ssh-rsa.
_FIPS_2024_01 = _policy("FIPS-2024-01", _CIPHERS, (*_ECDH, *_GROUPS), _ETM, is_fips=True)
_RESTRICTED_2018_11 = _policy(
    "Restricted-2018-11",
    _OLD_CIPHERS,
    (*_CURVE25519, *_ECDH, *_EXCHANGE, *_GROUPS, *_GROUP_14, *_GROUP_14_SHA1),
    (*_UMAC_128, *_ETM, *_SHA2, *_OLDEST_MACS),
    tls=(*_TLS, *_STATIC_RSA),
)
_RESTRICTED_2020_06 = _policy(
    "Restricted-2020-06", _OLD_CIPHERS, (*_ECDH, *_EXCHANGE, *_GROUPS, *_GROUP_14), (*_UMAC_128, *_ETM, *_SHA2)
)

_ALL = (
    replace(_RESTRICTED_2018_11, name="TransferSecurityPolicy-2018-11", ssh_ciphers=(_CHACHA20, *_OLD_CIPHERS)),
    replace(_RESTRICTED_2020_06, name="TransferSecurityPolicy-2020-06", ssh_ciphers=(_CHACHA20, *_OLD_CIPHERS)),
    _policy("2022-03", _GCM_ONLY_128, (*_CURVE25519, *_GROUPS, *_EXCHANGE), (*_ETM, *_SHA2)),
    _policy("2023-05", _GCM_ONLY_128, (*_CURVE25519, *_GROUPS, *_EXCHANGE), _ETM),
    _2024_01,
    _2025_03,
    _with_name(_2025_03, "AS2Restricted-2025-07"),
    _policy("FIPS-2020-06", _OLD_CIPHERS, (*_ECDH, *_EXCHANGE, *_GROUPS, *_GROUP_14), (*_ETM, *_SHA2), is_fips=True),
    _policy("FIPS-2023-05", _GCM_ONLY_128, (*_GROUPS, *_EXCHANGE), _ETM, is_fips=True),
    _FIPS_2024_01,
    _with_name(_FIPS_2024_01, "FIPS-2024-05"),
    _policy("FIPS-2025-03", _CIPHERS, (*_POST_QUANTUM, *_ECDH, *_GROUPS, *_EXCHANGE), _ETM, is_fips=True),
    _RESTRICTED_2018_11,
    _RESTRICTED_2020_06,
    replace(_2024_01, name="TransferSecurityPolicy-Restricted-2024-06", ssh_macs=(*_ETM, *_SHA2)),
    _policy("SshAuditCompliant-2025-02", _CIPHERS, (*_CURVE25519, *_GROUPS, *_EXCHANGE), _ETM),
)

SECURITY_POLICIES: Mapping[str, SecurityPolicy] = MappingProxyType(
    {policy.name: policy for policy in sorted(_ALL, key=lambda policy: policy.name)}
)
"""By name, in the order of the names."""

DEFAULT_SECURITY_POLICY = _2024_01.name
