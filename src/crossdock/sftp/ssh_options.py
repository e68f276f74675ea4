"""What a server offers to SSH clients, for asyncssh: the algorithms of its security policy, and its host keys."""

import copy
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Final

import asyncssh
from asyncssh.encryption import get_encryption_algs
from asyncssh.kex import get_kex_algs
from asyncssh.mac import get_mac_algs
from asyncssh.public_key import SSHLocalKeyPair, get_public_key_algs

from crossdock.core.errors import CrossdockError
from crossdock.core.security_policies import SECURITY_POLICIES, SecurityPolicy
from crossdock.core.servers import Server
from crossdock.ports.host_keys import HostKey, HostKeys
from crossdock.settings import SftpSettings
from crossdock.sftp.ssh_group_exchange import demand_large_groups

_log = logging.getLogger(__name__)

VERSION: Final = "Crossdock"
WINDOW_BYTES: Final = 2 << 20
"""What a client may send of one channel before it is told of more room."""
PACKET_BYTES: Final = 34_000
"""A WRITE of 32 KiB fits in, and in what every SSH takes (35,000, RFC 4253 §6.1). Clients that wait for each answer, as
paramiko does, would send the rest of it apart, which Nagle's algorithm and a late acknowledgement hold up for 40 ms."""
KEEPALIVES_MISSED: Final = 3


class NoHostKey(CrossdockError):
    """A server has no host key that its security policy admits; a sentence tells the operator."""


class Offers:
    """One server's options for new connections, kept while its policy and its keys stay what they are."""

    def __init__(self, host_keys: HostKeys, settings: SftpSettings) -> None:
        demand_large_groups()
        self._host_keys = host_keys
        self._settings = settings
        self._pairs: dict[str, SSHLocalKeyPair] = {}
        self._made_of: tuple[str, tuple[str, ...]] | None = None
        self._options: asyncssh.SSHServerConnectionOptions | None = None

    async def current(self, server: Server) -> asyncssh.SSHServerConnectionOptions:
        """What the next connection meets.

        Raises:
            NoHostKey: there is no key to show.
            CrossdockError: the keys cannot be read.
        """
        keys = await self._host_keys.active(server.server_id)
        made_of = server.security_policy, tuple(key.key_id for key in keys)
        if self._options is None or made_of != self._made_of:
            self._options = self._make(server, keys)
            self._made_of = made_of
        return self._options

    def _make(self, server: Server, keys: Sequence[HostKey]) -> asyncssh.SSHServerConnectionOptions:
        policy = SECURITY_POLICIES[server.security_policy]
        if missing := lacking(policy):
            extra = {"server_id": server.server_id, "policy": policy.name, "missing": missing}
            _log.info("algorithms of a security policy that this installation lacks", extra=extra)
        self._pairs = {key.key_id: self._pairs.get(key.key_id) or _parsed(key) for key in keys}
        by_algorithm = _by_algorithm(policy, list(self._pairs.values()))
        if not by_algorithm:
            raise NoHostKey(
                f"server {server.server_id} has no host key that {policy.name} admits: import one with ImportHostKey"
            )
        options = asyncssh.SSHServerConnectionOptions(
            config=None,
            server_factory=asyncssh.SSHServer,
            server_version=VERSION,
            server_host_keys=list(self._pairs.values()),
            kex_algs=_those_of(policy.ssh_kexs, get_kex_algs()),
            encryption_algs=_those_of(policy.ssh_ciphers, get_encryption_algs()),
            mac_algs=_those_of(policy.ssh_macs, get_mac_algs()),
            signature_algs=_those_of(policy.ssh_host_keys, get_public_key_algs()),
            compression_algs=["none"],
            host_based_auth=False,
            kbdint_auth=False,
            gss_host=None,
            allow_pty=False,
            line_editor=False,
            agent_forwarding=False,
            x11_forwarding=False,
            encoding=None,
            window=WINDOW_BYTES,
            max_pktsize=PACKET_BYTES,
            login_timeout=self._settings.login_timeout_s,
            keepalive_interval=self._settings.keepalive_s,
            keepalive_count_max=KEEPALIVES_MISSED,
        )
        options.server_host_keys = by_algorithm
        return options


def lacking(policy: SecurityPolicy) -> Mapping[str, Sequence[str]]:
    """What of the policy asyncssh has not, here and now: some of it depends on the libraries that it finds."""
    wanted = {
        "kexs": (policy.ssh_kexs, get_kex_algs()),
        "ciphers": (policy.ssh_ciphers, get_encryption_algs()),
        "macs": (policy.ssh_macs, get_mac_algs()),
        "host_keys": (policy.ssh_host_keys, get_public_key_algs()),
    }
    missing = {
        kind: [name for name in names if name not in _those_of(names, there)] for kind, (names, there) in wanted.items()
    }
    return {kind: names for kind, names in missing.items() if names}


def _those_of(names: Sequence[str], there: Sequence[bytes]) -> list[str]:
    return [name for name in names if name.encode() in there]


def _parsed(key: HostKey) -> SSHLocalKeyPair:
    # An RSA key is checked when it is imported; to check it again would hold up the loop for 50 ms to 300 ms.
    private_key = asyncssh.import_private_key(key.private_key, unsafe_skip_rsa_key_validation=True)
    return SSHLocalKeyPair(private_key, None, None, None)


def _by_algorithm(
    policy: SecurityPolicy, pairs: Sequence[SSHLocalKeyPair]
) -> "OrderedDict[bytes, asyncssh.SSHKeyPair]":
    """The key for each algorithm, in the policy's order.

    Each algorithm has a pair of its own: asyncssh notes in the pair with what it is to sign, and connections share it.
    """
    found: OrderedDict[bytes, asyncssh.SSHKeyPair] = OrderedDict()
    for name in policy.ssh_host_keys:
        algorithm = name.encode()
        first = next((pair for pair in pairs if algorithm in pair.host_key_algorithms), None)
        if first is not None:
            found[algorithm] = copy.copy(first)
            found[algorithm].set_sig_algorithm(algorithm)
    return found
