"""Clients that stand still in the middle of a file, so that something can happen there.

for kind in HALFWAY.values():
    transfer = kind(front, "name", content)     # logs in; half of the file is on its way
    …
    outcome = transfer.finish()                 # the rest
"""

import ftplib
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Protocol

import paramiko
from paramiko.sftp import CMD_CLOSE
from tests.e2e.harness import COMMAND_S

CHUNK = 256 << 10
FIRST_READ = 1 << 20
"""Of a download, before it stands still: what is read ahead is more."""


class Place(Protocol):
    """Where they log in, and as whom."""

    @property
    def user(self) -> str: ...

    @property
    def password(self) -> str: ...

    @property
    def ftp(self) -> tuple[str, int]: ...

    @property
    def sftp(self) -> tuple[str, int]: ...


@dataclass(frozen=True, slots=True)
class Outcome:
    """`said` is what the server answered; `received` what a download has got."""

    worked: bool
    said: str
    received: bytes = b""


class Halfway(Protocol):
    def finish(self) -> Outcome: ...


class FtpUpload:
    def __init__(self, place: Place, name: str, content: bytes) -> None:
        self._ftp = log_in(place)
        self._data = self._ftp.transfercmd(f"STOR {name}")
        half = len(content) * 3 // 4
        self._rest = content[half:]
        self._data.sendall(content[:half])

    def finish(self) -> Outcome:
        with self._ftp:
            with suppress(OSError), self._data:  # the server closes it when it gives up
                self._data.sendall(self._rest)
            said = self._ftp.getmultiline()
        return Outcome(said.startswith("226"), said)


class FtpDownload:
    def __init__(self, place: Place, name: str, content: bytes) -> None:
        self._ftp = log_in(place)
        self._data = self._ftp.transfercmd(f"RETR {name}")
        self._received = bytearray()
        while len(self._received) < FIRST_READ:
            self._received += self._data.recv(CHUNK)

    def finish(self) -> Outcome:
        with self._ftp:
            with suppress(OSError), self._data:
                while chunk := self._data.recv(CHUNK):
                    self._received += chunk
            said = self._ftp.getmultiline()
        return Outcome(said.startswith("226"), said, bytes(self._received))


class SftpUpload:
    def __init__(self, place: Place, name: str, content: bytes) -> None:
        self._stack = ExitStack()
        self._sftp = open_sftp(place, self._stack)
        self._file = self._sftp.open(name, "wb")
        half = len(content) * 3 // 4
        self._rest = content[half:]
        self._file.write(content[:half])

    def finish(self) -> Outcome:
        def write() -> None:
            self._file.write(self._rest)
            close(self._sftp, self._file)

        with self._stack:
            return Outcome(*told(write))


class SftpDownload:
    def __init__(self, place: Place, name: str, content: bytes) -> None:
        self._stack = ExitStack()
        self._file = open_sftp(place, self._stack).open(name, "rb")
        self._received = bytearray(self._file.read(FIRST_READ))

    def finish(self) -> Outcome:
        def read() -> None:
            while chunk := self._file.read(CHUNK):
                self._received.extend(chunk)

        with self._stack:
            worked, said = told(read)
        return Outcome(worked, said, bytes(self._received))


UPLOADS: dict[str, Callable[[Place, str, bytes], Halfway]] = {"ftp": FtpUpload, "sftp": SftpUpload}
DOWNLOADS: dict[str, Callable[[Place, str, bytes], Halfway]] = {"ftp": FtpDownload, "sftp": SftpDownload}


def log_in(place: Place) -> ftplib.FTP:
    ftp = ftplib.FTP(encoding="utf-8")
    ftp.connect(*place.ftp, timeout=COMMAND_S)
    ftp.login(place.user, place.password)
    ftp.voidcmd("TYPE I")
    return ftp


def open_sftp(place: Place, stack: ExitStack) -> paramiko.SFTPClient:
    ssh = stack.enter_context(paramiko.SSHClient())
    ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())
    host, port = place.sftp
    own = {"password": place.password, "allow_agent": False, "look_for_keys": False}
    ssh.connect(host, port, place.user, timeout=COMMAND_S, **own)
    sftp = stack.enter_context(ssh.open_sftp())
    channel = sftp.get_channel()
    assert channel is not None
    channel.settimeout(COMMAND_S)
    return sftp


def close(sftp: paramiko.SFTPClient, file: paramiko.SFTPFile) -> None:
    """With the server's answer, which `SFTPFile.close` keeps to itself."""
    sftp._request(CMD_CLOSE, file.handle)
    file._closed = True


def told(step: Callable[[], None]) -> tuple[bool, str]:
    try:
        step()
    except OSError as error:
        return False, error.strerror or str(error)
    return True, ""
