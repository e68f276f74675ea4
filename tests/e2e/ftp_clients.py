"""Real FTP clients, each made to do the same things.

A client is made of a quay, how its connections are protected, the directory it works in and a password. It has the
methods that its program can do, so tests ask for `able("rename")`; each raises where the program says that it failed:

    names(directory)                        put(files, directory)           get(remote, local)
    get_matching(directory, pattern, into)  resume(remote, local)           rename(old, new)
    delete(path)                            make_directory(path)            remove_directory(path)
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.interactive_clients import Ncftp, Tnftp
from tests.e2e.quay import Quay
from tests.e2e.scripted_clients import Curl, Lftp, Python, Wget


@dataclass(frozen=True, slots=True)
class Kind:
    """A program and how it protects its connections: "" for plain FTP, else the newest version of TLS."""

    make: Callable[[Quay, str, Path], Any]
    protection: str

    @property
    def name(self) -> str:
        return f"{self.make.__name__.lower()}-{self.protection or 'plain'}"


KINDS = (
    *(Kind(Lftp, protection) for protection in ("", "1.2", "1.3")),
    *(Kind(Curl, protection) for protection in ("", "1.2", "1.3")),
    *(Kind(Wget, protection) for protection in ("", "1.3")),
    *(Kind(Python, protection) for protection in ("", "1.2", "1.3")),
    Kind(Ncftp, ""),
    Kind(Tnftp, ""),
)


def able(*methods: str) -> pytest.MarkDecorator:
    """Runs a test with every client that has these methods."""
    kinds = [kind for kind in KINDS if all(hasattr(kind.make, method) for method in methods)]
    return pytest.mark.parametrize("client", kinds, ids=lambda kind: kind.name, indirect=True)
