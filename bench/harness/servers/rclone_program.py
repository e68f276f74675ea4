"""rclone as scripts/install-peers has put it there: built by Go where this machine has one, else Debian's older one."""

from dataclasses import dataclass
from pathlib import Path

from bench.harness.servers.debian import unpacked_version
from bench.harness.servers.running import Unavailable


@dataclass(frozen=True, slots=True, kw_only=True)
class Rclone:
    """`without_ftp` says in a sentence why it has no `serve ftp`; empty if it has."""

    program: Path
    version: str
    without_ftp: str = ""


def rclone_in(peers: Path) -> Rclone:
    """Raises Unavailable."""
    built, unpacked = peers / "rclone-go", peers / "rclone"
    if (built / ".complete").exists():
        # The module, its version, its hash.
        version = (built / ".complete").read_text().split()[1]
        return Rclone(program=built / "rclone", version=version.removeprefix("v"))
    program = unpacked / "usr/bin/rclone"
    if not program.exists():
        raise Unavailable(f"rclone is not in {peers.name}: run scripts/install-peers")
    lacking = "rclone serve ftp is left out: Debian's rclone is built without it, and there is no Go to build another"
    return Rclone(program=program, version=unpacked_version(unpacked, "rclone"), without_ftp=lacking)
