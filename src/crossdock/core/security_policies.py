"""The security policies that a Transfer server or an SFTP connector may have: which algorithms each admits.

`core/tls_policies.py` says how OpenSSL spells the TLS half. Algorithms are in the order in which AWS writes them down.

Source: AWS Transfer Family User Guide, "Security policies for AWS Transfer Family servers" and "Security policies for
AWS Transfer Family SFTP connectors". Where the guide's table and its JSON of a policy differ (FIPS-2024-01 and
diffie-hellman-group-exchange-sha256), the JSON counts: it is what DescribeSecurityPolicy answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class SecurityPolicy:
    """Algorithms by their names of the SSH and TLS registries. `tls_ciphers` are those of TLS 1.2, for servers only.

    `ssh_host_keys` are the algorithms of signatures that keys may make (RFC 4253 §6.6, RFC 8332), so that `ssh-rsa`
    there means RSA with SHA-1. `is_fips` says that AWS means the policy for FIPS endpoints, not that this machine's
    libraries are validated.
    """

    name: str
    ssh_ciphers: tuple[str, ...]
    ssh_kexs: tuple[str, ...]
    ssh_macs: tuple[str, ...]
    ssh_host_keys: tuple[str, ...]
    tls_ciphers: tuple[str, ...] = ()
    is_fips: bool = False

    def signatures_of(self, key_type: str) -> tuple[str, ...]:
        """Of its algorithms, those with which a key of this type can sign. One type of RSA key has several."""
        own = (*_RSA_SHA2, key_type) if key_type == "ssh-rsa" else (key_type,)
        return tuple(name for name in self.ssh_host_keys if name in own)


_CHACHA20 = "chacha20-poly1305@openssh.com"
_GCM = ("aes256-gcm@openssh.com", "aes128-gcm@openssh.com")
_CTR = ("aes128-ctr", "aes256-ctr", "aes192-ctr")
_LONG_CTR = ("aes256-ctr", "aes192-ctr")
_CIPHERS = ("aes128-gcm@openssh.com", "aes256-gcm@openssh.com", *_CTR)
_OLD_CIPHERS = ("aes128-ctr", "aes192-ctr", "aes256-ctr", "aes128-gcm@openssh.com", "aes256-gcm@openssh.com")

_POST_QUANTUM = ("mlkem768x25519-sha256", "mlkem768nistp256-sha256", "mlkem1024nistp384-sha384")
_ECDH = ("ecdh-sha2-nistp256", "ecdh-sha2-nistp384", "ecdh-sha2-nistp521")
_CURVE25519 = ("curve25519-sha256", "curve25519-sha256@libssh.org")
_GROUPS = ("diffie-hellman-group16-sha512", "diffie-hellman-group18-sha512")
_GROUPS_18_FIRST = ("diffie-hellman-group18-sha512", "diffie-hellman-group16-sha512")
_EXCHANGE = ("diffie-hellman-group-exchange-sha256",)
_GROUP_14 = ("diffie-hellman-group14-sha256",)
_GROUP_14_SHA1 = ("diffie-hellman-group14-sha1",)

_ETM = ("hmac-sha2-256-etm@openssh.com", "hmac-sha2-512-etm@openssh.com")
_ETM_512_FIRST = ("hmac-sha2-512-etm@openssh.com", "hmac-sha2-256-etm@openssh.com")
_SHA2 = ("hmac-sha2-256", "hmac-sha2-512")
_SHA2_512_FIRST = ("hmac-sha2-512", "hmac-sha2-256")
_ALL_MACS = (
    "umac-64-etm@openssh.com",
    "umac-128-etm@openssh.com",
    *_ETM,
    "hmac-sha1-etm@openssh.com",
    "umac-64@openssh.com",
    "umac-128@openssh.com",
    *_SHA2,
    "hmac-sha1",
)

_RSA_SHA2 = ("rsa-sha2-256", "rsa-sha2-512")
_ECDSA = ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521")
_HOST_KEYS = (*_RSA_SHA2, *_ECDSA, "ssh-ed25519")
_OLD_HOST_KEYS = (*_HOST_KEYS, "ssh-rsa")

_TLS = (
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA384",
)
_STATIC_RSA = ("TLS_RSA_WITH_AES_128_CBC_SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256")


def _policy(
    name: str,
    ciphers: tuple[str, ...],
    kexs: tuple[str, ...],
    macs: tuple[str, ...],
    *,
    host_keys: tuple[str, ...] = _HOST_KEYS,
    tls: tuple[str, ...] = _TLS,
    is_fips: bool = False,
) -> SecurityPolicy:
    return SecurityPolicy(
        name=f"TransferSecurityPolicy-{name}",
        ssh_ciphers=ciphers,
        ssh_kexs=kexs,
        ssh_macs=macs,
        ssh_host_keys=host_keys,
        tls_ciphers=tls,
        is_fips=is_fips,
    )


def _with_name(policy: SecurityPolicy, name: str) -> SecurityPolicy:
    return replace(policy, name=f"TransferSecurityPolicy-{name}")


def _restricted(policy: SecurityPolicy, name: str) -> SecurityPolicy:
    """The same without ChaCha20; nor does the guide count it among those that allow ssh-rsa."""
    return replace(_with_name(policy, name), ssh_ciphers=_OLD_CIPHERS, ssh_host_keys=_HOST_KEYS)


_2025_03 = _policy("2025-03", (*_GCM, *_CTR), (*_POST_QUANTUM, *_ECDH, *_CURVE25519, *_GROUPS, *_EXCHANGE), _ETM)
_2024_01 = _policy("2024-01", _CIPHERS, (*_ECDH, *_CURVE25519, *_GROUPS_18_FIRST, *_EXCHANGE), _ETM)
_FIPS_2024_01 = _policy(
    "FIPS-2024-01",
    _CIPHERS,
    (*_ECDH, *_GROUPS_18_FIRST, *_EXCHANGE),
    _ETM,
    host_keys=_OLD_HOST_KEYS,
    is_fips=True,
)
_2018_11 = _policy(
    "2018-11",
    (_CHACHA20, *_OLD_CIPHERS),
    (*_CURVE25519, *_ECDH, *_EXCHANGE, *_GROUPS, *_GROUP_14, *_GROUP_14_SHA1),
    _ALL_MACS,
    host_keys=_OLD_HOST_KEYS,
    tls=(*_TLS, *_STATIC_RSA),
)
_2020_06 = _policy(
    "2020-06",
    (_CHACHA20, *_OLD_CIPHERS),
    (*_ECDH, *_EXCHANGE, *_GROUPS, *_GROUP_14),
    ("umac-128-etm@openssh.com", *_ETM, "umac-128@openssh.com", *_SHA2),
    host_keys=_OLD_HOST_KEYS,
)
_SERVERS = (
    _2018_11,
    _2020_06,
    _policy("2022-03", (*_GCM, *_LONG_CTR), (*_CURVE25519, *_GROUPS, *_EXCHANGE), (*_ETM_512_FIRST, *_SHA2_512_FIRST)),
    _policy("2023-05", (*_GCM, *_LONG_CTR), (*_CURVE25519, *_GROUPS, *_EXCHANGE), _ETM_512_FIRST),
    _2024_01,
    _2025_03,
    _with_name(_2025_03, "AS2Restricted-2025-07"),
    _policy(
        "FIPS-2020-06",
        _OLD_CIPHERS,
        (*_ECDH, *_EXCHANGE, *_GROUPS, *_GROUP_14),
        (*_ETM, *_SHA2),
        host_keys=_OLD_HOST_KEYS,
        is_fips=True,
    ),
    _policy(
        "FIPS-2023-05",
        (*_GCM, *_LONG_CTR),
        (*_GROUPS, *_EXCHANGE),
        _ETM,
        host_keys=_OLD_HOST_KEYS,
        is_fips=True,
    ),
    _FIPS_2024_01,
    replace(_FIPS_2024_01, name="TransferSecurityPolicy-FIPS-2024-05", ssh_host_keys=_HOST_KEYS),
    _policy(
        "FIPS-2025-03",
        (*_GCM, "aes256-ctr", "aes192-ctr", "aes128-ctr"),
        (*_POST_QUANTUM, *_ECDH, *_EXCHANGE, *_GROUPS),
        _ETM_512_FIRST,
        is_fips=True,
    ),
    _restricted(_2018_11, "Restricted-2018-11"),
    _restricted(_2020_06, "Restricted-2020-06"),
    replace(_2024_01, name="TransferSecurityPolicy-Restricted-2024-06", ssh_macs=(*_ETM, *_SHA2)),
    _policy("SshAuditCompliant-2025-02", _CIPHERS, (*_CURVE25519, *_GROUPS_18_FIRST, *_EXCHANGE), _ETM),
)
_CONNECTORS = (
    SecurityPolicy(
        name="TransferSFTPConnectorSecurityPolicy-2023-07",
        ssh_ciphers=_OLD_CIPHERS,
        ssh_kexs=(*_CURVE25519, *_GROUP_14_SHA1, *_GROUPS, *_EXCHANGE),
        ssh_macs=(*_ETM_512_FIRST, *_SHA2_512_FIRST, "hmac-sha1", "hmac-sha1-96"),
        ssh_host_keys=(*_RSA_SHA2, *_ECDSA, "ssh-rsa"),
    ),
    SecurityPolicy(
        name="TransferSFTPConnectorSecurityPolicy-2024-03",
        ssh_ciphers=("aes128-gcm@openssh.com", "aes192-ctr", "aes256-ctr", "aes256-gcm@openssh.com"),
        ssh_kexs=(*_CURVE25519, *_GROUPS, *_EXCHANGE),
        ssh_macs=(*_ETM_512_FIRST, *_SHA2_512_FIRST),
        ssh_host_keys=(*_RSA_SHA2, *_ECDSA),
    ),
    SecurityPolicy(
        name="TransferSFTPConnectorSecurityPolicy-FIPS-2024-10",
        ssh_ciphers=("aes128-gcm@openssh.com", "aes256-gcm@openssh.com"),
        ssh_kexs=_ECDH,
        ssh_macs=_SHA2_512_FIRST,
        ssh_host_keys=(*_RSA_SHA2, "ecdsa-sha2-nistp256"),
        is_fips=True,
    ),
)


def _by_name(policies: Sequence[SecurityPolicy]) -> Mapping[str, SecurityPolicy]:
    return MappingProxyType({policy.name: policy for policy in sorted(policies, key=lambda policy: policy.name)})


SECURITY_POLICIES = _by_name(_SERVERS)
"""Of servers, by name, in the order of the names."""

CONNECTOR_SECURITY_POLICIES = _by_name(_CONNECTORS)
"""Of SFTP connectors, likewise."""

DEFAULT_SECURITY_POLICY = _2024_01.name
"""What CreateServer gives a server. A template of CloudFormation that names none means 2018-11."""
