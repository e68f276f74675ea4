"""A large file up and down through FTP, and how much memory the service needed for it.

    python bench/large_file.py [--gib 5]

Prints a table for docs/benchmarks.md. The bytes are generated and hashed on the way, so that no client-side file is
needed; MB/s therefore includes the client's SHA-256 and is no speed record.
"""

import argparse
import asyncio
import ftplib
import hashlib
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from crossdock.cli.demo.clients import AwsClients
from crossdock.cli.demo.service import Service, running_service
from crossdock.examples.article import Article

BLOCK = secrets.token_bytes(1 << 20)
LIMIT_MIB = 200
TIMEOUT_S = 3600


class Generated:
    """A file of that many MiB that never existed."""

    def __init__(self, mib: int) -> None:
        self._blocks: Iterator[int] = iter(range(mib))
        self.sha256 = hashlib.sha256()

    def read(self, _size: int) -> bytes:
        number = next(self._blocks, None)
        if number is None:
            return b""
        block = number.to_bytes(8, "big") + BLOCK[8:]
        self.sha256.update(block)
        return block


def peak_mib(service: Service) -> float:
    """The most memory the service's process ever had (VmHWM), in MiB."""
    status = Path(f"/proc/{service.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


async def prepare(service: Service, password: str) -> tuple[str, int]:
    """The article's hub with user1; returns where the server is."""
    article = Article(do=AwsClients(service).do)
    server_id = await article.build(lambda: password)
    line = await asyncio.to_thread(service.line, "ready ftp ", timeout_s=30)
    host, _, port = line.split()[2].rpartition(":")
    assert f"server={server_id}" in line
    return host, int(port)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gib", type=float, default=5.0)
    mib = int(parser.parse_args().gib * 1024)
    with (
        tempfile.TemporaryDirectory(prefix="crossdock-bench-") as folder,
        running_service(Path(folder) / "data", Path(folder) / "service.log", region="us-east-1") as service,
    ):
        password = secrets.token_urlsafe(12)
        host, port = asyncio.run(prepare(service, password))
        idle = peak_mib(service)
        with ftplib.FTP() as ftp:
            ftp.connect(host, port, timeout=TIMEOUT_S)
            ftp.login("user1", password)
            sent = Generated(mib)
            began = time.monotonic()
            ftp.storbinary("STOR large.bin", sent, blocksize=1 << 20)
            up_s, up_peak = time.monotonic() - began, peak_mib(service)
            received = hashlib.sha256()
            began = time.monotonic()
            ftp.retrbinary("RETR large.bin", received.update, blocksize=1 << 20)
            down_s, down_peak = time.monotonic() - began, peak_mib(service)
        same = received.digest() == sent.sha256.digest()
    print("| what | GiB | seconds | MB/s | peak memory of the service, MiB |")
    print("|---|---|---|---|---|")
    print(f"| idle, after start and set-up | | | | {idle:.0f} |")
    for name, seconds, peak in (("upload", up_s, up_peak), ("download", down_s, down_peak)):
        print(f"| {name} | {mib / 1024:g} | {seconds:.1f} | {mib * 1.048576 / seconds:.0f} | {peak:.0f} |")
    print(f"\nSHA-256 of what came back: {'the same' if same else 'DIFFERENT'}")
    return 0 if same and max(up_peak, down_peak) < LIMIT_MIB else 1


if __name__ == "__main__":
    sys.exit(main())
