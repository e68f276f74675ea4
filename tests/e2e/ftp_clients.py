"""Real FTP clients, each without and with TLS as it can."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.interactive_clients import Ncftp, Tnftp
from tests.e2e.quay import Quay
from tests.e2e.scripted_clients import Curl, Lftp, Python, Wget


@dataclass(frozen=True, slots=True)
class Kind:
    """A program and how it protects its connections: "" for plain FTP, else the newest version of TLS."""

    make: Callable[[Quay, str, Path, str], Any]
    protection: str

    @property
    def name(self) -> str:
        return f"{self.make.__name__.lower()}-{self.protection or 'plain'}"

    def client(self, quay: Quay, cwd: Path) -> Any:
        return self.make(quay, self.protection, cwd, quay.password)

    def stranger(self, quay: Quay, cwd: Path) -> Any:
        return self.make(quay, self.protection, cwd, "not-the-password")


KINDS = (
    *(Kind(Lftp, protection) for protection in ("", "1.2", "1.3")),
    *(Kind(Curl, protection) for protection in ("", "1.2", "1.3")),
    *(Kind(Wget, protection) for protection in ("", "1.3")),
    *(Kind(Python, protection) for protection in ("", "1.2", "1.3")),
    Kind(Ncftp, ""),
    Kind(Tnftp, ""),
)
