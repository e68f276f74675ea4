"""What the servers of Debian's packages share: where they were unpacked, and a folder that their user may write."""

import os
import pwd
import subprocess
from pathlib import Path

from bench.harness.servers.running import Unavailable, Workplace

USER = "bench"
PASSWORD = "bench-password"
NOBODY = "nobody"


def need(place: Workplace, name: str, binary: str) -> Path:
    """The folder a package was unpacked to. Raises Unavailable."""
    folder = place.peers / name
    if not (folder / binary).exists():
        raise Unavailable(f"{name} is not in {place.peers.name}: run scripts/install-peers")
    if os.geteuid() != 0:
        raise Unavailable(f"{name} becomes its user by itself, so only root can start it")
    return folder


def content_for(owner: tuple[int, int], folder: Path) -> Path:
    """A server that becomes this user writes here; the folder's parents let it through."""
    folder.mkdir(mode=0o755)
    os.chown(folder, *owner)
    return folder


def ids_of(name: str) -> tuple[int, int]:
    """Of the user and the user's group."""
    user = pwd.getpwnam(name)
    return user.pw_uid, user.pw_gid


def hashed(password: str) -> str:
    """SHA-256 by crypt(3), so that every server that hashes does the same work at a login."""
    command = ["openssl", "passwd", "-5", "-stdin"]
    return subprocess.run(command, input=password, capture_output=True, text=True, check=True).stdout.strip()


def unpacked_version(folder: Path, package: str) -> str:
    """As scripts/install-peers wrote it down."""
    return (folder / f".has-{package}").read_text().strip()
