"""Host keys made once a run, and servers that have them without any state.

keys = MemoryHostKeys({SERVER.server_id: host_keys()})
keys.of[SERVER.server_id] = host_keys("ssh-ed25519")
"""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor, Future
from functools import cache
from typing import ParamSpec, TypeVar

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from crossdock.ports.host import Sealer
from crossdock.ports.host_keys import HostKey
from crossdock.transfer.host_key_material import HostKeyMaterial, read_host_key
from crossdock.transfer.host_key_vault import HostKeyVault

P = ParamSpec("P")
T = TypeVar("T")
TYPES = ("ssh-rsa", "ecdsa-sha2-nistp256", "ssh-ed25519")
Private = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey
MAKERS = {
    "ssh-rsa": lambda: rsa.generate_private_key(65537, 2048),
    "ecdsa-sha2-nistp256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "ecdsa-sha2-nistp384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "ecdsa-sha2-nistp521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ssh-ed25519": ed25519.Ed25519PrivateKey.generate,
}


@cache
def private_key(algorithm: str, name: str = "") -> Private:
    """The same key for the same algorithm and name, within a run."""
    return MAKERS[algorithm]()


def openssh_pem(algorithm: str, name: str = "") -> bytes:
    """As `ssh-keygen` writes it: OpenSSH's PEM, unencrypted."""
    return private_key(algorithm, name).private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())


def host_keys(*algorithms: str) -> tuple[HostKey, ...]:
    """One key of each algorithm; of TYPES when none is named."""
    return tuple(
        HostKey(
            key_id=f"hostkey-{number:017x}",
            algorithm=algorithm,
            private_key=openssh_pem(algorithm),
        )
        for number, algorithm in enumerate(algorithms or TYPES)
    )


class MemoryHostKeys:
    """Implements `ports.host_keys.HostKeys` with the keys that the test gives, which it may change."""

    def __init__(self, of: Mapping[str, Sequence[HostKey]]) -> None:
        self.of = dict(of)

    async def active(self, server_id: str) -> Sequence[HostKey]:
        return self.of.get(server_id, ())


class AtOnce(Executor):
    """An executor that does its jobs where they are given."""

    def submit(self, function: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        try:
            future.set_result(function(*args, **kwargs))
        except Exception as error:  # as every executor does
            future.set_exception(error)
        return future


@cache
def material(algorithm: str, name: str = "") -> HostKeyMaterial:
    return read_host_key(openssh_pem(algorithm, name).decode())


def instant_vault(sealer: Sealer, entropy: Callable[[int], bytes]) -> HostKeyVault:
    """A vault that gives every server the same keys, one of each of TYPES, and waits for no thread."""
    return HostKeyVault(
        sealer=sealer,
        threads=AtOnce(),
        entropy=entropy,
        generate=lambda: [material(algorithm, "generated") for algorithm in TYPES],
    )
