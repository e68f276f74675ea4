"""Certificates of TLS servers in files of this computer, as certbot and the like keep them.

A file that changes is read at the next handshake; one that cannot be used leaves what was read before in place. Whether
one that could not be read can be read by now is asked each time.
"""

import asyncio
import logging
import os
import stat
from collections.abc import Mapping
from pathlib import Path

from crossdock.core.pem import (
    BadPem,
    certificates_pem,
    fingerprint,
    private_key_pem,
    read_chain_and_key,
)
from crossdock.core.servers import Server
from crossdock.ports.certificates import CertificateUnavailable, TlsCertificate

EVERY_SERVER = "*"
MAX_BYTES = 1 << 20

_log = logging.getLogger(__name__)
_Marks = tuple[tuple[int, ...] | None, ...]


class CertificateFiles:
    """See `ports.certificates.ServerCertificates`.

    `paths` has a chain and a key for servers by their ids; those of `*` are for all others.
    """

    def __init__(self, paths: Mapping[str, tuple[Path, Path]]) -> None:
        self._pairs = {name: _Pair(chain, key) for name, (chain, key) in paths.items()}

    def cover(self, server_id: str) -> bool:
        """Whether a server's certificate is in files at all."""
        return not self._pairs.keys().isdisjoint((server_id, EVERY_SERVER))

    async def certificate(self, server: Server) -> TlsCertificate:
        pair = self._pairs.get(server.server_id) or self._pairs.get(EVERY_SERVER)
        if pair is None:
            raise CertificateUnavailable(f"no certificate files are set for {server.server_id}")
        return await pair.current()


class _Unreadable(CertificateUnavailable):
    """The system did not let us read a file; that may pass without the file's changing."""


class _Pair:
    """Two files and what was last read of them."""

    def __init__(self, chain: Path, key: Path) -> None:
        self._paths = (chain, key)
        self._lock = asyncio.Lock()
        self._marks: _Marks | None = None
        self._good: TlsCertificate | None = None
        self._objection = ""

    async def current(self) -> TlsCertificate:
        """Raises CertificateUnavailable when they could never be used."""
        async with self._lock:
            await asyncio.to_thread(self._refresh)
        if self._good is None:
            raise CertificateUnavailable(self._objection)
        return self._good

    def _refresh(self) -> None:
        # Marked before they are read: what changes meanwhile is read again next time.
        marks = tuple(_mark(path) for path in self._paths)
        if marks == self._marks:
            return
        try:
            self._good = load_certificate_files(*self._paths)
        except CertificateUnavailable as error:
            self._marks = None if isinstance(error, _Unreadable) else marks
            self._object(str(error))
        else:
            self._marks = marks
            self._objection = ""

    def _object(self, objection: str) -> None:
        if self._good is not None and objection != self._objection:
            _log.error("the certificate files have changed and cannot be used: the last good ones stay: %s", objection)
        self._objection = objection


def load_certificate_files(chain_path: Path, key_path: Path) -> TlsCertificate:
    """Read a chain that begins with the server's own certificate, and its key.

    Raises:
        CertificateUnavailable: a sentence names the file and says what to change.
    """
    chain, _ = _read(chain_path)
    key, mode = _read(key_path)
    if mode & 0o077:
        raise CertificateUnavailable(f"others may read the key file {key_path} (mode {mode:04o}): chmod 600 it")
    try:
        certificates, private = read_chain_and_key(chain, key, chain_in=chain_path, key_in=key_path)
    except BadPem as error:
        raise CertificateUnavailable(str(error)) from error
    return TlsCertificate(
        chain_pem=certificates_pem(certificates),
        key_pem=private_key_pem(private),
        fingerprint=fingerprint(certificates),
    )


def _mark(path: Path) -> tuple[int, ...] | None:
    """What changes when a file is written, replaced, or opened to us; None for one that cannot be looked at."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns, found.st_size, found.st_ino, found.st_dev


def _read(path: Path) -> tuple[bytes, int]:
    """A file's content and its permission bits."""
    try:
        # Not to wait for a writer, should it be a pipe.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise CertificateUnavailable(f"{path} is not a file")
            with open(descriptor, "rb", closefd=False) as file:
                content = file.read(MAX_BYTES + 1)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise _Unreadable(f"cannot read {path}: {error.strerror}") from error
    if len(content) > MAX_BYTES:
        raise CertificateUnavailable(f"{path} is larger than {MAX_BYTES} bytes")
    return content, stat.S_IMODE(found.st_mode)
