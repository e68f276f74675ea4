"""Real SFTP clients, each at the server that it is made for."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.e2e.jetty import Jetty, make_key
from tests.e2e.openssh_clients import LftpSsh, Scp, Sftp, Sshfs
from tests.e2e.own_ssh_clients import CurlSsh, Paramiko, Psftp, Rclone
from tests.e2e.quay import Quay


@dataclass(frozen=True, slots=True)
class Kind:
    """A program, and which of the quay's jetties it comes to."""

    make: Callable[[Jetty, Path], Any]
    jetty: str

    @property
    def name(self) -> str:
        return f"{self.make.__name__.lower()}-{self.jetty}"

    def client(self, quay: Quay, cwd: Path) -> Any:
        return self.make(quay.jetties[self.jetty], cwd)

    def stranger(self, quay: Quay, cwd: Path) -> Any:
        jetty = quay.jetties[self.jetty]
        if jetty.key is None:
            return self.make(replace(jetty, password="not-the-password"), cwd)
        return self.make(replace(jetty, key=make_key(cwd / "not-the-key")), cwd)


KINDS = (
    *(Kind(Sftp, jetty) for jetty in ("managed", "asking")),
    Kind(Scp, "asking"),
    Kind(LftpSsh, "asking"),
    *(Kind(CurlSsh, jetty) for jetty in ("old-key", "old-password")),
    *(Kind(Paramiko, jetty) for jetty in ("managed", "asking")),
    Kind(Psftp, "asking"),
    Kind(Rclone, "managed"),
    Kind(Sshfs, "managed"),
)
