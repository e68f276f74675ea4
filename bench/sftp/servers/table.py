"""The servers that Crossdock's SFTP stands beside."""

from collections.abc import Mapping

from bench.harness.servers.running import Adapter
from bench.sftp.servers.asyncssh_server import asyncssh
from bench.sftp.servers.openssh import openssh
from bench.sftp.servers.rclone import rclone

SFTPGO = "sftpgo is left out: neither Debian nor PyPI has it"
PEERS: Mapping[str, Adapter] = {
    "openssh": openssh,
    "asyncssh": asyncssh,
    "rclone": rclone,
}
