"""By which keys an SFTP server is known to its clients."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class HostKey:
    """`algorithm` is the key's type as SSH names it: `ssh-rsa`, `ecdsa-sha2-nistp256`, `ssh-ed25519` and so on.

    `private_key` is in OpenSSH's PEM form, unencrypted.
    """

    key_id: str
    algorithm: str
    private_key: bytes = field(repr=False)


class HostKeys(Protocol):
    """The host keys of all servers, for the gateway."""

    async def active(self, server_id: str) -> Sequence[HostKey]:
        """The keys that a server shows: of each type (RSA, ECDSA, ED25519) the oldest.

        Empty only for a server that is not there.
        """
